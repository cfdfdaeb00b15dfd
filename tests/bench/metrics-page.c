/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics-page [-n PROBERS] [-r ROUNDS] [-s]
 *
 * What pages of an agent's metrics cost, and what a page costs the agent meanwhile. Each prober has two labels and two
 * values of performance data. Prints one line:
 *
 *	page_ms, copy_ms   median time to make a page piece by piece, and to copy the same bytes in such pieces: the
 *floor bytes, series      of the page prober_bytes       memory for each prober record_ns          median time to
 *record a verdict; record_max_us, alone_max_us: the longest, while pages are made and without verdict_ns         median
 *time to read the output of a plugin with two values
 *
 * With -s it then serves pages until its standard input ends, after a line "url=...".
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/metrics/metrics.h"
#include "../../lib/metrics/page.h"

enum { RECORDS = 200000 };

static const char output[] = "PING OK - Packet loss = 0%, RTA = 0.12 ms|rta=0.121000ms;100.000000;200.000000;0.000000 "
			     "pl=0%;20;50;0;\n";

static struct metrics *metrics;
static struct metrics_prober **probers;
static atomic_bool stop;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(int64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

/* The time that it takes; *page, when given, gets all of it. */
static int64_t make_page(struct strbuf *page)
{
	cleanup(strbuf_release) struct strbuf piece = STRBUF_INIT;
	int64_t start = now_ns();
	struct metrics_page *p = metrics_page_begin(metrics, EXPOSITION_PROMETHEUS);

	while (metrics_page_next(p, &piece)) {
		if (page)
			strbuf_add(page, piece.buf, piece.len);
		strbuf_reset(&piece);
	}
	metrics_page_end(p);
	return now_ns() - start;
}

static int64_t copy_page(const struct strbuf *page)
{
	cleanup(strbuf_release) struct strbuf piece = STRBUF_INIT;
	int64_t start = now_ns();

	for (size_t at = 0; at < page->len; at += 64 << 10) {
		strbuf_reset(&piece);
		strbuf_add(&piece, page->buf + at, MIN((size_t)64 << 10, page->len - at));
	}
	return now_ns() - start;
}

static void read_output(struct verdict *out, struct arena *arena)
{
	arena_reset(arena);
	verdict_read(out, arena, OUTPUT_NAGIOS, false, 0, output, sizeof(output) - 1);
}

static void *make_pages(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		make_page(NULL);
	return NULL;
}

struct recorded {
	int64_t median_ns, longest_ns;
	long blocked;
};

/* Record as an agent that is always busy. */
static struct recorded record_many(size_t n, const struct verdict *verdict)
{
	cleanup(freep) int64_t *took = xcalloc(RECORDS, sizeof(*took));
	struct verdict fewer = *verdict;
	struct recorded out = { 0 };
	struct rusage first, before, after;

	fewer.n_values--;
	getrusage(RUSAGE_THREAD, &first);
	before = first;
	for (size_t i = 0; i < RECORDS; i++) {
		const struct verdict *v = i % 10 ? verdict : &fewer;
		int64_t start = now_ns();

		metrics_prober_record(metrics, probers[i * 7919 % n], v, 0.0123, 1700000000000 + (int64_t)i, 0);
		took[i] = now_ns() - start;
		if (took[i] <= out.longest_ns)
			continue;
		getrusage(RUSAGE_THREAD, &after);
		if (after.ru_nivcsw == before.ru_nivcsw)
			out.longest_ns = took[i];
		before = after;
	}
	getrusage(RUSAGE_THREAD, &after);
	out.blocked = after.ru_nvcsw - first.ru_nvcsw;
	out.median_ns = median(took, RECORDS);
	return out;
}

static void add_probers(size_t n, const struct verdict *verdict)
{
	probers = xcalloc(n, sizeof(struct metrics_prober *));
	for (size_t i = 0; i < n; i++) {
		char name[32], resolver[32];
		const struct label labels[] = { { "resolver", resolver }, { "record", "AAAA" } };

		snprintf(name, sizeof(name), "dns-resolve-%zu", i / 4);
		snprintf(resolver, sizeof(resolver), "10.0.%zu.2", i % 4);
		probers[i] = metrics_prober_add(metrics, name, labels, 2);
		metrics_prober_record(metrics, probers[i], verdict, 0.0123, 1700000000000, 0);
	}
}

static size_t count_samples(const struct strbuf *page)
{
	size_t n = 0;

	for (const char *s = page->buf; *s; s = strchr(s, '\n') + 1)
		n += *s != '#';
	return n;
}

static void measure(size_t n, size_t rounds)
{
	cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(freep) int64_t *pages = xcalloc(rounds, sizeof(*pages)), *copies = xcalloc(rounds, sizeof(*copies)),
			       *verdicts = xcalloc(RECORDS, sizeof(*verdicts));
	struct recorded alone, recorded;
	struct verdict verdict;
	pthread_t reader;

	for (size_t i = 0; i < RECORDS; i++) {
		int64_t start = now_ns();

		read_output(&verdict, &arena);
		verdicts[i] = now_ns() - start;
	}
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
	add_probers(n, &verdict);
	size_t used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	make_page(&page);
	for (size_t i = 0; i < rounds; i++) {
		copies[i] = copy_page(&page);
		pages[i] = make_page(NULL);
	}
	alone = record_many(n, &verdict);
	if (pthread_create(&reader, NULL, make_pages, NULL) != 0)
		BUG("no thread");
	recorded = record_many(n, &verdict);
	atomic_store(&stop, true);
	pthread_join(reader, NULL);
	printf("page_ms=%.2f copy_ms=%.2f bytes=%zu series=%zu prober_bytes=%zu record_ns=%jd record_max_us=%.1f "
	       "blocked=%ld alone_max_us=%.1f verdict_ns=%jd\n",
		(double)median(pages, rounds) / 1e6, (double)median(copies, rounds) / 1e6, page.len,
		count_samples(&page), used / n, (intmax_t)recorded.median_ns, (double)recorded.longest_ns / 1e3,
		recorded.blocked, (double)alone.longest_ns / 1e3, (intmax_t)median(verdicts, RECORDS));
	fflush(stdout);
}

static int serve(void)
{
	struct mrp_err err = MRP_ERR_INIT;
	char *url, byte;
	struct metrics_server *server = metrics_server_start(&url, metrics, "127.0.0.1:0", &err);

	if (!server) {
		fprintf(stderr, "metrics-page: %s\n", err.msg);
		return 1;
	}
	printf("url=%s\n", url);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
		;
	metrics_server_stop(server);
	free(url);
	return 0;
}

int main(int argc, char **argv)
{
	size_t n = 10000, rounds = 21;
	bool serving = false;

	for (int c; (c = getopt(argc, argv, "n:r:s")) != -1;) {
		if (c == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (c == 'r')
			rounds = strtoul(optarg, NULL, 10);
		else
			serving = true;
	}
	if (!n || !rounds)
		return 64;
	metrics = metrics_new(
		&(struct metrics_options){ .cluster = "bench", .host = "host-1.example.net", .version = "0" });
	measure(n, rounds);
	int code = serving ? serve() : 0;
	metrics_free(metrics);
	free(probers);
	return code;
}
