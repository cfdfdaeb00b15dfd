/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers that never stop: connections that each create, change and delete things of their own as fast as they are
 * answered, until SIGTERM. When the server goes away they connect again, look at what had no answer, and go on. What
 * they did is in the journal, for others to compare with what is there:
 *
 *	sent CELL N           a write that leaves number N in the cell ("-": deletes it); no answer yet
 *	done CELL REVISION    its answer came; 0 for a delete, which has no revision
 *	seen CELL N REVISION  what a read says after a write without an answer, or at first
 *
 * A cell is a prober "w3-0" (POST, PATCH, DELETE), a variable "w3/v0" of cluster w3, which has to be there (PUT,
 * DELETE), or "p3-0": a recipe and a cluster, always written in one batch, so never one without the other. Any other
 * answer than success ends the program with status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../bench/common.h"
#include "../bench/http1.h"

enum { CELLS = 6, REQUEST_MAX = 2048, CONNECTIONS_MAX = 200, PAUSE_MS = 10 };

enum cell_kind { CELL_PROBER, CELL_VARIABLE, CELL_PAIR };

struct cell {
	enum cell_kind kind;
	char name[32], path[64]; /* of a pair: its slug */
	bool known;      /* the server has said what is in it */
	int64_t n, next; /* what is in it, and what the write on its way puts there; 0: nothing */
};

struct writer {
	int fd; /* -1: not connected */
	struct http1 http;
	struct cell cells[CELLS];
	struct cell *busy; /* a request about it has no answer yet */
	bool reading;      /* and it is a read */
	int part;          /* of a pair: 0 the cluster, 1 the recipe */
	int64_t part_n, part_revision;
	double retry_at;
};

static struct {
	long port, connections;
	FILE *journal;
	int64_t numbers, answered, unanswered;
} all = { .connections = 20 };

static volatile sig_atomic_t stopping;

static void on_stop(int sig)
{
	(void)sig;
	stopping = 1;
}

