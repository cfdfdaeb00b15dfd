/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loadgen: a small HTTP/1.1 client that is never the slow side of a measurement.
 *
 *   loadgen [OPTIONS] get URL-TEMPLATE...   as many GET as the server takes
 *   loadgen [OPTIONS] patch URL-TEMPLATE    the same with PATCH of a new description
 *   loadgen [-r RUNS] [-e ITEMS] pages URL  read a list page by page; the time of all pages
 *   loadgen body URL                        print one answer's body
 *   loadgen free-port                       print a port of the loopback that nobody uses
 *
 *   -c CLIENTS    connections, each with one request in flight (default 1)
 *   -n REQUESTS   stop after so many requests, or
 *   -t SECONDS    stop after this time (default 2)
 *   -w SECONDS    load the server for this long before measuring
 *   -l FILE       slugs, one a line; each {slug} of a template is the next of them, in a
 *                 shuffled but always equal order
 *   -p PID        also print the CPU time that process used per request
 *
 * One thread, one epoll set, connections kept alive, no pipelining. Any answer other than
 * 2xx, and any connection that breaks, makes the exit code 1 with the first such answer on
 * standard error: a server that refuses quickly must never look fast.
 */
#include "common.h"
#include "http1.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_TEMPLATES 16
#define MAX_REQUEST 2048
#define MAX_CLIENTS 4096

/* http://HOST[:PORT]/PATH, taken apart. */
struct url {
	char host[128], port[8];
	char path[1024];
};

/* A path that is cut at each {slug}. */
struct template
{
	char text[1024];
	char *part[8];
	size_t n_parts;
};

struct options {
	long clients, requests, runs, items;
	double seconds, warm_up;
	const char *slugs_path;
	pid_t server;
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
	struct template template[MAX_TEMPLATES];
	size_t n_templates;
	struct lines slugs;
	bool patch;

	int epoll;
	struct client *clients;
	long issued, in_flight; /* `issued` does not count the warm-up */
	bool measuring;
	double began, ended, cpu_began;
	long status[600], failures, reconnects;
	uint64_t next_slug, next_template, sequence;
	long run_id; /* makes the descriptions of this run differ from those of any other */

	float *latency; /* seconds */
	size_t n_latencies, latencies_size;
};

static void parse_url(struct url *url, const char *text)
{
	const char *host = text, *slash, *colon;
	size_t len;

	if (strncmp(text, "http://", 7))
		die_usage("'%s' does not start with http://", text);
	host += 7;
	slash = strchrnul(host, '/');
	colon = memchr(host, ':', (size_t)(slash - host));
	len = (size_t)((colon ? colon : slash) - host);
	if (!len || len >= sizeof(url->host) || strlen(slash) >= sizeof(url->path))
		die_usage("'%s' is not a usable URL", text);
	snprintf(url->host, sizeof(url->host), "%.*s", (int)len, host);
	snprintf(url->port, sizeof(url->port), "80");
	if (colon && (size_t)(slash - colon) <= sizeof(url->port))
		snprintf(url->port, sizeof(url->port), "%.*s", (int)(slash - colon - 1), colon + 1);
	snprintf(url->path, sizeof(url->path), "%s", *slash ? slash : "/");
}

static struct addrinfo *resolve(const struct url *url)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	int err = getaddrinfo(url->host, url->port, &hints, &found);

	if (err)
		die("cannot resolve '%s': %s", url->host, gai_strerror(err));
	return found;
}

