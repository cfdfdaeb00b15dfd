/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: one question to one resolver, by UDP (again every two seconds, to the next resolver of the host, while there is
 * no answer; by TCP when the answer says that it was cut off) or by TCP. The time of an answer is the kernel's, taken
 * when its packet arrived.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "dns_servers.h"
#include "dns_wire.h"

enum {
	DNS_PORT = 53,
	SERVERS_MAX = 3,
	AGAIN_US = 2000000,
	NEXT_SERVER_US = 50000,
	RESOLV_CONF_MAX = 65536,
	SHOWN_RECORDS = 5
};

struct dns_check {
	struct check base;
	struct loop_io io;
	int fd;
	struct loop_timer again;
	union address servers[DNS_SERVERS_MAX];
	size_t n_servers, server;
	int type;
	bool tcp;
	uint8_t query[2 + DNS_QUERY_MAX]; /* with the length in front that TCP wants */
	size_t query_len, sent;
	uint8_t *answer; /* by TCP: as much as came */
	size_t answer_len;
	int64_t first_us, first_wall_ns; /* when the first packet left, or connecting began */
	char stage[128];
};

static void ask(struct dns_check *dns);

/* --- what the answer says ----------------------------------------------------------------------------------------- */

static bool has_record(const struct dns_check *dns, const struct dns_answer *answer, const char *written)
{
	for (size_t i = 0; i < answer->records.n; i++) {
		if (dns_record_equal(dns->type, answer->records.v[i], written))
			return true;
	}
	return false;
}

/* The first expected record that is not there, or NULL. */
static const char *missing_record(const struct dns_check *dns, const struct dns_answer *answer)
{
	const struct value *expect = value_get(dns->base.options, "expect");

	for (uint32_t i = 0; expect && i < expect->n; i++) {
		if (expect->items[i]->type == V_STRING && !has_record(dns, answer, expect->items[i]->s))
			return expect->items[i]->s;
	}
	return NULL;
}

