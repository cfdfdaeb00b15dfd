/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: what the API's table of fields says about them, and that they fit. */
#include "unit.h"

#include "../../lib/agent/report.h"
#include "../../lib/api/agents.h"
#include "../../lib/value/json.h"

static struct value *check(struct arena *arena, const struct agent_report *report)
{
	struct problems problems = PROBLEMS_INIT;
	struct schema_ctx ctx = { .arena = arena, .problems = &problems, .where = FF_API };
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf json = STRBUF_INIT;

	strbuf_addstr(&json, "before");
	agent_report_format(&json, report);
	assert_true(json.len <= REPORT_MAX + 6);
	struct value *v = json_parse(arena, json.buf + 6, json.len - 6, "a report", &err);
	if (!v)
		fail_msg("%s", err.msg);
	struct value *object = schema_apply(&ctx, agent_fields, v, "");
	if (problems.errors)
		fail_msg("%s: %s", problems.list.v[0].field, problems.list.v[0].msg);
	strbuf_release(&json);
	return object;
}

static void test_items(void **state)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct agent_report *report = agent_report_new(NULL);
	char text[1000];

	(void)state;
	/* a character of two bytes must not be cut in the middle */
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 3);
	const struct report_item items[] = {
		{ .id = "a", .status = VERDICT_SUCCESS, .reason = REASON_OK, .duration_s = 1e99, .finished_ms = 1 },
		{ .id = "b[x=\"\\]",
			.status = VERDICT_FAILURE,
			.reason = REASON_TIMEOUT,
			.message = text,
			.consecutive_failures = INT64_MAX },
		{ .id = "c", .status = VERDICT_ERROR, .reason = REASON_CONFIG, .message = "x\xff", .duration_s = -1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		agent_report_add(report, &items[i]);
	const struct value *object = check(&arena, report), *probers = value_get(object, "probers");
	assert_int_equal(probers->n, 3);
	assert_string_equal(value_get_string(object, "version"), MRP_VERSION);
	assert_null(value_get(object, "config_revision"));
	assert_string_equal(value_get_string(value_get(probers, "a"), "finished_at"), "1970-01-01T00:00:00.001Z");
	assert_int_equal(value_get(probers->members[1].value, "message")->n, REPORT_MESSAGE_MAX);
	assert_string_equal(value_get_string(value_get(probers, "c"), "message"), "x");
	assert_null(value_get(value_get(probers, "c"), "duration_seconds"));
	agent_report_free(report);
}

/* The more there are, the less is said of each; what is said last is which fail. */
static void test_many(void **state)
{
	static const struct {
		int n;
		bool all, message_of_success, message_of_failure;
	} cases[] = { { 0, true, true, true }, { 2000, true, true, true }, { 5000, true, false, true },
		{ 10000, true, false, false }, { 50000, false, false, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct agent_report *report = agent_report_new("r1");

		for (int k = 0; k < cases[i].n; k++) {
			char id[32];
			const struct report_item item = { .id = id,
				.status = k % 3 ? VERDICT_SUCCESS : VERDICT_FAILURE,
				.reason = k % 3 ? REASON_OK : REASON_EXIT,
				.message = "0123456789012345678901234567890123456789"
					   "012345678901234567890123456789012345678901234567890123456789012345678901234"
					   "5678901234567890123456789",
				.finished_ms = 1700000000000,
				.duration_s = 0.5 };

			snprintf(id, sizeof(id), "prober[n=%08d]", k);
			agent_report_add(report, &item);
		}
		const struct value *probers = value_get(check(&arena, report), "probers");
		if ((probers->n == (uint32_t)cases[i].n) != cases[i].all)
			fail_msg("%d: %u are left", cases[i].n, probers->n);
		if (probers->n > 1) {
			const struct value *failure = probers->members[0].value, *success = probers->members[1].value;

			if (!!value_get(failure, "message") != cases[i].message_of_failure ||
				!!value_get(success, "message") != cases[i].message_of_success)
				fail_msg("%d: messages", cases[i].n);
			assert_string_equal(value_get_string(failure, "status"), "failure");
		}
		agent_report_free(report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_items), cmocka_unit_test(test_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