/* A connected socket, or -1 with errno. */
static int connect_to(const struct addrinfo *address)
{
	int on = 1, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void parse_template(struct template *template, const char *path)
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
static double cpu_seconds(pid_t pid)
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

/* --- one request after another on many connections --- */

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
	struct template *template = &load->template[load->next_template++ % load->n_templates];
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
	client->fd = connect_to(load->address);
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
	if (http->status / 100 != 2) {
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
	if (!client->busy)
		issue(load, client, now);
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
	bool over = false;
	long i;

	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll < 0)
		die("epoll_create1: %s", strerror(errno));
	load->clients = xcalloc((size_t)load->opt.clients, sizeof(*load->clients));
	for (i = 0; i < load->opt.clients; i++)
		connect_client(load, &load->clients[i]);
	if (!load->opt.warm_up)
		begin_measuring(load, now_seconds());
	for (i = 0; i < load->opt.clients; i++)
		issue(load, &load->clients[i], now_seconds());

	while (load->in_flight) {
		int n = epoll_wait(load->epoll, events, 256, 10000);
		double now = now_seconds();

		if (n < 0 && errno != EINTR)
			die("epoll_wait: %s", strerror(errno));
		if (n == 0)
			die("no answer for 10 seconds");
		if (!load->measuring && now - start >= load->opt.warm_up)
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
		printf(" server_cpu_us=%.1f", cpu * 1e6 / (double)n);
	printf(" reconnects=%ld failures=%ld", load->reconnects, load->failures);
	for (i = 0; i < 600; i++)
		if (load->status[i])
			printf(" status_%d=%ld", i, load->status[i]);
	putchar('\n');
	return load->failures ? 1 : 0;
}

static int cmd_load(const struct options *opt, bool patch, char **urls, int n)
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
		parse_url(&url, urls[i]);
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
	load.address = resolve(&load.url);
	code = report_load(&load, run_load(&load));
	freeaddrinfo(load.address);
	lines_release(&load.slugs);
	free(load.latency);
	return code;
}

/* --- single answers, one connection, blocking --- */

/* GET `path`; the body is in `http`. Ends the program when the answer is not 2xx. */
static void get_whole(struct http1 *http, int fd, const struct url *url, const char *path)
{
	char buf[1 << 16];
	ssize_t n;

	http1_start(http);
	http->keep_body = true;
	if (dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", path, url->host, url->port) < 0)
		die("cannot send: %s", strerror(errno));
	while (http->state != HTTP1_DONE) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			die("cannot receive: %s", strerror(errno));
		if (n == 0 && !http1_end(http))
			die("the connection was closed in the middle of an answer");
		if (n && http1_feed(http, buf, (size_t)n) != n)
			die("not an HTTP answer, or more than was asked for");
	}
	if (http->status / 100 != 2)
		die("%s: status %d: %.*s", path, http->status, (int)http->body_len, http->body ? http->body : "");
}

static int open_connection(const struct url *url)
{
	struct addrinfo *address = resolve(url);
	int fd = connect_to(address);

	if (fd < 0)
		die("cannot connect to %s:%s: %s", url->host, url->port, strerror(errno));
	freeaddrinfo(address);
	return fd;
}

static int cmd_body(char **urls, int n)
{
	struct http1 http = { 0 };
	struct url url;
	int fd;

	if (n != 1)
		die_usage("body takes one URL");
	parse_url(&url, urls[0]);
	fd = open_connection(&url);
	get_whole(&http, fd, &url, url.path);
	if (http.body_len)
		fwrite(http.body, 1, http.body_len, stdout);
	if (fflush(stdout) == EOF)
		die("cannot write: %s", strerror(errno));
	close(fd);
	http1_release(&http);
	return 0;
}

/*
 * What the page reader wants to know of {"items": [{...}, ...], "next_page_token": "..."}:
 * found by counting brackets outside strings, as no more of JSON is needed for that.
 */
struct page {
	long items;
	char token[512]; /* empty on the last page */
};

/* The end of the JSON string that starts at `p` (its first quote). */
static const char *string_end(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return p;
}

static void take_token(struct page *page, const char *after_key)
{
	static const char between[] = " \t\r\n:";
	const char *end;

	after_key += strspn(after_key, between);
	if (*after_key != '"')
		return; /* null */
	end = string_end(after_key);
	if (memchr(after_key, '\\', (size_t)(end - after_key)) || (size_t)(end - after_key) > sizeof(page->token))
		die("next_page_token is not a plain string");
	snprintf(page->token, sizeof(page->token), "%.*s", (int)(end - after_key - 1), after_key + 1);
}

static struct page scan_page(const char *text)
{
	static const char key[] = "\"next_page_token\"";
	struct page page = { 0 };
	const char *p, *end;
	int depth = 0;

