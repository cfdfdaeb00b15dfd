/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many slow clients of one server, on the loopback address. Each connection sends a beginning at once, then one byte of
 * filling after each pause, for ever; or, with --read, sends a whole request and reads one byte after each pause.
 * Ends when the server has closed them all, or after --for; prints what came of it:
 *
 *	connections 200 closed 200 refused 0 status 408 200 longest 1.52
 *
 * Backslashes in --begin and --fill mean what they mean to printf(1): \r \n \\.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/base/parse.h"
#include "../../lib/base/vec.h"

enum { STATUSES = 600 };

struct client {
	int fd;
	int64_t opened_ms, closed_ms;
	size_t filled;
	char head[16];
	size_t head_len;
};

static struct {
	int64_t port, n, every_ms, for_ms;
	char *begin, *fill;
	bool read;
} options = { .n = 1, .every_ms = 100, .for_ms = 10000 };

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static char *unescape(const char *text)
{
	char *out = xmalloc(strlen(text) + 1), *p = out;

	for (; *text; text++) {
		char c = *text;

		if (c == '\\' && text[1]) {
			c = *++text;
			c = c == 'r' ? '\r' : c == 'n' ? '\n' : c;
		}
		*p++ = c;
	}
	*p = '\0';
	return out;
}

static int connect_one(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;

	if (fd >= 0 && options.read) /* so that the answer does not fit into the kernel's buffers */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void close_one(struct client *client)
{
	close(client->fd);
	client->fd = -1;
	client->closed_ms = now_ms();
}

/* What the server says; false when it has closed the connection. */
static bool take_answer(struct client *client, size_t max)
{
	char data[4096];
	ssize_t n = recv(client->fd, data, MIN(max, sizeof(data)), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	for (ssize_t i = 0; i < n && client->head_len < sizeof(client->head) - 1; i++)
		client->head[client->head_len++] = data[i];
	return true;
}

static void step(struct client *client)
{
	size_t len = strlen(options.fill);

	if (!take_answer(client, options.read ? 1 : 4096)) {
		close_one(client);
		return;
	}
	if (!options.read && len &&
		send(client->fd, &options.fill[client->filled++ % len], 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		errno != EAGAIN) {
		take_answer(client, 4096); /* a reset may leave what came before it */
		close_one(client);
	}
}

static void report(const struct client *clients)
{
	int statuses[STATUSES] = { 0 };
	int64_t longest = 0;
	int closed = 0, refused = 0;

	for (int64_t i = 0; i < options.n; i++) {
		const struct client *c = &clients[i];
		int status = 0;

		refused += c->opened_ms == 0;
		closed += c->opened_ms && c->fd < 0;
		longest = MAX(longest, (c->fd < 0 ? c->closed_ms : now_ms()) - c->opened_ms);
		if (sscanf(c->head, "HTTP/1.%*d %3d", &status) == 1 && status > 0 && status < STATUSES)
			statuses[status]++;
	}
	printf("connections %d closed %d refused %d", (int)options.n, closed, refused);
	for (int i = 0; i < STATUSES; i++) {
		if (statuses[i])
			printf(" status %d %d", i, statuses[i]);
	}
	printf(" longest %.2f\n", (double)longest / 1000);
}

static int run(void)
{
	struct client *clients = xcalloc((size_t)options.n, sizeof(*clients));
	int64_t end = now_ms() + options.for_ms, open = 0;

	for (int64_t i = 0; i < options.n; i++) {
		struct client *c = &clients[i];

		c->fd = connect_one();
		if (c->fd < 0)
			continue;
		c->opened_ms = now_ms();
		open++;
		(void)!send(c->fd, options.begin, strlen(options.begin), MSG_NOSIGNAL);
	}
	printf("opened %d\n", (int)open);
	fflush(stdout);
	while (open && now_ms() < end) {
		poll(NULL, 0, (int)options.every_ms);
		open = 0;
		for (int64_t i = 0; i < options.n; i++) {
			if (clients[i].fd >= 0)
				step(&clients[i]);
			open += clients[i].fd >= 0;
		}
	}
	report(clients);
	for (int64_t i = 0; i < options.n; i++) {
		if (clients[i].fd >= 0)
			close(clients[i].fd);
	}
	free(clients);
	return 0;
}

static int64_t number(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;

	if (parse_int(&n, text, 0, 1000000, &err) < 0) {
		fprintf(stderr, "slow: '%s' is no number\n", text);
		exit(64);
	}
	return n;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'n' },
		{ "every-ms", required_argument, NULL, 'e' },
		{ "for-ms", required_argument, NULL, 't' },
		{ "begin", required_argument, NULL, 'b' },
		{ "fill", required_argument, NULL, 'f' },
		{ "read", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char *begin = "", *fill = "";

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		switch (c) {
		case 'p': options.port = number(optarg); break;
		case 'n': options.n = number(optarg); break;
		case 'e': options.every_ms = number(optarg); break;
		case 't': options.for_ms = number(optarg); break;
		case 'b': begin = optarg; break;
		case 'f': fill = optarg; break;
		case 'r': options.read = true; break;
		default: return 64;
		}
	}
	options.begin = unescape(begin);
	options.fill = unescape(fill);
	int code = run();
	free(options.begin);
	free(options.fill);
	return code;
}
