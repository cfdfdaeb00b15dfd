/* SPDX-License-Identifier: Apache-2.0 */
/* When a request is sent again: the rules row by row, then the client over a scripted wire and a clock that jumps. */
#include "unit.h"

#include <limits.h>

#include "../../lib/http/api.h"

static const struct retry_policy policy = { .first_ms = 100, .longest_ms = 1000, .total_ms = 30000, .max_errors = 4 };

static void test_retry_after(void **state)
{
	static const struct { const char *text; int64_t ms; } cases[] = {
		{ NULL, -1 },
		{ "", -1 },
		{ "0", 0 },
		{ "120", 120000 },
		{ "-1", -1 },
		{ "1.5", -1 },
		{ "99999999999999999999", -1 },
		{ "soon", -1 },
		{ "Sun, 06 Nov 1994 08:49:40 GMT", 3000 },
		{ "Sunday, 06-Nov-94 08:49:40 GMT", 3000 },
		{ "Sun Nov  6 08:49:40 1994", 3000 },
		{ "Sun, 06 Nov 1994 08:49:30 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:40 GMT and more", -1 },
		{ "Sun, 32 Nov 1994 08:49:40 GMT", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ms = retry_after_ms(cases[i].text, 784111777); /* Sun, 06 Nov 1994 08:49:37 GMT */

		if (ms != cases[i].ms)
			fail_msg("'%s': %lld", cases[i].text, (long long)ms);
	}
}

static void test_rules(void **state)
{
	enum { AGAIN = 1, NEVER = 0 };
	static const struct { const char *what; struct retry_try attempt; int again; } cases[] = {
		{ "refused, never seen", { WIRE_NO_CONNECT, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "refused, was there", { WIRE_NO_CONNECT, .number = 9, .retry_after_ms = -1, .was_there = true }, AGAIN },
		{ "no host, was there", { WIRE_NO_HOST, .number = 1, .retry_after_ms = -1, .was_there = true }, AGAIN },
		{ "TLS", { WIRE_NO_TRUST, .number = 1, .retry_after_ms = -1, .was_there = true, .harmless_twice = true }, NEVER },
		{ "lost POST", { WIRE_NO_ANSWER, .number = 1, .retry_after_ms = -1, .was_there = true }, NEVER },
		{ "lost, but nothing was sent", { WIRE_NO_ANSWER, .number = 1, .retry_after_ms = -1, .sent_none = true }, AGAIN },
		{ "lost GET", { WIRE_NO_ANSWER, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, AGAIN },
		{ "lost GET, 4th, never seen", { WIRE_NO_ANSWER, .number = 4, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "cut GET", { WIRE_CUT_SHORT, 200, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, AGAIN },
		{ "cut GET, 4th", { WIRE_CUT_SHORT, 200, .number = 4, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "cut POST", { WIRE_CUT_SHORT, 201, .number = 1, .retry_after_ms = -1 }, NEVER },
		{ "slow POST", { WIRE_TOO_SLOW, .number = 1, .retry_after_ms = -1 }, NEVER },
		{ "200", { WIRE_ANSWERED, 200, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "404", { WIRE_ANSWERED, 404, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "429 of a POST", { WIRE_ANSWERED, 429, .number = 1, .retry_after_ms = 1000 }, AGAIN },
		{ "429 for too long", { WIRE_ANSWERED, 429, .number = 1, .retry_after_ms = 60000 }, NEVER },
		{ "500 of a GET", { WIRE_ANSWERED, 500, .number = 3, .retry_after_ms = -1, .harmless_twice = true }, AGAIN },
		{ "500 of a GET, 4th", { WIRE_ANSWERED, 500, .number = 4, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "500 of a POST", { WIRE_ANSWERED, 500, .number = 1, .retry_after_ms = -1 }, NEVER },
		{ "501", { WIRE_ANSWERED, 501, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "507", { WIRE_ANSWERED, 507, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "503 of a POST", { WIRE_ANSWERED, 503, .number = 1, .retry_after_ms = 1000 }, NEVER },
		{ "503 with Retry-After, 9th", { WIRE_ANSWERED, 503, .number = 9, .retry_after_ms = 1000, .harmless_twice = true }, AGAIN },
		{ "503 without, 4th", { WIRE_ANSWERED, 503, .number = 4, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "time is over", { WIRE_NO_CONNECT, .number = 2, .retry_after_ms = -1, .elapsed_ms = 30000, .was_there = true }, NEVER },
		{ "too big", { WIRE_TOO_BIG, 200, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
		{ "no HTTP", { WIRE_NOT_HTTP, .number = 1, .retry_after_ms = -1, .harmless_twice = true }, NEVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* the longest first wait, so that "time is over" has no lucky zero */
		int again = retry_wait(&policy, &cases[i].attempt, 100) >= 0;

		if (again != cases[i].again)
			fail_msg("%s: %s", cases[i].what, again ? "tried again" : "not tried again");
	}
}

static void test_backoff(void **state)
{
	static const int64_t bounds[] = { 100, 200, 400, 800, 1000, 1000, 1000 };
	struct retry_try attempt = { WIRE_NO_CONNECT, .retry_after_ms = -1, .was_there = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		attempt.number = (int)i + 1;
		int64_t largest = 0, smallest = INT64_MAX;

		for (uint64_t chance = 0; chance < 2000; chance++) {
			int64_t wait = retry_wait(&policy, &attempt, chance);

			largest = MAX(largest, wait);
			smallest = MIN(smallest, wait);
		}
		assert_int_equal(smallest, 0);
		assert_int_equal(largest, bounds[i]);
	}
	attempt = (struct retry_try){ WIRE_ANSWERED, 429, .retry_after_ms = 2000, .number = 1 };
	assert_int_equal(retry_wait(&policy, &attempt, 0), 2000);
	assert_int_equal(retry_wait(&policy, &attempt, 100), 2100);
	attempt.number = INT_MAX;
	assert_int_equal(retry_wait(&policy, &attempt, 1000), 3000);
}

/* A wire that answers by script: one letter a try. */
struct wire {
	int unused;
};

static struct {
	const char *script; /* o: 200, e: 500, l: lost, r: refused, t: 429 with Retry-After 2, s: 409, h: 200 with HTML,
			     * i: 200 and Ctrl-C, k: lost and Ctrl-C */
	int64_t now_ms;
	struct wire_transfer *running[64];
	int n_running, most_running, started;
	bool interrupt;
} fake;

static struct wire *fake_open(const struct wire_options *options, struct mrp_err *err)
{
	static struct wire wire;

	(void)options, (void)err;
	return &wire;
}

static void fake_close(struct wire *wire)
{
	(void)wire;
}

static int fake_start(struct wire *wire, struct wire_transfer *transfer, struct mrp_err *err)
{
	(void)wire, (void)err;
	fake.running[fake.n_running++] = transfer;
	fake.most_running = MAX(fake.most_running, fake.n_running);
	fake.started++;
	return 0;
}

static void answer_with(struct wire_transfer *transfer, int status, const char *type, const char *body)
{
	transfer->end = WIRE_ANSWERED;
	transfer->status = status;
	transfer->content_type = xstrdup(type);
	strbuf_addstr(&transfer->answer, body);
}

static struct wire_transfer *fake_wait(struct wire *wire, int timeout_ms, int wake_fd)
{
	(void)wire, (void)wake_fd;
	if (!fake.n_running) {
		fake.now_ms += timeout_ms;
		return NULL;
	}
	struct wire_transfer *transfer = fake.running[0];
	memmove(fake.running, fake.running + 1, (size_t)--fake.n_running * sizeof(fake.running[0]));
	switch (*fake.script ? *fake.script++ : 'o') {
	case 'o':
		answer_with(transfer, 200, "application/json", "{\"a\":1}");
		break;
	case 'h':
		answer_with(transfer, 200, "text/html; charset=utf-8", "<html>");
		break;
	case 's':
		answer_with(transfer, 409, "application/problem+json",
			"{\"title\":\"Conflict\",\"errors\":[{\"field\":\"slug\",\"message\":\"is taken\"}]}");
		break;
	case 'e':
		answer_with(transfer, 500, "text/plain", "no");
		break;
	case 't':
		answer_with(transfer, 429, "application/problem+json", "{\"title\":\"Too Many Requests\"}");
		transfer->retry_after = xstrdup("2");
		break;
	case 'l':
		transfer->end = WIRE_NO_ANSWER;
		transfer->detail = xstrdup("reset by peer");
		break;
	case 'k':
		fake.interrupt = true;
		transfer->end = WIRE_NO_ANSWER;
		transfer->detail = xstrdup("reset by peer");
		break;
	case 'i':
		fake.interrupt = true;
		answer_with(transfer, 200, "application/json", "{}");
		break;
	default:
		transfer->end = WIRE_NO_CONNECT;
		transfer->sent_none = true;
		transfer->detail = xstrdup("connection refused");
	}
	return transfer;
}

static int fake_check_url(char **base, char **host, const char *url, struct mrp_err *err)
{
	(void)err;
	*base = xstrdup(url);
	*host = xstrdup("127.0.0.1");
	return 0;
}

static const struct wire_ops fake_ops = { fake_open, fake_close, fake_start, fake_wait, fake_check_url };

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return fake.now_ms;
}

static int64_t fake_wall(void *ctx)
{
	(void)ctx;
	return 0;
}

static uint64_t fake_chance(void *ctx)
{
	(void)ctx;
	return 100;
}

static bool fake_interrupted(void)
{
	return fake.interrupt;
}

static const struct http_clock fake_clock = { fake_now, fake_wall, fake_chance, NULL };

static struct http_client *open_fake(const char *script, int parallel)
{
	struct http_options options = http_options_default;
	struct mrp_err err = MRP_ERR_INIT;

	memset(&fake, 0, sizeof(fake));
	fake.script = script;
	options.url = "http://127.0.0.1:8080";
	options.parallel = parallel;
	options.wire = &fake_ops;
	options.clock = &fake_clock;
	options.interrupted = fake_interrupted;
	options.token = "s3cret";
	return http_open(&options, &err);
}

static void test_calls(void **state)
{
	static const struct { const char *method, *script, *result; int tries; int64_t ms; } cases[] = {
		{ "GET", "o", "200 {\"a\":1}", 1, 0 },
		{ "GET", "r",
			"69 GET http://127.0.0.1:8080/v1/x: connection refused (is 'mrprober api' running?)", 1, 0 },
		{ "GET", "eeo", "200 {\"a\":1}", 3, 200 },
		{ "GET", "eeee", "500 no", 4, 300 },
		{ "POST", "e", "500 no", 1, 0 },
		{ "POST", "to", "200 {\"a\":1}", 2, 2100 },
		{ "POST", "l",
			"69 POST http://127.0.0.1:8080/v1/x: the connection ended without an answer (reset by peer)", 1, 0 },
		{ "GET", "llll",
			"69 GET http://127.0.0.1:8080/v1/x: the connection ended without an answer (reset by peer), tried 4 times",
			4, 300 },
		{ "PUT", "ko",
			"130 PUT http://127.0.0.1:8080/v1/x: the connection ended without an answer (reset by peer)", 1, 0 },
		{ "PUT", "erro", "200 {\"a\":1}", 4, 300 },
		{ "GET", "h",
			"1 GET http://127.0.0.1:8080/v1/x: answered 200 with text/html, not JSON (is this the mrprober API?)",
			1, 0 },
		{ "POST", "s", "1 POST http://127.0.0.1:8080/v1/x: answered 409: Conflict: slug: is taken", 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_client *client = open_fake(cases[i].script, 4);
		struct http_request request = HTTP_REQUEST_INIT;
		struct http_answer answer = HTTP_ANSWER_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		struct strbuf got = STRBUF_INIT;
		struct arena arena = ARENA_INIT;

		api_request(&request, cases[i].method, NULL, "/v1/x");
		int code = http_call(client, &request, &answer, &err);
		if (code == 0 && (answer.status == 409 || (answer.content_type && strstr(answer.content_type, "html"))))
			code = api_answer_json(&arena, client, &request, &answer, &err) ? 0 : -1;
		if (code == 0)
			strbuf_addf(&got, "%d %s", answer.status, answer.body.buf);
		else
			strbuf_addf(&got, "%d %s", mrp_err_exit_code(err.code), err.msg);
		assert_string_equal(got.buf, cases[i].result);
		assert_int_equal(fake.started, cases[i].tries);
		assert_int_equal(fake.now_ms, cases[i].ms);
		assert_null(strstr(got.buf, "s3cret"));
		strbuf_release(&got);
		mrp_err_clear(&err);
		arena_release(&arena);
		http_request_release(&request);
		http_answer_release(&answer);
		http_close(client);
	}
}

struct many {
	int wanted, given, ok, failed;
};

static bool many_next(void *ctx, struct http_request *request)
{
	struct many *many = ctx;

	if (many->given == many->wanted)
		return false;
	api_request(request, "GET", NULL, "/v1/%d", many->given++);
	return true;
}

static void many_done(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct many *many = ctx;

	(void)request;
	if (err->code == MRP_OK && answer->status == 200)
		many->ok++;
	else
		many->failed++;
}

static void test_window(void **state)
{
	struct http_client *client = open_fake("ooeoooteo", 5);
	struct many many = { .wanted = 100 };
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_int_equal(http_run(client, many_next, many_done, &many, &err), 0);
	assert_int_equal(many.ok, 100);
	assert_int_equal(fake.most_running, 5);
	assert_int_equal(fake.started, 103);
	assert_int_equal(http_requests_sent(client), 103);
	http_close(client);

	/* what is in flight ends, nothing new begins */
	client = open_fake("oooi", 5);
	many = (struct many){ .wanted = 100 };
	assert_int_equal(http_run(client, many_next, many_done, &many, &err), -1);
	assert_int_equal(err.code, MRP_EINTERRUPTED);
	assert_int_equal(many.given, 8);
	assert_int_equal(many.ok, 8);
	mrp_err_clear(&err);
	http_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
