/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest pieces: numbers, text, buffers, files, errors. A row a case; bogus and overflowing rows first-class. */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/base/arena.h"
#include "../../lib/base/file.h"
#include "../../lib/base/hash.h"
#include "../../lib/base/parse.h"
#include "../../lib/base/text.h"

static void test_duration(void **state)
{
	static const struct { const char *text; int64_t ms; } cases[] = {
		{ "500ms", 500 }, { "30s", 30000 }, { "5m", 300000 }, { "2h", 7200000 }, { "1d", 86400000 }, { "0s", 0 },
		{ "90", -1 }, { "", -1 }, { "5x", -1 }, { "-1s", -1 }, { "+1s", -1 }, { " 1s", -1 }, { "1s ", -1 },
		{ "1.5s", -1 }, { "1m30s", -1 }, { "s", -1 }, { "1S", -1 }, { "9223372036854775807d", -1 },
		{ "99999999999999999999s", -1 }, { "36601d", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		int64_t ms = -1;
		int result = parse_duration(&ms, cases[i].text, &err);

		if (ms != cases[i].ms || (result == 0) != (ms >= 0))
			fail_msg("'%s': %lld, wanted %lld", cases[i].text, (long long)ms, (long long)cases[i].ms);
		mrp_err_clear(&err);
	}
}

static void test_duration_messages(void **state)
{
	static const struct { const char *text, *msg; } cases[] = {
		{ "5x", "'5x' is not a duration (like 30s, 5m)" },
		{ "90", "'90' needs a unit (like 90s, 90m)" },
		{ "36601d", "'36601d' is more than 100 years" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		int64_t ms;

		assert_int_equal(parse_duration(&ms, cases[i].text, &err), -1);
		assert_string_equal(err.msg, cases[i].msg);
		mrp_err_clear(&err);
	}
}

static void test_format_duration(void **state)
{
	static const struct { int64_t ms; const char *text; } cases[] = { { 0, "0s" }, { 500, "500ms" }, { 1000, "1s" },
		{ 60000, "1m" }, { 90000, "90s" }, { 86400000, "1d" }, { 100 * INT64_C(86400000), "100d" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf out = STRBUF_INIT;

		format_duration(&out, cases[i].ms);
		assert_string_equal(out.buf, cases[i].text);
		strbuf_release(&out);
	}
}

static void test_size_and_percent(void **state)
{
	static const struct { const char *text; int64_t bytes; } sizes[] = { { "64KiB", 65536 }, { "1GiB", 1 << 30 },
		{ "100B", 100 }, { "1TiB", INT64_C(1) << 40 }, { "64", -1 }, { "64KB", -1 }, { "1.5GiB", -1 }, { "", -1 },
		{ "9999999999999TiB", -1 } };
	static const struct { const char *text; double percent; } percents[] = { { "10%", 10 }, { "0%", 0 }, { "100%", 100 },
		{ "0.5%", 0.5 }, { "101%", -1 }, { "10", -1 }, { "%", -1 }, { "-1%", -1 }, { "1e1%", -1 }, { "10%%", -1 },
		{ "1.2.3%", -1 }, { "nan%", -1 } };
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int64_t bytes = -1;

		parse_size(&bytes, sizes[i].text, &err);
		if (bytes != sizes[i].bytes)
			fail_msg("'%s': %lld", sizes[i].text, (long long)bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		double percent = -1;

		parse_percent(&percent, percents[i].text, &err);
		if (percent != percents[i].percent)
			fail_msg("'%s': %g", percents[i].text, percent);
	}
	mrp_err_clear(&err);
}

static void test_int(void **state)
{
	static const struct { const char *text; enum mrp_errcode code; int64_t n; } cases[] = { { "0", MRP_OK, 0 },
		{ "-5", MRP_OK, -5 }, { "100", MRP_OK, 100 }, { "101", MRP_ERANGE, 7 }, { "-6", MRP_ERANGE, 7 },
		{ "99999999999999999999", MRP_ERANGE, 7 }, { "", MRP_EPARSE, 7 }, { "1x", MRP_EPARSE, 7 },
		{ " 1", MRP_EPARSE, 7 }, { "+1", MRP_EPARSE, 7 }, { "-", MRP_EPARSE, 7 }, { "0x1", MRP_EPARSE, 7 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		int64_t n = 7;

		parse_int(&n, cases[i].text, -5, 100, &err);
		if (n != cases[i].n || err.code != cases[i].code)
			fail_msg("'%s': %lld, code %d", cases[i].text, (long long)n, (int)err.code);
		mrp_err_clear(&err);
	}
}

static void test_slug(void **state)
{
	static const struct { const char *text; bool valid; } cases[] = { { "a", true }, { "a-b", true }, { "0", true },
		{ "dns-resolve-2", true }, { "", false }, { "-a", false }, { "a-", false }, { "A", false }, { "a_b", false },
		{ "a.b", false }, { "a/b", false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (slug_valid(cases[i].text, strlen(cases[i].text)) != cases[i].valid)
			fail_msg("'%s'", cases[i].text);
	}
}

static void test_globs(void **state)
{
	static const struct { const char *glob, *path; bool match; } cases[] = { { "*.tf", "main.tf", true },
		{ "*.tf", "a/main.tf", false }, { "**/*.tf", "main.tf", true }, { "**/*.tf", "a/b/main.tf", true },
		{ "a/**/x", "a/x", true }, { "a/**/x", "a/b/c/x", true }, { "a/**/x", "b/x", false },
		{ "hooks/*/*", "hooks/before-plan/10.sh", true }, { "hooks/*", "hooks/before-plan/10.sh", false },
		{ "a/**", "a/b/c", true }, { "a/**", "a", false }, { "**", "a/b", true },
		{ "**/a/b", "a/a/b", true }, { "**/a/**/b", "x/a/y/a/z/b", true }, { "a/**/b/**/c", "a/b/x/b/c", true },
		{ "a/**/b/**/c", "a/c/x/b/d", false }, { "**/*/**/*/x", "a/x", false }, { "**/*/**/*/x", "a/b/x", true },
		{ "a**b/c", "axb/c", true }, { "x/a**", "x/a/b", false },
		/* must not take for ever */
		{ "**/*/**/*/**/*/**/*/**/*/**/*/**/*/**/*/**/x", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", false },
		{ "**/**/x", "a/x", true }, { "templates/*.tpl", "templates/a.tpl", true }, { "[ab].sh", "a.sh", true }, { "[ab].sh", "c.sh", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (glob_match_path(cases[i].glob, cases[i].path) != cases[i].match)
			fail_msg("'%s' on '%s'", cases[i].glob, cases[i].path);
	}
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "interval", "timeout", "command", "synchronize", "api", "api-client" };
	static const struct { const char *text, *nearest; } cases[] = { { "intervall", "interval" }, { "itnerval", "interval" },
		{ "sync", "synchronize" }, { "time_out", "timeout" }, { "apo", "api" }, { "zzz", NULL }, { "", NULL },
		{ "environment", NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *nearest = nearest_word(cases[i].text, words, ARRAY_SIZE(words));

		if ((nearest == NULL) != (cases[i].nearest == NULL) || (nearest && !streq(nearest, cases[i].nearest)))
			fail_msg("'%s': '%s'", cases[i].text, nearest ? nearest : "nothing");
	}
}

static void test_utf8(void **state)
{
	static const struct { const char *text; bool valid; } cases[] = { { "plain", true }, { "\xc3\xa9", true },
		{ "\xe2\x82\xac", true }, { "\xf0\x9f\x98\x80", true }, { "\xc0\x80", false }, { "\xed\xa0\x80", false },
		{ "\xf4\x90\x80\x80", false }, { "\xc3", false }, { "\xff", false }, { "\xe2\x82", false }, { "\x80", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (utf8_valid(cases[i].text, strlen(cases[i].text)) != cases[i].valid)
			fail_msg("row %zu", i);
	}
	assert_int_equal(utf8_columns("\xc3\xa9t\xc3\xa9", 5), 3);
	assert_int_equal(utf8_columns("e\xcc\x81", 3), 1);
}

static void test_visible(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	strbuf_add_visible(&out, "a\x1b[31m\n\x7f\xff\xc3\xa9\xc2\x9b", 13);
	assert_string_equal(out.buf, "a\\x1b[31m\\x0a\\x7f\\xff\xc3\xa9\\xc2\\x9b");
	/* no turning of the direction, no breaking of lines; dashes and arrows are text */
	strbuf_reset(&out);
	strbuf_add_visible(&out, "\u202e\u2028\u2066\u2069\u2014\u2192\u202f", 21);
	assert_string_equal(out.buf, "\\xe2\\x80\\xae\\xe2\\x80\\xa8\\xe2\\x81\\xa6\\xe2\\x81\\xa9\u2014\u2192\u202f");
	strbuf_release(&out);
}

static void test_arena(void **state)
{
	struct arena arena = ARENA_INIT;

	(void)state;
	for (int round = 0; round < 3; round++) {
		char *first = arena_printf(&arena, "%d", round);

		for (size_t size = 1; size < 200000; size = size * 3 + 1) {
			char *p = arena_alloc(&arena, size);

			assert_int_equal((uintptr_t)p % 8, 0);
			memset(p, 0x5a, size);
		}
		assert_int_equal(first[0], '0' + round);
		arena_reset(&arena);
	}
	arena_release(&arena);
}

/* FIPS 180-4 test vectors, as published by NIST */
static void test_sha256(void **state)
{
	char hex[SHA256_HEX + 1];

	(void)state;
	sha256_hex_of(hex, "abc", 3);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex_of(hex, "", 0);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_true(sha256_from_hex(NULL, hex));
	assert_false(sha256_from_hex(NULL, "e3b0"));
	assert_false(sha256_from_hex(NULL, "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"));
}

static void test_files(void **state)
{
	char folder[] = "/tmp/mrprober-test-XXXXXX";
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf text = STRBUF_INIT;

	(void)state;
	assert_non_null(mkdtemp(folder));
	char *deep = path_join(folder, "a/b"), *file = path_join(deep, "f"), *fifo = path_join(folder, "fifo");
	assert_int_equal(make_folders(deep, 0755, &err), 0);
	assert_int_equal(make_folders(deep, 0755, &err), 0);
	assert_int_equal(replace_file(file, "one", 3, 0600, &err), 0);
	assert_int_equal(replace_file(file, "two!", 4, 0600, &err), 0);
	assert_int_equal(read_file(&text, file, 4, &err), 0);
	assert_string_equal(text.buf, "two!");
	assert_int_equal(read_file(&text, file, 3, &err), -1);
	assert_int_equal(err.code, MRP_ETOOBIG);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(read_file(&text, fifo, 100, &err), -1);
	assert_int_equal(err.code, MRP_EINVALID);
	assert_int_equal(read_file(&text, folder, 100, &err), -1);
	assert_int_equal(read_file(&text, "/nonexistent/x", 100, &err), -1);
	assert_int_equal(err.code, MRP_ENOTFOUND);
	assert_int_equal(replace_file("/nonexistent/x", "", 0, 0600, &err), -1);
	unlink(file);
	unlink(fifo);
	rmdir(deep);
	*strrchr(deep, '/') = '\0';
	rmdir(deep);
	assert_int_equal(rmdir(folder), 0); /* nothing temporary was left */
	free(deep);
	free(file);
	free(fifo);
	strbuf_release(&text);
	mrp_err_clear(&err);
}

static void test_errors(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(mrp_err_at(&err, MRP_EPARSE, (struct mrp_loc){ "a.yaml", 14, 13 }, "'%s' is bad", "5x\x1b"), -1);
	mrp_err_wrap(&err, "prober '%s'", "dns");
	mrp_err_format(&out, &err);
	assert_string_equal(out.buf, "a.yaml:14:13: prober 'dns': '5x\\x1b' is bad");
	assert_int_equal(mrp_err_exit_code(err.code), 65);
	errno = ENOSPC;
	mrp_err_errno(&err, "cannot write '%s'", "f");
	assert_int_equal(err.code, MRP_ENOSPC);
	mrp_err_clear(&err);
	strbuf_release(&out);
}

static void test_problems(void **state)
{
	struct problems problems = PROBLEMS_INIT;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	problems.subject = "prober 'dns'";
	problems_add(&problems, (struct mrp_loc){ "b.yaml", 2, 1 }, "interval", "is bad");
	problems_warn(&problems, (struct mrp_loc){ "b.yaml", 1, 9 }, NULL, "is odd");
	problems.subject = NULL;
	problems_add(&problems, (struct mrp_loc){ "a.yaml", 10, 1 }, NULL, "is %d", 1);
	problems_sort(&problems);
	assert_int_equal(problems.errors, 2);
	for (size_t i = 0; i < problems.list.n; i++) {
		problem_format(&out, &problems.list.v[i]);
		strbuf_addch(&out, '\n');
	}
	assert_string_equal(out.buf,
		"a.yaml:10:1: is 1\n"
		"b.yaml:1:9: warning: prober 'dns': is odd\n"
		"b.yaml:2:1: prober 'dns': interval: is bad\n");
	strbuf_release(&out);
	problems_clear(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_duration_messages),
		cmocka_unit_test(test_format_duration),
		cmocka_unit_test(test_size_and_percent),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_slug),
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