static const char *number(char text[24], int64_t n)
{
	if (n)
		snprintf(text, 24, "%" PRId64, n);
	else
		strcpy(text, "-");
	return text;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void send_request(struct writer *w, const char *method, const char *path, const char *body)
{
	char text[REQUEST_MAX];
	int len = snprintf(text, sizeof(text),
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", method,
		path, strlen(body), body);

	if (len < 0 || len >= (int)sizeof(text))
		die("a request is too long");
	w->http.keep_body = true;
	http1_start(&w->http);
	/* so little always fits into the socket's buffer; a broken connection shows itself when reading */
	(void)!send(w->fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void read_cell(struct writer *w, struct cell *cell)
{
	char path[80];

	snprintf(path, sizeof(path), "%s%s", cell->kind != CELL_PAIR ? "" : w->part ? "/v1/recipes/" : "/v1/clusters/",
		cell->path);
	w->busy = cell;
	w->reading = true;
	send_request(w, "GET", path, "");
}

static void write_prober(struct writer *w, const struct cell *cell)
{
	char body[256];

	if (!cell->next) {
		send_request(w, "DELETE", cell->path, "");
	} else if (cell->n) {
		snprintf(body, sizeof(body), "{\"description\":\"%" PRId64 "\"}", cell->next);
		send_request(w, "PATCH", cell->path, body);
	} else {
		snprintf(body, sizeof(body),
			"{\"slug\":\"%s\",\"managed\":true,\"command\":[\"x\"],\"description\":\"%" PRId64 "\"}", cell->name,
			cell->next);
		send_request(w, "POST", "/v1/probers", body);
	}
}

static void write_variable(struct writer *w, const struct cell *cell)
{
	char body[256];

	snprintf(body, sizeof(body), "{\"owner\":\"synchronize\",\"value\":{\"n\":%" PRId64 ",\"more\":[0.5,null,\"\\u00e9\"]}}",
		cell->next);
	send_request(w, cell->next ? "PUT" : "DELETE", cell->path, cell->next ? body : "");
}

static void write_pair(struct writer *w, const struct cell *cell)
{
	const char *s = cell->path;
	char body[1024];

	if (!cell->next)
		snprintf(body, sizeof(body),
			"{\"operations\":[{\"method\":\"DELETE\",\"path\":\"/v1/clusters/%s\"},"
			"{\"method\":\"DELETE\",\"path\":\"/v1/recipes/%s\"}]}",
			s, s);
	else if (cell->n)
		snprintf(body, sizeof(body),
			"{\"operations\":[{\"method\":\"PATCH\",\"path\":\"/v1/recipes/%s\",\"body\":{\"description\":\"%" PRId64
			"\"}},{\"method\":\"PATCH\",\"path\":\"/v1/clusters/%s\",\"body\":{\"description\":\"%" PRId64 "\"}}]}",
			s, cell->next, s, cell->next);
	else
		snprintf(body, sizeof(body),
			"{\"operations\":[{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{\"slug\":\"%s\",\"managed\":true,"
			"\"description\":\"%" PRId64 "\"}},{\"method\":\"POST\",\"path\":\"/v1/clusters\",\"body\":{\"slug\":\"%s\","
			"\"recipe\":\"%s\",\"managed\":true,\"description\":\"%" PRId64 "\"}}]}",
			s, cell->next, s, s, cell->next);
	send_request(w, "POST", "/v1/batch", body);
}

static void issue(struct writer *w)
{
	static void (*const write[])(struct writer *, const struct cell *) = {
		[CELL_PROBER] = write_prober, [CELL_VARIABLE] = write_variable, [CELL_PAIR] = write_pair
	};
	struct cell *cell = &w->cells[random() % CELLS];
	char text[24];

	if (!cell->known) {
		w->part = 0;
		read_cell(w, cell);
		return;
	}
	cell->next = cell->n && random() % 4 == 0 ? 0 : ++all.numbers;
	fprintf(all.journal, "sent %s %s\n", cell->name, number(text, cell->next));
	w->busy = cell;
	w->reading = false;
	write[cell->kind](w, cell);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* What follows the last `name` in the body; 0 when it is not there. */
static int64_t find_number(const struct writer *w, const char *name)
{
	int64_t n = 0;

	for (const char *p = w->http.body; p && (p = strstr(p, name)); n = strtoll(p, NULL, 10))
		p += strlen(name);
	return n;
}

static void take_read(struct writer *w, struct cell *cell)
{
	bool there = w->http.status == 200;
	int64_t n = there ? find_number(w, cell->kind == CELL_VARIABLE ? "\"n\":" : "\"description\":\"") : 0;
	int64_t revision = there ? find_number(w, "\"revision\":") : 0;
	char text[24];

	if (!there && w->http.status != 404)
		die("GET of %s: status %d", cell->name, w->http.status);
	if (cell->kind == CELL_PAIR && w->part == 0) {
		w->part = 1;
		w->part_n = n;
		w->part_revision = revision;
		read_cell(w, cell);
		return;
	}
	if (cell->kind == CELL_PAIR && n != w->part_n)
		die("half of a batch: %s has %" PRId64 " and %" PRId64, cell->name, w->part_n, n);
	if (cell->kind == CELL_PAIR)
		revision = w->part_revision;
	fprintf(all.journal, "seen %s %s %" PRId64 "\n", cell->name, number(text, n), revision);
	cell->n = n;
	cell->known = true;
	w->busy = NULL;
}

static void take_written(struct writer *w, struct cell *cell)
{
	if (w->http.status / 100 != 2)
		die("write of %s: status %d: %s", cell->name, w->http.status, w->http.body ? w->http.body : "");
	fprintf(all.journal, "done %s %" PRId64 "\n", cell->name, cell->next ? find_number(w, "\"revision\":") : 0);
	all.answered++;
	cell->n = cell->next;
	w->busy = NULL;
}

static void lose(struct writer *w)
{
	if (w->busy && !w->reading) {
		all.unanswered++;
		w->busy->known = false;
	}
	w->busy = NULL;
	close(w->fd);
	w->fd = -1;
	w->retry_at = now_seconds() + PAUSE_MS / 1000.0;
}

static void receive(struct writer *w)
{
	char data[16384];
	ssize_t n = recv(w->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(w);
		return;
	}
	if (!w->busy || http1_feed(&w->http, data, (size_t)n) != n)
		die("more than was asked for: %.*s", (int)n, data);
	if (w->http.state != HTTP1_DONE)
		return;
	if (w->reading)
		take_read(w, w->busy);
	else
		take_written(w, w->busy);
	if (w->http.close)
		lose(w);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void connect_writer(struct writer *w)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)all.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(w->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		lose(w);
}

static void name_cells(struct writer *w, long number)
{
	for (int i = 0; i < CELLS; i++) {
		struct cell *cell = &w->cells[i];
		int k = i % 2;

		cell->kind = (enum cell_kind)(i / 2);
		switch (cell->kind) {
		case CELL_PROBER:
			snprintf(cell->name, sizeof(cell->name), "w%ld-%d", number, k);
			snprintf(cell->path, sizeof(cell->path), "/v1/probers/w%ld-%d", number, k);
			break;
		case CELL_VARIABLE:
			snprintf(cell->name, sizeof(cell->name), "w%ld/v%d", number, k);
			snprintf(cell->path, sizeof(cell->path), "/v1/clusters/w%ld/variables/v%d", number, k);
			break;
		case CELL_PAIR:
			snprintf(cell->name, sizeof(cell->name), "p%ld-%d", number, k);
			snprintf(cell->path, sizeof(cell->path), "p%ld-%d", number, k);
			break;
		}
	}
}

/* False when nothing is left to wait for. */
static bool turn(struct writer *writers)
{
	struct pollfd polled[CONNECTIONS_MAX];
	bool busy = false;

	for (long i = 0; i < all.connections; i++) {
		struct writer *w = &writers[i];

		if (!stopping && w->fd < 0 && now_seconds() >= w->retry_at)
			connect_writer(w);
		if (!stopping && w->fd >= 0 && !w->busy)
			issue(w);
		polled[i] = (struct pollfd){ .fd = w->fd, .events = POLLIN };
		busy |= w->fd >= 0 && w->busy;
	}
	if (stopping && !busy)
		return false;
	poll(polled, (nfds_t)all.connections, PAUSE_MS);
	for (long i = 0; i < all.connections; i++) {
		if (polled[i].fd >= 0 && polled[i].revents)
			receive(&writers[i]);
	}
	return true;
}

static void run(void)
{
	struct writer *writers = xcalloc((size_t)all.connections, sizeof(*writers));

	all.numbers = (int64_t)time(NULL) * 100000; /* other than those of a run before */
	srandom((unsigned)all.numbers ^ (unsigned)getpid());
	for (long i = 0; i < all.connections; i++) {
		writers[i].fd = -1;
		name_cells(&writers[i], i);
	}
	while (turn(writers))
		;
	for (long i = 0; i < all.connections; i++) {
		if (writers[i].fd >= 0)
			close(writers[i].fd);
		http1_release(&writers[i].http);
	}
	free(writers);
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'n' },
		{ "journal", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		switch (c) {
		case 'p': all.port = parse_long("--port", optarg, 1, 65535); break;
		case 'n': all.connections = parse_long("--connections", optarg, 1, CONNECTIONS_MAX); break;
		case 'j': all.journal = fopen(optarg, "ae"); break;
		default: return 64;
		}
	}
	if (!all.journal || !all.port)
		die_usage("--port and a --journal that can be written are needed");
	signal(SIGTERM, on_stop);
	run();
	if (fclose(all.journal) == EOF)
		die("the journal: %s", strerror(errno));
	printf("answered %" PRId64 " unanswered %" PRId64 "\n", all.answered, all.unanswered);
	return 0;
}
