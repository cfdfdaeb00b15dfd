/* SPDX-License-Identifier: Apache-2.0 */
/* icmp: echo requests at a fixed pace; loss and round-trip times, from just before sending to the kernel's arrival. */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "../base/parse.h"
#include "check.h"
#include "ping.h"

enum { COUNT = 3, INTERVAL_MS = 200, PAYLOAD = 56, LINGER_US = 1000000, BUSY_US = 1000 };

struct echo {
	int64_t sent_ns, sent_us; /* wall clock, monotonic */
	bool answered;
};

struct icmp_check {
	struct check base;
	struct resolve resolve;
	struct ping_target target;
	struct loop_timer timer; /* the next one to send, or the end of waiting */
	struct echo *echoes;
	size_t address; /* which one of those resolved */
	int count, sent, received;
	int64_t interval_us, began_us;
	size_t payload;
	int64_t sum_ns, min_ns, max_ns;
	int send_error; /* errno of the last one that could not be sent, or 0 */
	char stage[300];
};

static double milliseconds(int64_t ns)
{
	return (double)ns / 1e6;
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

static void add_values(struct icmp_check *icmp, double loss)
{
	struct check *check = &icmp->base;

	if (icmp->received)
		check_value(check, "rta", "ms", milliseconds(icmp->sum_ns / icmp->received));
	check_value(check, "pl", "%", loss);
	if (icmp->received) {
		check_value(check, "rtmax", "ms", milliseconds(icmp->max_ns));
		check_value(check, "rtmin", "ms", milliseconds(icmp->min_ns));
	}
}

static void judge(struct icmp_check *icmp)
{
	struct check *check = &icmp->base;
	double loss = 100.0 * (icmp->count - icmp->received) / icmp->count;
	int64_t max_rtt_ms = option_duration(check, "max_rtt", 0);
	int64_t mean_ns = icmp->received ? icmp->sum_ns / icmp->received : 0;
	char address[ADDRESS_TEXT];

	address_format(address, &icmp->target.address);
	add_values(icmp, loss);
	check_detail(check, "address: %s", address);
	check_detail(check, "sent: %d, answered: %d", icmp->count, icmp->received);
	if (!icmp->received && icmp->send_error)
		check_end(check, NAGIOS_CRITICAL, "cannot send to %s: %s", address, strerror(icmp->send_error));
	else if (!icmp->received)
		check_end(check, NAGIOS_CRITICAL, "%s does not answer, %d sent", address, icmp->count);
	else if (loss > option_percent(check, "max_loss", 0))
		check_end(check, NAGIOS_CRITICAL, "%s: %d of %d lost, rta %.3f ms", address,
			icmp->count - icmp->received, icmp->count, milliseconds(mean_ns));
	else if (max_rtt_ms && mean_ns > max_rtt_ms * 1000000)
		check_end(check, NAGIOS_CRITICAL, "%s: rta %.3f ms, more than %s", address, milliseconds(mean_ns),
			option_text(check, "max_rtt"));
	else
		check_end(check, NAGIOS_OK, "%s: rta %.3f ms, lost %.0f%%", address, milliseconds(mean_ns), loss);
}

/* --- back and forth ----------------------------------------------------------------------------------------------- */

/* The kernel's time of arrival is the wall clock's. When that was set meanwhile, ours has to do. */
static int64_t round_trip_ns(const struct echo *echo, int64_t arrived_ns)
{
	int64_t most_ns = (monotonic_us() - echo->sent_us) * 1000, took_ns = arrived_ns - echo->sent_ns;

	return took_ns < 0 || took_ns > most_ns + 1000 ? most_ns : took_ns;
}

static void on_reply(struct ping_target *target, uint16_t index, int64_t arrived_ns)
{
	struct icmp_check *icmp = (struct icmp_check *)(void *)((char *)target - offsetof(struct icmp_check, target));

	if (index >= icmp->sent || icmp->echoes[index].answered) /* twice: networks do that */
		return;
	int64_t took_ns = round_trip_ns(&icmp->echoes[index], arrived_ns);
	icmp->echoes[index].answered = true;
	icmp->min_ns = icmp->received ? MIN(icmp->min_ns, took_ns) : took_ns;
	icmp->max_ns = MAX(icmp->max_ns, took_ns);
	icmp->sum_ns += took_ns;
	if (++icmp->received == icmp->count) /* not now: it may be sending */
		loop_timer_set(icmp->base.loop, &icmp->timer, 0);
}

/* How long the last one may take: a second, or twice what is still good. */
static int64_t linger_us(const struct icmp_check *icmp)
{
	return MAX((int64_t)LINGER_US, 2000 * option_duration(&icmp->base, "max_rtt", 0));
}

static void on_timer(void *ctx);

static void use_address(struct icmp_check *icmp, size_t which)
{
	struct check *check = &icmp->base;
	struct mrp_err err = MRP_ERR_INIT;
	char address[ADDRESS_TEXT];

	ping_remove(check->shared, &icmp->target);
	icmp->address = which;
	icmp->target.address = icmp->resolve.addresses[which];
	icmp->target.reply = on_reply;
	if (ping_add(check->shared, &icmp->target, &err) < 0) {
		check_error(check, REASON_SPAWN, "%s", err.msg);
		mrp_err_clear(&err);
		return;
	}
	snprintf(icmp->stage, sizeof(icmp->stage), "waiting for %s", address_format(address, &icmp->target.address));
	icmp->began_us = monotonic_us();
	on_timer(icmp);
}

/* A host without IPv6 cannot send to the first address of many names. */
static bool has_other_address(const struct icmp_check *icmp, int error)
{
	return icmp->sent == 1 && icmp->address + 1 < icmp->resolve.n &&
		(error == ENETUNREACH || error == EADDRNOTAVAIL);
}

static void on_timer(void *ctx)
{
	struct icmp_check *icmp = ctx;
	struct loop *loop = icmp->base.loop;

	if (icmp->sent == icmp->count) {
		if (icmp->received < icmp->count)
			ping_look(icmp->base.shared, &icmp->target);
		judge(icmp);
		return;
	}
	struct echo *echo = &icmp->echoes[icmp->sent++];
	*echo = (struct echo){ .sent_us = monotonic_us(), .sent_ns = wall_ns() };
	if (ping_send(icmp->base.shared, &icmp->target, (uint16_t)(icmp->sent - 1), icmp->payload) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS) { /* our own queue is full: nothing about the target */
			icmp->sent--;
			loop_timer_set(loop, &icmp->timer, monotonic_us() + BUSY_US);
			return;
		}
		if (has_other_address(icmp, errno)) {
			icmp->sent = 0;
			use_address(icmp, icmp->address + 1);
			return;
		}
		icmp->send_error = errno;
	}
	if (icmp->received == icmp->count) /* they came while it sent */
		return;
	loop_timer_set(loop, &icmp->timer,
		icmp->sent == icmp->count ? echo->sent_us + linger_us(icmp)
					  : icmp->began_us + icmp->sent * icmp->interval_us);
}

