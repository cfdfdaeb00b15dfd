/* SPDX-License-Identifier: Apache-2.0 */
/* tcp: connect, perhaps say something, perhaps wait for an answer. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"

enum { ANSWER_MAX = 1 << 20, READ_SIZE = 16384 };

struct tcp_check {
	struct check base;
	struct connector connector;
	struct loop_io io;
	const char *send, *expect;
	size_t sent;
	struct strbuf answer;
	int64_t connected_us;
};

static void good(struct tcp_check *tcp)
{
	char peer[ADDRESS_TEXT];

	address_format_port(peer, &tcp->connector.peer);
	if (!tcp->expect) {
		check_end(&tcp->base, NAGIOS_OK, "connected to %s in %.3f s", peer, seconds(tcp->connector.connect_us));
		return;
	}
	int64_t took_us = monotonic_us() - tcp->connected_us;
	check_labeled(&tcp->base, "phase", "s", "phase", "answer", seconds(took_us));
	check_end(&tcp->base, NAGIOS_OK, "the expected answer from %s in %.3f s", peer,
		seconds(tcp->connector.connect_us + took_us));
}

static void wrong_answer(struct tcp_check *tcp, const char *why)
{
	enum { SHOWN = 60 };
	cleanup(strbuf_release) struct strbuf start = STRBUF_INIT;

	strbuf_add_visible(&start, tcp->answer.buf, MIN(tcp->answer.len, (size_t)SHOWN));
	if (tcp->answer.len)
		check_end(&tcp->base, NAGIOS_CRITICAL, "%s without the expected answer; it begins with '%s'", why,
			start.buf);
	else
		check_end(&tcp->base, NAGIOS_CRITICAL, "%s before an answer", why);
}

/* True when the check has ended. */
static bool read_answer(struct tcp_check *tcp)
{
	char data[READ_SIZE];
	ssize_t n = recv(tcp->connector.fd, data, sizeof(data), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0)
		check_end(&tcp->base, NAGIOS_CRITICAL, "the connection broke: %s", strerror(errno));
	else if (n == 0)
		wrong_answer(tcp, "the connection was closed");
	if (n <= 0)
		return true;
	size_t expected = strlen(tcp->expect);
	size_t seen = tcp->answer.len > expected ? tcp->answer.len - expected : 0;
	strbuf_add(&tcp->answer, data, (size_t)n);
	if (memmem(tcp->answer.buf + seen, tcp->answer.len - seen, tcp->expect, expected))
		good(tcp);
	else if (tcp->answer.len > ANSWER_MAX)
		wrong_answer(tcp, "more than 1 MiB came");
	else
		return false;
	return true;
}

static bool send_some(struct tcp_check *tcp)
{
	size_t left = strlen(tcp->send) - tcp->sent;
	ssize_t n = send(tcp->connector.fd, tcp->send + tcp->sent, left, MSG_NOSIGNAL);

	if (n >= 0)
		tcp->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR) {
		check_end(&tcp->base, NAGIOS_CRITICAL, "cannot send: %s", strerror(errno));
		return true;
	}
	return false;
}

static void on_event(void *ctx, uint32_t events)
{
	struct tcp_check *tcp = ctx;
	struct mrp_err ignored = MRP_ERR_INIT;

	if (tcp->expect && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && read_answer(tcp))
		return;
	if (tcp->send && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		if (send_some(tcp))
			return;
		if (!tcp->send[tcp->sent])
			tcp->send = NULL;
	}
	if (!tcp->send && !tcp->expect)
		good(tcp);
	else if (!tcp->send && events & EPOLLOUT && loop_io_change(tcp->base.loop, &tcp->io, EPOLLIN, &ignored) < 0)
		mrp_err_clear(&ignored); /* then it wakes up too often, and its time ends it */
}

static void on_connected(struct connector *connector)
{
	struct tcp_check *tcp = (struct tcp_check *)(void *)((char *)connector - offsetof(struct tcp_check, connector));
	struct check *check = &tcp->base;
	struct mrp_err err = MRP_ERR_INIT;
	char peer[ADDRESS_TEXT];

	tcp->connected_us = monotonic_us();
	check_value(check, "time", "s", seconds(connector->connect_us));
	check_labeled(check, "phase", "s", "phase", "resolve", seconds(connector->resolve_us));
	check_labeled(check, "phase", "s", "phase", "connect", seconds(connector->connect_us));
	check_max_time(check, "connecting", connector->connect_us);
	check_detail(check, "address: %s", address_format_port(peer, &connector->peer));
	if (!tcp->send && !tcp->expect) {
		good(tcp);
		return;
	}
	check->stage = tcp->expect ? "waiting for the expected answer" : "sending";
	uint32_t events = (tcp->send ? EPOLLOUT : 0U) | (tcp->expect ? EPOLLIN : 0U);
	if (loop_io_add(check->loop, &tcp->io, connector->fd, events, on_event, tcp, &err) == 0)
		return;
	check_error(check, REASON_LIMIT, "%s", err.msg);
	mrp_err_clear(&err);
}

static void start(struct check *check)
{
	struct tcp_check *tcp = (struct tcp_check *)check;
	const char *send = option_text(check, "send");

	strbuf_init(&tcp->answer);
	tcp->send = send && *send ? send : NULL;
	tcp->expect = option_text(check, "expect");
	tcp->connector.check = check;
	tcp->connector.host = option_text(check, "host");
	tcp->connector.port = (int)option_int(check, "port", 0);
	tcp->connector.done = on_connected;
	connector_start(&tcp->connector);
}

static void stop(struct check *check)
{
	struct tcp_check *tcp = (struct tcp_check *)check;

	connector_stop(&tcp->connector);
	loop_io_remove(check->loop, &tcp->io);
	if (tcp->connector.fd >= 0)
		close(tcp->connector.fd);
	strbuf_release(&tcp->answer);
}

const struct check_type check_tcp = {
	.name = "tcp",
	.size = sizeof(struct tcp_check),
	.start = start,
	.stop = stop,
};
