/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the creator that neither run programs nor ask anybody: when, what a plan does, who is dead. */
#include "unit.h"

#include <pthread.h>
#include <unistd.h>

#include "../../lib/base/clock.h"
#include "../../lib/base/file.h"
#include "../../lib/creator/clusters.h"
#include "../../lib/creator/dirty.h"
#include "../../lib/creator/evidence.h"
#include "../../lib/creator/half_made.h"
#include "../../lib/creator/lock_info.h"
#include "../../lib/creator/plan_changes.h"
#include "../../lib/creator/stage_log.h"
#include "../../lib/value/json.h"

static struct arena arena;
static struct mrp_err err;

static struct value *parse(const char *text)
{
	struct value *v = json_parse(&arena, text, strlen(text), "test", &err);

	if (!v)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

/* --- due --- */

#define AT "2026-11-28T12:00:00.000Z"
#define BEFORE "2026-11-28T11:00:00.000Z"
#define AFTER "2026-11-28T13:00:00.000Z"
#define STATE(text) "{\"state\":{" text "}}"

static const struct {
	const char *cluster, *recipe; /* recipe: when it was written */
	const char *at;               /* NULL: never; "": since ever */
	int64_t plus_ms;
	bool asked;
} dues[] = {
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\""), NULL, NULL, 0, false },
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\",\"refused_by\":7"), NULL, NULL, 0, false },
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\",\"refused_by\":[\"other\",\"mine\"]"), NULL,
		NULL, 0, false },
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\",\"refused_by\":[\"other\",1]"), NULL, AT, 0,
		false },
	{ STATE("\"status\":\"disabled\""), NULL, NULL, 0, false },
	{ STATE("\"status\":\"waiting\",\"deploy_requested_at\":\"" AT "\""), NULL, NULL, 0, false },
	{ "{\"deploy\":{\"enabled\":false},\"state\":{\"status\":\"pending\"}}", NULL, NULL, 0, false },
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\",\"last_ended_at\":\"" AT "\""), BEFORE, NULL, 0,
		false },
	{ "{}", NULL, "", 0, false },
	{ "{\"state\":\"pending\",\"deploy\":[]}", NULL, "", 0, false },
	{ STATE("\"status\":\"pending\",\"changed_at\":\"" AT "\""), NULL, AT, 0, false },
	{ STATE("\"status\":\"pending\",\"changed_at\":\"" AT "\""), AFTER, AFTER, 0, false },
	{ STATE("\"status\":\"deployed\",\"last_started_at\":\"" AT "\",\"changed_at\":\"" BEFORE "\""), BEFORE, AT,
		900000, false },
	{ STATE("\"status\":\"deployed\",\"last_started_at\":\"" AT "\",\"changed_at\":\"" AFTER "\""), NULL, AFTER, 0,
		false },
	{ STATE("\"status\":\"deployed\",\"last_started_at\":\"" AT "\",\"changed_at\":\"" BEFORE "\""), AFTER, AFTER,
		0, false },
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\",\"changed_at\":\"" AFTER "\""), NULL, AFTER, 0,
		false },
	{ STATE("\"status\":\"refused\",\"last_started_at\":\"" AT "\",\"deploy_requested_at\":\"" AFTER "\""), NULL,
		AFTER, 0, true },
	{ STATE("\"status\":\"deploying\",\"last_started_at\":\"" AT "\""), NULL, AT, 0, false },
	{ STATE("\"status\":\"failed\",\"last_started_at\":\"" BEFORE "\",\"last_ended_at\":\"" AT "\",\"failures\":1"),
		NULL, AT, 30000, false },
	{ STATE("\"status\":\"failed\",\"last_started_at\":\"" BEFORE "\",\"last_ended_at\":\"" AT "\",\"failures\":3"),
		NULL, AT, 120000, false },
	{ STATE("\"status\":\"failed\",\"last_started_at\":\"" BEFORE "\",\"last_ended_at\":\"" AT
		"\",\"failures\":99"),
		NULL, AT, 1800000, false },
	{ STATE("\"status\":\"failed\",\"last_started_at\":\"" AT "\",\"last_ended_at\":\"" AT
		"\",\"failures\":9,\"changed_at\":\"" AFTER "\""),
		NULL, AFTER, 0, false },
	/* the recipe of a cluster that is to go does not matter; being deleted is a change */
	{ STATE("\"status\":\"destroying\",\"last_started_at\":\"" AT "\",\"changed_at\":\"" AFTER "\""), NULL, AFTER,
		0, false },
	{ STATE("\"status\":\"destroying\",\"last_started_at\":\"" AT "\",\"changed_at\":\"" BEFORE "\""), AFTER, AT,
		900000, false },
	{ "{\"deploy\":{\"enabled\":false},\"state\":{\"status\":\"destroying\",\"changed_at\":\"" AT "\"}}", NULL, AT,
		0, false },
	{ "{\"deploy\":{\"interval\":\"1m\"},\"state\":{\"status\":\"deployed\",\"last_started_at\":\"" AT "\"}}", NULL,
		AT, 60000, false },
};

