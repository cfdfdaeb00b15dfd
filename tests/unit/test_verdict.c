/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes and output of programs become verdicts; what makes no sense is an error, or is left out, never a crash. */
#include "unit.h"

#include <math.h>

#include "../../lib/base/text.h"
#include "../../lib/verdict/number.h"
#include "../../lib/verdict/verdict.h"

/* "metric[unit]=value" and "{label=value}", in order, separated by blanks; samples of families as
 * "type:name{...}=value". */
static void describe(struct strbuf *out, const struct verdict *v)
{
	static const char *const types[] = { "untyped", "gauge", "counter", "histogram", "summary" };

	for (size_t i = 0; i < v->n_values; i++) {
		const struct verdict_value *value = &v->values[i];

		strbuf_addf(out, "%s%s[%s]", out->len ? " " : "", value->metric, value->unit);
		for (size_t k = 0; k < value->n_labels; k++)
			strbuf_addf(out, "{%s=%s}", value->labels[k].name, value->labels[k].value);
		strbuf_addf(out, "=%.15g", value->value);
	}
	for (size_t i = 0; i < v->n_families; i++) {
		const struct verdict_family *f = &v->families[i];

		for (size_t s = 0; s < f->n_samples; s++) {
			strbuf_addf(out, "%s%s:%s", out->len ? " " : "", types[f->type], f->samples[s].name);
			for (size_t k = 0; k < f->samples[s].n_labels; k++)
				strbuf_addf(
					out, "{%s=%s}", f->samples[s].labels[k].name, f->samples[s].labels[k].value);
			strbuf_addf(out, "=%.15g", f->samples[s].value);
		}
	}
}

struct row {
	int exit_code;
	const char *output, *verdict, *message, *series; /* verdict "failure/exit"; message NULL: any */
	bool warning_fails;
};

static void check_rows(enum output_format format, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		cleanup(strbuf_release) struct strbuf verdict = STRBUF_INIT, series = STRBUF_INIT;
		const struct row *row = &rows[i];
		struct verdict v;

		verdict_read(&v, &arena, format, row->warning_fails, row->exit_code, row->output, strlen(row->output));
		strbuf_addf(&verdict, "%s/%s", verdict_status_names[v.status], verdict_reason_names[v.reason]);
		describe(&series, &v);
		if (!streq(verdict.buf, row->verdict) || (row->message && !streq(v.message, row->message)) ||
			!streq(series.buf, row->series ? row->series : ""))
			fail_msg("%d '%s':\n  %s '%s' '%s', expected\n  %s '%s' '%s'", row->exit_code, row->output,
				verdict.buf, v.message, series.buf, row->verdict, row->message ? row->message : "(any)",
				row->series ? row->series : "");
	}
}

static void test_exit(void **state)
{
	static const struct row rows[] = {
		{ 0, "", "success/ok", "exit code 0" },
		{ 1, "", "failure/exit", "exit code 1" },
		{ 3, "  \n\t\n no route to host \nmore\n", "failure/exit", "no route to host" },
		{ 127, "sh: 1: nope: not found", "failure/exit", "sh: 1: nope: not found" },
		{ 255, "a|b=1\n", "failure/exit", "a|b=1" },
		{ 0, "tab\there\r\nnext", "success/ok", "tab here" },
		{ 0, "caf\xc3\xa9 \xff \x1b[31m\x7f", "success/ok", "caf\xc3\xa9 \\xff \\x1b[31m\\x7f" },
		{ 0, "cr\ralone", "success/ok", "cr alone" },
	};

	(void)state;
	check_rows(OUTPUT_EXIT, rows, ARRAY_SIZE(rows));
}

static void test_nagios_codes(void **state)
{
	static const struct row rows[] = {
		{ 0, "OK", "success/ok", "OK" },
		{ 1, "WARNING - slow", "success/warning", "WARNING - slow" },
		{ 1, "WARNING - slow", "failure/warning", "WARNING - slow", .warning_fails = true },
		{ 2, "CRITICAL", "failure/exit", "CRITICAL" },
		{ 3, "UNKNOWN - usage", "error/exit", "UNKNOWN - usage" },
		{ 4, "", "error/exit", "exit code 4" },
		{ 127, "|", "error/exit", "exit code 127" },
		{ 0, "OK - all well | a=1", "success/ok", "OK - all well", "a[]=1" },
		{ 0, "\n\nOK after blank lines|a=1\n", "success/ok", "OK after blank lines", "a[]=1" },
	};

	(void)state;
	check_rows(OUTPUT_NAGIOS, rows, ARRAY_SIZE(rows));
}

