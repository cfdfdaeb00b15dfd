/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: what scalars mean, places, anchors and merges, and one clear message for everything that is wrong. */
#include "unit.h"

#include "../../lib/value/json.h"
#include "../../lib/value/yaml.h"

static struct arena arena = ARENA_INIT;

static const char *canonical(const struct value *v)
{
	struct strbuf out = STRBUF_INIT;

	json_canonical(&out, v);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

/* All problems of a text, one a line, or "" */
static const char *problems_of(const char *yaml, size_t len, unsigned flags, struct value **v)
{
	struct problems problems = PROBLEMS_INIT;
	struct strbuf out = STRBUF_INIT;

	*v = value_from_yaml(&arena, yaml, len, "f.yaml", flags, &problems);
	if (!*v)
		assert_int_not_equal(problems.errors, 0);
	problems_sort(&problems);
	for (size_t i = 0; i < problems.list.n; i++) {
		strbuf_addstr(&out, i ? "\n" : "");
		problem_format(&out, &problems.list.v[i]);
	}
	problems_clear(&problems);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

static struct value *parse(const char *yaml, unsigned flags)
{
	struct value *v;
	const char *problems = problems_of(yaml, strlen(yaml), flags, &v);

	if (*problems)
		fail_msg("%s\n%s", yaml, problems);
	return v;
}

static void test_values(void **state)
{
	static const struct { const char *yaml, *json; } cases[] = {
		{ "", "null" }, { "# only a comment\n", "null" }, { "---\n", "null" }, { "--- a\n...\n", "\"a\"" },
		{ "a: [x,\n \"y\n\tz\", 1,\n\t# none\n  2]\nb: |\n x\ty\nc:\t1\t# one\n", "{\"a\":[\"x\",\"y z\",1,2],\"b\":\"x\\ty\\n\",\"c\":1}" },
		{ "[~, null, Null, NULL, '', nUll]", "[null,null,null,null,\"\",\"nUll\"]" },
		{ "[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]" },
		{ "[no, on, yes, off, y, n, Yes, tRue]", "[\"no\",\"on\",\"yes\",\"off\",\"y\",\"n\",\"Yes\",\"tRue\"]" },
		{ "[0, 12, -12, +12, 007, 0o17, 0x1f, 0xFF]", "[0,12,-12,12,7,15,31,255]" },
		{ "[-0o17, -0x1f, 0o8, 0xg, 0x, 0b1, 1_000, 12:30:45]",
			"[\"-0o17\",\"-0x1f\",\"0o8\",\"0xg\",\"0x\",\"0b1\",\"1_000\",\"12:30:45\"]" },
		{ "[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]" },
		{ "[1.0, 1., .5, -1.5e3, 1e3, 1E-2, +.5, -0.0]", "[1,1,0.5,-1500,1000,0.01,0.5,0]" },
		{ "[., -, +, -., 1e, 1.5.2, 10.0.0.1, 1e+, .e1, 2026-11-21, '12', \"1\", 5s]",
			"[\".\",\"-\",\"+\",\"-.\",\"1e\",\"1.5.2\",\"10.0.0.1\",\"1e+\",\".e1\",\"2026-11-21\",\"12\",\"1\",\"5s\"]" },
		{ "[.infinity, -.nan, +.nan]", "[\".infinity\",\"-.nan\",\"+.nan\"]" },
		{ "[!!str 5, !!int '5', !!float 5, !!bool 'true', !!null '', !!float '0x10', !!str ]",
			"[\"5\",5,5,true,null,16,\"\"]" },
		{ "{a: !!map {b: !!seq [1]}}", "{\"a\":{\"b\":[1]}}" },
		{ "1: a\ntrue: b\nnull: c\n~: d\n1.50: e\n0x1f: f\n!!str g: h\n\"\": i\n",
			"{\"\":\"i\",\"0x1f\":\"f\",\"1\":\"a\",\"1.50\":\"e\",\"g\":\"h\",\"null\":\"c\",\"true\":\"b\",\"~\":\"d\"}" },
		{ "a: |\n  x\n  \ty\nb: >-\n  p\n  q\n", "{\"a\":\"x\\n\\ty\\n\",\"b\":\"p q\"}" },
		{ "a: &x {k: [1, 2]}\nb: *x\nc: [*x]\n", "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]},\"c\":[{\"k\":[1,2]}]}" },
		{ "a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}" },
		{ "&k key: 1\nother: *k\n", "{\"key\":1,\"other\":\"key\"}" },
		{ "a: &k key\nb: {*k : 1}\n", "{\"a\":\"key\",\"b\":{\"key\":1}}" },
		{ "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3, c: 4}\nz: {b: 3, <<: *x}\n",
			"{\"x\":{\"a\":1,\"b\":2},\"y\":{\"a\":1,\"b\":3,\"c\":4},\"z\":{\"a\":1,\"b\":3}}" },
		{ "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y, {c: 5}]}\n",
			"{\"x\":{\"a\":1},\"y\":{\"a\":2,\"b\":2},\"z\":{\"a\":1,\"b\":2,\"c\":5}}" },
		{ "x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y}\n",
			"{\"x\":{\"a\":1},\"y\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":2}}" },
		{ "{\"<<\": 1, '<': 2}", "{\"<\":2,\"<<\":1}" },
		{ "%YAML 1.2\n---\na: 1\n", "{\"a\":1}" },
		{ "\xef\xbb\xbf" "a: \xd0\xb6\n", "{\"a\":\"\xd0\xb6\"}" },
		{ "\xef\xbb\xbf" "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}" },
		{ "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}" },
		{ "a:\t1\n", "{\"a\":1}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *json = canonical(parse(cases[i].yaml, 0));

		if (!streq(json, cases[i].json))
			fail_msg("%s\n is %s\n not %s", cases[i].yaml, json, cases[i].json);
	}
}

static void test_places(void **state)
{
	struct value *v = parse("# c\na: 0x1f\nb:\n  - {c: yes}\n  - |\n    t\n", 0);
	struct value *b = value_get(v, "b"), *c = value_get(b->items[0], "c");

	(void)state;
	assert_string_equal(value_get(v, "a")->text, "0x1f");
	assert_string_equal(v->file, "f.yaml");
	assert_int_equal(v->line, 2);
	assert_int_equal(v->members[1].line, 3);
	assert_int_equal(v->members[1].col, 1);
	assert_int_equal(b->line, 4);
	assert_int_equal(b->col, 3);
	assert_int_equal(c->line, 4);
	assert_int_equal(c->col, 9);
	assert_null(c->text);
	assert_int_equal(b->items[1]->line, 5);
}

static void test_merged_place(void **state)
{
	struct value *v = parse("x: &x\n  a: 1\ny:\n  <<: *x\n  b: 2\n", 0), *y = value_get(v, "y");

	(void)state;
	assert_int_equal(y->members[value_find(y, "a")].line, 2);
	assert_int_equal(value_get(y, "a")->line, 2);
	assert_ptr_equal(value_get(y, "a"), value_get(value_get(v, "x"), "a"));
}

static void test_secrets(void **state)
{
	struct value *v = parse("a: !env NAME\nb: !file ../x\nc: d\n", YAML_LOCAL_TAGS);

	(void)state;
	assert_int_equal(value_get(v, "a")->flags, VF_SECRET | VF_ENV);
	assert_int_equal(value_get(v, "b")->flags, VF_SECRET | VF_FILE);
	assert_int_equal(value_get(v, "c")->flags, 0);
	assert_string_equal(value_get(v, "b")->s, "../x");
}

static void test_mistakes(void **state)
{
#define TAGS "(known are !!str, !!int, !!float, !!bool, !!null, !!map, !!seq); put text that begins with '!' in quotes"
	static const struct { const char *yaml, *problems; } cases[] = {
		{ "a: b: c\n", "f.yaml:1:5: a ':' cannot stand here; check the indentation, or put the text in quotes" },
		{ "a: 1\n\tb: 2\n", "f.yaml:2:1: a tab in the indentation; use spaces" },
		{ "a:\n\tb: 2\n", "f.yaml:2:1: a tab in the indentation; use spaces" },
		{ "a: @x\n", "f.yaml:1:4: a value cannot begin with this character; put the text in quotes" },
		{ "a: %x\n", "f.yaml:1:4: a value cannot begin with this character; put the text in quotes" },
		{ "a: [1, 2\n", "f.yaml:2:1: the list lacks a ',' or its closing ']' (what is open here began at line 1)" },
		{ "a: {b: 1\nc: 2\n", "f.yaml:2:2: the map lacks a ',' or its closing '}' (what is open here began at line 1)" },
		{ "a: \"x\n", "f.yaml:1:4: these quotes are never closed" },
		{ "a: 'x' y\n", "f.yaml:1:8: a key should stand here; check the indentation, and put quotes around all of the value "
			"before it" },
		{ "a: \"\\q\"\n", "f.yaml:1:5: an unknown '\\' escape in double quotes; write '\\\\' for a backslash, or use single "
			"quotes" },
		{ "a: 1\n b: 2\n", "f.yaml:2:3: a ':' cannot stand here; check the indentation, or put the text in quotes" },
		{ "a: *x\n", "f.yaml:1:4: '*x' names no anchor; write '&x' before the value meant, above this line (or put text that "
			"begins with '*' in quotes)" },
		{ "a: *.local\n", "f.yaml:1:5: a name should follow '*' or '&'; put text that begins with it in quotes" },
		{ "a: &x [1, *x]\n", "f.yaml:1:11: '*x' is inside the value that it names" },
		{ "a: {\n\tb: 1}\n", "f.yaml:2:1: a tab in the indentation; use spaces" },
		{ "a: [x,\n  y,\n  \tz]\n", "f.yaml:3:3: a tab in the indentation; use spaces" },
		{ "a: [x\n\t]\n", "f.yaml:2:1: a tab in the indentation; use spaces" },
		{ "a: 1\nb: 2\na: 3\nb: 4\n", "f.yaml:3:1: a: duplicate key, there already in line 1; remove one of them\n"
			"f.yaml:4:1: b: duplicate key, there already in line 2; remove one of them" },
		{ "{1: a, '1': b}", "f.yaml:1:8: 1: duplicate key, there already in line 1; remove one of them" },
		{ "<<: {a: 1}\n<<: {b: 1}\n", "f.yaml:1:1: '<<' is there twice; write <<: [*one, *two]" },
		{ "<<: 5\n", "f.yaml:1:1: '<<' merges a map or a list of maps (like <<: *name), and this is a whole number; put '<<' in "
			"quotes to make it a key" },
		{ "<<: [{a: 1}, 2]\n", "f.yaml:1:1: '<<' merges a map or a list of maps (like <<: *name), and this is a list with "
			"something else; put '<<' in quotes to make it a key" },
		{ "name: {{ x }}\n", "f.yaml:1:8: a key must be text, not a map; put text with brackets or braces in quotes" },
		{ "[1]: 2\n", "f.yaml:1:1: a key must be text, not a list; put text with brackets or braces in quotes" },
		{ "a: &x [1]\nb: {*x : 1}\n", "f.yaml:2:5: a key must be text, and '*x' is a list" },
		{ "!!int 5: x\n", "f.yaml:1:1: a key must be text; remove the tag '!!int'" },
		{ "- a\nb: 1\n", "f.yaml:2:1: the next '-' of the list should stand here; check the indentation (what is open here began at line 1)" },
		{ "a: 1\n?\n: x\n", "f.yaml:2:2: a key is missing before ':'" },
		{ "a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document; a file holds one, so split it at '---'" },
		{ "a: 1\n...\nb: 2\n", "f.yaml:3:1: something follows the end of the document; check the indentation, a file holds one "
			"map" },
		{ "a: .inf\nb: -.inf\nc: .NaN\n",
			"f.yaml:1:4: '.inf' cannot be said in JSON; write a number, or put it in quotes to make it text\n"
			"f.yaml:2:4: '-.inf' cannot be said in JSON; write a number, or put it in quotes to make it text\n"
			"f.yaml:3:4: '.NaN' cannot be said in JSON; write a number, or put it in quotes to make it text" },
		{ "a: 9223372036854775808\n",
			"f.yaml:1:4: '9223372036854775808' is too large for a number; put it in quotes to make it text" },
		{ "a: -9223372036854775809\n",
			"f.yaml:1:4: '-9223372036854775809' is too large for a number; put it in quotes to make it text" },
		{ "a: 0xffffffffffffffffffff\n",
			"f.yaml:1:4: '0xffffffffffffffffffff' is too large for a number; put it in quotes to make it text" },
		{ "a: 1e999\n", "f.yaml:1:4: '1e999' is too large for a number; put it in quotes to make it text" },
		{ "a: !foo x\n", "f.yaml:1:4: unknown tag '!foo' " TAGS },
		{ "a: !!binary x\n", "f.yaml:1:4: unknown tag '!!binary' " TAGS },
		{ "a: !foo [1]\n", "f.yaml:1:4: unknown tag '!foo' " TAGS },
		{ "a: !!map [1]\n", "f.yaml:1:4: the tag '!!map' cannot stand before a list" },
		{ "a: !!seq 1\n", "f.yaml:1:4: the tag '!!seq' cannot stand before a scalar" },
		{ "a: !!int x\n", "f.yaml:1:4: 'x' is not what its tag '!!int' says" },
		{ "a: !env X\n", "f.yaml:1:4: '!env' can stand in a cluster's variables and in values files only" },
		{ "a: !e!x y\n", "f.yaml:1:4: the tag's prefix is not declared; put text that begins with '!' in quotes" },
		{ "a: \"x\\0y\"\n", "f.yaml:1:4: the text has a NUL character; remove it" },
		{ "\"x\\0y\": 1\n", "f.yaml:1:1: a key has a NUL character; remove it" },
		{ "a: 1\nb: \xd0\xb6\xff\n", "f.yaml:2:5: this is not UTF-8; save the file in that encoding" },
		{ "\xff\xfe" "a\n", "f.yaml:1:1: this is not UTF-8; save the file in that encoding" },
		{ "a: \xed\xa0\x80\n", "f.yaml:1:4: this is not UTF-8; save the file in that encoding" },
		{ "a: \x1b[31m\n", "f.yaml:1:4: a control character (0x1b); remove it, or write it as \"\\x1b\" in double quotes" },
		{ "- a\nb\n", "f.yaml:2:1: a key without ':' after it; check the indentation, or put the text of several lines in "
			"quotes" },
		{ "a: - b\n", "f.yaml:1:4: a list cannot begin here; put its '-' on a line of its own, or write [a, b]" },
		{ "a\nb: 1\n", "f.yaml:2:2: a ':' cannot stand here; check the indentation, or put the text in quotes" },
	};

	int n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct value *v;
		const char *problems = problems_of(cases[i].yaml, strlen(cases[i].yaml), 0, &v);

		if (!streq(problems, cases[i].problems))
			print_error("%s\n gives\n%s\n not\n%s\n", cases[i].yaml, problems, cases[i].problems), n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static void expect(const struct strbuf *yaml, const char *want)
{
	struct value *v;
	const char *problems = problems_of(yaml->buf, yaml->len, 0, &v);

	if (!streq(problems, want))
		fail_msg("gives '%s', not '%s'", problems, want);
}

static void test_nul_byte(void **state)
{
	struct strbuf yaml = STRBUF_INIT;

	(void)state;
	strbuf_add(&yaml, "a: x\0y\n", 7);
	expect(&yaml, "f.yaml:1:5: a control character (0x00); remove it, or write it as \"\\x00\" in double quotes");
	strbuf_release(&yaml);
}

static void test_depth(void **state)
{
	struct strbuf yaml = STRBUF_INIT;

	(void)state;
	strbuf_addchars(&yaml, '[', YAML_MAX_DEPTH);
	strbuf_addchars(&yaml, ']', YAML_MAX_DEPTH);
	expect(&yaml, "");
	strbuf_reset(&yaml);
	strbuf_addchars(&yaml, '[', YAML_MAX_DEPTH + 1);
	expect(&yaml, "f.yaml:1:65: nested deeper than 64 levels");
	/* an alias is as deep as what it names */
	strbuf_reset(&yaml);
	strbuf_addstr(&yaml, "a: &a ");
	strbuf_addchars(&yaml, '[', 40);
	strbuf_addchars(&yaml, ']', 40);
	strbuf_addstr(&yaml, "\nb: ");
	strbuf_addchars(&yaml, '[', 23);
	strbuf_addstr(&yaml, "*a");
	strbuf_addchars(&yaml, ']', 23);
	size_t room = yaml.len;
	expect(&yaml, "");
	strbuf_setlen(&yaml, room - 25);
	strbuf_addstr(&yaml, "[*a");
	strbuf_addchars(&yaml, ']', 24);
	expect(&yaml, "f.yaml:2:28: nested deeper than 64 levels");
	strbuf_release(&yaml);
}

/* Ten levels of ten aliases: 10^10 values in a small file. */
static void test_alias_bomb(void **state)
{
	struct strbuf yaml = STRBUF_INIT;
	struct value *v;

	(void)state;
	strbuf_addstr(&yaml, "l0: &l0 [x]\n");
	for (int i = 1; i < 10; i++) {
		strbuf_addf(&yaml, "l%d: &l%d [*l%d", i, i, i - 1);
		for (int k = 0; k < 9; k++)
			strbuf_addf(&yaml, ", *l%d", i - 1);
		strbuf_addstr(&yaml, "]\n");
	}
	const char *problems = problems_of(yaml.buf, yaml.len, 0, &v);
	assert_null(v);
	assert_non_null(strstr(problems, "the file has more than 100000 values"));
	/* the same by merge keys */
	strbuf_reset(&yaml);
	strbuf_addstr(&yaml, "m0: &m0 {a: 1}\n");
	for (int i = 1; i < 40; i++)
		strbuf_addf(&yaml, "m%d: &m%d {<<: *m%d, x: *m%d}\n", i, i, i - 1, i - 1);
	problems = problems_of(yaml.buf, yaml.len, 0, &v);
	assert_null(v);
	strbuf_release(&yaml);
}

static void test_size(void **state)
{
	struct strbuf yaml = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&yaml, "a: \"");
	strbuf_addchars(&yaml, 'x', YAML_MAX_BYTES - 5);
	strbuf_addch(&yaml, '"');
	expect(&yaml, "");
	strbuf_addch(&yaml, '\n');
	expect(&yaml, "f.yaml:1:1: is larger than 4 MiB; split it");
	strbuf_release(&yaml);
}

static void test_large_map(void **state)
{
	struct strbuf yaml = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&yaml, "big: &big\n");
	for (int i = 0; i < 10000; i++)
		strbuf_addf(&yaml, "  k%d: %d\n", (i * 7919) % 10000, i);
	strbuf_addstr(&yaml, "again:\n  <<: *big\n");
	for (int i = 0; i < 100; i++)
		strbuf_addf(&yaml, "  k%d: own\n", i);
	struct value *v = parse(yaml.buf, 0), *again = value_get(v, "again");
	assert_int_equal(again->n, 10000);
	assert_string_equal(value_get_string(again, "k99"), "own");
	assert_int_equal(value_get(again, "k9999")->type, V_INT);
	strbuf_addstr(&yaml, "  k50: twice\n");
	expect(&yaml, "f.yaml:10104:3: k50: duplicate key, there already in line 10054; remove one of them");
	strbuf_release(&yaml);
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
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_merged_place),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_large_map),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
