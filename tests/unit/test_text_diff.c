/* SPDX-License-Identifier: Apache-2.0 */
/* Two texts, and what a plan shows of their difference. */
#include "unit.h"

#include "../../lib/sync/diff.h"

enum { LINES = 6 };

#define NUL(text) text, sizeof(text) - 1

static const struct {
	const char *what, *before;
	size_t before_len;
	const char *after;
	size_t after_len;
	const char *shown; /* NULL: not compared */
} cases[] = {
	{ "no text before", NUL("a\0b\n"), NUL("a\n"), NULL },
	{ "no text after", NUL("a\n"), NUL("\0"), NULL },
	{ "both empty", NUL(""), NUL(""), "" },
	{ "equal", NUL("a\nb\n"), NUL("a\nb\n"), "" },
	{ "all of it comes", NUL(""), NUL("a\nb\n"), "+ a\n+ b\n" },
	{ "all of it goes", NUL("a\n"), NUL(""), "- a\n" },
	{ "without a newline at the end", NUL("a\nb"), NUL("a\nc"), "  a\n- b\n+ c\n" },
	{ "what is around, and a gap", NUL("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), NUL("1\n2\n3\n4\n5\n6\n7\n8\nx\n"), "...\n  7\n  8\n- 9\n+ x\n" },
	{ "a line moves", NUL("a\nb\nc\n"), NUL("b\nc\na\n"), "- a\n  b\n  c\n+ a\n" },
	{ "tabs and control characters", NUL("\tx\n"), NUL("y\x1b[1m\tz\n"), "-     x\n+ y\\x1b[1m    z\n" },
	{ "more than there is room for", NUL(""), NUL("1\n2\n3\n4\n5\n6\n7\n8\n"), "+ 1\n+ 2\n+ 3\n+ 4\n+ 5\n+ 6\nand 2 more lines\n" },
};

static void test_text_diff(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf before = STRBUF_INIT, after = STRBUF_INIT, out = STRBUF_INIT;

		strbuf_add(&before, cases[i].before, cases[i].before_len);
		strbuf_add(&after, cases[i].after, cases[i].after_len);
		print_message("%s\n", cases[i].what);
		assert_int_equal(text_diff(&out, &before, &after, LINES), cases[i].shown != NULL);
		assert_string_equal(out.buf, cases[i].shown ? cases[i].shown : "");
	}
}

/* The table is quadratic, so long texts are not compared. */
static void test_long(void **state)
{
	cleanup(strbuf_release) struct strbuf before = STRBUF_INIT, after = STRBUF_INIT, out = STRBUF_INIT;

	(void)state;
	strbuf_addchars(&before, '\n', 1000);
	strbuf_addstr(&after, "x\n");
	assert_true(text_diff(&out, &before, &after, LINES));
	strbuf_addch(&before, '\n');
	strbuf_reset(&out);
	assert_false(text_diff(&out, &before, &after, LINES));
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_text_diff), cmocka_unit_test(test_long) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