#define PERFDATA(text, series)                            \
	{                                                 \
		0, "OK|" text, "success/ok", "OK", series \
	}

static void test_perfdata(void **state)
{
	static const struct row rows[] = {
		/* no performance data, or not understood: left out one by one */
		PERFDATA("", ""),
		PERFDATA("=1", ""),
		PERFDATA("''=1 ok=2", "ok[]=2"),
		PERFDATA("a b=1", "b[]=1"),
		PERFDATA("a=", ""),
		PERFDATA("a=U b=U;1;2 c=1", "c[]=1"),
		PERFDATA("a=nan b=inf c=1e999 d=-e5 e=. f=-", ""),
		PERFDATA("a=0,5s b=1,234 c=1", "c[]=1"),
		PERFDATA("a=1.2.3 b=12:30 c=2024-01-02 d=1=2 e=1", "e[]=1"),
		PERFDATA("a=1,b=2,c=3", ""),
		PERFDATA("rta = 0.80", ""),
		PERFDATA("'not closed=1 b=2", "closed[]=1 b[]=2"),
		PERFDATA("'a b' c=1", "c[]=1"),
		PERFDATA("'a'b=1 c=2", "c[]=2"),
		PERFDATA("; ;; =;= ' '' ''' c=2", "c[]=2"),
		PERFDATA("a=5\"x\" b=5'x' c=1", "c[]=1"),
		/* the guidelines' own forms */
		PERFDATA("time=0.002722s;;;0.000000;10.000000", "time[s]=0.002722"),
		PERFDATA("a=1s b=2us c=3ms d=4% e=5B f=6KB g=7MB h=8TB i=9c",
			"a[s]=1 b[us]=2 c[ms]=3 d[%]=4 e[B]=5 f[KB]=6 g[MB]=7 h[TB]=8 i[c]=9"),
		PERFDATA("'a b'=1;2;3 'c''d'=4 '='=5 '|'=6 ''''=7", "a b[]=1 c'd[]=4 =[]=5 |[]=6 '[]=7"),
		PERFDATA("a=1;10:20;@5:~;0;100 b=2;~:1", "a[]=1 b[]=2"),
		PERFDATA("a=-1.5 b=+2 c=.5 d=5. e=1e3 f=1E-2s g=5e h=1e5e",
			"a[]=-1.5 b[]=2 c[]=0.5 d[]=5 e[]=1000 "
			"f[s]=0.01 g[e]=5 h[e]=100000"),
		PERFDATA("a=1m/s b=2\xc2\xb0"
			 "C c=3\xb5s",
			"a[m/s]=1 b[\xc2\xb0"
			"C]=2 c[\\xb5s]=3"),
		PERFDATA("\xff=1 it's=2 /var/lib=3MB;;", "\\xff[]=1 it's[]=2 /var/lib[MB]=3"),
		PERFDATA("a=1 b=2 a=3s", "b[]=2 a[s]=3"),
		PERFDATA("a=1\r\n", "a[]=1"),
		PERFDATA("\ta=1\t\tb=2", "a[]=1 b[]=2"),
		PERFDATA("a=12345678901234567890 b=0.1 c=9007199254740993",
			"a[]=1.23456789012346e+19 b[]=0.1 "
			"c[]=9.00719925474099e+15"),
		/* several lines */
		PERFDATA("a=1\nlong text b=2\nlong text | c=3\nd=4 'e\nf'=5 g=6", "a[]=1 c[]=3 d[]=4 f'[]=5 g[]=6"),
		PERFDATA("a=1\n\n|b=2|c=3 d=4", "a[]=1 d[]=4"),
		{ 2, "CRITICAL\nb=2\nmore|c=3", "failure/exit", "CRITICAL", "c[]=3" },
		{ 1, "garbage ||||| = = '' ;", "success/warning", "garbage" },
	};

	(void)state;
	check_rows(OUTPUT_NAGIOS, rows, ARRAY_SIZE(rows));
}