static void list_records(struct strbuf *out, const struct dns_answer *answer)
{
	for (size_t i = 0; i < MIN(answer->records.n, (size_t)SHOWN_RECORDS); i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", answer->records.v[i]);
	if (answer->records.n > SHOWN_RECORDS)
		strbuf_addf(out, " and %zu more", answer->records.n - SHOWN_RECORDS);
}

static void judge(struct dns_check *dns, const struct dns_answer *answer, int64_t took_us)
{
	struct check *check = &dns->base;
	const char *name = option_text(check, "name"), *missing = missing_record(dns, answer);
	cleanup(strbuf_release) struct strbuf records = STRBUF_INIT;
	char rcode_text[16], type_text[16], server[ADDRESS_TEXT];
	const char *type = dns_type_name(type_text, dns->type), *rcode = dns_rcode_name(rcode_text, answer->rcode);

	address_format_port(server, &dns->servers[dns->server]);
	check_value(check, "time", "s", seconds(took_us));
	check_value(check, "records", "", (double)answer->records.n);
	check_detail(check, "server: %s (%s)%s", server, dns->tcp ? "TCP" : "UDP",
		answer->authoritative ? ", authoritative" : "");
	check_detail(check, "code: %s", rcode);
	for (size_t i = 0; i < answer->records.n; i++)
		check_detail(check, "%s %s %s", name, type, answer->records.v[i]);
	check_max_time(check, "the answer", took_us);
	list_records(&records, answer);
	if (answer->rcode != DNS_NOERROR)
		check_end(check, NAGIOS_CRITICAL, "%s: %s says %s%s", name, server, rcode,
			answer->rcode == DNS_NXDOMAIN ? ", there is no such name" : "");
	else if (!answer->records.n)
		check_end(check, NAGIOS_CRITICAL, "%s has no record of type %s", name, type);
	else if (missing)
		check_end(check, NAGIOS_CRITICAL, "%s: '%s' is not among the records (%s)", name, missing, records.buf);
	else
		check_end(check, NAGIOS_OK, "%s is %s in %.3f s", name, records.buf, seconds(took_us));
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

static void let_go(struct dns_check *dns)
{
	loop_timer_clear(dns->base.loop, &dns->again);
	loop_io_remove(dns->base.loop, &dns->io);
	if (dns->fd >= 0)
		close(dns->fd);
	dns->fd = -1;
}

/* True when the check has ended, or goes another way. */
static bool take_message(struct dns_check *dns, const uint8_t *message, size_t len, int64_t took_us)
{
	cleanup(dns_answer_release) struct dns_answer answer = DNS_ANSWER_INIT;
	enum dns_match match = dns_read_answer(&answer, message, len, dns->query + 2, dns->query_len);

	if (match == DNS_OTHER && !dns->tcp)
		return false; /* not for us: a late one, or somebody's try */
	if (match != DNS_ANSWER) {
		check_end(&dns->base, NAGIOS_CRITICAL, "what came back is no answer of DNS");
	} else if (answer.truncated && !dns->tcp) {
		let_go(dns);
		dns->tcp = true;
		check_detail(&dns->base, "the answer by UDP was cut off");
		ask(dns);
	} else {
		judge(dns, &answer, took_us);
	}
	return true;
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* From the first packet to the arrival of this one. The kernel's time is the wall clock's: when that was set meanwhile
 * it makes no sense, and ours has to do. */
static int64_t packet_took_us(const struct dns_check *dns, struct msghdr *header)
{
	int64_t clock_us = monotonic_us() - dns->first_us;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct timespec at;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		int64_t took_us = (at.tv_sec * INT64_C(1000000000) + at.tv_nsec - dns->first_wall_ns) / 1000;
		if (took_us >= 0 && took_us <= clock_us)
			return took_us;
	}
	return clock_us;
}

static void on_udp(void *ctx, uint32_t events)
{
	struct dns_check *dns = ctx;
	uint8_t message[4096];
	char control[128] __attribute__((aligned(8)));

	(void)events;
	for (;;) {
		struct iovec iov = { message, sizeof(message) };
		struct msghdr header = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
		};
		ssize_t n = recvmsg(dns->fd, &header, 0);
		char server[ADDRESS_TEXT];

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0 && dns->n_servers > 1) /* the next one, soon */
			return;
		if (n < 0) {
			check_end(&dns->base, NAGIOS_CRITICAL, "%s does not answer: %s",
				address_format_port(server, &dns->servers[dns->server]), strerror(errno));
			return;
		}
		if (take_message(dns, message, (size_t)n, packet_took_us(dns, &header)))
			return;
	}
}

static void send_udp(struct dns_check *dns)
{
	/* what cannot be sent now is as if it got lost: there is a next time */
	(void)!send(dns->fd, dns->query + 2, dns->query_len, MSG_NOSIGNAL);
	loop_timer_set(dns->base.loop, &dns->again, monotonic_us() + AGAIN_US);
}

static void on_again(void *ctx)
{
	struct dns_check *dns = ctx;

	if (dns->n_servers == 1) {
		send_udp(dns);
		return;
	}
	let_go(dns);
	dns->server = (dns->server + 1) % dns->n_servers;
	ask(dns);
}

/* --- TCP: two bytes of length before each message (RFC 1035, 4.2.2) ------------------------------------------------
 */

static void tcp_failed(struct dns_check *dns, int error)
{
	char server[ADDRESS_TEXT];

	address_format_port(server, &dns->servers[dns->server]);
	if (error)
		check_end(&dns->base, NAGIOS_CRITICAL, "%s does not answer by TCP: %s", server, strerror(error));
	else
		check_end(&dns->base, NAGIOS_CRITICAL, "%s closed the connection before an answer", server);
}

static void send_tcp(struct dns_check *dns)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	size_t whole = dns->query_len + 2;
	ssize_t n = send(dns->fd, dns->query + dns->sent, whole - dns->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		tcp_failed(dns, errno);
		return;
	}
	dns->sent += n > 0 ? (size_t)n : 0;
	if (dns->sent == whole && loop_io_change(dns->base.loop, &dns->io, EPOLLIN, &ignored) < 0)
		mrp_err_clear(&ignored);
}

