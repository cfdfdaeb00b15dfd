/* SPDX-License-Identifier: Apache-2.0 */
/* The duty socket, from the request of a client to the table of functions that the agent gives, and back. */
#include <sys/stat.h>

#include "scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "../../lib/duty/client.h"
#include "../../lib/duty/duty.h"
#include "../../lib/duty/view.h"
#include "../../lib/value/json.h"

enum { MANY = 1000 };

/* An agent that runs "dns[record=A]", "dns[record=AAAA]", "www" and p0000 to p0999. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t paused[MANY + 3];
	bool slow_run; /* `once` ends only when it is canceled */
	bool canceled;
	unsigned kept; /* runs in the log of www */
} agent = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static const char *id_of(size_t i, char text[32])
{
	static const char *const others[] = { "dns[record=A]", "dns[record=AAAA]", "www" };

	if (i < 2)
		return others[i];
	if (i == MANY + 2)
		return others[2];
	snprintf(text, 32, "p%04zu", i - 2);
	return text;
}

static size_t fake_list(void *ctx, struct duty_entry *out, size_t max, const char *after, struct arena *arena)
{
	size_t n = 0;
	char text[32];

	(void)ctx;
	for (size_t i = 0; i < MANY + 3 && n < max; i++) {
		const char *id = id_of(i, text);

		if (strcmp(id, after) <= 0)
			continue;
		out[n++] = (struct duty_entry){ .id = arena_strdup(arena, id),
			.prober = arena_strndup(arena, id, strcspn(id, "[")),
			.ran = i != 1,
			.status = i == 0 ? VERDICT_FAILURE : VERDICT_SUCCESS,
			.reason = i == 0 ? REASON_TIMEOUT : REASON_OK,
			.message = "said \"so\"",
			.finished_ms = 1700000000000,
			.duration_us = 12345,
			.failures = i == 0 ? 3 : 0,
			.paused_ms = agent.paused[i] };
	}
	return n;
}

static void fake_about(void *ctx, struct strbuf *json)
{
	(void)ctx;
	strbuf_addstr(json, "\"cluster\":\"net\",\"host\":\"h1\",\"probers\":1003,");
}

static int fake_explain(void *ctx, const char *id, struct strbuf *json, struct mrp_err *err)
{
	(void)ctx, (void)err;
	strbuf_addf(json,
		"{\"entry\":{\"id\":\"%s\",\"interval\":\"5s\",\"env\":{},\"set_by\":{\"interval\":1}},\"run\":{"
		"\"folder\":\"/x\","
		"\"env\":[\"A=b\"]},\"state\":{}}",
		id);
	return 0;
}

static struct log_record record(const char *run_id)
{
	return (struct log_record){ .id = "www",
		.run_id = run_id,
		.message = "no answer",
		.status = VERDICT_FAILURE,
		.reason = REASON_EXIT,
		.exit_code = 2,
		.started_ms = 1700000000000,
		.duration_us = 1500000,
		.output = { "out\n", "err\n" },
		.output_len = { 4, 4 },
		.text = STRBUF_INIT };
}

static void *run_thread(void *arg)
{
	struct duty_run *run = arg;
	const struct log_record result = record("live");

	run->output(run, RUN_STDOUT, "first\n", 6);
	run->output(run, RUN_STDERR, "oops\n", 5);
	pthread_mutex_lock(&agent.lock);
	while (agent.slow_run && !agent.canceled)
		pthread_cond_wait(&agent.changed, &agent.lock);
	pthread_mutex_unlock(&agent.lock);
	run->output(run, RUN_STDOUT, "last\n", 5);
	run->done(run, &result);
	return NULL;
}

static int fake_run(void *ctx, const char *id, struct duty_run *run, struct mrp_err *err)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)ctx;
	if (streq(id, "p0007"))
		return mrp_err_set(err, MRP_EINVALID, "'p0007' cannot be run: no such user");
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	assert_int_equal(pthread_create(&thread, &attributes, run_thread, run), 0);
	pthread_attr_destroy(&attributes);
	return 0;
}