static void test_perfdata_many(void **state)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct verdict v;

	(void)state;
	strbuf_addstr(&text, "OK|");
	for (int i = 0; i < VERDICT_SERIES_MAX + 5; i++)
		strbuf_addf(&text, " m%d=%d", i, i);
	verdict_read(&v, &arena, OUTPUT_NAGIOS, false, 0, text.buf, text.len);
	assert_int_equal(v.status, VERDICT_SUCCESS);
	assert_int_equal(v.n_values, VERDICT_SERIES_MAX);
	assert_string_equal(v.values[VERDICT_SERIES_MAX - 1].metric, "m9999");
}

static void test_json(void **state)
{
	static const struct row rows[] = {
		{ 0, "", "error/output", "output is empty, where a JSON object is expected" },
		{ 1, " \n", "error/output", "exit code 1; output is empty, where a JSON object is expected" },
		{ 0, "{\"status\":\"\\u0000\"}", "error/output",
			"output is not valid JSON: line 1, column 18: \\u0000 is not allowed" },
		{ 1, "Traceback (most recent call last):", "error/output" },
		{ 0, "{\"status\": \"ok\",}", "error/output" },
		{ 0, "[]", "error/output", "output: a list, not an object" },
		{ 0, "{}", "error/output", "output: 'status' is not there, or no string" },
		{ 0, "{\"status\": 0}", "error/output", "output: 'status' is not there, or no string" },
		{ 0, "{\"status\": \"OK\"}", "error/output",
			"output: status 'OK' is none of ok, warning, critical, unknown" },
		{ 1, "{\"status\": \"ok\"}", "error/output",
			"exit code 1; output: status 'ok' contradicts the exit code" },
		{ 0, "{\"status\": \"ok\", \"message\": 1}", "error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": {}}", "error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [1]}", "error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"value\": 1}]}", "error/output",
			"output: metrics[0] has no 'name'" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"\", \"value\": 1}]}", "error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\"}]}", "error/output",
			"output: metrics[0] has no 'value'" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": \"1\"}]}", "error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": true}]}", "error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1, \"unit\": 1}]}",
			"error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1, \"labels\": []}]}",
			"error/output" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1, \"labels\": {\"b\": 1}}]}",
			"error/output", "output: metrics[0]: label 'b' is a whole number, not a string" },
		{ 0,
			"{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1, \"labels\": {\"host\": "
			"\"x\"}}]}",
			"error/output", "output: metrics[0]: label 'host' is reserved: the agent sets it itself" },
		{ 0,
			"{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1, \"labels\": {\"a-b\": "
			"\"x\"}}]}",
			"error/output" },
		{ 0,
			"{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1, \"labels\": {\"__a\": "
			"\"x\"}}]}",
			"error/output" },
		{ 0,
			"{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1}, {\"name\": \"a\", "
			"\"value\": 2}]}",
			"error/output", "output: metric 'a' is there twice with the same unit and labels" },
		{ 0, "{\"status\": \"ok\", \"metrics\": [{\"name\": \"a\", \"value\": 1e999}]}", "error/output" },
		{ 0, "{\"status\": \"ok\"} {}", "error/output" },

		{ 0, "{\"status\": \"ok\"}\n", "success/ok", "ok" },
		{ 0, "{\"status\": \"warning\", \"message\": \" a\\nb \"}", "success/warning", "a b" },
		{ 1, "{\"status\": \"warning\"}", "failure/warning", "warning", .warning_fails = true },
		{ 0, "{\"status\": \"critical\", \"message\": null}", "failure/exit", "critical" },
		{ 2, "{\"status\": \"critical\", \"message\": \"down\"}", "failure/exit", "down" },
		{ 3, "{\"status\": \"unknown\"}", "error/exit", "unknown" },
		{ 0, "{\"status\": \"ok\", \"colour\": [1], \"metrics\": null}", "success/ok", "ok" },
		{ 0,
			"{\"status\": \"ok\", \"metrics\": [{\"name\": \"rtt\", \"value\": 1.5, \"unit\": \"ms\", "
			"\"x\": 0}, "
			"{\"name\": \"rtt\", \"value\": -2, \"unit\": null, \"labels\": {\"z\": \"1\", \"a\": "
			"\"\\u00e9\"}}, "
			"{\"name\": \"none\", \"value\": null}]}",
			"success/ok", "ok", "rtt[ms]=1.5 rtt[]{a=\xc3\xa9}{z=1}=-2" },
	};

	(void)state;
	check_rows(OUTPUT_JSON, rows, ARRAY_SIZE(rows));
}