static void test_due(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(dues); i++) {
		const char *recipe = dues[i].recipe, *at = dues[i].at;
		struct due due = due_of(parse(dues[i].cluster), recipe ? time_parse(recipe) : 0, "mine");
		int64_t wanted = !at ? DUE_NEVER : *at ? time_parse(at) + dues[i].plus_ms : 0;

		if (due.at_ms != wanted || due.asked != dues[i].asked)
			fail_msg("%s: due at %lld, not %lld", dues[i].cluster, (long long)due.at_ms, (long long)wanted);
	}
	arena_release(&arena);
}

/* --- the queue --- */

static int64_t clock_ms;

static int64_t now(void)
{
	return clock_ms;
}

static void set(struct clusters *queue, const char *slug, int64_t at_ms, bool asked)
{
	clusters_set(queue, slug, 1, "recipe", (struct due){ at_ms, asked });
}

static void expect_next(struct clusters *queue, const char *wanted)
{
	char slug[CLUSTER_SLUG] = "";

	if (!clusters_take(slug, queue, now))
		*slug = '\0';
	assert_string_equal(slug, wanted);
}

static void test_order(void **state)
{
	struct clusters *queue = clusters_new();

	(void)state;
	clock_ms = 1000;
	clusters_finish(queue);
	expect_next(queue, "");
	set(queue, "later", 1001, false);
	set(queue, "never", DUE_NEVER, false);
	set(queue, "old", 10, false);
	set(queue, "older", 5, false);
	set(queue, "asked", 900, true);
	expect_next(queue, "asked");
	expect_next(queue, "older");
	expect_next(queue, "old");
	expect_next(queue, "");
	struct clusters_figures figures = clusters_figures(queue, 2000);
	assert_int_equal(figures.clusters, 5);
	assert_int_equal(figures.running, 3);
	assert_int_equal(figures.due, 1);
	assert_int_equal(figures.oldest_ms, 999);
	/* one that runs is nobody else's, whatever a look says meanwhile */
	set(queue, "old", 1, true);
	expect_next(queue, "");
	clusters_done(queue, "old", clock_ms, RUN_RECORDED);
	expect_next(queue, "");
	assert_false(clusters_seen(queue, "old", 1));
	set(queue, "old", 1, false);
	assert_true(clusters_seen(queue, "old", 1));
	expect_next(queue, "old");
	clusters_free(queue);
}

static void test_hold(void **state)
{
	struct clusters *queue = clusters_new();

	(void)state;
	clock_ms = 1000;
	clusters_finish(queue);
	for (int64_t wait = DUE_RETRY_MS; wait <= 4 * DUE_RETRY_MS; wait *= 2) {
		set(queue, "a", 1, false);
		expect_next(queue, "a");
		clusters_done(queue, "a", clock_ms, RUN_UNKNOWN);
		set(queue, "a", 1, false);
		clock_ms += wait - 1;
		expect_next(queue, "");
		clock_ms++;
	}
	expect_next(queue, "a");
	clusters_done(queue, "a", clock_ms, RUN_SKIPPED);
	set(queue, "a", 1, false);
	expect_next(queue, "");
	clock_ms += DUE_RETRY_MS;
	expect_next(queue, "a");
	clusters_free(queue);
}

static void test_looks(void **state)
{
	struct clusters *queue = clusters_new();

	(void)state;
	set(queue, "b", 1, false);
	set(queue, "a", 1, false);
	clusters_look_begin(queue);
	assert_true(clusters_seen(queue, "a", 1));
	assert_false(clusters_seen(queue, "a", 2));
	assert_false(clusters_seen(queue, "c", 1));
	clusters_look_end(queue);
	assert_int_equal(clusters_figures(queue, 10).clusters, 1);
	clusters_forget_recipe(queue, "other");
	assert_true(clusters_seen(queue, "a", 1));
	clusters_forget_recipe(queue, "recipe");
	assert_false(clusters_seen(queue, "a", 1));
	clusters_close(queue);
	expect_next(queue, "");
	clusters_free(queue);
}

