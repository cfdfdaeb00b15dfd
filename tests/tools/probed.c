/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers for probes to look at, on free ports of the loopback address: DNS by UDP and TCP (one port), HTTP, and a port
 * that accepts and says nothing. Prints "dns=PORT http=PORT silent=PORT" and serves until its standard input ends.
 *
 * DNS answers by the first label of the name: a, aaaa, txt, mx, cname, none (no record), nx, fail, cut (by UDP cut
 * off), late (after 100 ms), silent, garbage, other (of another question). HTTP answers by the path: /status/N,
 * /size/N, /say/TEXT, /to/URL (redirect), /loop, /echo (the request), /silent, /close, /garbage.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/base/base.h"
#include "../../lib/base/strbuf.h"

enum { DNS_UDP, DNS_TCP, HTTP, SILENT, LISTENERS, LATE_MS = 100 };

static int listen_on(int type, int *port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)*port)
	};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 4096) < 0) || getsockname(fd, (struct sockaddr *)&in, &len) < 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(in.sin_port);
	return fd;
}

/* --- DNS ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int rcode, type;
	const char *data;
	size_t len;
} zone[] = {
	{ "a", 0, 1, "\300\000\002\001", 4 },
	{ "a", 0, 1, "\300\000\002\002", 4 },
	{ "cut", 0, 1, "\300\000\002\003", 4 },
	{ "late", 0, 1, "\300\000\002\004", 4 },
	{ "aaaa", 0, 28, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
	{ "txt", 0, 16, "\006hello \005world", 13 },
	{ "mx", 0, 15, "\000\012\004mail\007example\000", 16 },
	{ "cname", 0, 5, "\001a\xc0\x12", 4 }, /* after the label and the question: test. */
	{ "cname", 0, 1, "\300\000\002\001", 4 },
	{ "nx", 3, 0, NULL, 0 },
	{ "fail", 2, 0, NULL, 0 },
};

static void put16(struct strbuf *out, int n)
{
	strbuf_addch(out, (char)(n >> 8));
	strbuf_addch(out, (char)n);
}

/* The answer, or nothing. */
static void dns_answer(struct strbuf *out, const uint8_t *query, size_t len, bool tcp)
{
	char label[64] = "";
	size_t end = 12, n = 0, answers_at;
	int rcode = 0, type;

	if (len < 17 || query[12] > 63 || len < 13U + query[12])
		return;
	memcpy(label, query + 13, query[12]);
	while (end < len && query[end])
		end += query[end] + 1U;
	if ((end += 5) > len || streq(label, "silent"))
		return;
	type = query[end - 4] << 8 | query[end - 3];
	if (streq(label, "late"))
		poll(NULL, 0, LATE_MS);
	strbuf_add(out, query, 2);
	if (streq(label, "other"))
		out->buf[0] ^= 1;
	if (streq(label, "garbage")) {
		strbuf_addstr(out, "\x81\x80 nonsense");
		return;
	}
	strbuf_add(out, "\x81\x80\0\1\0\0\0\0\0\0", 10);
	answers_at = 6;
	strbuf_add(out, query + 12, end - 12);
	for (size_t i = 0; i < ARRAY_SIZE(zone); i++) {
		if (!streq(zone[i].name, label))
			continue;
		rcode = zone[i].rcode;
		if (zone[i].type != type && zone[i].type != 5)
			continue;
		strbuf_add(out, "\xc0\x0c", 2);
		put16(out, zone[i].type);
		strbuf_add(out, "\0\1\0\0\0\x3c", 6);
		put16(out, (int)zone[i].len);
		strbuf_add(out, zone[i].data, zone[i].len);
		n++;
	}
	out->buf[3] = (char)(out->buf[3] | rcode);
	out->buf[answers_at + 1] = (char)n;
	if (streq(label, "cut") && !tcp) {
		out->buf[2] |= 2;
		out->buf[answers_at + 1] = 0;
		strbuf_setlen(out, end);
	}
}

static void serve_dns_udp(int fd)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t query[2048];
	ssize_t n = recvfrom(fd, query, sizeof(query), 0, (struct sockaddr *)&from, &len);

	if (n > 0)
		dns_answer(&out, query, (size_t)n, false);
	if (out.len)
		sendto(fd, out.buf, out.len, 0, (struct sockaddr *)&from, len);
}

static void serve_dns_tcp(int fd)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT, whole = STRBUF_INIT;
	uint8_t query[2048];
	ssize_t n = recv(fd, query, sizeof(query), 0);

	if (n > 2)
		dns_answer(&out, query + 2, (size_t)n - 2, true);
	put16(&whole, (int)out.len);
	strbuf_add(&whole, out.buf, out.len);
	if (out.len)
		send(fd, whole.buf, whole.len, MSG_NOSIGNAL);
	close(fd);
}

