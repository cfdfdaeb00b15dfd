/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushes made-up samples, for tests of lib/push without an agent around it:
 *
 *	pusher --kind otlp|otlp-json|monitoring [OPTION VALUE]... [--until sent|dropped|failed N]
 *
 * Options: --url URL, --folder ID, --header-file FILE, --interval MS (20), --timeout MS, --series N, --queue-bytes N,
 * --ca-cert FILE, --key-file FILE, --token-url URL, --metadata-url URL, --grace MS (2000).
 *
 * With --real FILE the samples are those of an agent's metrics, and their page goes to the file.
 *
 * It ends when the count reaches N (a minute at most), and prints one line a count, and how its memory (kB) grew
 *between half of N and N. With N 0 there is only the push at the end. Beside fixed samples of all types there are N
 *series "many".
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "../../lib/base/file.h"
#include "../../lib/base/parse.h"
#include "../../lib/push/push.h"

enum { PATIENCE_S = 60 };

struct metrics {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t counts[AGENT_METRICS];
	int64_t series, walks;
};

static struct metrics metrics = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, { 0 }, 0, 0 };

#define LABELS(...) \
	.labels = (const struct label[]){ __VA_ARGS__ }, .n_labels = ARRAY_SIZE(((struct label[]){ __VA_ARGS__ }))

static void each_fixed(void (*each)(void *ctx, const struct metrics_point *point), void *ctx)
{
	static const double bounds[] = { 0.1, 1 };
	static const uint64_t counts[] = { 3, 2, 1 };
	const struct metrics_point points[] = {
		{ "mrprober_success", SERIES_GAUGE, "The last verdict.", NULL,
			LABELS({ "cluster", "net" }, { "host", "h1" }, { "prober", "dns" }), .value = 0 },
		{ "mrprober_runs_total", SERIES_COUNTER, "Runs.", NULL,
			LABELS({ "cluster", "net" }, { "host", "h1" }, { "prober", "dns" }, { "status", "success" }),
			.value = 41, .start_ms = 1700000000123 },
		{ "mrprober_success", SERIES_GAUGE, "The last verdict.", NULL,
			LABELS({ "cluster", "net" }, { "host", "h1" }, { "prober", "web" }), .value = 1 },
		{ "mrprober_run_duration_seconds", SERIES_HISTOGRAM, "Duration.", "seconds",
			LABELS({ "cluster", "net" }), .bounds = bounds, .counts = counts, .n_bounds = 2, .sum = 2.5,
			.count = 6, .start_ms = 1700000000123 },
		{ "app_seconds_total", SERIES_COUNTER, NULL, NULL, LABELS({ "_odd", "a\"b" }, { "empty", "" }),
			.value = 1.5, .start_ms = 1700000000123 },
		{ "app_nan", SERIES_UNTYPED, NULL, NULL, .value = __builtin_nan("") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		each(ctx, &points[i]);
}

static void each_point(struct metrics *m, void (*each)(void *ctx, const struct metrics_point *point), void *ctx)
{
	each_fixed(each, ctx);
	for (int64_t i = 0; i < m->series; i++) {
		char number[24];

		snprintf(number, sizeof(number), "%ld", (long)i);
		const struct metrics_point point = { "many", SERIES_GAUGE, NULL, NULL, LABELS({ "number", number }),
			.value = (double)i };
		each(ctx, &point);
	}
}

static void add(struct metrics *m, enum agent_metric which, int64_t n)
{
	pthread_mutex_lock(&m->lock);
	m->counts[which] += n;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
}

static void add_real(struct metrics *real, enum agent_metric which, int64_t n)
{
	metrics_agent_add(real, which, n);
	add(&metrics, which, n);
}

NORETURN static void stop(const char *why)
{
	fprintf(stderr, "pusher: %s\n", why);
	exit(1);
}

static int64_t number_of(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;

	if (!text || parse_int(&n, text, 0, INT64_MAX, &err) < 0)
		stop("a number is wrong");
	return n;
}

static long resident_kb(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%*s %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * 4;
}

static void wait_for(enum agent_metric which, int64_t n)
{
	struct timespec until;
	int code = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&metrics.lock);
	while (metrics.counts[which] < n && code == 0)
		code = pthread_cond_timedwait(&metrics.changed, &metrics.lock, &until);
	pthread_mutex_unlock(&metrics.lock);
	if (code)
		stop("a minute is over");
}

struct wish {
	struct push_options options;
	struct iam_options iam;
	struct strvec headers;
	enum agent_metric until;
	int64_t n, grace_ms;
	const char *page;
};

static void set_until(struct wish *wish, const char *what, const char *n)
{
	wish->until = streq(what, "sent") ? AGENT_PUSH_SENT_TOTAL
		: streq(what, "dropped")  ? AGENT_PUSH_DROPPED_TOTAL
					  : AGENT_PUSH_FAILED_TOTAL;
	wish->n = number_of(n);
}

static void set_option(struct wish *wish, const char *name, const char *value)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (streq(name, "--kind"))
		wish->options.kind = streq(value, "otlp") ? PUSH_OTLP
			: streq(value, "otlp-json")       ? PUSH_OTLP_JSON
							  : PUSH_MONITORING;
	else if (streq(name, "--url"))
		wish->options.url = value;
	else if (streq(name, "--folder"))
		wish->options.folder = value;
	else if (streq(name, "--interval"))
		wish->options.interval_ms = number_of(value);
	else if (streq(name, "--timeout"))
		wish->options.timeout_ms = number_of(value);
	else if (streq(name, "--series"))
		metrics.series = number_of(value);
	else if (streq(name, "--queue-bytes"))
		wish->options.queue_bytes = (size_t)number_of(value);
	else if (streq(name, "--grace"))
		wish->grace_ms = number_of(value);
	else if (streq(name, "--real"))
		wish->page = value;
	else if (streq(name, "--ca-cert"))
		wish->options.ca_file = value;
	else if (streq(name, "--key-file"))
		wish->iam.key_file = value;
	else if (streq(name, "--token-url"))
		wish->iam.token_url = value;
	else if (streq(name, "--metadata-url"))
		wish->iam.metadata_url = value;
	else if (!streq(name, "--header-file"))
		stop("unknown option");
	else if (push_headers_read(&wish->headers, value, &err) < 0)
		stop(err.msg);
}