/* --- plans --- */

#define CHANGE(address, actions, more) \
	"{\"address\":\"" address "\",\"mode\":\"managed\",\"change\":{\"actions\":[" actions "]" more "}}"
#define PLAN(changes) "{\"format_version\":\"1.2\",\"resource_changes\":[" changes "]}"

static const struct {
	const char *plan;
	int64_t added, changed, destroyed; /* added -1: refused */
} plans[] = {
	{ "[]", -1, 0, 0 },
	{ "{}", -1, 0, 0 },
	{ "{\"format_version\":\"2.0\"}", -1, 0, 0 },
	{ PLAN("{\"address\":\"a\"}"), -1, 0, 0 },
	{ PLAN("7"), -1, 0, 0 },
	{ "{\"format_version\":\"1.2\"}", 0, 0, 0 },
	{ PLAN(CHANGE("a", "\"create\"", "") "," CHANGE("b", "\"no-op\"", "") "," CHANGE("c", "\"read\"", "")), 1, 0,
		0 },
	{ PLAN(CHANGE("a", "\"delete\",\"create\"", "") "," CHANGE("b", "\"create\",\"delete\"", "")), 2, 0, 2 },
	{ PLAN(CHANGE("a", "\"update\"", "") "," CHANGE("b", "\"delete\"", "") "," CHANGE("c", "\"forget\"", "")), 0, 1,
		1 },
	{ "{\"format_version\":\"1.2\",\"resource_changes\":[{\"mode\":\"data\",\"change\":{\"actions\":[\"create\"]}}]"
	  "}",
		0, 0, 0 },
};

static void test_counts(void **state)
{
	struct plan_changes changes;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		int r = plan_changes_of(&changes, &arena, parse(plans[i].plan), NULL, &err);

		if (plans[i].added < 0 ? r == 0
				       : r < 0 || changes.added != plans[i].added ||
					changes.changed != plans[i].changed || changes.destroyed != plans[i].destroyed)
			fail_msg("%s: %d", plans[i].plan, r);
		mrp_err_clear(&err);
	}
	arena_release(&arena);
}

static const char *digest_of(const char *plan, const struct redact_set *secrets)
{
	static struct plan_changes changes;

	assert_int_equal(plan_changes_of(&changes, &arena, parse(plan), secrets, &err), 0);
	return arena_strdup(&arena, changes.digest);
}

/* An approval is for what is done to what, whatever the order; a secret that changes neither matters nor shows. */
static void test_digest(void **state)
{
	struct redact_set *secrets = redact_new(0);
	const char *one = CHANGE("a", "\"delete\"", ",\"before\":{\"n\":1}"), *two = CHANGE("b", "\"create\"", "");
	const char *ab = arena_printf(&arena, PLAN("%s,%s"), one, two),
		   *ba = arena_printf(&arena, PLAN("%s,%s"), two, one);

	(void)state;
	assert_string_equal(digest_of(ab, NULL), digest_of(ba, NULL));
	assert_string_not_equal(digest_of(ab, NULL), digest_of(arena_printf(&arena, PLAN("%s"), one), NULL));
	assert_string_not_equal(digest_of(PLAN(CHANGE("a", "\"delete\"", ",\"before\":{\"n\":1}")), NULL),
		digest_of(PLAN(CHANGE("a", "\"delete\"", ",\"before\":{\"n\":2}")), NULL));
	assert_string_not_equal(digest_of(PLAN(CHANGE("a", "\"delete\"", "")), NULL),
		digest_of(PLAN(CHANGE("a", "\"update\"", "")), NULL));
#define MARKED(text) \
	PLAN(CHANGE("a", "\"update\"", ",\"after\":{\"p\":[\"" text "\",1]},\"after_sensitive\":{\"p\":[true,false]}"))
	assert_string_equal(digest_of(MARKED("secret-1"), NULL), digest_of(MARKED("secret-2"), NULL));
#define PLAIN(text) PLAN(CHANGE("a", "\"update\"", ",\"after\":{\"p\":\"" text "\"}"))
	redact_add(secrets, "hidden-one", 10);
	redact_add(secrets, "hidden-two", 10);
	assert_string_not_equal(digest_of(PLAIN("hidden-one"), NULL), digest_of(PLAIN("hidden-two"), NULL));
	assert_string_equal(digest_of(PLAIN("hidden-one"), secrets), digest_of(PLAIN("hidden-two"), secrets));
	redact_free(secrets);
	arena_release(&arena);
}

