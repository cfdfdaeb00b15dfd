/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many connections in one epoll set, each with one request after another: the get and patch
 * modes of the load generator.
 */
#include "common.h"
#include "http1.h"
#include "loadgen.h"
#include "url.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_TEMPLATES 16
#define MAX_REQUEST 9000

/* A path that is cut at each {slug}. */
struct path_template {
	char text[1024];
	char *part[8];
	size_t n_parts;
};

struct client {
	int fd;
	struct http1 http;
	char request[MAX_REQUEST];
	size_t len, sent;
	double started;
	bool busy, waits_to_write;
};

struct load {
	struct options opt;
	struct url url; /* host and port of all templates */
	struct addrinfo *address;
	struct path_template template[MAX_TEMPLATES];
	size_t n_templates;
	struct lines slugs;
	bool patch;

	int epoll;
	struct client *clients;
	long issued, in_flight; /* `issued` does not count the warm-up */
	bool measuring;
	double began, ended, cpu_began, due; /* due: the next request, with a rate */
	long status[600], failures, reconnects;
	uint64_t next_slug, next_template, next_client, sequence;
	long run_id; /* makes the descriptions of this run differ from those of any other */

	float *latency; /* seconds */
	size_t n_latencies, latencies_size;
};

static void parse_template(struct path_template *template, const char *path)
{
	char *rest = template->text, *cut;

	snprintf(template->text, sizeof(template->text), "%s", path);
	template->n_parts = 0;
	do {
		if (template->n_parts == sizeof(template->part) / sizeof(*template->part))
			die_usage("'%s' has too many {slug}", path);
		template->part[template->n_parts++] = rest;
		cut = strstr(rest, "{slug}");
		if (cut) {
			*cut = '\0';
			rest = cut + strlen("{slug}");
		}
	} while (cut);
}

/* Always the same shuffle, so that a run reads rows in no order but can be repeated. */
static void shuffle(struct lines *slugs)
{
	uint64_t state = 42;
	size_t i;

	for (i = slugs->n; i > 1; i--) {
		size_t j;
		char *line;

		state = state * 6364136223846793005u + 1442695040888963407u;
		j = (size_t)(state >> 33) % i;
		line = slugs->line[i - 1];
		slugs->line[i - 1] = slugs->line[j];
		slugs->line[j] = line;
	}
}

/* CPU seconds of a process so far, from the kernel's clock ticks. */
static double cpu_ticks(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64], text[1024];
	char *fields = NULL;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f) {
		len = fread(text, 1, sizeof(text) - 1, f);
		text[len] = '\0';
		fclose(f);
		fields = strrchr(text, ')'); /* the name before it may hold anything */
	}
	if (!fields || sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		die("cannot read the CPU time of process %d", (int)pid);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* The same to the nanosecond, from the scheduler's books of each thread: a server with little to do uses no whole tick.
 */
static double cpu_seconds(pid_t pid)
{
	unsigned long long sum = 0, ns;
	char path[64], text[64 + 256];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		FILE *f;

		if (*entry->d_name == '.')
			continue;
		snprintf(text, sizeof(text), "%s/%s/schedstat", path, entry->d_name);
		f = fopen(text, "re");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
	return sum ? (double)sum / 1e9 : cpu_ticks(pid);
}

/* Resident size of a process, in KiB; 0 when it cannot be read. */
static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && !kib && fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

static __attribute__((format(printf, 2, 3))) void append(struct client *client, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(client->request + client->len, MAX_REQUEST - client->len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= MAX_REQUEST - client->len)
		die("the request is over %d bytes", MAX_REQUEST);
	client->len += (size_t)n;
}

static void format_request(struct load *load, struct client *client)
{
	struct path_template *template = &load->template[load->next_template++ % load->n_templates];
	char body[128];
	size_t i;

	client->len = client->sent = 0;
	append(client, "%s %s", load->patch ? "PATCH" : "GET", template->part[0]);
	for (i = 1; i < template->n_parts; i++)
		append(client, "%s%s", load->slugs.line[load->next_slug++ % load->slugs.n], template->part[i]);
	append(client, " HTTP/1.1\r\nHost: %s:%s\r\n", load->url.host, load->url.port);
	if (load->patch) {
		int n = snprintf(body, sizeof(body), "{\"description\":\"change %llu of load run %ld\"}",
			(unsigned long long)load->sequence++, load->run_id);

		append(client, "Content-Type: application/merge-patch+json\r\nContent-Length: %d\r\n\r\n%s", n, body);
	} else {
		if (load->opt.etag)
			append(client, "If-None-Match: %s\r\n", load->opt.etag);
		append(client, "\r\n");
	}
}

static void watch(struct load *load, struct client *client, int operation)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (client->waits_to_write)
		event.events |= EPOLLOUT;
	if (epoll_ctl(load->epoll, operation, client->fd, &event) < 0)
		die("epoll_ctl: %s", strerror(errno));
}

