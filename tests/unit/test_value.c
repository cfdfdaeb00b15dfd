/* SPDX-License-Identifier: Apache-2.0 */
/* Values: canonical JSON, equality, RFC 7396 (its appendix A row by row), differences. */
#include "unit.h"

#include "../../lib/value/json.h"
#include "../../lib/value/merge.h"

static struct arena arena = ARENA_INIT;

static struct value *parse(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, text, strlen(text), "test", &err);

	if (!v)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

static const char *canonical(const struct value *v)
{
	struct strbuf out = STRBUF_INIT;

	json_canonical(&out, v);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

static void test_canonical(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "{\"b\": 1, \"a\": [true, null]}", "{\"a\":[true,null],\"b\":1}" },
		{ "10.0", "10" },
		{ "1e3", "1000" },
		{ "-0.0", "0" },
		{ "0.1", "0.1" },
		{ "1e300", "1e+300" },
		{ "5e-324", "5e-324" },
		{ "0.30000000000000004", "0.30000000000000004" },
		{ "9007199254740993", "9007199254740993" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "18446744073709551616", "1.8446744073709552e+19" },
		{ "\"\\u0001\\b\\t\\n\\f\\r\\u000b\\/\\\"\\\\\"", "\"\\u0001\\b\\t\\n\\f\\r\\u000b/\\\"\\\\\"" },
		{ "\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "{}", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(canonical(parse(cases[i].in)), cases[i].out);
}

static void test_json_refuses(void **state)
{
	static const char *const cases[] = { "", "{", "[1,]", "{\"a\":1,\"a\":2}", "\"\\u0000\"", "nul", "1 2", "'x'",
		"\"\xff\"", "1e999", "{\"a\\u0000b\": 1}", "[1] x", "+1", "01", "NaN" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;

		if (json_parse(&arena, cases[i], strlen(cases[i]), "the body", &err))
			fail_msg("accepted: %s", cases[i]);
		assert_int_equal(err.code, MRP_EPARSE);
		mrp_err_clear(&err);
	}
}

static void test_depth(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	strbuf_addchars(&text, '[', 65);
	strbuf_addchars(&text, ']', 65);
	assert_null(json_parse(&arena, text.buf, text.len, "the body", &err));
	mrp_err_clear(&err);
	assert_non_null(json_parse(&arena, text.buf + 1, text.len - 2, "the body", &err));
	strbuf_release(&text);
}

/* RFC 7396, appendix A */
static void test_merge_patch(void **state)
{
	static const struct { const char *target, *patch, *result; } cases[] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"a\":\"foo\"}", "null", "null" },
		{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct value *target = parse(cases[i].target);
		const char *before = canonical(target);

		assert_string_equal(canonical(merge_patch(&arena, target, parse(cases[i].patch))), cases[i].result);
		assert_string_equal(canonical(target), before);
	}
}

static void test_merge_diff(void **state)
{
	static const struct { const char *before, *after, *patch; } cases[] = {
		{ "{\"a\":1}", "{\"a\":1.0}", NULL },
		{ "{\"a\":1}", "{\"a\":2}", "{\"a\":2}" },
		{ "{\"a\":1,\"b\":2}", "{\"b\":2}", "{\"a\":null}" },
		{ "{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1}}", "{\"a\":{\"c\":null}}" },
		{ "{\"a\":[1,2]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}" },
		{ "{}", "{\"a\":{}}", "{\"a\":{}}" },
		{ "{\"a\":[1]}", "{\"a\":{\"x\":1}}", "{\"a\":{\"x\":1}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct value *before = parse(cases[i].before), *after = parse(cases[i].after);
		struct value *patch = merge_diff(&arena, before, after);

		if (!cases[i].patch) {
			assert_null(patch);
			continue;
		}
		assert_non_null(patch);
		assert_string_equal(canonical(patch), cases[i].patch);
		assert_string_equal(canonical(merge_patch(&arena, before, patch)), canonical(after));
	}
}

static void add_difference(void *ctx, const char *path, const struct value *before, const struct value *after)
{
	strbuf_addf(ctx, "%s:%s>%s;", path, before ? canonical(before) : "-", after ? canonical(after) : "-");
}

static void test_differences(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	value_differences(parse("{\"a\":{\"x\":1,\"y\":{\"z\":1}},\"b\":2}"), parse("{\"a\":{\"x\":2,\"y\":{\"z\":2}},\"c\":[1]}"), 2,
		add_difference, &out);
	assert_string_equal(out.buf, "a.x:1>2;a.y:{\"z\":1}>{\"z\":2};b:2>-;c:->[1];");
	strbuf_release(&out);
}

static void test_layers(void **state)
{
	struct value *lower = parse("{\"m\":{\"a\":1,\"b\":2},\"l\":[1,2],\"s\":1}");
	struct value *upper = parse("{\"m\":{\"b\":3,\"c\":null},\"l\":[3]}");

	(void)state;
	assert_string_equal(canonical(layer_merge(&arena, lower, upper)),
		"{\"l\":[3],\"m\":{\"a\":1,\"b\":3,\"c\":null},\"s\":1}");
	assert_string_equal(canonical(lower), "{\"l\":[1,2],\"m\":{\"a\":1,\"b\":2},\"s\":1}");
}

static void test_sorted_lookup(void **state)
{
	struct value *object = value_object(&arena);

	(void)state;
	for (int i = 0; i < 1000; i++)
		value_append(&arena, object, arena_printf(&arena, "k%d", (i * 7919) % 1000), value_int(&arena, i));
	value_sort(object);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(value_get(object, arena_printf(&arena, "k%d", (i * 7919) % 1000))->i, i);
	assert_null(value_get(object, "k1000"));
	assert_null(value_get(object, ""));
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
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_json_refuses),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_merge_patch),
		cmocka_unit_test(test_merge_diff),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_sorted_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