static void on_resolved(struct resolve *resolve)
{
	struct icmp_check *icmp = (struct icmp_check *)(void *)((char *)resolve - offsetof(struct icmp_check, resolve));

	if (resolve->end != RESOLVED) {
		resolve_failed(&icmp->base, resolve);
		return;
	}
	use_address(icmp, 0);
}

static void start(struct check *check)
{
	struct icmp_check *icmp = (struct icmp_check *)check;
	const char *host = option_text(check, "host");

	icmp->timer = (struct loop_timer){ .fn = on_timer, .ctx = icmp };
	icmp->count = (int)option_int(check, "count", COUNT);
	icmp->interval_us = option_duration(check, "interval", INTERVAL_MS) * 1000;
	icmp->payload = (size_t)option_size(check, "size", PAYLOAD);
	icmp->echoes = xcalloc((size_t)icmp->count, sizeof(*icmp->echoes));
	snprintf(icmp->stage, sizeof(icmp->stage), "resolving '%.255s'", host);
	check->stage = icmp->stage;
	icmp->resolve.host = host;
	icmp->resolve.ip_version = option_ip_version(check);
	icmp->resolve.done = on_resolved;
	if (resolve_start(check->resolver, &icmp->resolve))
		on_resolved(&icmp->resolve);
}

static void stop(struct check *check)
{
	struct icmp_check *icmp = (struct icmp_check *)check;

	resolve_cancel(&icmp->resolve);
	loop_timer_clear(check->loop, &icmp->timer);
	ping_remove(check->shared, &icmp->target);
	free(icmp->echoes);
}

static void *open_sockets(struct loop *loop, struct mrp_err *err)
{
	(void)err;
	return ping_sockets_new(loop);
}

static void close_sockets(void *shared)
{
	ping_sockets_free(shared);
}

const struct check_type check_icmp = {
	.name = "icmp",
	.size = sizeof(struct icmp_check),
	.open = open_sockets,
	.close = close_sockets,
	.start = start,
	.stop = stop,
};
