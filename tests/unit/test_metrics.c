/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: what is on them, that each series is there once, and that they can be read back. */
#include "unit.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/base/file.h"
#include "../../lib/metrics/internal.h"
#include "../../lib/metrics/lines.h"
#include "../../lib/metrics/page.h"
#include "../../lib/metrics/server.h"
#include "../../lib/verdict/exposition.h"
#include "scratch.h"

static struct metrics *new_metrics(bool compat)
{
	return metrics_new(&(struct metrics_options){
		.cluster = "net", .host = "h1.example", .version = "1.2.3", .compat_blackbox = compat });
}

static void free_metrics(struct metrics **m)
{
	metrics_free(*m);
}

static void record_text(
	struct metrics *m, struct metrics_prober *p, enum output_format format, int code, const char *text)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct verdict v;

	verdict_read(&v, &arena, format, false, code, text, strlen(text));
	metrics_prober_record(m, p, &v, 0.25, 1700000000123, v.status == VERDICT_FAILURE);
}

static void record_error(struct metrics *m, struct metrics_prober *p, enum verdict_reason reason, double duration_s)
{
	struct verdict v = { VERDICT_ERROR, reason, "" };

	metrics_prober_record(m, p, &v, duration_s, 1700000000123, 0);
}

/* Does the page have the line? NULL-terminated lines; those that begin with '!' must not be there. */
static void check_page(struct metrics *m, enum exposition exposition, const char *const *lines)
{
	cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;

	strbuf_addch(&page, '\n');
	metrics_format(&page, m, exposition);
	for (; *lines; lines++) {
		bool absent = **lines == '!';
		cleanup(freep) char *line = xasprintf("\n%s%s", *lines + absent, absent ? "" : "\n");

		if (!strstr(page.buf, line) != absent)
			fail_msg("%s: '%s' in:%s", absent ? "is there" : "is not there", *lines + absent, page.buf);
	}
}
#define CHECK_PAGE(m, exposition, ...) check_page(m, exposition, (const char *const[]){ __VA_ARGS__, NULL })

#define L "cluster=\"net\",host=\"h1.example\",prober=\"dns\""
#define A "cluster=\"net\",host=\"h1.example\""

static void test_new_prober(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(false);

	(void)state;
	metrics_prober_add(m, "dns", NULL, 0);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "# TYPE mrprober_runs_total counter",
		"mrprober_runs_total{" L ",status=\"success\",reason=\"ok\"} 0",
		"mrprober_runs_total{" L ",status=\"failure\",reason=\"exit\"} 0",
		"!mrprober_runs_total{" L ",status=\"error\"", "# TYPE mrprober_run_duration_seconds histogram",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"0.005\"} 0",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"+Inf\"} 0",
		"mrprober_run_duration_seconds_sum{" L "} 0", "mrprober_run_duration_seconds_count{" L "} 0",
		"# TYPE mrprober_success gauge", "!mrprober_success{", "mrprober_consecutive_failures{" L "} 0",
		"!mrprober_last_run_timestamp_seconds{", "!mrprober_value{", "!probe_success",
		"!probe_duration_seconds", "mrprober_agent_running{" A "} 0",
		"# TYPE mrprober_agent_skipped_total counter", "!mrprober_agent_config_timestamp_seconds{",
		"# TYPE mrprober_agent_run_delay_seconds histogram",
		"mrprober_agent_run_delay_seconds_bucket{" A ",le=\"+Inf\"} 0",
		"mrprober_build_info{" A ",version=\"1.2.3\"} 1", "# TYPE process_open_fds gauge", "!# EOF", "!# UNIT");
}