#define REFUSED(text, why)                             \
	{                                              \
		0, text, "error/output", "output:" why \
	}

static void test_prometheus_refused(void **state)
{
	static const struct row rows[] = {
		REFUSED("nonsense", "1:9: a blank or '{' is expected after the name"),
		REFUSED("a", "1:2: a blank or '{' is expected after the name"),
		REFUSED("a ", "1:3: a value is expected, not ''"),
		REFUSED("a one", "1:3: a value is expected, not 'one'"),
		REFUSED("a 1x", "1:3: a value is expected, not '1x'"),
		REFUSED("a 1,5", "1:3: a value is expected, not '1,5'"),
		REFUSED("1a 1", "1:1: a metric's name is expected"),
		REFUSED("a-b 1", "1:2: a blank or '{' is expected after the name"),
		REFUSED("a 1 2 3", "1:7: the line should end here"),
		REFUSED("a 1 later", "1:5: a time stamp is expected after the value, or nothing"),
		REFUSED("\n\na 1\n  b{x=\"1\"", "4:10: ',' or '}' is expected after a label"),
		REFUSED("a{x=1} 1", "1:5: a label's value in double quotes is expected"),
		REFUSED("a{x=\"1} 1", "1:5: the quote is not closed on this line"),
		REFUSED("a{x=\"1\ny\"} 1", "1:5: the quote is not closed on this line"),
		REFUSED("a{x=\"\\t\"} 1", "1:6: '\\' must be followed by '\\', 'n' or '\"'"),
		REFUSED("a{x=\"\\", "1:6: '\\' must be followed by '\\', 'n' or '\"'"),
		REFUSED("a{x=\"\xff\"} 1", "1:5: the label's value is not valid UTF-8"),
		REFUSED("a{x=\"1\",x=\"2\"} 1", "1:3: label 'x' is there twice"),
		REFUSED("a{,} 1", "1:3: a label's name is expected"),
		REFUSED("a{x} 1", "1:4: '=' is expected after label 'x'"),
		REFUSED("a{x:y=\"1\"} 1", "1:4: '=' is expected after label 'x'"),
		REFUSED("a{host=\"1\"} 1", "1:3: label 'host' is reserved: the agent sets it itself"),
		REFUSED("a{b=\"1\", prober=\"1\"} 1", "1:10: label 'prober' is reserved: the agent sets it itself"),
		REFUSED("a{cluster=\"\"} 1", "1:3: label 'cluster' is reserved: the agent sets it itself"),
		REFUSED("a{le=\"1\"} 1", "1:3: label 'le' is reserved: the agent sets it itself"),
		REFUSED("a{__name__=\"1\"} 1",
			"1:3: label '__name__' is reserved: names that start with '__' are for internal use"),
		REFUSED("mrprober_success 1",
			"1:1: 'mrprober_success': names that start with 'mrprober_' are the agent's own"),
		REFUSED("# TYPE mrprober_x gauge",
			"1:1: 'mrprober_x': names that start with 'mrprober_' are the agent's own"),
		REFUSED("a 1\na 2", "2:1: the same series as in line 1: 'a'"),
		REFUSED("b 1\na{x=\"1\",y=\"2\"} 1\nc 3\na{y=\"2\",x=\"1\"} 1",
			"4:1: the same series as in line 2: 'a'"),
		REFUSED("a{x=\"\"} 1\na 2", "2:1: the same series as in line 1: 'a'"),
		REFUSED("# TYPE a", "1:1: '' is no type (counter, gauge, histogram, summary, untyped)"),
		REFUSED("# TYPE a gouge", "1:1: 'gouge' is no type (counter, gauge, histogram, summary, untyped)"),
		REFUSED("# TYPE a gauge x", "1:16: the line should end here"),
		REFUSED("# TYPE a gauge\n# TYPE a gauge", "2:1: a second TYPE of 'a'"),
		REFUSED("# HELP a b\n# HELP a c", "2:1: a second HELP of 'a'"),
		REFUSED("# HELP a \xff", "1:1: the help text is not valid UTF-8"),
		REFUSED("# HELP", "1:7: a metric's name is expected"),
		REFUSED("a 1\n# TYPE a gauge", "2:1: TYPE of 'a' after its first sample"),
		REFUSED("# TYPE a histogram\na 1",
			"2:1: histogram 'a' has samples '_bucket', '_sum' and '_count', and none of its own name"),
		REFUSED("# TYPE a histogram\na_bucket 1", "2:1: bucket 'a_bucket' without a label 'le'"),
		REFUSED("# TYPE a histogram\na_bucket{le=\"x\"} 1", "2:1: bound 'x' of a bucket is no number"),
		REFUSED("a 1 # x", "1:7: '{' is expected in an exemplar"),
		{ 7, "Segmentation fault", "error/output",
			"exit code 7; output:1:14: a value is expected, not 'fault'" },
	};

	(void)state;
	check_rows(OUTPUT_PROMETHEUS, rows, ARRAY_SIZE(rows));
}