static void fake_cancel(void *ctx, struct duty_run *run)
{
	(void)ctx, (void)run;
	pthread_mutex_lock(&agent.lock);
	agent.canceled = true;
	pthread_cond_broadcast(&agent.changed);
	pthread_mutex_unlock(&agent.lock);
}

static void fake_run_release(void *ctx, struct duty_run *run)
{
	(void)ctx, (void)run;
}

static int fake_pause(void *ctx, const struct strvec *ids, int64_t until_ms, struct mrp_err *err)
{
	char text[32];

	(void)ctx, (void)err;
	for (size_t i = 0; i < MANY + 3; i++) {
		if (strvec_contains(ids, id_of(i, text)))
			agent.paused[i] = until_ms;
	}
	return 0;
}

static int fake_reload(void *ctx, struct strbuf *json, struct mrp_err *err)
{
	(void)ctx, (void)err;
	strbuf_addstr(json, "\"config_revision\":\"abc\",");
	return 0;
}

static int fake_log(void *ctx, struct log_record *out, const char *id, size_t back, struct mrp_err *err)
{
	char run_id[32];

	(void)ctx, (void)err;
	pthread_mutex_lock(&agent.lock);
	unsigned kept = streq(id, "www") || streq(id, "gone") ? agent.kept : 0;
	pthread_mutex_unlock(&agent.lock);
	if (back >= kept)
		return 0;
	snprintf(run_id, sizeof(run_id), "r%zu", kept - back);
	*out = record("");
	strbuf_addstr(&out->text, run_id);
	out->run_id = out->text.buf;
	return 1;
}

static bool fake_log_wait(void *ctx, uint64_t *seen, int64_t timeout_ms)
{
	struct timespec until;
	int r = 0;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	pthread_mutex_lock(&agent.lock);
	while (agent.kept == *seen && r == 0)
		r = pthread_cond_timedwait(&agent.changed, &agent.lock, &until);
	*seen = agent.kept;
	pthread_mutex_unlock(&agent.lock);
	return r == 0;
}

static const struct duty_ops ops = { .about = fake_about,
	.list = fake_list,
	.explain = fake_explain,
	.run = fake_run,
	.cancel = fake_cancel,
	.run_release = fake_run_release,
	.pause = fake_pause,
	.reload = fake_reload,
	.log = fake_log,
	.log_wait = fake_log_wait };

static char path[200];
static struct duty_server *server;

static int set_up(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	snprintf(path, sizeof(path), "%s/agent.sock", scratch);
	memset(agent.paused, 0, sizeof(agent.paused));
	agent.slow_run = agent.canceled = false;
	agent.kept = 2;
	server = duty_server_start(path, NULL, &ops, &err);
	if (!server)
		fail_msg("%s", err.msg);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	duty_server_stop(server);
	assert_int_equal(access(path, F_OK), -1);
	return 0;
}

/* What came: JSON frames as lines, output marked by O and E. */
struct answer {
	struct arena arena;
	struct strbuf text;
	struct value *end;
	size_t rows;
	struct mrp_err err;
	int stop_after; /* frames; 0: take all */
};

static int take(void *ctx, enum frame_type type, const char *data, size_t len, struct mrp_err *err)
{
	struct answer *answer = ctx;

	if (type == FRAME_JSON) {
		const struct value *v = json_parse(&answer->arena, data, len, "frame", err);

		assert_non_null(v);
		answer->rows += v->type == V_ARRAY ? v->n : 0;
	} else {
		strbuf_addch(&answer->text, (char)type);
	}
	strbuf_add(&answer->text, data, len);
	strbuf_addch(&answer->text, '\n');
	return answer->stop_after && --answer->stop_after == 0 ? mrp_err_set(err, MRP_EINTERRUPTED, "enough") : 0;
}

static int ask(struct answer *answer, const char *request)
{
	int stop_after = answer->stop_after;

	*answer = (struct answer){
		.arena = ARENA_INIT, .text = STRBUF_INIT, .err = MRP_ERR_INIT, .stop_after = stop_after
	};
	const struct duty_request duty = {
		.path = path,
		.value = json_parse(&answer->arena, request, strlen(request), "request", &answer->err),
		.frame = take,
		.ctx = answer,
		.timeout_ms = 20000,
		.wake_fd = -1,
	};
	assert_non_null(duty.value);
	return duty_ask(&answer->end, &answer->arena, &duty, &answer->err);
}