static void test_runs(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(true);
	struct metrics_prober *p = metrics_prober_add(m, "dns", NULL, 0);

	(void)state;
	record_text(m, p, OUTPUT_NAGIOS, 0, "OK|rtt=1.5ms;2;3 'a \"b\"'=-2");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_runs_total{" L ",status=\"success\",reason=\"ok\"} 1",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"0.1\"} 0",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"0.5\"} 1",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"+Inf\"} 1",
		"mrprober_run_duration_seconds_sum{" L "} 0.25", "mrprober_success{" L "} 1",
		"mrprober_last_run_timestamp_seconds{" L "} 1700000000.123",
		"mrprober_value{" L ",metric=\"rtt\",unit=\"ms\"} 1.5",
		"mrprober_value{" L ",metric=\"a \\\"b\\\"\",unit=\"\"} -2", "probe_success{" L "} 1",
		"probe_duration_seconds{" L "} 0.25");
	/* the same shape, then another, then none */
	record_text(m, p, OUTPUT_NAGIOS, 2, "CRITICAL|rtt=7ms 'a \"b\"'=3");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_success{" L "} 0", "mrprober_consecutive_failures{" L "} 1",
		"mrprober_value{" L ",metric=\"rtt\",unit=\"ms\"} 7", "probe_success{" L "} 0",
		"mrprober_runs_total{" L ",status=\"failure\",reason=\"exit\"} 1");
	record_text(m, p, OUTPUT_NAGIOS, 0, "OK|rtt=8s");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_value{" L ",metric=\"rtt\",unit=\"s\"} 8",
		"!mrprober_value{" L ",metric=\"rtt\",unit=\"ms\"", "!mrprober_value{" L ",metric=\"a");
	/* after an error nothing is known, and what was not run has no duration */
	record_error(m, p, REASON_SPAWN, -1);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "!mrprober_success{", "!mrprober_value{", "!probe_success{",
		"!probe_duration_seconds{", "mrprober_runs_total{" L ",status=\"error\",reason=\"spawn\"} 1",
		"mrprober_run_duration_seconds_count{" L "} 3");
	record_error(m, p, REASON_SIGNAL, 100);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_runs_total{" L ",status=\"error\",reason=\"signal\"} 1",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"60.0\"} 3",
		"mrprober_run_duration_seconds_bucket{" L ",le=\"+Inf\"} 4",
		"mrprober_run_duration_seconds_sum{" L "} 100.75");
	record_text(m, p, OUTPUT_NAGIOS, 0, "OK");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_success{" L "} 1", "!mrprober_value{");
}

static void test_labels(void **state)
{
	static const struct label labels[] = { { "zone", "a\"b\\c\nd" }, { "exported_zone", "x" }, { "empty", "" } };
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	struct metrics_prober *p = metrics_prober_add(m, "dns", labels, 3);

	(void)state;
#define M L ",zone=\"a\\\"b\\\\c\\nd\",exported_zone=\"x\",empty=\"\""
	record_text(m, p, OUTPUT_PROMETHEUS, 0, "foo{zone=\"1\",z=\"2\"} 3\nfoo{zone=\"2\",z=\"2\"} 3\n");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_consecutive_failures{" M "} 0",
		"foo{" M ",z=\"2\",exported_exported_zone=\"1\"} 3",
		"foo{" M ",z=\"2\",exported_exported_zone=\"2\"} 3");
}