static void test_plan_secrets(void **state)
{
	struct redact_set *secrets = redact_new(0);
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	static const char text[] = "before-secret after-secret deep-secret output-secret drift-secret plain-text";

	(void)state;
	plan_changes_add_secrets(secrets,
		parse("{\"resource_changes\":[{\"change\":{\"before\":\"before-secret\",\"before_sensitive\":true,"
		      "\"after\":{\"a\":\"after-secret\",\"b\":[{\"c\":\"deep-secret\",\"d\":\"plain-text\"}]},"
		      "\"after_sensitive\":{\"a\":true,\"b\":[{\"c\":true}]}}},7],"
		      "\"resource_drift\":[{\"change\":{\"after\":[\"drift-secret\"],\"after_sensitive\":[true,true]}}]"
		      ","
		      "\"output_changes\":{\"o\":{\"after\":\"output-secret\",\"after_sensitive\":true}}}"));
	redact_text(&out, secrets, text, strlen(text));
	assert_string_equal(out.buf, "*** *** *** *** *** plain-text");
	redact_free(secrets);
	arena_release(&arena);
}

/* --- what terraform says --- */

static void test_lock_info(void **state)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct lock_info info;

	(void)state;
	assert_false(lock_info_find(&info, ""));
	assert_false(lock_info_find(&info, "Error: something else\n ID: 7\n"));
	assert_true(lock_info_find(&info, "Lock Info:"));
	assert_string_equal(info.id, "");
	assert_true(lock_info_find(&info,
		"\u2502 Error: Error acquiring the state lock\n\u2502 Lock Info:\n\u2502   ID:        8b7a-1\r\n"
		"\u2502   Path:      x\n\u2502   Who:       root@vm  \n\u2502   Created:   2026-11-28 12:00:00.123456 "
		"+0000 UTC\n"));
	assert_string_equal(info.id, "8b7a-1");
	assert_string_equal(info.who, "root@vm");
	lock_info_format(&out, &info, time_parse("2026-11-28T12:12:00Z"));
	assert_string_equal(out.buf, "locked by root@vm, 12m ago (lock 8b7a-1)");
	/* what follows is not of who has the lock, but of who wanted it */
	assert_true(lock_info_find(&info,
		"Error message: HTTP remote state already locked:\nID=the-other\nLock Info:\n  ID:        mine\n"
		"  Operation: OperationTypePlan\n  Who:       root@vm\n  Created:   2026-11-28 12:00:00.1 +0000 "
		"UTC\n"));
	assert_string_equal(info.id, "the-other");
	assert_string_equal(info.who, "");
	assert_true(info.created_ms == -1 && lock_info_may_be_apply(&info));
	assert_true(lock_info_find(&info, "Lock Info:\n  ID: x\n  Operation: OperationTypePlan\n"));
	assert_false(lock_info_may_be_apply(&info));
	assert_true(lock_info_find(&info, "Lock Info:\n  ID: x\n  Operation: OperationTypeApply\n"));
	assert_true(lock_info_may_be_apply(&info));
}

static void test_reason(void **state)
{
	static const struct {
		const char *log, *reason;
	} rows[] = { { "", NULL }, { "\n \n", NULL }, { "all went well\nat last\n", "at last" },
		{ "Planning\n\u2577\n\u2502 Error: Invalid value\n\u2502 \n\u2502   on main.tf\n\u2575\n",
			"Invalid value" },
		{ "Error: one\nError: two", "one" }, { "Error: ", NULL } };
	struct redact_set *none = redact_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stage_log log;

		stage_log_begin(&log, "plan", none);
		stage_log_add(&log, rows[i].log, strlen(rows[i].log));
		stage_log_end(&log);
		cleanup(freep) char *reason = stage_log_reason(&log);
		if (!!reason != !!rows[i].reason || (reason && !streq(reason, rows[i].reason)))
			fail_msg("'%s': '%s'", rows[i].log, reason ? reason : "(none)");
		stage_log_release(&log);
	}
	redact_free(none);
}