static void receive_tcp(struct dns_check *dns)
{
	if (!dns->answer)
		dns->answer = xmalloc(2 + DNS_MESSAGE_MAX);
	ssize_t n = recv(dns->fd, dns->answer + dns->answer_len, 2 + DNS_MESSAGE_MAX - dns->answer_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tcp_failed(dns, n ? errno : 0);
		return;
	}
	dns->answer_len += (size_t)n;
	if (dns->answer_len < 2)
		return;
	size_t len = (size_t)dns->answer[0] << 8 | dns->answer[1];
	if (dns->answer_len >= len + 2)
		take_message(dns, dns->answer + 2, len, monotonic_us() - dns->first_us);
}

static void on_tcp(void *ctx, uint32_t events)
{
	struct dns_check *dns = ctx;

	if (dns->sent < dns->query_len + 2 && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		send_tcp(dns);
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		receive_tcp(dns);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void ask(struct dns_check *dns)
{
	const union address *server = &dns->servers[dns->server];
	int type = (dns->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1;
	struct mrp_err err = MRP_ERR_INIT;
	char text[ADDRESS_TEXT];

	snprintf(dns->stage, sizeof(dns->stage), "waiting for %s", address_format_port(text, server));
	dns->base.stage = dns->stage;
	dns->sent = dns->answer_len = 0;
	dns->fd = socket(server->sa.sa_family, type, 0);
	if (dns->fd < 0) {
		check_errno(&dns->base, "cannot make a socket");
		return;
	}
	if (!dns->tcp)
		setsockopt(dns->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (!dns->first_us) {
		dns->first_us = monotonic_us();
		dns->first_wall_ns = wall_ns();
	}
	if (connect(dns->fd, &server->sa, address_len(server)) < 0 && errno != EINPROGRESS) {
		if (dns->n_servers > 1 && !dns->tcp) {
			loop_timer_set(dns->base.loop, &dns->again, monotonic_us() + NEXT_SERVER_US);
			return;
		}
		check_end(&dns->base, NAGIOS_CRITICAL, "cannot reach %s: %s", text, strerror(errno));
		return;
	}
	if (loop_io_add(dns->base.loop, &dns->io, dns->fd, dns->tcp ? EPOLLOUT : EPOLLIN, dns->tcp ? on_tcp : on_udp,
		    dns, &err) < 0) {
		check_error(&dns->base, REASON_LIMIT, "%s", err.msg);
		mrp_err_clear(&err);
		return;
	}
	if (!dns->tcp)
		send_udp(dns);
}

static void start(struct check *check)
{
	struct dns_check *dns = (struct dns_check *)check;
	const char *server = option_text(check, "server"), *type = option_text(check, "type");
	struct mrp_err err = MRP_ERR_INIT;
	uint16_t id = 0;

	dns->fd = -1;
	dns->again = (struct loop_timer){ .fn = on_again, .ctx = dns };
	dns->tcp = option_bool(check, "tcp");
	dns->type = dns_type_from_name(type ? type : "A");
	if (dns->type < 0) {
		check_error(check, REASON_CONFIG, "there is no record type '%s'", type);
		return;
	}
	if (server && !dns_server_parse(&dns->servers[0], server)) {
		check_error(
			check, REASON_CONFIG, "server '%s' is neither an address nor an address with a port", server);
		return;
	}
	dns->n_servers = server ? 1 : dns_servers_of_host(dns->servers);
	(void)!getrandom(&id, sizeof(id), 0);
	int len = dns_make_query(dns->query + 2, id, option_text(check, "name"), dns->type, &err);
	if (len < 0) {
		check_error(check, REASON_CONFIG, "%s", err.msg);
		mrp_err_clear(&err);
		return;
	}
	dns->query_len = (size_t)len;
	dns->query[0] = (uint8_t)(len >> 8);
	dns->query[1] = (uint8_t)len;
	ask(dns);
}

static void stop(struct check *check)
{
	struct dns_check *dns = (struct dns_check *)check;

	let_go(dns);
	free(dns->answer);
}

const struct check_type check_dns = {
	.name = "dns",
	.size = sizeof(struct dns_check),
	.start = start,
	.stop = stop,
};