static void test_prometheus(void **state)
{
	static const struct row rows[] = {
		{ 0, "", "success/ok", "exit code 0, 0 series" },
		{ 1, "", "failure/exit", "exit code 1, 0 series" },
		{ 2, "a 1", "failure/exit", "exit code 2, 1 series", "untyped:a=1" },
		{ 0, "\r\na 1\r\n", "success/ok", NULL, "untyped:a=1" },
		{ 0, "# just a comment\n#\n#HELP\n", "error/output" },
		{ 0, "# just a comment\n#\n# EOF\n# UNIT a seconds\n", "success/ok", NULL, "" },
		{ 0, " \ta\t1.5e3\t1395066363000 \n", "success/ok", NULL, "untyped:a=1500" },
		{ 0, "a NaN\nb +Inf\nc -Inf\nd inf\ne -Infinity", "success/ok", NULL,
			"untyped:a=nan untyped:b=inf untyped:c=-inf untyped:d=inf untyped:e=-inf" },
		{ 0, "a{} 1\nb { x = \"1\" , y = \"\\\"\\\\\\n\" , } 2", "success/ok", NULL,
			"untyped:a=1 untyped:b{x=1}{y=\"\\\n}=2" },
		{ 0, "a:b_1{z=\"}\",a=\"\xc3\xa9\"} 1", "success/ok", NULL, "untyped:a:b_1{a=\xc3\xa9}{z=}}=1" },
		{ 0,
			"# HELP x_total Text with \\\\ and \\n.\n# TYPE x_total counter\nx_total{a=\"1\"} "
			"1\nx_total{a=\"2\"} 2\n"
			"# TYPE g gauge\ng 3\nx_total 4\n",
			"success/ok", NULL,
			"counter:x_total{a=1}=1 counter:x_total{a=2}=2 counter:x_total=4 gauge:g=3" },
		{ 0,
			"# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
			"# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\nh_total 1\n",
			"success/ok", NULL,
			"histogram:h_bucket{le=0.1}=1 histogram:h_bucket{le=+Inf}=2 histogram:h_sum=3 "
			"histogram:h_count=2 "
			"summary:s{quantile=0.5}=1 summary:s_sum=3 summary:s_count=2 untyped:h_total=1" },
		{ 0, "h_bucket{le=\"1\"} 1\n", "success/ok", NULL, "untyped:h_bucket{le=1}=1" },
		{ 0,
			"# TYPE c counter\n# HELP c Help.\nc_total 1 # {trace=\"x\"} 0.5 1.2\nc_created 12\n# TYPE i "
			"info\n"
			"i_info{v=\"1\"} 1\n# TYPE u unknown\nu 1\n# EOF\n",
			"success/ok", "exit code 0, 3 series", "counter:c_total=1 untyped:i_info{v=1}=1 untyped:u=1" },
	};

	(void)state;
	check_rows(OUTPUT_PROMETHEUS, rows, ARRAY_SIZE(rows));
}