static void test_families(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(true);
	struct metrics_prober *a = metrics_prober_add(m, "a", NULL, 0), *b = metrics_prober_add(m, "b", NULL, 0);

	(void)state;
	record_text(m, a, OUTPUT_PROMETHEUS, 0,
		"# TYPE foo gauge\n# HELP foo A \\\\ and \\n.\nfoo 1\n# TYPE bar counter\nbar 2\n"
		"# TYPE process_open_fds gauge\nprocess_open_fds 77\nprobe_success 1\n");
	record_text(m, b, OUTPUT_PROMETHEUS, 1,
		"# TYPE foo gauge\nfoo{x=\"1\"} NaN\nfoo{x=\"2\"} -Inf\n# TYPE bar gauge\nbar 3\n");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS,
		"# HELP foo A \\\\ and \\n.\n# TYPE foo gauge\nfoo{" A ",prober=\"a\"} 1\nfoo{" A
		",prober=\"b\",x=\"1\"} NaN\n"
		"foo{" A ",prober=\"b\",x=\"2\"} -Inf",
		"# TYPE bar counter\nbar{" A ",prober=\"a\"} 2", "!bar{" A ",prober=\"b\"}",
		"process_open_fds{" A ",prober=\"a\"} 77",
		"!probe_success{" A ",prober=\"a\"} 1\nprobe_success{" A ",prober=\"a\"} 1",
		"mrprober_agent_families_left_out{" A "} 2", "mrprober_success{" A ",prober=\"b\"} 0");
	/* who had the name first is gone */
	metrics_prober_remove(m, a);
	record_text(m, b, OUTPUT_PROMETHEUS, 0, "# TYPE foo gauge\nfoo{x=\"1\"} 5\n# TYPE bar gauge\nbar 3\n");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "# TYPE bar gauge\nbar{" A ",prober=\"b\"} 3",
		"foo{" A ",prober=\"b\",x=\"1\"} 5", "!foo{" A ",prober=\"b\",x=\"2\"}",
		"mrprober_agent_families_left_out{" A "} 0");
	record_error(m, b, REASON_OUTPUT, 1);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "!foo{", "!bar{");
	metrics_prober_remove(m, b);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "!mrprober_consecutive_failures{", "!mrprober_runs_total{", "!foo",
		"!# TYPE bar");
}

/* promtool takes foo_sum for a part of a histogram foo, and the page for broken. */
static void test_parts(void **state)
{
	static const char histogram[] = "# TYPE foo histogram\nfoo_bucket{le=\"+Inf\"} 1\nfoo_sum 1\nfoo_count 1\n";
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	struct metrics_prober *a = metrics_prober_add(m, "a", NULL, 0), *b = metrics_prober_add(m, "b", NULL, 0);

	(void)state;
	record_text(m, a, OUTPUT_PROMETHEUS, 0, histogram);
	record_text(m, b, OUTPUT_PROMETHEUS, 0, "# TYPE foo_sum gauge\nfoo_sum 5\nfoo_bucket 3\nfoo_total 7\n");
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "foo_sum{" A ",prober=\"a\"} 1", "foo_total{" A ",prober=\"b\"} 7",
		"!foo_sum{" A ",prober=\"b\"}", "!foo_bucket{" A ",prober=\"b\"}",
		"mrprober_agent_families_left_out{" A "} 2");
	record_text(m, a, OUTPUT_PROMETHEUS, 0, "");
	record_text(
		m, b, OUTPUT_PROMETHEUS, 0, "foo_sum 5\n# TYPE bar summary\nbar_sum 1\nbar_count 1\nbar_bucket 2\n");
	record_text(m, a, OUTPUT_PROMETHEUS, 0, histogram);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "foo_sum{" A ",prober=\"b\"} 5", "bar_bucket{" A ",prober=\"b\"} 2",
		"!foo_count{", "mrprober_agent_families_left_out{" A "} 1");
}

static void test_openmetrics(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	struct metrics_prober *p = metrics_prober_add(m, "dns", NULL, 0);

	(void)state;
	record_text(m, p, OUTPUT_PROMETHEUS, 0,
		"# TYPE a_total counter\n# HELP a_total Say \"a\".\na_total 1\n# TYPE b counter\nb 2\n# TYPE c_total "
		"counter\n"
		"c_total 3\n# TYPE c gauge\nc 4\nd 5\n");
	CHECK_PAGE(m, EXPOSITION_OPENMETRICS, "# TYPE mrprober_runs counter",
		"mrprober_runs_total{" L ",status=\"success\",reason=\"ok\"} 1",
		"# TYPE mrprober_run_duration_seconds histogram\n# UNIT mrprober_run_duration_seconds seconds",
		"# HELP a Say \\\"a\\\".\n# TYPE a counter\na_total{" L "} 1", "# TYPE b unknown\nb{" L "} 2",
		"c{" L "} 4\n# HELP c_total Printed by a prober.\n# TYPE c_total unknown\nc_total{" L "} 3",
		"# TYPE d unknown\nd{" L "} 5",
		"# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds", "# EOF");
	cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;
	metrics_format(&page, m, EXPOSITION_OPENMETRICS);
	assert_true(ends_with(page.buf, "\n# EOF\n"));
}

