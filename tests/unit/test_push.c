/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../../lib/push/format.h"
#include "../../lib/push/queue.h"
#include "../../lib/push/solomon_label.h"
#include "../../lib/value/json.h"

#define S8 "abcdefgh"
#define S32 S8 S8 S8 S8
#define S200 S32 S32 S32 S32 S32 S32 S8

static void test_labels(void **state)
{
	static const struct {
		void (*add)(struct strbuf *out, const char *text);
		const char *text, *fitted;
	} cases[] = {
		{ solomon_add_label_name, "_private", "l_private" },
		{ solomon_add_label_name, "9lives", "l9lives" },
		{ solomon_add_label_name, "a-b", "a_b_d44362" },
		{ solomon_add_label_name, "a b", "a_b_c8687a" },
		{ solomon_add_label_name, S32 "x", S8 S8 S8 "a_3b1093" },
		{ solomon_add_label_name, "cluster", "mrprober_cluster" },
		{ solomon_add_label_name, "name", "mrprober_name" },
		{ solomon_add_label_name, "folderId", "mrprober_folderId" },
		{ solomon_add_label_name, "clusters", "clusters" },
		{ solomon_add_label_name, "a.b_C9", "a.b_C9" },
		{ solomon_add_label_name, S32, S32 },
		{ solomon_add_label_value, "\xd0\xb4\xd0\xb0", "_____cdc5ed" },
		{ solomon_add_label_value, "*", "__684888" },
		{ solomon_add_label_value, "a\"b", "a_b_39a012" },
		{ solomon_add_label_value, "line\nend", "line_end_fd3b5b" },
		{ solomon_add_label_value, S200 "x", S32 S32 S32 S32 S32 S32 "a_e368c5" },
		{ solomon_add_label_value, S200, S200 },
		{ solomon_add_label_value, "https://example.net/a?b", "https://example.net/a_b_b47fe2" },
		{ solomon_add_label_value, "eth0 (10%): [up] a/b-c_d=e,f;g", "eth0 (10%): [up] a/b-c_d=e,f;g" },
	};
	bool bad = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

		cases[i].add(&out, cases[i].text);
		if (!streq(out.buf, cases[i].fitted)) {
			print_error("'%s': '%s' instead of '%s'\n", cases[i].text, out.buf, cases[i].fitted);
			bad = true;
		}
	}
	assert_false(bad);
}

static void encode_one(struct push_encoded *out, const struct metrics_point *point)
{
	const struct push_context context = { 1700000000007, NULL };
	struct push_points points = PUSH_POINTS_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	push_points_add(&points, point);
	assert_int_equal(push_solomon_encode(out, &points, &context, &err), 0);
	push_points_release(&points);
}

#define HEAD "{\"ts\":\"2023-11-14T22:13:20.007Z\",\"metrics\":["

