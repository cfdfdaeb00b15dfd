/* SPDX-License-Identifier: Apache-2.0 */
#include "connect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { NEXT_ATTEMPT_US = 250000 }; /* "Connection Attempt Delay", RFC 8305, 5 */

static void start_next(struct connector *connector);

static void end_attempt(struct connector *connector, struct attempt *attempt)
{
	if (attempt->fd < 0)
		return;
	loop_io_remove(connector->check->loop, &attempt->io);
	close(attempt->fd);
	attempt->fd = -1;
}

void connector_stop(struct connector *connector)
{
	resolve_cancel(&connector->resolve);
	loop_timer_clear(connector->check->loop, &connector->stagger);
	for (size_t i = 0; i < connector->n_attempts; i++)
		end_attempt(connector, &connector->attempts[i]);
}

static bool any_runs(const struct connector *connector)
{
	for (size_t i = 0; i < connector->n_attempts; i++) {
		if (connector->attempts[i].fd >= 0)
			return true;
	}
	return false;
}

/* From the SYN to its answer, as the kernel has seen it: our own turn in the loop may come later. When a packet was
 * lost its number is of the last try only, then the clock has to do. */
static int64_t handshake_us(int fd, int64_t started_us)
{
	int64_t clock_us = monotonic_us() - started_us;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || info.tcpi_total_retrans || !info.tcpi_rtt)
		return clock_us;
	return MIN((int64_t)info.tcpi_rtt, clock_us);
}

static void note_error(struct connector *connector, const union address *address, int error)
{
	char text[ADDRESS_TEXT];

	if (!connector->error[0])
		snprintf(connector->error, sizeof(connector->error), "cannot connect to %s: %s",
			address_format_port(text, address), strerror(error));
}

/* It has failed: the next one, now. */
static void failed(struct connector *connector, struct attempt *attempt, int error)
{
	note_error(connector, &connector->resolve.addresses[attempt - connector->attempts], error);
	end_attempt(connector, attempt);
	start_next(connector);
}

static void succeeded(struct connector *connector, struct attempt *attempt)
{
	connector->fd = attempt->fd;
	connector->peer = connector->resolve.addresses[attempt - connector->attempts];
	connector->connect_us = handshake_us(attempt->fd, attempt->started_us);
	loop_io_remove(connector->check->loop, &attempt->io);
	attempt->fd = -1;
	connector_stop(connector);
	connector->done(connector);
}

static void on_event(void *ctx, uint32_t events)
{
	struct attempt *attempt = ctx;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		failed(attempt->connector, attempt, error);
	else
		succeeded(attempt->connector, attempt);
}

/* Loopback answers before connect() returns: then there is nothing to wait for. */
static bool is_established(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_ESTABLISHED;
}

/* 0: it runs, or has failed as the network may; else the connector is done, or the check has ended for want of
 * descriptors. */
static int start_attempt(struct connector *connector, struct attempt *attempt, const union address *address)
{
	struct mrp_err err = MRP_ERR_INIT;

	attempt->connector = connector;
	attempt->fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0 && errno != EAFNOSUPPORT) {
		check_errno(connector->check, "cannot make a socket");
		return -1;
	}
	attempt->started_us = monotonic_us();
	if (attempt->fd < 0 || (connect(attempt->fd, &address->sa, address_len(address)) < 0 && errno != EINPROGRESS)) {
		note_error(connector, address, errno);
		end_attempt(connector, attempt);
		return 0;
	}
	if (is_established(attempt->fd)) {
		succeeded(connector, attempt);
		return 1;
	}
	if (loop_io_add(connector->check->loop, &attempt->io, attempt->fd, EPOLLOUT, on_event, attempt, &err) == 0)
		return 0;
	check_error(connector->check, REASON_LIMIT, "%s", err.msg);
	mrp_err_clear(&err);
	return -1;
}

static void on_stagger(void *ctx)
{
	start_next(ctx);
}

static void start_next(struct connector *connector)
{
	struct check *check = connector->check;
	struct resolve *resolve = &connector->resolve;

	while (connector->n_attempts < resolve->n) {
		size_t i = connector->n_attempts++;
		char text[ADDRESS_TEXT];

		snprintf(connector->stage, sizeof(connector->stage), "connecting to %s",
			address_format_port(text, &resolve->addresses[i]));
		if (start_attempt(connector, &connector->attempts[i], &resolve->addresses[i]) != 0)
			return;
		if (connector->attempts[i].fd < 0)
			continue;
		if (connector->n_attempts < resolve->n)
			loop_timer_set(check->loop, &connector->stagger, monotonic_us() + NEXT_ATTEMPT_US);
		return;
	}
	if (!any_runs(connector))
		check_end(check, NAGIOS_CRITICAL, "%s", connector->error);
}

static void on_resolved(struct resolve *resolve)
{
	struct connector *connector =
		(struct connector *)(void *)((char *)resolve - offsetof(struct connector, resolve));

	if (resolve->end != RESOLVED) {
		resolve_failed(connector->check, resolve);
		return;
	}
	connector->resolve_us = resolve->took_us;
	for (size_t i = 0; i < resolve->n; i++)
		address_set_port(&resolve->addresses[i], connector->port);
	start_next(connector);
}

void connector_start(struct connector *connector)
{
	struct check *check = connector->check;

	connector->fd = -1;
	connector->stagger = (struct loop_timer){ .fn = on_stagger, .ctx = connector };
	connector->resolve.host = connector->host;
	connector->resolve.ip_version = option_ip_version(check);
	connector->resolve.done = on_resolved;
	snprintf(connector->stage, sizeof(connector->stage), "resolving '%.255s'", connector->host);
	check->stage = connector->stage;
	if (resolve_start(check->resolver, &connector->resolve))
		on_resolved(&connector->resolve);
}