static void test_agent(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(false);

	(void)state;
	metrics_agent_add(m, AGENT_RUNNING, 3);
	metrics_agent_add(m, AGENT_RUNNING, -1);
	metrics_agent_add(m, AGENT_HEALS_TOTAL, 1);
	metrics_agent_set(m, AGENT_CONFIG_TIMESTAMP, 1700000000.5);
	metrics_agent_delay(m, 0.0005);
	metrics_agent_delay(m, -1);
	metrics_agent_delay(m, 100);
	CHECK_PAGE(m, EXPOSITION_PROMETHEUS, "mrprober_agent_running{" A "} 2", "mrprober_agent_heals_total{" A "} 1",
		"mrprober_agent_config_timestamp_seconds{" A "} 1700000000.5",
		"mrprober_agent_run_delay_seconds_bucket{" A ",le=\"0.001\"} 2",
		"mrprober_agent_run_delay_seconds_bucket{" A ",le=\"10.0\"} 2",
		"mrprober_agent_run_delay_seconds_bucket{" A ",le=\"+Inf\"} 3",
		"mrprober_agent_run_delay_seconds_sum{" A "} 100.0005",
		"mrprober_agent_run_delay_seconds_count{" A "} 3");
}

/* --- a page of everything, read back --- */

static struct metrics *full_metrics(void)
{
	struct metrics *m = new_metrics(true);

	for (int i = 0; i < 40; i++) {
		char name[32], zone[32];
		struct label labels[] = { { "zone", zone }, { "record", "A" } };

		snprintf(name, sizeof(name), "p%d", i / 2);
		snprintf(zone, sizeof(zone), "z\\%d\n\"\xc3\xa9", i % 2);
		struct metrics_prober *p = metrics_prober_add(m, name, labels, 2);
		record_error(m, p, (enum verdict_reason)(i % VERDICT_REASONS), 1);
		if (i % 4 == 0)
			record_text(m, p, OUTPUT_NAGIOS, i % 3, "x|a=1 b=2s 'c \"d\" \\'=0.1%");
		else if (i % 4 == 1)
			record_text(m, p, OUTPUT_PROMETHEUS, 0,
				"# HELP h_seconds With \\\\ and \\n.\n# TYPE h_seconds "
				"histogram\nh_seconds_bucket{le=\"1\"} 1\n"
				"h_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 3\nh_seconds_count 2\n# TYPE u "
				"untyped\nu{zone=\"x\"} 1e300\n"
				"# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n# HELP n_total N.\n# "
				"TYPE n_total counter\n"
				"n_total{a=\"\\\"\\\\\\n\"} 1\n");
		else if (i % 4 == 2)
			record_text(m, p, OUTPUT_JSON, 0,
				"{\"status\":\"ok\",\"metrics\":[{\"name\":\"q\",\"value\":1,\"labels\":{\"zone\":"
				"\"1\",\"record\":\"2\"}}]}");
	}
	return m;
}

/* Our own reader refuses the agent's labels and names, as it must; here they are given others. */
static void rename_own(struct strbuf *page)
{
	static const char *const words[] = { "mrprober_",
		"cluster=", "host=", "prober=", "metric=", "unit=", "status=", "reason=" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (char *at = page->buf; (at = strstr(at, words[i])); at++)
			*at = 'X';
	}
}

