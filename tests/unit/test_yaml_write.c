/* SPDX-License-Identifier: Apache-2.0 */
/* YAML output: what it looks like, and that everything reads back as the same value. */
#include "unit.h"

#include "../../lib/value/json.h"
#include "../../lib/value/yaml.h"
#include "../../lib/value/yaml_write.h"

static struct arena arena = ARENA_INIT;

static struct value *parse_json(const char *text)
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

static const char *yaml_of(const struct value *v)
{
	struct strbuf out = STRBUF_INIT;

	value_to_yaml(&out, v);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

static struct value *parse_yaml(const char *yaml)
{
	struct problems problems = PROBLEMS_INIT;
	struct value *v = value_from_yaml(&arena, yaml, strlen(yaml), "f.yaml", YAML_LOCAL_TAGS, &problems);

	if (problems.errors) {
		struct strbuf out = STRBUF_INIT;

		problem_format(&out, &problems.list.v[0]);
		fail_msg("%s\nof\n%s", out.buf, yaml);
	}
	problems_clear(&problems);
	return v;
}

static void test_form(void **state)
{
	static const struct { const char *json, *yaml; } cases[] = {
		{ "{}", "{}\n" },
		{ "[]", "[]\n" },
		{ "null", "null\n" },
		{ "\"a\\nb\"", "|-\n  a\n  b\n" },
		{ "{\"a\": 1, \"b\": {\"c\": [], \"d\": {}}}", "a: 1\nb:\n  c: []\n  d: {}\n" },
		{ "{\"l\": [1, \"x\", [2, [3]], {\"k\": null, \"m\": [4]}]}",
			"l:\n  - 1\n  - x\n  - - 2\n    - - 3\n  - k: null\n    m:\n      - 4\n" },
		{ "{\"t\": \"one\\n  two\\n\\nthree\\n\"}", "t: |\n  one\n    two\n\n  three\n" },
		{ "[\"a\\nb\"]", "- |-\n  a\n  b\n" },
		{ "{\"a\": [\"x\\ny\\n\", 1]}", "a:\n  - |\n    x\n    y\n  - 1\n" },
		{ "[\"no\", \"Yes\", \"on\", \"y\", \"true\", \"null\", \"~\", \"\"]",
			"- \"no\"\n- \"Yes\"\n- \"on\"\n- \"y\"\n- \"true\"\n- \"null\"\n- \"~\"\n- \"\"\n" },
		{ "[\"1.0\", \"0x1f\", \"1_000\", \"12:30:45\", \"2026-11-21\", \"-5\", \".5\", \"1e3\"]",
			"- \"1.0\"\n- \"0x1f\"\n- \"1_000\"\n- \"12:30:45\"\n- \"2026-11-21\"\n- \"-5\"\n- \".5\"\n- \"1e3\"\n" },
		{ "[\"30s\", \"10.0.0.2\", \"10.0.0.0/8\", \"127.0.0.1:80\", \"./run.sh\", \"/bin/sh\", \"-c\", \"--all\", \"a b\"]",
			"- 30s\n- 10.0.0.2\n- 10.0.0.0/8\n- 127.0.0.1:80\n- ./run.sh\n- /bin/sh\n- -c\n- --all\n- a b\n" },
		{ "[\"*.tf\", \"${x}\", \"a: b\", \"a #b\", \"a:\", \" a\", \"a \", \"-\", \"- a\", \"---\", \"...\", \"<<\", \"=\"]",
			"- \"*.tf\"\n- ${x}\n- \"a: b\"\n- \"a #b\"\n- \"a:\"\n- \" a\"\n- \"a \"\n- \"-\"\n- \"- a\"\n- \"---\"\n"
			"- \"...\"\n- \"<<\"\n- \"=\"\n" },
		{ "[\"tab\\there\", \"\\u0001\\u007f\\u0085\\u2028\\ufeff\", \"quote\\\"back\\\\\"]",
			"- \"tab\\there\"\n- \"\\x01\\x7F\\x85\\u2028\\uFEFF\"\n- quote\"back\\\n" },
		{ "[1e20, 0.1, -2.5e-7, 9223372036854775807, -9223372036854775808]",
			"- 1.0e+20\n- 0.1\n- -2.5e-07\n- 9223372036854775807\n- -9223372036854775808\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(yaml_of(parse_json(cases[i].json)), cases[i].yaml);
}

static void test_tags(void **state)
{
	struct value *object = value_object(&arena), *env = value_string(&arena, "DB_PASSWORD"),
		     *file = value_string(&arena, "a b: c");

	(void)state;
	env->flags |= VF_SECRET | VF_ENV;
	file->flags |= VF_SECRET | VF_FILE;
	value_append(&arena, object, "e", env);
	value_append(&arena, object, "f", file);
	const char *yaml = yaml_of(object);
	assert_string_equal(yaml, "e: !env DB_PASSWORD\nf: !file \"a b: c\"\n");
	struct value *back = parse_yaml(yaml);
	assert_true(value_get(back, "e")->flags & VF_ENV);
	assert_true(value_get(back, "f")->flags & VF_FILE);
	assert_string_equal(value_get_string(back, "f"), "a b: c");
}

static void assert_same(const struct value *v)
{
	assert_string_equal(canonical(parse_yaml(yaml_of(v))), canonical(v));
}

static void test_reads_back(void **state)
{
	static const char *const cases[] = {
		"{\"no\": 1, \"1.0\": 2, \"\": 3, \"<<\": {\"x\": 4}, \"a b\": 5, \"?\": 6, \"k: v\": 7, \"\\n\": 8, \"~\": 9, \"*a\": 0}",
		"[[], [[]], {}, [{}], {\"a\": {}}, [[], [1]], [[[{\"a\": [[]]}]]]]",
		"[\"\\n\", \"\\n\\n\", \"a\\n\\n\", \"a\\n \\nb\", \" a\\nb\", \"a \\nb\", \"a\\n\\tb\\n\", \"\\ta\\nb\", \"a\\n  \", \"a\\r\\nb\"]",
		"[\"\\u00a0x\", \"\\u0434\\u0430\", \"\\ud83d\\ude00\", \"\\uffff\", \"\\u009f\", \"x\\u2029y\", \"'\", \"''\", \"\\\"\", \"a'b\"]",
		"[\"&a\", \"!env X\", \"!x\", \"%d\", \"@x\", \"`x\", \"|\", \">\", \"{a}\", \"[a]\", \"a,b\", \"#c\", \"x#c\", \"a:b\", \"::\"]",
		"[\"0o7\", \"+1\", \"1.\", \"+.5\", \".inf\", \"-.INF\", \".nan\", \"0b1\", \"1e\", \"..\", \"1..2\", \"18446744073709551616\"]",
		"[1.8446744073709552e19, -1e300, 5e-324, 0.30000000000000004, 1e15, 1.5e15, -0.0, 1e16]",
		"{\"a\": \"x\\ny\", \"b\": [{\"c\": \"x\\n  y\\n\", \"d\": [\"p\\nq\"]}], \"e\": null, \"f\": [null, true, false]}",
	};
	struct strbuf wide = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_same(parse_json(cases[i]));

	struct value *object = value_object(&arena), *inner = value_object(&arena);
	strbuf_addchars(&wide, 'w', 5000);
	value_append(&arena, inner, "k", value_int(&arena, 1));
	value_append(&arena, inner, "l", value_string(&arena, wide.buf));
	value_append(&arena, object, arena_strdup(&arena, wide.buf), inner);
	strbuf_addstr(&wide, ": #");
	value_append(&arena, object, arena_strdup(&arena, wide.buf), value_array(&arena));
	value_append(&arena, object, "list", value_array(&arena));
	value_push(&arena, value_get(object, "list"), object->members[0].value);
	assert_same(object);
	assert_same(value_string(&arena, "---\na\n"));
	strbuf_release(&wide);
}

/* Every short text of characters that mean something to YAML. */
static void test_exhaustive(void **state)
{
	static const char letters[] = "a1 -:#,[{&*!|>'\"%?.~<=\n\t0x_e";
	const size_t n = sizeof(letters) - 1;

	(void)state;
	for (size_t i = 0; i < n * n * n; i++) {
		char text[] = { letters[i % n], letters[i / n % n], letters[i / n / n], '\0' };
		struct arena scratch = ARENA_INIT;
		struct value *object = value_object(&scratch), *v = value_string(&scratch, text);
		struct problems problems = PROBLEMS_INIT;
		struct strbuf yaml = STRBUF_INIT;

		value_append(&scratch, object, text, v);
		value_to_yaml(&yaml, object);
		struct value *back = value_from_yaml(&scratch, yaml.buf, yaml.len, "f.yaml", 0, &problems);
		if (problems.list.n || !value_equal(object, back))
			fail_msg("'%s' is written as:\n%s", text, yaml.buf);
		strbuf_release(&yaml);
		arena_release(&scratch);
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
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_exhaustive),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