	for (p = text; *p; p++) {
		switch (*p) {
		case '"':
			end = string_end(p);
			if (depth == 1 && !strncmp(p, key, sizeof(key) - 1))
				take_token(&page, end + 1);
			p = *end ? end : end - 1;
			break;
		case '{':
		case '[':
			page.items += ++depth == 3 && *p == '{';
			break;
		case '}':
		case ']':
			depth--;
			break;
		}
	}
	if (depth)
		die("a page is not complete JSON");
	return page;
}

static void percent_encode(char *out, size_t size, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text && size > 4; text++) {
		int n = snprintf(out, size, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);

		out += n;
		size -= (size_t)n;
	}
	*out = '\0';
}

static double read_pages(struct http1 *http, int fd, const struct url *url, long *items, long *pages)
{
	char path[4096], token[1600];
	struct page page = { 0 };
	double seconds = 0, start;

	*items = *pages = 0;
	snprintf(path, sizeof(path), "%s", url->path);
	do {
		start = now_seconds();
		get_whole(http, fd, url, path);
		seconds += now_seconds() - start; /* the scan below is not the server's time */
		page = scan_page(http->body ? http->body : "");
		*items += page.items;
		++*pages;
		percent_encode(token, sizeof(token), page.token);
		snprintf(path, sizeof(path), "%s%cpage_token=%s", url->path, strchr(url->path, '?') ? '&' : '?', token);
		if (*pages > 100000)
			die("the pages do not end");
	} while (*page.token);
	return seconds;
}

static int cmd_pages(const struct options *opt, char **urls, int n)
{
	double *seconds = xcalloc((size_t)opt->runs, sizeof(*seconds)), median_ms;
	struct http1 http = { 0 };
	long items = 0, pages = 0, i;
	struct url url;
	int fd;

	if (n != 1)
		die_usage("pages takes one URL");
	parse_url(&url, urls[0]);
	fd = open_connection(&url);
	for (i = 0; i < opt->runs; i++) {
		seconds[i] = read_pages(&http, fd, &url, &items, &pages);
		if (opt->items && items != opt->items)
			die("%s has %ld items, not %ld", urls[0], items, opt->items);
	}
	median_ms = quantile(seconds, (size_t)opt->runs, 0.5) * 1e3; /* sorts, so that seconds[0] is the least */
	printf("ms=%.2f min_ms=%.2f pages=%ld items=%ld runs=%ld\n", median_ms, seconds[0] * 1e3, pages, items,
		opt->runs);
	close(fd);
	http1_release(&http);
	free(seconds);
	return 0;
}

static int cmd_free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die("no free port: %s", strerror(errno));
	printf("%u\n", ntohs(address.sin_port));
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct options opt = { .clients = 1, .seconds = 2, .runs = 1 };
	const char *mode;
	int c;

	while ((c = getopt(argc, argv, "+c:n:t:w:l:p:r:e:")) != -1) {
		switch (c) {
		case 'c':
			opt.clients = parse_long("-c", optarg, 1, MAX_CLIENTS);
			break;
		case 'n':
			opt.requests = parse_long("-n", optarg, 1, 100000000);
			break;
		case 't':
			opt.seconds = parse_seconds("-t", optarg);
			break;
		case 'w':
			opt.warm_up = parse_seconds("-w", optarg);
			break;
		case 'l':
			opt.slugs_path = optarg;
			break;
		case 'p':
			opt.server = (pid_t)parse_long("-p", optarg, 1, 1 << 30);
			break;
		case 'r':
			opt.runs = parse_long("-r", optarg, 1, 10000);
			break;
		case 'e':
			opt.items = parse_long("-e", optarg, 1, 100000000);
			break;
		default:
			return 64;
		}
	}
	mode = optind < argc ? argv[optind++] : "";
	if (!strcmp(mode, "get") || !strcmp(mode, "patch"))
		return cmd_load(&opt, *mode == 'p', argv + optind, argc - optind);
	if (!strcmp(mode, "pages"))
		return cmd_pages(&opt, argv + optind, argc - optind);
	if (!strcmp(mode, "body"))
		return cmd_body(argv + optind, argc - optind);
	if (!strcmp(mode, "free-port"))
		return cmd_free_port();
	die_usage("usage: loadgen [OPTIONS] get|patch|pages|body|free-port [URL...]");
}
