/* SPDX-License-Identifier: Apache-2.0 */
/* The words of api-client: targets, values, assignments, and the lines of `watch`. */
#include "unit.h"

#include "../../lib/base/clock.h"
#include "../../lib/client/changes.h"
#include "../../lib/client/input.h"
#include "../../lib/client/print.h"
#include "../../lib/value/json.h"

static struct arena arena = ARENA_INIT;

static struct value *parse(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, text, strlen(text), "test", &err);

	if (!v)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

static const char *compact(const struct value *v)
{
	struct strbuf out = STRBUF_INIT;

	json_compact(&out, v);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

static void test_targets(void **state)
{
	static const struct { enum target_form form; const char *words[5]; const char *path, *error; } cases[] = {
		{ TARGET_ONE, { "prober", "dns" }, "/v1/probers/dns", NULL },
		{ TARGET_ONE, { "probers/dns" }, "/v1/probers/dns", NULL },
		{ TARGET_ONE, { "recipe", "a/../b" }, "/v1/recipes/a%2F..%2Fb", NULL },
		{ TARGET_ONE, { "cluster", "x y?#" }, "/v1/clusters/x%20y%3F%23", NULL },
		{ TARGET_ONE, { "variable", "net", "zones" }, "/v1/clusters/net/variables/zones", NULL },
		{ TARGET_ONE, { "variable/net/zones" }, "/v1/clusters/net/variables/zones", NULL },
		{ TARGET_ONE, { "variable/net", "zones" }, "/v1/clusters/net/variables/zones", NULL },
		{ TARGET_ONE, { "deployment", "12" }, "/v1/deployments/12", NULL },
		{ TARGET_LIST, { "probers" }, "/v1/probers", NULL },
		{ TARGET_LIST, { "variables", "net" }, "/v1/clusters/net/variables", NULL },
		{ TARGET_LIST, { "deployment/net" }, "/v1/clusters/net/deployments", NULL },
		{ TARGET_EITHER, { "prober" }, "/v1/probers", NULL },
		{ TARGET_EITHER, { "prober", "dns" }, "/v1/probers/dns", NULL },
		{ TARGET_EITHER, { "variables", "net" }, "/v1/clusters/net/variables", NULL },
		{ TARGET_EITHER, { "variable", "net", "zones" }, "/v1/clusters/net/variables/zones", NULL },
		{ TARGET_EITHER, { "deployments", "net" }, "/v1/clusters/net/deployments", NULL },
		{ TARGET_ONE, { "prober" }, NULL, "which prober? <slug> is missing" },
		{ TARGET_ONE, { "prober", "" }, NULL, "<slug> of the prober is empty" },
		{ TARGET_ONE, { "prober/" }, NULL, "<slug> of the prober is empty" },
		{ TARGET_ONE, { "prober/a/b" }, NULL, "unexpected argument 'b'" },
		{ TARGET_ONE, { "prober", "a", "b" }, NULL, "unexpected argument 'b'" },
		{ TARGET_ONE, { "variable", "net" }, NULL, "which variable? <name> is missing" },
		{ TARGET_ONE, { "variable/a/b/c/d" }, NULL, "unexpected argument 'c/d'" },
		{ TARGET_LIST, { "variables" }, NULL, "which variable? <cluster> is missing" },
		{ TARGET_LIST, { "probers", "x" }, NULL, "unexpected argument 'x'" },
		{ TARGET_LIST, { "blobs" }, NULL, "blobs cannot be listed, only read one by one" },
		{ TARGET_ONE, { "blob", "abc" }, NULL, "'abc' is not a SHA-256 in lower-case hex, which names a blob" },
		{ TARGET_ONE, { "recip", "x" }, NULL, "unknown kind 'recip'; did you mean 'recipe'?" },
		{ TARGET_ONE, { "", "x" }, NULL,
			"unknown kind '' (recipes, clusters, probers, variables, deployments, agents, blobs)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct strbuf path = STRBUF_INIT;
		struct target target;
		int argc = 0;

		while (cases[i].words[argc])
			argc++;
		int code = target_parse(&target, &arena, cases[i].form, argc, (char *const *)cases[i].words, &err);
		if (cases[i].error) {
			assert_int_equal(code, -1);
			assert_int_equal(err.code, MRP_EUSAGE);
			assert_string_equal(err.msg, cases[i].error);
		} else {
			if (code < 0)
				fail_msg("row %zu: %s", i, err.msg);
			target_path(&path, &target);
			assert_string_equal(path.buf, cases[i].path);
		}
		mrp_err_clear(&err);
		strbuf_release(&path);
	}
}

static void test_values(void **state)
{
	static const struct { const char *text; bool as_text; const char *json; } cases[] = {
		{ "3", false, "3" }, { "3", true, "\"3\"" }, { "true", false, "true" }, { "null", false, "null" },
		{ "[1, \"a\"]", false, "[1,\"a\"]" }, { "{\"a\": null}", false, "{\"a\":null}" }, { "word", false, "\"word\"" },
		{ "", false, "\"\"" }, { "{broken", false, "\"{broken\"" }, { "01", false, "\"01\"" }, { "1 2", false, "\"1 2\"" },
		{ "\"quoted\"", false, "\"quoted\"" }, { "1e999", false, "\"1e999\"" }, { " 5 ", false, "5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(
			compact(input_value(&arena, cases[i].text, strlen(cases[i].text), cases[i].as_text)), cases[i].json);
}

static void test_assignments(void **state)
{
	static const struct { const char *before, *assignment; bool as_text; const char *after, *error; } cases[] = {
		{ "{}", "interval=10m", false, "{\"interval\":\"10m\"}", NULL },
		{ "{}", "deploy.max_destroy=3", false, "{\"deploy\":{\"max_destroy\":3}}", NULL },
		{ "{}", "deploy.max_destroy=3", true, "{\"deploy\":{\"max_destroy\":\"3\"}}", NULL },
		{ "{\"deploy\":{\"mode\":\"apply\"}}", "deploy.interval=1h", false, "{\"deploy\":{\"mode\":\"apply\",\"interval\":\"1h\"}}",
			NULL },
		{ "{}", "labels.a\\.b/c=x=y", false, "{\"labels\":{\"a.b/c\":\"x=y\"}}", NULL },
		{ "{}", "labels.a\\\\=x", false, "{\"labels\":{\"a\\\\\":\"x\"}}", NULL },
		{ "{\"heal\":{}}", "heal=null", false, "{\"heal\":null}", NULL },
		{ "{}", "name=", false, "{\"name\":\"\"}", NULL },
		{ "{\"a\":1}", "a.b=1", false, NULL, "'a.b=1' sets a part of 'a', which is set as a whole too" },
		{ "{}", "name", false, NULL, "'name' is no assignment (like deploy.interval=10m)" },
		{ "{}", "=1", false, NULL, "'=1' is no assignment (like deploy.interval=10m)" },
		{ "{}", ".a=1", false, NULL, "'.a=1' is no assignment (like deploy.interval=10m)" },
		{ "{}", "a.=1", false, NULL, "'a.=1' is no assignment (like deploy.interval=10m)" },
		{ "{}", "a..b=1", false, NULL, "'a..b=1' has an empty name" },
		{ "{}", "a=\xff", false, NULL, "the value of 'a' is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct value *patch = parse(cases[i].before);
		int code = input_assign(&arena, patch, cases[i].assignment, cases[i].as_text, &err);

		if (cases[i].error) {
			assert_int_equal(code, -1);
			assert_string_equal(err.msg, cases[i].error);
		} else {
			assert_int_equal(code, 0);
			assert_string_equal(compact(patch), cases[i].after);
		}
		mrp_err_clear(&err);
	}
}

static void test_changes(void **state)
{
	static const struct { const char *before, *after, *lines; } cases[] = {
		{ "[]", "[]", "" },
		{ "[{\"slug\":\"a\",\"revision\":1}]", "[{\"revision\":1,\"slug\":\"a\"}]", "" },
		{ "[]", "[{\"slug\":\"a\",\"revision\":1}]", "T prober/a added (revision 1)\n" },
		{ "[{\"slug\":\"a\",\"revision\":1}]", "[]", "T prober/a deleted\n" },
		{ "[{\"slug\":\"a\",\"revision\":1,\"interval\":\"1s\",\"labels\":{\"x\":\"1\"},\"digest\":\"d\"}]",
			"[{\"slug\":\"a\",\"revision\":2,\"interval\":\"\\u001b2s\",\"labels\":{\"y\":\"2\"},\"digest\":\"e\"}]",
			"T prober/a changed (revision 2)\n  interval: 1s -> \\x1b2s\n  labels.x: 1 -> (none)\n  labels.y: (none) -> 2\n" },
		{ "[{\"slug\":\"b\",\"revision\":1},{\"slug\":\"c\",\"revision\":1}]",
			"[{\"slug\":\"a\",\"revision\":2},{\"slug\":\"c\",\"revision\":1}]",
			"T prober/a added (revision 2)\nT prober/b deleted\n" },
	};
	struct target target = { .resource = resource_find("probers", NULL) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct change_style style = { .time = "T" };
		struct strbuf out = STRBUF_INIT;

		changes_format(&out, &style, &target, parse(cases[i].before), parse(cases[i].after), &arena);
		assert_string_equal(out.buf, cases[i].lines);
		strbuf_release(&out);
	}
	struct strbuf out = STRBUF_INIT;
	changes_format(&out, &(struct change_style){ true, "T" }, &target, parse("[]"), parse("[{\"slug\":\"a\"}]"), &arena);
	assert_string_equal(out.buf,
		"{\"format_version\":1,\"time\":\"T\",\"event\":\"added\",\"name\":\"prober/a\",\"object\":{\"slug\":\"a\"}}\n");
	strbuf_release(&out);
}

static void test_times(void **state)
{
	static const struct { const char *text; int64_t ms; } cases[] = {
		{ "1970-01-01T00:00:00Z", 0 }, { "1970-01-01T00:00:01.5Z", 1500 }, { "2026-11-21T03:00:00.123Z", 1795230000123 },
		{ "2026-11-21", -1 }, { "", -1 }, { NULL, -1 }, { "2026-11-21T03:00:00", -1 }, { "1970-01-01T00:00:01.123456Z", 1123 },
		{ "1970-01-01T00:00:01.Zx", -1 }, { "1970-01-01T03:00:01.25+03:00", 1250 }, { "1969-12-31T23:30:00-00:30", 0 },
		{ "1970-01-01T00:00:00+0300", -1 }, { "1970-01-01T00:00:00 03:00", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(time_parse(cases[i].text), cases[i].ms);
}

/* Objects that say less, or something else, than this version knows are shown all the same. */
static void test_columns(void **state)
{
	static const char *const items[] = { "[{}]",
		("[{\"slug\": 1, \"labels\": [], \"state\": \"x\", \"source\": 1, \"probe\": [], "
		 "\"placements\": {\"a\": 1}, \"deploy\": null, \"command\": \"x\", \"created_at\": 5}]"),
		"[{\"placements\": [1, null, {\"clusters\": 1}], \"external_variables\": [null, {}], \"probe\": {}}]" };
	const struct print_style style = { .format = OUTPUT_WIDE, .now_ms = 1000 };

	(void)state;
	for (const struct resource *resource = resources; resource->name; resource++) {
		for (size_t i = 0; i < ARRAY_SIZE(items) && resource->columns; i++) {
			struct target target = { .resource = resource, .parts = { "c" } };
			struct strbuf out = STRBUF_INIT;

			print_list(&out, &style, &target, parse(items[i]), &arena);
			assert_true(out.len > 0);
			strbuf_release(&out);
		}
	}
}

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