/* Two probers that have run, one of them with a histogram and a counter of its own. */
static struct metrics *make_real(const char *page_file)
{
	static const char text[] = "# TYPE app_latency_seconds histogram\napp_latency_seconds_bucket{le=\"0.5\"} 3\n"
				   "app_latency_seconds_bucket{le=\"+Inf\"} 4\napp_latency_seconds_sum 1.5\n"
				   "app_latency_seconds_count 4\n# TYPE app_bytes counter\napp_bytes 7.5\n";
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;
	struct metrics *real =
		metrics_new(&(struct metrics_options){ .cluster = "net", .host = "h1", .version = "1.2.3" });
	const struct label label = { "zone", "a" };
	struct mrp_err err = MRP_ERR_INIT;
	struct verdict verdict;

	verdict_read(&verdict, &arena, OUTPUT_PROMETHEUS, false, 0, text, strlen(text));
	metrics_prober_record(real, metrics_prober_add(real, "app", &label, 1), &verdict, 0.25, 1700000000123, 0);
	verdict_read(&verdict, &arena, OUTPUT_NAGIOS, false, 2, "CRITICAL - away | rta=3ms", 25);
	metrics_prober_record(real, metrics_prober_add(real, "ping", NULL, 0), &verdict, 0.25, 1700000000123, 1);
	metrics_format(&page, real, EXPOSITION_PROMETHEUS);
	if (replace_file(page_file, page.buf, page.len, 0644, &err) < 0)
		stop(err.msg);
	return real;
}

int main(int argc, char **argv)
{
	struct wish wish = { .options = { .host = "h1" },
		.headers = STRVEC_INIT,
		.until = AGENT_PUSH_SENT_TOTAL,
		.n = 1,
		.grace_ms = 2000 };
	struct push_source source = { &metrics, each_point, add };
	struct mrp_err err = MRP_ERR_INIT;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!streq(argv[i], "--until"))
			set_option(&wish, argv[i], argv[i + 1]);
		else if (i + 2 < argc)
			set_until(&wish, argv[i + 1], argv[i + 2]), i++;
	}
	if (getenv("OTEL_EXPORTER_OTLP_HEADERS") &&
		push_headers_parse_env(&wish.headers, getenv("OTEL_EXPORTER_OTLP_HEADERS"), &err) < 0)
		stop(err.msg);
	if (wish.page)
		source = (struct push_source){ make_real(wish.page), metrics_each, add_real };
	if (!wish.options.interval_ms)
		wish.options.interval_ms = wish.n ? 20 : 3600000;
	wish.options.headers = &wish.headers;
	wish.options.iam = &wish.iam;
	struct push *push = push_start(&wish.options, &source, &err);
	if (!push)
		stop(err.msg);
	wait_for(wish.until, wish.n / 2);
	long half_kb = resident_kb();
	wait_for(wish.until, wish.n);
	long grown_kb = resident_kb() - half_kb;
	push_stop(push, wish.grace_ms);
	push_headers_clear(&wish.headers);
	if (wish.page)
		metrics_free(source.metrics);
	printf("sent %ld\ndropped %ld\nfailed %ld\ngrown %ld\n", (long)metrics.counts[AGENT_PUSH_SENT_TOTAL],
		(long)metrics.counts[AGENT_PUSH_DROPPED_TOTAL], (long)metrics.counts[AGENT_PUSH_FAILED_TOTAL],
		grown_kb);
	return 0;
}