static void test_prometheus_many(void **state)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct verdict v;

	(void)state;
	for (int i = 0; i < VERDICT_SERIES_MAX; i++)
		strbuf_addf(&text, "m%d{i=\"%d\"} %d\n", i % 1000, i, i);
	verdict_read(&v, &arena, OUTPUT_PROMETHEUS, false, 0, text.buf, text.len);
	assert_int_equal(v.status, VERDICT_SUCCESS);
	assert_int_equal(v.n_families, 1000);
	assert_int_equal(v.families[999].n_samples, 10);
	strbuf_addstr(&text, "one_more 1\n");
	verdict_read(&v, &arena, OUTPUT_PROMETHEUS, false, 0, text.buf, text.len);
	assert_int_equal(v.reason, REASON_OUTPUT);
	assert_string_equal(v.message, "output:10001:1: more than 10000 series");
	assert_int_equal(v.n_families, 0);
}

/* Bytes that are no text at all. */
static void test_nul(void **state)
{
	static const char bytes[] = "a\0b=1|c\0d=1 e=1\0";

	(void)state;
	for (int format = OUTPUT_EXIT; format <= OUTPUT_JSON; format++) {
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct verdict v;

		verdict_read(&v, &arena, (enum output_format)format, false, 0, bytes, sizeof(bytes));
		assert_true(utf8_valid(v.message, strlen(v.message)));
		if (format == OUTPUT_NAGIOS)
			assert_string_equal(v.message, "a\\x00b=1");
	}
}

static void test_long_messages(void **state)
{
	static const char *const units[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		for (size_t extra = 0; extra < 5; extra++) {
			cleanup(arena_release) struct arena arena = ARENA_INIT;
			cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
			struct verdict v;

			strbuf_addchars(&text, 'x', extra);
			while (text.len < 3000)
				strbuf_addstr(&text, units[i]);
			verdict_read(&v, &arena, OUTPUT_EXIT, false, 0, text.buf, text.len);
			assert_in_range(strlen(v.message), VERDICT_MESSAGE_MAX - 6, VERDICT_MESSAGE_MAX);
			assert_true(utf8_valid(v.message, strlen(v.message)));
			assert_true(ends_with(v.message, "\xe2\x80\xa6"));
		}
	}
}

static void test_set(void **state)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct verdict v;

	(void)state;
	verdict_set(&v, &arena, VERDICT_FAILURE, REASON_TIMEOUT, "no end after %d s\n%s", 5, "\xff");
	assert_int_equal(v.status, VERDICT_FAILURE);
	assert_int_equal(v.reason, REASON_TIMEOUT);
	assert_string_equal(v.message, "no end after 5 s \\xff");
	assert_int_equal(v.n_values + v.n_families, 0);
}

/* The quick way gives the same bits as strtod. */
static void test_numbers(void **state)
{
	static const char *const rows[] = { "0", "-0", "1", "0.1", "123.456", "1e22", "1e23", "1e-22", "1e-23",
		"0.30000000000000004", "9007199254740992", "9007199254740993", "1.7976931348623157e308", "1e309",
		"4.9e-324", "1e-400", "00000.000001", "0000000000000000000000000000001.5",
		"3.14159265358979323846264338327950288419716939937510582097494459230781640628", "123456789012345678",
		"1234567890123456789", "12345678901234567890e-10", "0.000000000000000000000000000001" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *end = rows[i] + strlen(rows[i]);
		double got = -1, expected = strtod(rows[i], NULL);

		if (number_read(&got, rows[i], end) != end || memcmp(&got, &expected, sizeof(got)) != 0)
			fail_msg("'%s': %.17g, expected %.17g", rows[i], got, expected);
	}
	uint64_t random = 1;
	for (int i = 0; i < 20000; i++) {
		char text[64];
		double got, expected;

		random = random * 6364136223846793005u + 1442695040888963407u;
		int len = snprintf(text, sizeof(text), "%.*g", (int)(random >> 33) % 17 + 1,
			ldexp((double)(random >> 11), (int)(random & 63) - 60));
		expected = strtod(text, NULL);
		assert_ptr_equal(number_read(&got, text, text + len), text + len);
		assert_memory_equal(&got, &expected, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_nagios_codes),
		cmocka_unit_test(test_perfdata),
		cmocka_unit_test(test_perfdata_many),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_prometheus_refused),
		cmocka_unit_test(test_prometheus),
		cmocka_unit_test(test_prometheus_many),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