static void release(struct answer *answer)
{
	arena_release(&answer->arena);
	strbuf_release(&answer->text);
	mrp_err_clear(&answer->err);
	answer->stop_after = 0;
}

static void test_errors(void **state)
{
	static const struct {
		const char *request;
		enum mrp_errcode code;
		const char *part;
	} cases[] = {
		{ "{}", MRP_EUSAGE, "does not know the request ''" },
		{ "{\"command\":\"stat\"}", MRP_EUSAGE, "does not know the request 'stat'" },
		{ "{\"command\":7}", MRP_EUSAGE, "does not know" },
		{ "{\"command\":\"once\"}", MRP_EUSAGE, "names no prober" },
		{ "{\"command\":\"once\",\"prober\":[]}", MRP_EUSAGE, "names no prober" },
		{ "{\"command\":\"once\",\"prober\":\"wwv\"}", MRP_ENOTFOUND, "did you mean 'www'?" },
		{ "{\"command\":\"once\",\"prober\":\"dns\"}", MRP_EUSAGE,
			"means 2 entries; name one of them: dns[record=A], dns[record=AAAA]" },
		{ "{\"command\":\"once\",\"prober\":\"p*\"}", MRP_EUSAGE, "means 1000 entries" },
		{ "{\"command\":\"once\",\"prober\":\"p0007\"}", MRP_EINVALID, "no such user" },
		{ "{\"command\":\"explain\",\"prober\":\"nothing-like-it\"}", MRP_ENOTFOUND,
			"runs no prober 'nothing-like-it'" },
		{ "{\"command\":\"logs\",\"prober\":\"www\",\"run\":0}", MRP_EUSAGE, "from 1" },
		{ "{\"command\":\"logs\",\"prober\":\"www\",\"run\":3}", MRP_ENOTFOUND, "no so old output" },
		{ "{\"command\":\"logs\",\"prober\":\"p0001\"}", MRP_ENOTFOUND, "no output of 'p0001' was kept" },
		{ "{\"command\":\"pause\",\"probers\":[\"p0001\",\"wwv\"]}", MRP_ENOTFOUND, "no prober 'wwv'" },
		{ "{\"command\":\"status\",\"probers\":[\"x*\"]}", MRP_ENOTFOUND, "no prober 'x*'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct answer answer = { 0 };
		int r = ask(&answer, cases[i].request);

		if (r == 0 || answer.err.code != cases[i].code || !strstr(answer.err.msg, cases[i].part))
			fail_msg("%s: %d, %s", cases[i].request, (int)answer.err.code, r ? answer.err.msg : "done");
		release(&answer);
	}
	/* nothing was paused, although p0001 is there */
	for (size_t i = 0; i < MANY + 3; i++)
		assert_int_equal(agent.paused[i], 0);
}

static void test_status(void **state)
{
	static const struct {
		const char *request;
		size_t rows;
	} cases[] = {
		{ "{\"command\":\"status\"}", MANY + 3 },
		{ "{\"command\":\"status\",\"failed\":true}", 1 },
		{ "{\"command\":\"status\",\"probers\":[\"dns\"]}", 2 },
		{ "{\"command\":\"status\",\"probers\":[\"dns[record=A]\"]}", 1 },
		{ "{\"command\":\"status\",\"probers\":[\"*=A]\",\"www\"]}", 2 },
		{ "{\"command\":\"status\",\"probers\":[\"*A*\"]}", 2 },
		{ "{\"command\":\"status\",\"probers\":[\"p00*\",\"www\",\"www\"]}", 101 },
	};
	struct answer answer = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (ask(&answer, cases[i].request) < 0)
			fail_msg("%s: %s", cases[i].request, answer.err.msg);
		if (answer.rows != cases[i].rows)
			fail_msg("%s: %zu rows", cases[i].request, answer.rows);
		release(&answer);
	}
	assert_int_equal(ask(&answer, "{\"command\":\"status\",\"probers\":[\"dns[record=A]\"]}"), 0);
	assert_non_null(strstr(answer.text.buf,
		"[{\"id\":\"dns[record=A]\",\"prober\":\"dns\",\"status\":\"failure\",\"reason\":\"timeout\","
		"\"message\":\"said \\\"so"
		"\\\"\",\"finished_ms\":1700000000000,\"duration_us\":12345,\"consecutive_failures\":3,\"running\":0}"
		"]"));
	release(&answer);
}