/* "a b|c": what was half made, and whole. */
static void test_half_made(void **state)
{
	static const struct {
		const char *log, *half, *whole;
	} rows[] = {
		{ "", "", "" },
		{ "Creating...\n: Creating...\n x.y: Creating...\nx[: Creating...\nx[\"a: Creating...", "", "" },
		{ "x.y: Still creating... [10s elapsed]\nx.y: Reading...\nx.y: Refreshing state... [id=1]", "", "" },
		{ "x.y (local-exec): x.z: Creating...\n", "", "" },
		{ "x.z: Creation complete after 1s [id=7]\n", "", "" },
		{ "x.y: Creating...", "x.y", "" },
		{ "x.y: Creating...\nx.z: Modifying... [id=1]\nx.y: Creation complete after 0s [id=2]\n", "x.z",
			"x.y" },
		{ "m.n[\"a: b] \\\" c\"].x.y[0]: Destroying... [id=1]\n", "m.n[\"a: b] \\\" c\"].x.y[0]", "" },
		{ "x.y: Destroying... [id=1]\nx.y: Destruction complete after 0s\nx.y: Creating...\n", "x.y", "" },
		{ "x.y: Creating...\nx.y: Creation complete after 1s\nx.z: Modifying... [id=1]\n"
		  "x.z: Modifications complete after 1s [id=1]\n",
			"", "x.y x.z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(strvec_clear) struct strvec half = STRVEC_INIT, whole = STRVEC_INIT;
		cleanup(strbuf_release) struct strbuf found = STRBUF_INIT, wanted = STRBUF_INIT;

		half_made_of(&half, &whole, rows[i].log, strlen(rows[i].log));
		for (size_t k = 0; k < half.n; k++)
			strbuf_addf(&found, "%s%s", k ? " " : "", half.v[k]);
		strbuf_addch(&found, '|');
		for (size_t k = 0; k < whole.n; k++)
			strbuf_addf(&found, "%s%s", k ? " " : "", whole.v[k]);
		strbuf_addf(&wanted, "%s|%s", rows[i].half, rows[i].whole);
		if (!streq(found.buf, wanted.buf))
			fail_msg("'%s': '%s', not '%s'", rows[i].log, found.buf, wanted.buf);
	}
}

static void test_dirty(void **state)
{
	char folder[] = "/tmp/creator-XXXXXX";
	struct dirty mine, read;

	(void)state;
	assert_non_null(mkdtemp(folder));
	cleanup(freep) char *path = path_join(folder, "net.dirty");
	dirty_init(&mine);
	dirty_init(&read);
	dirty_of_cluster(&mine, parse("{\"state\":{}}"));
	assert_int_equal(dirty_read(&read, path, &err), 0);
	assert_false(mine.is || read.is);
	dirty_of_cluster(&mine, parse("{\"state\":{\"dirty\":7}}")); /* whatever it is, it is said */
	assert_true(mine.is && !mine.half_made.n);
	dirty_of_cluster(
		&mine, parse("{\"state\":{\"dirty\":{\"half_made\":[\"a.b\",1,\"c.d[\\\"e f\\\"]\",\"a.b\"]}}}"));
	assert_int_equal(dirty_write(path, &mine, &err), 0);
	assert_int_equal(dirty_read(&read, path, &err), 0);
	assert_true(read.is && read.half_made.n == 2);
	assert_string_equal(read.half_made.v[1], "c.d[\"e f\"]");
	dirty_release(&mine);
	dirty_release(&read);
	unlink(path);
	rmdir(folder);
}

/* --- evidence --- */

static void test_evidence(void **state)
{
	char folder[] = "/tmp/mrprober-unit-XXXXXX";
	struct evidence mine, read = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	cleanup(freep) char *path = path_join(folder, "run.json");
	assert_int_equal(evidence_read(&read, path, &err), 0);
	evidence_of_self(&mine, "holder", "run");
	mine.deployment = 7;
	assert_int_equal(evidence_write(path, &mine, &err), 0);
	assert_int_equal(evidence_read(&read, path, &err), 1);
	assert_string_equal(read.holder, "holder");
	assert_int_equal(read.pid, getpid());
	assert_int_equal(read.deployment, 7);
	assert_int_equal(evidence_judge(&read), EVIDENCE_ALIVE);
	/* the number is somebody else's now */
	read.pid_started++;
	assert_int_equal(evidence_judge(&read), EVIDENCE_DEAD);
	read.pid_started--;
	/* the machine was started anew */
	read.boot_id[0] ^= 1;
	assert_int_equal(evidence_judge(&read), EVIDENCE_DEAD);
	free(read.host);
	read.host = xstrdup("elsewhere");
	assert_int_equal(evidence_judge(&read), EVIDENCE_UNKNOWN);
	evidence_release(&read);
	assert_int_equal(replace_file(path, "[]", 2, 0600, &err), 0);
	assert_int_equal(evidence_read(&read, path, &err), -1);
	mrp_err_clear(&err);
	evidence_release(&read);
	evidence_release(&mine);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_plan_secrets),
		cmocka_unit_test(test_lock_info),
		cmocka_unit_test(test_reason),
		cmocka_unit_test(test_half_made),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