static void test_read_back(void **state)
{
	(void)state;
	for (int exposition = EXPOSITION_PROMETHEUS; exposition <= EXPOSITION_OPENMETRICS; exposition++) {
		cleanup(free_metrics) struct metrics *m = full_metrics();
		cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct verdict v;
		size_t n = 0, families = 0;

		metrics_format(&page, m, (enum exposition)exposition);
		rename_own(&page);
		verdict_read(&v, &arena, OUTPUT_PROMETHEUS, false, 0, page.buf, page.len);
		if (v.status != VERDICT_SUCCESS) /* also when a series is there twice */
			fail_msg("%s in:\n%s", v.message, page.buf);
		for (size_t i = 0; i < v.n_families; i++) {
			n += v.families[i].n_samples;
			families += v.families[i].help != NULL;
		}
		assert_in_range(n, 40 * 14, 40 * 25);
		assert_int_equal(families, v.n_families);
	}
}

static void test_promtool(void **state)
{
	cleanup(free_metrics) struct metrics *m = full_metrics();
	cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;

	(void)state;
	if (access("/usr/bin/promtool", X_OK) < 0) {
		print_message("promtool is not installed\n");
		skip();
	}
	metrics_format(&page, m, EXPOSITION_PROMETHEUS);
	FILE *promtool = popen("/usr/bin/promtool check metrics 2>&1", "we");
	assert_non_null(promtool);
	fwrite(page.buf, 1, page.len, promtool);
	int code = pclose(promtool);
	if (code)
		fail_msg("promtool: %d", WEXITSTATUS(code));
}

/* --- points --- */

struct counted {
	size_t n, histograms;
	struct strbuf text;
};

static void count_point(void *ctx, const struct metrics_point *point)
{
	struct counted *counted = ctx;
	uint64_t n = 0;

	counted->n++;
	assert_string_equal(point->labels[0].name, "cluster");
	assert_string_equal(point->labels[1].name, "host");
	assert_non_null(point->unit);
	if (point->type == SERIES_HISTOGRAM) {
		counted->histograms++;
		for (size_t i = 0; i <= point->n_bounds; i++)
			n += point->counts[i];
		assert_int_equal(n, point->count);
	}
	assert_int_equal(point->start_ms != 0, point->type == SERIES_COUNTER || point->type == SERIES_HISTOGRAM);
	strbuf_addf(&counted->text, "%s", point->family);
	for (size_t i = 2; i < point->n_labels; i++)
		strbuf_addf(&counted->text, "{%s=%s}", point->labels[i].name, point->labels[i].value);
	if (point->type == SERIES_HISTOGRAM) {
		for (size_t i = 0; i < point->n_bounds; i++)
			strbuf_addf(&counted->text, " %g:%d", point->bounds[i], (int)point->counts[i]);
		strbuf_addf(&counted->text, " sum=%g", point->sum);
	}
	strbuf_addf(&counted->text, "=%g\n", point->type == SERIES_HISTOGRAM ? (double)point->count : point->value);
}