static void test_once(void **state)
{
	struct answer answer = { 0 };

	(void)state;
	assert_int_equal(ask(&answer, "{\"command\":\"once\",\"prober\":\"www\"}"), 0);
	assert_non_null(strstr(answer.text.buf, "Ofirst\n"));
	assert_non_null(strstr(answer.text.buf, "Eoops\n"));
	assert_non_null(strstr(answer.text.buf, "last\n"));
	assert_string_equal(value_get_string(answer.end, "status"), "failure");
	assert_string_equal(value_get_string(answer.end, "run_id"), "live");
	release(&answer);
}

/* The engineer presses Ctrl-C: the run is ended, and the server goes on. */
static void test_once_left(void **state)
{
	struct answer answer = { .stop_after = 1 };

	(void)state;
	agent.slow_run = true;
	assert_int_equal(ask(&answer, "{\"command\":\"once\",\"prober\":\"www\"}"), -1);
	assert_int_equal(answer.err.code, MRP_EINTERRUPTED);
	release(&answer);
	pthread_mutex_lock(&agent.lock);
	while (!agent.canceled)
		pthread_cond_wait(&agent.changed, &agent.lock);
	pthread_mutex_unlock(&agent.lock);
	assert_int_equal(ask(&answer, "{\"command\":\"reload\"}"), 0);
	assert_string_equal(value_get_string(answer.end, "config_revision"), "abc");
	release(&answer);
}

static void test_logs(void **state)
{
	struct answer answer = { 0 };

	(void)state;
	assert_int_equal(ask(&answer, "{\"command\":\"logs\",\"prober\":\"www\"}"), 0);
	assert_non_null(strstr(answer.text.buf, "\"run_id\":\"r2\""));
	assert_non_null(strstr(answer.text.buf, "Oout\n\nEerr\n"));
	release(&answer);
	assert_int_equal(ask(&answer, "{\"command\":\"logs\",\"prober\":\"www\",\"run\":2}"), 0);
	assert_non_null(strstr(answer.text.buf, "\"run_id\":\"r1\""));
	release(&answer);
	/* no prober of today, but its output is there */
	assert_int_equal(ask(&answer, "{\"command\":\"logs\",\"prober\":\"gone\"}"), 0);
	release(&answer);
}

static void *add_runs(void *enough)
{
	for (unsigned i = 0; !atomic_load((atomic_bool *)enough); i++) {
		pthread_mutex_lock(&agent.lock);
		agent.kept += 1 + i % 2;
		pthread_cond_broadcast(&agent.changed);
		pthread_mutex_unlock(&agent.lock);
		usleep(100);
	}
	return NULL;
}

/* Each run once, in order, from whichever was the last when it began. */
static void test_follow(void **state)
{
	enum { RUNS = 50, FRAMES = 3 };
	struct answer answer = { .stop_after = RUNS * FRAMES };
	atomic_bool enough = false;
	pthread_t thread;
	int runs = 0, first = 0;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, add_runs, &enough), 0);
	assert_int_equal(ask(&answer, "{\"command\":\"logs\",\"prober\":\"www\",\"follow\":true}"), -1);
	assert_int_equal(answer.err.code, MRP_EINTERRUPTED);
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	for (const char *at = answer.text.buf; (at = strstr(at, "\"run_id\":\"r")); at++, runs++) {
		int number = (int)strtol(at + 11, NULL, 10);

		if (!runs)
			first = number;
		assert_int_equal(number, first + runs);
	}
	assert_int_equal(runs, RUNS);
	assert_true(first >= 2);
	release(&answer);
}