static void connect_client(struct load *load, struct client *client)
{
	client->fd = url_connect(load->address);
	if (client->fd < 0)
		die("cannot connect to %s:%s: %s", load->url.host, load->url.port, strerror(errno));
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
	client->waits_to_write = false;
	watch(load, client, EPOLL_CTL_ADD);
}

static void disconnect_client(struct load *load, struct client *client)
{
	epoll_ctl(load->epoll, EPOLL_CTL_DEL, client->fd, NULL);
	close(client->fd);
	client->fd = -1;
}

static void count_failure(struct load *load, const char *what, const struct http1 *http)
{
	if (!load->failures++)
		fprintf(stderr, "loadgen: first failure: %s%s%.*s\n", what, http ? ": " : "",
			http ? (int)http->body_len : 0, http && http->body ? http->body : "");
}

/* Write what the socket takes now; the rest when epoll says so. */
static void send_request(struct load *load, struct client *client)
{
	bool waits;

	while (client->sent < client->len) {
		ssize_t n = send(client->fd, client->request + client->sent, client->len - client->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break; /* a broken connection shows itself when reading */
		client->sent += (size_t)n;
	}
	waits = client->sent < client->len;
	if (waits != client->waits_to_write) {
		client->waits_to_write = waits;
		watch(load, client, EPOLL_CTL_MOD);
	}
}

static bool may_issue(struct load *load, double now)
{
	if (!load->measuring)
		return true;
	if (load->opt.requests)
		return load->issued < load->opt.requests;
	return now < load->began + load->opt.seconds;
}

static void issue(struct load *load, struct client *client, double now)
{
	if (!may_issue(load, now))
		return;
	if (load->measuring)
		load->issued++;
	format_request(load, client);
	http1_start(&client->http);
	client->started = now;
	client->busy = true;
	load->in_flight++;
	send_request(load, client);
}

static void record(struct load *load, double seconds)
{
	if (load->n_latencies == load->latencies_size) {
		load->latencies_size = load->latencies_size ? load->latencies_size * 2 : 1 << 16;
		load->latency = xreallocarray(load->latency, load->latencies_size, sizeof(*load->latency));
	}
	load->latency[load->n_latencies++] = (float)seconds;
}

/* All of the request and its answer must have fallen into the measured time. */
static bool counts(const struct load *load, const struct client *client, double now)
{
	if (!load->measuring || client->started < load->began)
		return false;
	return load->opt.requests || now < load->began + load->opt.seconds;
}

static void complete(struct load *load, struct client *client, double now)
{
	struct http1 *http = &client->http;
	char what[32];

	client->busy = false;
	load->in_flight--;
	if (load->opt.etag ? http->status != 304 : http->status / 100 != 2) {
		snprintf(what, sizeof(what), "status %d", http->status);
		count_failure(load, what, http);
	}
	if (counts(load, client, now)) {
		load->status[http->status]++;
		record(load, now - client->started);
		load->ended = now;
	}
	if (http->close) {
		load->reconnects++;
		disconnect_client(load, client);
		connect_client(load, client);
	}
}

/* The connection is gone before its answer was complete. */
static void lost(struct load *load, struct client *client, const char *why)
{
	if (client->busy) {
		client->busy = false;
		load->in_flight--;
		count_failure(load, why, NULL);
	}
	load->reconnects++;
	disconnect_client(load, client);
	connect_client(load, client);
}

static void receive(struct load *load, struct client *client)
{
	static char buf[1 << 16];
	ssize_t n = recv(client->fd, buf, sizeof(buf), 0);
	double now;
	long used;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	now = now_seconds();
	if (n <= 0) {
		if (client->busy && n == 0 && http1_end(&client->http))
			complete(load, client, now);
		else
			lost(load, client, n < 0 ? strerror(errno) : "connection closed");
	} else {
		used = client->busy ? http1_feed(&client->http, buf, (size_t)n) : -1;
		if (used != n)
			lost(load, client, "not an HTTP answer, or more than was asked for");
		else if (client->http.state == HTTP1_DONE)
			complete(load, client, now);
	}
	if (!client->busy && !load->opt.rate)
		issue(load, client, now);
}

/* Send what is due by now, each time on the connection that has been free for longest. Returns milliseconds to wait for
 * the next one. */
static int issue_due(struct load *load)
{
	double now = now_seconds();
	long i;

	for (i = 0; i < load->opt.clients && load->due <= now; i++) {
		struct client *client = &load->clients[load->next_client++ % (uint64_t)load->opt.clients];

		if (client->busy)
			continue;
		issue(load, client, now);
		load->due += 1 / load->opt.rate;
	}
	return load->due <= now ? 1 : (int)((load->due - now) * 1000);
}

static void begin_measuring(struct load *load, double now)
{
	load->measuring = true;
	load->began = load->ended = now;
	if (load->opt.server)
		load->cpu_began = cpu_seconds(load->opt.server);
}

/* Returns the CPU seconds the server used while it was measured; 0 without -p. */
static double run_load(struct load *load)
{
	struct epoll_event events[256];
	double start = now_seconds(), cpu = 0;
	bool over = false, all_at_once = load->opt.rate; /* the first of each connection, before the rate */
	long i;

	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll < 0)
		die("epoll_create1: %s", strerror(errno));
	load->clients = xcalloc((size_t)load->opt.clients, sizeof(*load->clients));
	for (i = 0; i < load->opt.clients; i++)
		connect_client(load, &load->clients[i]);
	if (!load->opt.warm_up && !load->opt.rate)
		begin_measuring(load, now_seconds());
	for (i = 0; i < load->opt.clients; i++)
		issue(load, &load->clients[i], now_seconds());
	load->due = now_seconds();

	while (load->in_flight || (load->opt.rate && may_issue(load, now_seconds()))) {
		if (all_at_once && !load->in_flight) {
			all_at_once = false;
			start = load->due = now_seconds();
		}
		int wait = load->opt.rate && !all_at_once ? issue_due(load) : 10000;
		int n = epoll_wait(load->epoll, events, 256, wait);
		double now = now_seconds();

		if (n < 0 && errno != EINTR)
			die("epoll_wait: %s", strerror(errno));
		if (n == 0 && wait == 10000)
			die("no answer for 10 seconds");
		if (!load->measuring && !all_at_once && now - start >= load->opt.warm_up)
			begin_measuring(load, now);
		for (i = 0; i < n; i++) {
			struct client *client = events[i].data.ptr;

			if (client->waits_to_write && (events[i].events & EPOLLOUT))
				send_request(load, client);
			if (events[i].events & ~(unsigned)EPOLLOUT)
				receive(load, client);
		}
		if (load->opt.server && !over && load->measuring && !may_issue(load, now)) {
			over = true;
			cpu = cpu_seconds(load->opt.server) - load->cpu_began;
		}
	}
	if (load->opt.server && !over)
		cpu = cpu_seconds(load->opt.server) - load->cpu_began;
	for (i = 0; i < load->opt.clients; i++) {
		disconnect_client(load, &load->clients[i]);
		http1_release(&load->clients[i].http);
	}
	free(load->clients);
	close(load->epoll);
	return cpu;
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static int report_load(struct load *load, double cpu)
{
	double seconds = load->ended - load->began;
	size_t n = load->n_latencies;
	int i;

	if (!n)
		die("not one answer in the measured time");
	qsort(load->latency, n, sizeof(*load->latency), compare_floats);
	printf("rps=%.0f requests=%zu seconds=%.3f p50_us=%.0f p99_us=%.0f max_us=%.0f", (double)n / seconds, n,
		seconds, (double)load->latency[n / 2] * 1e6, (double)load->latency[n * 99 / 100] * 1e6,
		(double)load->latency[n - 1] * 1e6);
	if (load->opt.server)
		printf(" server_cpu_us=%.1f server_share=%.5f server_rss_kib=%ld", cpu * 1e6 / (double)n, cpu / seconds,
			resident_kib(load->opt.server));
	printf(" reconnects=%ld failures=%ld", load->reconnects, load->failures);
	for (i = 0; i < 600; i++)
		if (load->status[i])
			printf(" status_%d=%ld", i, load->status[i]);
	putchar('\n');
	return load->failures ? 1 : 0;
}

/* Each connection is a file, and the limit is often lower than what the system would allow. */
static void allow_files(long clients)
{
	rlim_t wanted = (rlim_t)clients + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (wanted > limit.rlim_max || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("%ld connections need more open files than the limit allows (ulimit -Hn)", clients);
}

int load_run(const struct options *opt, bool patch, char **urls, int n)
{
	struct load load = {
		.opt = *opt, .patch = patch, .run_id = (long)time(NULL) % 1000000 * 1000 + getpid() % 1000
	};
	bool needs_slugs = false;
	struct url url;
	int i, code;

	if (n < 1 || n > MAX_TEMPLATES || (patch && n != 1))
		die_usage(patch ? "patch takes one URL template" : "get takes 1 to %d URL templates", MAX_TEMPLATES);
	for (i = 0; i < n; i++) {
		url_parse(&url, urls[i]);
		if (i && (strcmp(url.host, load.url.host) || strcmp(url.port, load.url.port)))
			die_usage("'%s' is another server than '%s'", urls[i], urls[0]);
		load.url = url;
		parse_template(&load.template[i], url.path);
		needs_slugs |= load.template[i].n_parts > 1;
	}
	load.n_templates = (size_t)n;
	if (needs_slugs && !opt->slugs_path)
		die_usage("{slug} needs -l FILE");
	if (needs_slugs) {
		lines_read(&load.slugs, opt->slugs_path);
		shuffle(&load.slugs);
	}
	load.address = url_resolve(&load.url);
	allow_files(opt->clients);
	code = report_load(&load, run_load(&load));
	freeaddrinfo(load.address);
	lines_release(&load.slugs);
	free(load.latency);
	return code;
}