static void test_points(void **state)
{
	static const char *const lines[] = { "mrprober_runs_total{prober=a}{status=success}{reason=ok}=1\n",
		"mrprober_run_duration_seconds{prober=a} 0.005:0 0.025:0 0.1:0 0.5:1 2.5:0 10:0 60:0 sum=0.25=1\n",
		"mrprober_success{prober=a}=1\n", "h{prober=a}{x=1} 1:2 2:3 sum=9=6\n",
		"h{prober=a}{x=2} 1:0 sum=0=1\n", "s_count{prober=a}=3\n",
		"mrprober_value{prober=b}{metric=m}{unit=s}=4\n", "mrprober_agent_running=0\n",
		"mrprober_build_info{version=1.2.3}=1\n", "process_max_fds=" };
	static const char *const absent[] = { "h{prober=a}{x=3}", "h{prober=a}{x=4}", "{le=", "probe_success",
		"mrprober_agent_config_timestamp_seconds" };
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	struct metrics_prober *a = metrics_prober_add(m, "a", NULL, 0), *b = metrics_prober_add(m, "b", NULL, 0);
	struct counted counted = { .text = STRBUF_INIT };

	(void)state;
	record_text(m, a, OUTPUT_PROMETHEUS, 0,
		"# TYPE h histogram\nh_bucket{x=\"1\",le=\"1\"} 2\nh_bucket{x=\"1\",le=\"2\"} "
		"5\nh_bucket{x=\"1\",le=\"+Inf\"} 6\n"
		"h_sum{x=\"1\"} 9\nh_count{x=\"1\"} 6\nh_bucket{le=\"1\",x=\"2\"} 0\nh_bucket{x=\"2\",le=\"+Inf\"} 1\n"
		"h_bucket{x=\"3\",le=\"1\"} 1\nh_bucket{x=\"4\",le=\"1\"} 5\nh_bucket{x=\"4\",le=\"+Inf\"} 1\n"
		"# TYPE s summary\ns{quantile=\"0.9\"} 1\ns_sum 1\ns_count 3\n");
	record_text(m, b, OUTPUT_NAGIOS, 0, "OK|m=4s");
	metrics_each(m, count_point, &counted);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strstr(counted.text.buf, lines[i]))
			fail_msg("'%s' is not in:\n%s", lines[i], counted.text.buf);
	}
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		if (strstr(counted.text.buf, absent[i]))
			fail_msg("'%s' is in:\n%s", absent[i], counted.text.buf);
	}
	assert_int_equal(counted.histograms, 5);
	strbuf_release(&counted.text);
}

/* --- threads --- */

struct shared {
	struct metrics *metrics;
	atomic_bool stop;
	atomic_int pages;
};

static void ignore_point(void *ctx, const struct metrics_point *point)
{
	*(size_t *)ctx += point->n_labels;
}

static void *read_pages(void *arg)
{
	struct shared *shared = arg;
	size_t n = 0;

	while (!atomic_load(&shared->stop)) {
		cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct verdict v;

		metrics_format(&page, shared->metrics, EXPOSITION_PROMETHEUS);
		rename_own(&page);
		verdict_read(&v, &arena, OUTPUT_PROMETHEUS, false, 0, page.buf, page.len);
		if (v.status != VERDICT_SUCCESS)
			BUG("%s in:\n%s", v.message, page.buf);
		metrics_each(shared->metrics, ignore_point, &n);
		atomic_fetch_add(&shared->pages, 1);
	}
	return NULL;
}

/* The writer adds, records and removes while others read: each page is a good one. */
static void test_threads(void **state)
{
	static const char *const outputs[] = { "# TYPE foo gauge\nfoo 1\nbar{a=\"1\"} 2\n",
		"# TYPE foo counter\nfoo 1\n", "", "process_open_fds 1\n" };
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	struct shared shared = { .metrics = m };
	struct metrics_prober *probers[50] = { NULL };
	pthread_t readers[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_pages, &shared), 0);
	for (unsigned round = 0; atomic_load(&shared.pages) < 20; round++) {
		size_t i = round * 7 % ARRAY_SIZE(probers);
		char name[32];

		snprintf(name, sizeof(name), "p%zu", i);
		if (!probers[i])
			probers[i] = metrics_prober_add(m, name, &(struct label){ "zone", "a" }, 1);
		record_text(m, probers[i], OUTPUT_PROMETHEUS, round % 3 == 0, outputs[round % ARRAY_SIZE(outputs)]);
		record_text(m, probers[i], OUTPUT_NAGIOS, round % 4, round % 2 ? "x|a=1 b=2" : "x|a=2");
		metrics_agent_add(m, AGENT_HEALS_TOTAL, 1);
		metrics_agent_delay(m, 0.01);
		if (round % 11 == 0) {
			metrics_prober_remove(m, probers[i]);
			probers[i] = NULL;
		}
	}
	atomic_store(&shared.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		pthread_join(readers[i], NULL);
}

/* --- small parts --- */