static void test_pause(void **state)
{
	struct answer answer = { 0 };

	(void)state;
	assert_int_equal(ask(&answer, "{\"command\":\"pause\",\"probers\":[\"dns\"],\"until_ms\":5}"), 0);
	assert_int_equal(value_get(answer.end, "probers")->n, 2);
	assert_int_equal(agent.paused[0], 5);
	assert_int_equal(agent.paused[1], 5);
	release(&answer);
	assert_int_equal(ask(&answer, "{\"command\":\"pause\",\"probers\":[\"p*\"]}"), 0);
	assert_int_equal(value_get(answer.end, "probers")->n, MANY);
	assert_int_equal(agent.paused[700], INT64_MAX);
	release(&answer);
	assert_int_equal(ask(&answer, "{\"command\":\"resume\",\"probers\":[\"p*\"]}"), 0);
	assert_int_equal(agent.paused[700], 0);
	release(&answer);
}

/* Clients that say nothing, or no request, or too much; the next one is served. */
static void test_garbage(void **state)
{
	static const char *const texts[] = { "", "R", "GET / HTTP/1.1\r\n\r\n", "R\xff\xff\xff\xff", "Z\0\0\0\0",
		"R\0\0\0\x05hello" };
	static const size_t lens[] = { 0, 1, 18, 5, 5, 10 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct answer answer = { 0 };

	(void)state;
	memcpy(address.sun_path, path, strlen(path) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char answered[200];
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		assert_int_equal(write(fd, texts[i], lens[i]), lens[i]);
		shutdown(fd, SHUT_WR);
		while (read(fd, answered, sizeof(answered)) > 0)
			continue;
		close(fd);
	}
	assert_int_equal(ask(&answer, "{\"command\":\"reload\"}"), 0);
	release(&answer);
}

static void test_places(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct answer answer = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_null(duty_server_start(path, NULL, &ops, &err));
	assert_non_null(strstr(err.msg, "another program listens there"));
	mrp_err_clear(&err);
	assert_null(duty_server_start("/tmp/x/none/agent.sock", NULL, &ops, &err));
	mrp_err_clear(&err);
	snprintf(path, sizeof(path), "%s/none.sock", scratch);
	assert_int_equal(ask(&answer, "{\"command\":\"status\"}"), -1);
	assert_int_equal(answer.err.code, MRP_EUNREACHABLE);
	release(&answer);
	snprintf(path, sizeof(path), "%s/agent.sock", scratch);
	/* a server that was killed leaves its socket; the next one takes its place */
	duty_server_stop(server);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	server = duty_server_start(path, NULL, &ops, &err);
	assert_non_null(server);
}

static void test_view(void **state)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	static const char about[] = "{\"cluster\":\"net\",\"host\":\"h1\",\"probers\":2,\"config_revision\":\"abcdef\","
				    "\"config_good_ms\":1000,\"config_error\":\"bad\\u001b[1m\"}";
	static const char rows[] =
		"[{\"id\":\"a\",\"status\":\"failure\",\"reason\":\"exit\",\"message\":\"x\",\"finished_ms\":"
		"1000,\"duration_us\":1500,\"consecutive_failures\":2,\"paused_until_ms\":0},"
		"{\"id\":\"b\",\"consecutive_failures\":0,\"next_ms\":9000}]";
	struct mrp_err err = MRP_ERR_INIT;
	const struct view_style style = { .now_ms = 6000 };

	(void)state;
	view_status(&out, &style, json_parse(&arena, about, strlen(about), "about", &err),
		json_parse(&arena, rows, strlen(rows), "rows", &err));
	assert_string_equal(out.buf,
		"cluster net, host h1: 2 probers; config abcdef, known to be right 5s ago\n"
		"config: bad\\x1b[1m\n"
		"PROBER  STATUS          FAILURES  LAST  TOOK    NEXT  MESSAGE\n"
		"a       failure (exit)         2    5s   1ms  paused  x\n"
		"b       -                      0                  3s\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_once_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_logs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_follow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
		cmocka_unit_test(test_view),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