static void test_solomon(void **state)
{
	static const struct label labels[] = { { "l1", "v" }, { "l2", "v" }, { "l3", "v" }, { "l4", "v" },
		{ "l5", "v" }, { "l6", "v" }, { "l7", "v" }, { "l8", "v" }, { "l9", "v" }, { "l10", "v" },
		{ "l11", "v" }, { "l12", "v" }, { "l13", "v" } };
	static const struct label empty[] = { { "a", "" }, { "b", "c" } };
	static const struct {
		struct metrics_point point;
		const char *body;
		uint64_t samples, dropped;
	} cases[] = {
		{ { "g", SERIES_GAUGE, .value = __builtin_nan("") }, "", 0, 1 },
		{ { "g", SERIES_GAUGE, .value = -__builtin_inf() }, "", 0, 1 },
		{ { "g", SERIES_GAUGE, .value = 1, .labels = labels, .n_labels = 13 }, "", 0, 1 },
		{ { "g", SERIES_GAUGE, .value = 0.1 },
			HEAD "{\"name\":\"g\",\"type\":\"DGAUGE\",\"labels\":{},\"value\":0.1}]}", 1, 0 },
		{ { "g", SERIES_UNTYPED, .value = -2, .labels = empty, .n_labels = 2 },
			HEAD "{\"name\":\"g\",\"type\":\"DGAUGE\",\"labels\":{\"b\":\"c\"},\"value\":-2}]}", 1, 0 },
		{ { "app_total", SERIES_COUNTER, .value = 3 },
			HEAD "{\"name\":\"app_total\",\"type\":\"DGAUGE\",\"labels\":{},\"value\":3}]}", 1, 0 },
		{ { "mrprober_runs_total", SERIES_COUNTER, .value = 3 },
			HEAD "{\"name\":\"mrprober_runs_total\",\"type\":\"COUNTER\",\"labels\":{},\"value\":3}]}", 1,
			0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct push_encoded out = PUSH_ENCODED_INIT;

		encode_one(&out, &cases[i].point);
		assert_string_equal(out.body.buf, cases[i].body);
		assert_int_equal(out.samples, cases[i].samples);
		assert_int_equal(out.dropped, cases[i].dropped);
		assert_true((out.why != NULL) == (out.dropped > 0));
		strbuf_release(&out.body);
	}
}

/* One more bucket than a request may hold is a histogram that cannot be sent whole. */
static void test_solomon_limit(void **state)
{
	enum { BOUNDS = SOLOMON_METRICS_MAX };
	double *bounds = xcalloc(BOUNDS, sizeof(*bounds));
	uint64_t *counts = xcalloc(BOUNDS + 1, sizeof(*counts));
	const struct metrics_point point = { "h", SERIES_HISTOGRAM, .bounds = bounds, .counts = counts,
		.n_bounds = BOUNDS };
	struct push_encoded out = PUSH_ENCODED_INIT;

	(void)state;
	encode_one(&out, &point);
	assert_int_equal(out.samples, SOLOMON_METRICS_MAX);
	assert_int_equal(out.dropped, 3);
	strbuf_release(&out.body);
	free(bounds);
	free(counts);
}

/* What an answer to 10 samples means. */
struct reply_case {
	int status;
	const char *type, *body;
	size_t len; /* 0: strlen */
	enum push_fate fate;
	uint64_t rejected;
	const char *said;
};

#define JSON "application/json"
#define PROTO "application/x-protobuf"

static void check_replies(const struct reply_case *cases, size_t n,
	void (*read)(struct push_reply *out, const struct http_peer_answer *answer, uint64_t samples))
{
	for (size_t i = 0; i < n; i++) {
		struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
		struct push_reply reply;

		answer.status = cases[i].status;
		answer.content_type = cases[i].type ? xstrdup(cases[i].type) : NULL;
		strbuf_add(&answer.body, cases[i].body, cases[i].len ? cases[i].len : strlen(cases[i].body));
		read(&reply, &answer, 10);
		if (reply.fate != cases[i].fate || reply.rejected != cases[i].rejected ||
			!streq(reply.said ? reply.said : "-", cases[i].said ? cases[i].said : "-"))
			fail_msg("row %zu, %d %s: fate %d, rejected %d, '%s'", i, cases[i].status, cases[i].body,
				(int)reply.fate, (int)reply.rejected, reply.said ? reply.said : "");
		free(reply.said);
		http_peer_answer_release(&answer);
	}
}

static void test_solomon_replies(void **state)
{
	static const struct reply_case cases[] = {
		{ 200, JSON, "", 0, PUSH_AGAIN, 0, "answered 200: it does not say how many metrics were written" },
		{ 200, "text/html", "<html>", 0, PUSH_AGAIN, 0,
			"answered 200: it does not say how many metrics were written" },
		{ 200, JSON, "{\"writtenMetricsCount\":-1}", 0, PUSH_AGAIN, 0,
			"answered 200: it does not say how many metrics were written" },
		{ 200, JSON, "{\"writtenMetricsCount\":\"1e9\"}", 0, PUSH_AGAIN, 0,
			"answered 200: it does not say how many metrics were written" },
		{ 200, JSON, "{\"writtenMetricsCount\":\"0\",\"errorMessage\":\"quota\"}", 0, PUSH_TAKEN, 10,
			"answered 200: quota" },
		{ 200, JSON, "{\"writtenMetricsCount\":7,\"errorMessage\":\"quota\"}", 0, PUSH_TAKEN, 3,
			"answered 200: quota" },
		{ 400, JSON, "{\"writtenMetricsCount\":7,\"errorMessage\":\"quota\"}", 0, PUSH_TAKEN, 3,
			"answered 400: quota" },
		{ 200, JSON, "{\"writtenMetricsCount\":\"10\"}", 0, PUSH_TAKEN, 0, NULL },
		{ 200, JSON, "{\"writtenMetricsCount\":11}", 0, PUSH_TAKEN, 0, NULL },
		{ 200, JSON, "{\"metrics_written\":\"10\"}", 0, PUSH_TAKEN, 0, NULL },
		{ 400, JSON, "{\"writtenMetricsCount\":0,\"errorMessage\":\"JSON_ERROR\"}", 0, PUSH_FINAL, 0,
			"answered 400: JSON_ERROR" },
		{ 401, JSON, "{\"code\":16,\"message\":\"expired\"}", 0, PUSH_TOKEN, 0, "answered 401: expired" },
		{ 403, JSON, "{}", 0, PUSH_FINAL, 0, "answered 403" },
		{ 302, "text/html", "", 0, PUSH_FINAL, 0, "answered 302" },
		{ 429, JSON, "", 0, PUSH_AGAIN, 0, "answered 429" },
		{ 500, JSON, "", 0, PUSH_AGAIN, 0, "answered 500" },
		{ 503, JSON, "", 0, PUSH_AGAIN, 0, "answered 503" },
	};

	(void)state;
	check_replies(cases, ARRAY_SIZE(cases), push_solomon_read);
}

static void test_otlp_replies(void **state)
{
	static const struct reply_case cases[] = {
		{ 200, "text/html", "<html>", 0, PUSH_AGAIN, 0, "answered 200: it is no OTLP" },
		{ 200, NULL, "x", 0, PUSH_AGAIN, 0, "answered 200: it is no OTLP" },
		{ 200, PROTO, "\x0a\xff", 0, PUSH_AGAIN, 0, "answered 200: it is no OTLP" },
		{ 200, JSON, "[]", 0, PUSH_AGAIN, 0, "answered 200: it is no OTLP" },
		{ 200, NULL, "", 0, PUSH_TAKEN, 0, NULL },
		{ 204, NULL, "", 0, PUSH_TAKEN, 0, NULL },
		{ 200, PROTO, "", 0, PUSH_TAKEN, 0, NULL },
		{ 200, PROTO, "\x0a\x00", 2, PUSH_TAKEN, 0, NULL },
		{ 200, PROTO,
			"\x0a\x08\x08\x04\x12\x04"
			"full",
			0, PUSH_TAKEN, 4, "answered 200: full" },
		{ 200, PROTO, "\x0a\x02\x08\x7f", 0, PUSH_TAKEN, 10, "answered 200" },
		{ 200, PROTO,
			"\x0a\x06\x12\x04"
			"hint",
			0, PUSH_TAKEN, 0, "answered 200: hint" },
		{ 200, JSON, "{}", 0, PUSH_TAKEN, 0, NULL },
		{ 200, "application/json; charset=utf-8",
			"{\"partialSuccess\":{\"rejectedDataPoints\":\"4\",\"errorMessage\":\"full\"}}", 0, PUSH_TAKEN,
			4, "answered 200: full" },
		{ 200, JSON, "{\"partialSuccess\":{\"rejectedDataPoints\":4}}", 0, PUSH_TAKEN, 4, "answered 200" },
		{ 400, PROTO,
			"\x08\x03\x12\x03"
			"bad",
			0, PUSH_FINAL, 0, "answered 400: bad" },
		{ 400, JSON, "{\"code\":3,\"message\":\"bad\"}", 0, PUSH_FINAL, 0, "answered 400: bad" },
		{ 401, "text/plain", "no", 0, PUSH_FINAL, 0, "answered 401" },
		{ 404, "text/html", "<html>", 0, PUSH_FINAL, 0, "answered 404" },
		{ 413, NULL, "", 0, PUSH_FINAL, 0, "answered 413" },
		{ 429, NULL, "", 0, PUSH_AGAIN, 0, "answered 429" },
		{ 500, NULL, "", 0, PUSH_FINAL, 0, "answered 500" },
		{ 502, NULL, "", 0, PUSH_AGAIN, 0, "answered 502" },
		{ 503, NULL, "", 0, PUSH_AGAIN, 0, "answered 503" },
		{ 504, NULL, "", 0, PUSH_AGAIN, 0, "answered 504" },
	};

	(void)state;
	check_replies(cases, ARRAY_SIZE(cases), push_otlp_read);
}

static void test_headers(void **state)
{
	static const struct {
		bool env;
		const char *text, *headers, *msg;
	} cases[] = {
		{ false, "s3cret", NULL, "f: header number 1 is not 'Name: value'" },
		{ false, "A: b\ns3cret\n", NULL, "f: header number 2 is not 'Name: value'" },
		{ false, ": s3cret", NULL, "f: no name of a header before the value of number 1" },
		{ false, "A b: s3cret", NULL, "f: no name of a header before the value of number 1" },
		{ false, "A: s3cret\x01", NULL, "f: the value of header 'A' holds a control character" },
		{ false, "content-TYPE: s3cret", NULL, "f: header 'Content-Type' is set by the push itself" },
		{ false, "", "", NULL },
		{ false, "# A: b\n\n \nX-Key:s3cret \t\r\nB:  c: d", "X-Key: s3cret|B: c: d|", NULL },
		{ true, "s3cret", NULL, "OTEL_EXPORTER_OTLP_HEADERS: header number 1 is not 'name=value'" },
		{ true, "a=b,s3cret", NULL, "OTEL_EXPORTER_OTLP_HEADERS: header number 2 is not 'name=value'" },
		{ true, "=s3cret", NULL,
			"OTEL_EXPORTER_OTLP_HEADERS: no name of a header before the value of number 1" },
		{ true, " =s3cret", NULL,
			"OTEL_EXPORTER_OTLP_HEADERS: no name of a header before the value of number 1" },
		{ true, "a=s3cret%0d%0aB: c", NULL,
			"OTEL_EXPORTER_OTLP_HEADERS: the value of header 'a' holds a control character" },
		{ true, "a=s3cret%00", NULL,
			"OTEL_EXPORTER_OTLP_HEADERS: the value of header 'a' holds a control character" },
		{ true, "a=b, Api-Key = k%3D1%2 ,,authorization=Basic%20YTpi=",
			"a: b|Api-Key: k=1%2|authorization: Basic YTpi=|", NULL },
		{ true, "", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf joined = STRBUF_INIT;
		struct strvec headers = STRVEC_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		int code = cases[i].env ? push_headers_parse_env(&headers, cases[i].text, &err)
					: push_headers_parse_lines(&headers, cases[i].text, "f", &err);

		for (size_t k = 0; k < headers.n; k++)
			strbuf_addf(&joined, "%s|", headers.v[k]);
		if ((code == 0) != (cases[i].headers != NULL))
			fail_msg("'%s': %s", cases[i].text, err.msg ? err.msg : "accepted");
		assert_string_equal(code == 0 ? joined.buf : err.msg, code == 0 ? cases[i].headers : cases[i].msg);
		assert_true(code == 0 || !strstr(err.msg, "s3cret"));
		mrp_err_clear(&err);
		push_headers_clear(&headers);
	}
}

static uint64_t add(struct push_queue *queue, size_t len, uint64_t samples)
{
	return push_queue_add(queue, xcalloc(1, len), len, samples);
}

static void test_queue(void **state)
{
	const size_t extra = sizeof(struct push_batch);
	struct push_queue queue;

	(void)state;
	push_queue_init(&queue, 3 * (100 + extra));
	assert_int_equal(push_queue_drop_first(&queue), 0);
	assert_int_equal(add(&queue, 3 * (100 + extra) - extra + 1, 9), 9); /* larger than the bound: itself */
	assert_null(queue.first);
	assert_int_equal(queue.bytes, 0);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(add(&queue, 100, i), 0);
	assert_int_equal(add(&queue, 100, 4), 1); /* the oldest goes */
	assert_int_equal(add(&queue, 200, 5), 2 + 3);
	assert_int_equal(queue.first->samples, 4);
	assert_int_equal(queue.bytes, 300 + 2 * extra);
	assert_int_equal(push_queue_drop_first(&queue), 4);
	assert_int_equal(push_queue_drop_first(&queue), 5);
	assert_int_equal(queue.bytes, 0);
	for (uint64_t i = 0; i < 1000; i++) {
		add(&queue, 50 + i % 100, 1);
		assert_true(queue.bytes <= queue.max_bytes);
	}
	assert_true(push_queue_clear(&queue) > 0);
	assert_int_equal(queue.bytes, 0);
	assert_int_equal(add(&queue, 1, 1), 0);
	assert_int_equal(push_queue_clear(&queue), 1);
}

static void test_backoff(void **state)
{
	static const struct {
		int failures;
		int64_t retry_after_ms, least_ms, most_ms;
	} cases[] = {
		{ 1, -1, 500, 1000 },
		{ 2, -1, 1000, 2000 },
		{ 6, -1, 16000, 32000 },
		{ 7, -1, 30000, 60000 },
		{ INT32_MAX, -1, 30000, 60000 },
		{ 9, 0, 0, 1000 },
		{ 1, 5000, 5000, 6000 },
		{ 1, INT64_MAX, 3600000, 3601000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t least = INT64_MAX, most = 0;

		for (uint64_t chance = 0; chance <= 70000; chance++) {
			int64_t wait = push_backoff_ms(cases[i].failures, cases[i].retry_after_ms, chance);

			least = MIN(least, wait);
			most = MAX(most, wait);
		}
		assert_int_equal(least, cases[i].least_ms);
		assert_int_equal(most, cases[i].most_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_solomon),
		cmocka_unit_test(test_solomon_limit),
		cmocka_unit_test(test_solomon_replies),
		cmocka_unit_test(test_otlp_replies),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