static void test_numbers(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = { { 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.1, "0.1" }, { 1e-6, "0.000001" },
		{ 1e-7, "1e-07" }, { 123456789.123, "123456789.123" }, { 1e15, "1e+15" },
		{ 9007199254740992, "9007199254740992" }, { 1e300, "1e+300" },
		{ 0.30000000000000004, "0.30000000000000004" }, { NAN, "NaN" }, { INFINITY, "+Inf" },
		{ -INFINITY, "-Inf" } };
	char text[NUMBER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		*put_double(text, rows[i].value) = '\0';
		if (!streq(text, rows[i].text))
			fail_msg("%g: '%s', expected '%s'", rows[i].value, text, rows[i].text);
	}
	uint64_t random = 1;
	for (int i = 0; i < 20000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		double value = bits_double(random), small = (double)(random >> 40) / 1000;

		*put_double(text, small) = '\0';
		assert_true(strtod(text, NULL) == small);
		*put_double(text, value) = '\0';
		assert_true(isnan(value) || strtod(text, NULL) == value);
	}
	*put_decimal(text, UINT64_MAX, 9) = '\0';
	assert_string_equal(text, "18446744073.709551615");
}

static void test_negotiate(void **state)
{
	static const struct {
		const char *accept;
		bool openmetrics;
	} rows[] = {
		{ NULL, false },
		{ "", false },
		{ "*/*", false },
		{ ",;,;q=;q", false },
		{ "text/plain", false },
		{ "image/png", false },
		{ "application/openmetrics-text;q=0", false },
		{ "application/openmetrics-text;q=0.1,text/plain;q=0.5", false },
		{ "application/openmetrics-text;q=0.3,*/*", false },
		{ "application/openmetrics-text", true },
		{ "APPLICATION/OpenMetrics-Text ; version=1.0.0 ; Q=0.5 , text/plain;q=0.4", true },
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
		  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			true },
		{ "*/*,text/plain;q=0.2,application/openmetrics-text;q=0.3", true },
		{ "application/openmetrics-textual", false },
	};
	static const struct {
		const char *accept;
		bool gzip;
	} encodings[] = { { NULL, false }, { "", false }, { "identity", false }, { "gzip;q=0", false },
		{ "*, gzip;q=0", false }, { "gzip;q=0.000", false }, { "gzip", true }, { "deflate, GZIP;q=0.5", true },
		{ "*", true }, { "x-gzip", true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if ((exposition_negotiate(rows[i].accept) == EXPOSITION_OPENMETRICS) != rows[i].openmetrics)
			fail_msg("'%s'", rows[i].accept);
	}
	for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
		if (gzip_accepted(encodings[i].accept) != encodings[i].gzip)
			fail_msg("'%s'", encodings[i].accept);
	}
}

/* --- over HTTP --- */

/* What `curl ARGS` prints; curl's own status must be `code`. */
static char *curl(int code, const char *url, const char *args)
{
	cleanup(freep) char *command = xasprintf("curl -sS -m 20 %s 2>&1", args);
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	char buf[4096];
	size_t n;

	setenv("URL", url, 1);
	FILE *f = popen(command, "re");
	assert_non_null(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&out, buf, n);
	int status = pclose(f);
	if (WEXITSTATUS(status) != code)
		fail_msg("%s: %d: %s", command, WEXITSTATUS(status), out.buf);
	return strbuf_detach(&out, NULL);
}