/* --- HTTP --------------------------------------------------------------------------------------------------------- */

static void respond(int fd, int status, const char *header, const char *body, size_t len)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

	strbuf_addf(
		&out, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n", status, len, header);
	strbuf_add(&out, body, len);
	for (size_t at = 0; at < out.len;) {
		ssize_t n = send(fd, out.buf + at, out.len - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(fd);
}

static bool read_request(struct strbuf *request, int fd)
{
	char data[4096];

	while (!strstr(request->buf, "\r\n\r\n")) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		if (n <= 0)
			return false;
		strbuf_add(request, data, (size_t)n);
		if (request->buf[0] == 0x16) { /* TLS, which is not spoken here: what nginx says then */
			send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
			return false;
		}
	}
	const char *length = strcasestr(request->buf, "content-length:");
	size_t head = (size_t)(strstr(request->buf, "\r\n\r\n") + 4 - request->buf);
	size_t want = head + (length ? strtoul(length + 15, NULL, 10) : 0);
	while (request->len < want) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		if (n <= 0)
			return false;
		strbuf_add(request, data, (size_t)n);
	}
	return true;
}

static void serve_http(int fd)
{
	cleanup(strbuf_release) struct strbuf request = STRBUF_INIT, header = STRBUF_INIT, body = STRBUF_INIT;
	cleanup(freep) char *path = NULL;
	const char *rest;

	if (!read_request(&request, fd)) {
		close(fd);
		return;
	}
	const char *slash = strchr(request.buf, '/');
	path = xstrndup(slash, strcspn(slash, " \r\n"));
	if (skip_prefix(path, "/status/", &rest)) {
		respond(fd, (int)strtol(rest, NULL, 10), "", "", 0);
	} else if (skip_prefix(path, "/size/", &rest)) {
		strbuf_addchars(&body, 'x', strtoul(rest, NULL, 10));
		respond(fd, 200, "", body.buf, body.len);
	} else if (skip_prefix(path, "/say/", &rest)) {
		respond(fd, 200, "", rest, strlen(rest));
	} else if (skip_prefix(path, "/to/", &rest)) {
		strbuf_addf(&header, "Location: %s\r\n", rest);
		respond(fd, 302, header.buf, "", 0);
	} else if (streq(path, "/loop")) {
		respond(fd, 302, "Location: /loop\r\n", "", 0);
	} else if (streq(path, "/echo")) {
		respond(fd, 200, "", request.buf, request.len);
	} else if (streq(path, "/garbage")) {
		send(fd, "nonsense\r\n\r\n", 12, MSG_NOSIGNAL);
		close(fd);
	} else if (streq(path, "/close")) {
		close(fd);
	} else if (!streq(path, "/silent")) { /* that one stays open until the end */
		respond(fd, 404, "", "", 0);
	}
}

int main(void)
{
	struct pollfd fds[LISTENERS + 1] = { [LISTENERS] = { .fd = STDIN_FILENO, .events = POLLIN } };
	int ports[LISTENERS] = { 0 };

	signal(SIGPIPE, SIG_IGN);
	do { /* DNS wants the same number for both */
		ports[DNS_UDP] = 0;
		fds[DNS_UDP].fd = listen_on(SOCK_DGRAM, &ports[DNS_UDP]);
		ports[DNS_TCP] = ports[DNS_UDP];
		fds[DNS_TCP].fd = listen_on(SOCK_STREAM, &ports[DNS_TCP]);
		if (fds[DNS_TCP].fd < 0)
			close(fds[DNS_UDP].fd);
	} while (fds[DNS_TCP].fd < 0);
	fds[HTTP].fd = listen_on(SOCK_STREAM, &ports[HTTP]);
	fds[SILENT].fd = listen_on(SOCK_STREAM, &ports[SILENT]);
	for (int i = 0; i < LISTENERS; i++)
		fds[i].events = POLLIN;
	printf("dns=%d http=%d silent=%d\n", ports[DNS_UDP], ports[HTTP], ports[SILENT]);
	fflush(stdout);
	while (poll(fds, LISTENERS + 1, -1) > 0) {
		if (fds[LISTENERS].revents)
			return 0;
		if (fds[DNS_UDP].revents)
			serve_dns_udp(fds[DNS_UDP].fd);
		if (fds[DNS_TCP].revents)
			serve_dns_tcp(accept(fds[DNS_TCP].fd, NULL, NULL));
		if (fds[HTTP].revents)
			serve_http(accept(fds[HTTP].fd, NULL, NULL));
		if (fds[SILENT].revents)
			accept(fds[SILENT].fd, NULL, NULL);
	}
	return 1;
}