static void test_server(void **state)
{
	static const struct {
		const char *args, *begins, *has;
	} rows[] = {
		{ "-i $URL/metrics", "HTTP/1.1 200", "Content-Type: text/plain; version=0.0.4; charset=utf-8" },
		{ "-i -H 'Accept: application/openmetrics-text' $URL/metrics", "HTTP/1.1 200",
			"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8" },
		{ "-H 'Accept: application/openmetrics-text' $URL/metrics", "# HELP mrprober_runs Runs", "\n# EOF\n" },
		{ "-I $URL/metrics", "HTTP/1.1 200", "Vary: Accept, Accept-Encoding" },
		{ "-i $URL/metrics?x=1", "HTTP/1.1 200", "mrprober_build_info" },
		{ "-i --compressed $URL/metrics", "HTTP/1.1 200", "Content-Encoding: gzip" },
		{ "--compressed $URL/metrics", "# HELP mrprober_runs_total", "mrprober_success{" },
		{ "-0 $URL/metrics", "# HELP mrprober_runs_total", "mrprober_success{" },
		{ "$URL/healthz", "ok\n", "ok" },
		{ "-i $URL/", "HTTP/1.1 200", "<a href=\"/metrics\">" },
		{ "-i $URL/metrics/", "HTTP/1.1 404", "not found" },
		{ "-i $URL/other", "HTTP/1.1 404", "not found" },
		{ "-i -d x=1 $URL/metrics", "HTTP/1.1 405", "Allow: GET, HEAD" },
		{ "-i -X DELETE $URL/healthz", "HTTP/1.1 405", "Allow: GET, HEAD" },
	};
	cleanup(free_metrics) struct metrics *m = full_metrics();
	struct mrp_err err = MRP_ERR_INIT;
	char *url;

	(void)state;
	if (access("/usr/bin/curl", X_OK) < 0) {
		print_message("curl is not installed\n");
		skip();
	}
	struct metrics_server *server = metrics_server_start(&url, m, "127.0.0.1:0", &err);
	assert_non_null(server);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(freep) char *answer = curl(0, url, rows[i].args);

		if (strncmp(answer, rows[i].begins, strlen(rows[i].begins)) != 0 || !strstr(answer, rows[i].has))
			fail_msg("%s: %s", rows[i].args, answer);
	}
	metrics_server_stop(server);
	free(curl(7, url, "$URL/metrics"));
	free(url);
}

/* A page of many pieces arrives whole, plain and compressed, also while it changes. */
static void test_server_large(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	struct mrp_err err = MRP_ERR_INIT;
	char *url;

	(void)state;
	if (access("/usr/bin/curl", X_OK) < 0)
		skip();
	for (int i = 0; i < 2000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		record_text(m, metrics_prober_add(m, name, NULL, 0), OUTPUT_NAGIOS, 0, "OK|a=1");
	}
	struct metrics_server *server = metrics_server_start(&url, m, "127.0.0.1:0", &err);
	assert_non_null(server);
	cleanup(freep) char *plain = curl(0, url, "$URL/metrics"), *packed = curl(0, url, "--compressed $URL/metrics");
	const char *end = strstr(plain, "# HELP mrprober_agent_running");
	assert_non_null(end);
	assert_in_range(end - plain, 2000000, 10000000);
	assert_memory_equal(plain, packed, (size_t)(end - plain));
	metrics_server_stop(server);
	free(url);
}

static void test_bad_addresses(void **state)
{
	cleanup(free_metrics) struct metrics *m = new_metrics(false);
	static const char *const rows[] = { "", "x", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536" };
	struct mrp_err err = MRP_ERR_INIT;
	char *url, *other;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_null(metrics_server_start(&url, m, rows[i], &err));
		assert_int_equal(err.code, MRP_EUSAGE);
		mrp_err_clear(&err);
	}
	struct metrics_server *server = metrics_server_start(&url, m, "127.0.0.1:0", &err);
	assert_non_null(server);
	assert_null(metrics_server_start(&other, m, url + strlen("http://"), &err));
	assert_non_null(strstr(err.msg, "another program uses this port"));
	mrp_err_clear(&err);
	metrics_server_stop(server);
	/* the place is free again */
	server = metrics_server_start(&other, m, url + strlen("http://"), &err);
	assert_non_null(server);
	assert_string_equal(other, url);
	metrics_server_stop(server);
	free(url);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_prober),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_promtool),
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_negotiate),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_server_large),
		cmocka_unit_test(test_bad_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
