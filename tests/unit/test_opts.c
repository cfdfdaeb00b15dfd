/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: every type from the command line and from the environment, and what is refused. */
#include "unit.h"

#include "../../lib/cli/opts.h"
#include "../../lib/cli/wrap.h"
#include "../../lib/cli/words.h"

struct args {
	bool check, quiet;
	int loud, tri, format;
	const char *name;
	int64_t parallel, timeout_ms, bytes;
	struct strvec only;
	struct mrp_limit limit;
	struct mrp_endpoint listen;
};

static const struct mrp_opt opts[] = {
	OPT_BOOL('c', "check", struct args, check, "change nothing"),
	OPT_BOOL('q', "quiet", struct args, quiet, "say nothing"),
	OPT_COUNT('l', "loud", struct args, loud, "say more"),
	OPT_TRISTATE('t', "tri", struct args, tri, "either"),
	OPT_ENUM('f', "format", struct args, format, "text|json|markdown", "how"),
	OPT_STRING('n', "name", struct args, name, "<name>", "who"),
	OPT_INT(0, "parallel", struct args, parallel, "<n>", "how many", .min = 1, .max = 100),
	OPT_DURATION(0, "time-out", struct args, timeout_ms, "<duration>", "how long", .max = 60000),
	OPT_SIZE(0, "bytes", struct args, bytes, "<size>", "how much"),
	OPT_LIST(0, "only", struct args, only, "<glob>", "which"),
	OPT_LIMIT(0, "limit", struct args, limit, "N|P%", "at most"),
	OPT_ENDPOINT(0, "listen", struct args, listen, "ADDR:PORT", "where"),
	OPT_STRING(0, "no-env", struct args, name, "<x>", "never from the environment", .flags = OPTF_NO_ENV | OPTF_HIDDEN),
	OPT_END,
};

/* Every member as text, so that a row compares all of them. */
static void describe(struct strbuf *out, const struct args *a)
{
	strbuf_addf(out, "%s%s%d %d %d %s %d %d %d", a->check ? "check " : "", a->quiet ? "quiet " : "", a->loud, a->tri,
		a->format, a->name ? a->name : "-", (int)a->parallel, (int)a->timeout_ms, (int)a->bytes);
	for (size_t i = 0; i < a->only.n; i++)
		strbuf_addf(out, " only=%s", a->only.v[i]);
	if (a->limit.set)
		strbuf_addf(out, a->limit.is_percent ? " limit=%g%%" : " limit=%g",
			a->limit.is_percent ? a->limit.percent : (double)a->limit.count);
	if (a->listen.port || *a->listen.host)
		strbuf_addf(out, " listen=%s/%d", a->listen.host, a->listen.port);
}

/* Parse `line` (split at white space) and compare what came out with `expect`, or the error with it when it starts with "!". */
static void check_line(const char *line, unsigned flags, const char *expect)
{
	struct args a = { .tri = -1, .only = STRVEC_INIT };
	struct mrp_opt_group group = { opts, &a, 0 };
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf got = STRBUF_INIT;
	struct strvec words = STRVEC_INIT;
	bool help;

	assert_int_equal(mrp_split_words(&words, line, &err), 0);
	int argc = (int)words.n;
	char **argv = xcalloc(words.n + 1, sizeof(*argv));
	memcpy(argv, words.v, words.n * sizeof(*argv));
	if (mrp_opts_parse(&group, 1, &argc, argv, flags, &help, &err) < 0 || mrp_opts_from_env(&group, &err) < 0) {
		assert_int_equal(err.code, MRP_EUSAGE);
		strbuf_addf(&got, "!%s", err.msg);
	} else if (help) {
		strbuf_addstr(&got, "help");
	} else {
		describe(&got, &a);
		for (int i = 0; i < argc; i++)
			strbuf_addf(&got, " [%s]", argv[i]);
		assert_null(argv[argc]);
	}
	if (!streq(got.buf, expect))
		fail_msg("'%s': got '%s', expected '%s'", line, got.buf, expect);
	mrp_opts_release(opts, &a);
	mrp_err_clear(&err);
	strbuf_release(&got);
	strvec_clear(&words);
	free(argv);
}

static void test_parse(void **state)
{
	static const struct { const char *line, *expect; } cases[] = {
		{ "", "0 -1 0 - 0 0 0" },
		{ "--check", "check 0 -1 0 - 0 0 0" },
		{ "--check --no-check", "0 -1 0 - 0 0 0" },
		{ "-cq", "check quiet 0 -1 0 - 0 0 0" },
		{ "-ll --loud", "3 -1 0 - 0 0 0" },
		{ "-ll --no-loud", "0 -1 0 - 0 0 0" },
		{ "--tri", "0 1 0 - 0 0 0" },
		{ "--no-tri", "0 0 0 - 0 0 0" },
		{ "--format json", "0 -1 1 - 0 0 0" },
		{ "--format=markdown", "0 -1 2 - 0 0 0" },
		{ "-fjson", "0 -1 1 - 0 0 0" },
		{ "-cf json x", "check 0 -1 1 - 0 0 0 [x]" },
		{ "-cnme", "check 0 -1 0 me 0 0 0" },
		{ "--name=", "0 -1 0  0 0 0" },
		{ "--name -- x", "0 -1 0 -- 0 0 0 [x]" },
		{ "--name=a=b", "0 -1 0 a=b 0 0 0" },
		{ "a --check b -- --check -", "check 0 -1 0 - 0 0 0 [a] [b] [--check] [-]" },
		{ "- a", "0 -1 0 - 0 0 0 [-] [a]" },
		{ "-5 -0.5 -c", "check 0 -1 0 - 0 0 0 [-5] [-0.5]" },
		{ "--parallel 5 --time-out 30s --bytes 4KiB", "0 -1 0 - 5 30000 4096" },
		{ "--only a --only=b,c", "0 -1 0 - 0 0 0 only=a only=b,c" },
		{ "--limit 5", "0 -1 0 - 0 0 0 limit=5" },
		{ "--limit 2.5%", "0 -1 0 - 0 0 0 limit=2.5%" },
		{ "--limit 5% --limit 0", "0 -1 0 - 0 0 0 limit=0" },
		{ "--listen 127.0.0.1:8080", "0 -1 0 - 0 0 0 listen=127.0.0.1/8080" },
		{ "--listen [::1]:0", "0 -1 0 - 0 0 0 listen=::1/0" },
		{ "--listen :65535", "0 -1 0 - 0 0 0 listen=/65535" },
		{ "x -h --nonsense", "help" },
		{ "--help", "help" },
		{ "-ch", "help" },
		{ "--chekc", "!unknown option '--chekc'; did you mean '--check'?" },
		{ "--zzzzzz", "!unknown option '--zzzzzz'" },
		{ "--no-format", "!unknown option '--no-format'; did you mean '--format'?" },
		{ "--no-envv", "!unknown option '--no-envv'" },
		{ "-x", "!unknown option '-x'" },
		{ "-cx", "!unknown option '-x'" },
		{ "-check", "help" },
		{ "--check=yes", "!option '--check' takes no value" },
		{ "--name", "!option '--name' needs a value (<name>)" },
		{ "-n", "!option '-n' needs a value (<name>)" },
		{ "--format jsn", "!--format: 'jsn' is not one of text|json|markdown; did you mean 'json'?" },
		{ "--format tex", "!--format: 'tex' is not one of text|json|markdown; did you mean 'text'?" },
		{ "--format ''", "!--format: '' is not one of text|json|markdown" },
		{ "--parallel 0", "!--parallel: '0' is not between 1 and 100" },
		{ "--parallel 5x", "!--parallel: '5x' is not a whole number" },
		{ "--parallel 99999999999999999999", "!--parallel: '99999999999999999999' is not between 1 and 100" },
		{ "--time-out 5", "!--time-out: '5' needs a unit (like 5s, 5m)" },
		{ "--time-out 2m", "!--time-out: '2m' is too large" },
		{ "--bytes 4kb", "!--bytes: '4kb' is not a size (like 64KiB, 1GiB)" },
		{ "--limit 101%", "!--limit: '101%' is not between 0% and 100%" },
		{ "--limit -1", "!--limit: '-1' is out of range" },
		{ "--limit x", "!--limit: 'x' is neither a number nor a percentage (like 5, 10%)" },
		{ "--listen 8080", "!--listen: '8080' is not ADDR:PORT (like 127.0.0.1:8080, [::1]:8080)" },
		{ "--listen ::1:80", "!--listen: '::1:80' is not ADDR:PORT (like 127.0.0.1:8080, [::1]:8080)" },
		{ "--listen a:65536", "!--listen: port of 'a:65536': '65536' is not between 0 and 65535" },
		{ "--listen a:", "!--listen: port of 'a:': '' is not a whole number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_line(cases[i].line, 0, cases[i].expect);
}

static void test_stop_at_argument(void **state)
{
	(void)state;
	check_line("-c sub --nonsense -c", OPTS_STOP_AT_ARGUMENT, "check 0 -1 0 - 0 0 0 [sub] [--nonsense] [-c]");
	check_line("-- -c", OPTS_STOP_AT_ARGUMENT, "0 -1 0 - 0 0 0 [-c]");
}

static void test_environment(void **state)
{
	static const struct { const char *name, *value, *line, *expect; } cases[] = {
		{ "MRPROBER_CHECK", "1", "", "check 0 -1 0 - 0 0 0" },
		{ "MRPROBER_CHECK", "Yes", "", "check 0 -1 0 - 0 0 0" },
		{ "MRPROBER_CHECK", "off", "", "0 -1 0 - 0 0 0" },
		{ "MRPROBER_CHECK", "", "", "0 -1 0 - 0 0 0" },
		{ "MRPROBER_CHECK", "1", "--no-check", "0 -1 0 - 0 0 0" },
		{ "MRPROBER_CHECK", "maybe", "", "!MRPROBER_CHECK: 'maybe' is neither true nor false" },
		{ "MRPROBER_CHECK", "maybe", "--check", "check 0 -1 0 - 0 0 0" },
		{ "MRPROBER_TIME_OUT", "5s", "", "0 -1 0 - 0 5000 0" },
		{ "MRPROBER_TIME_OUT", "5", "", "!MRPROBER_TIME_OUT: '5' needs a unit (like 5s, 5m)" },
		{ "MRPROBER_LOUD", "2", "", "2 -1 0 - 0 0 0" },
		{ "MRPROBER_LOUD", "true", "", "1 -1 0 - 0 0 0" },
		{ "MRPROBER_TRI", "no", "", "0 0 0 - 0 0 0" },
		{ "MRPROBER_ONLY", "a,b,,c", "", "0 -1 0 - 0 0 0 only=a only=b only=c" },
		{ "MRPROBER_ONLY", "a,b", "--only x", "0 -1 0 - 0 0 0 only=x" },
		{ "MRPROBER_NO_ENV", "x", "", "0 -1 0 - 0 0 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setenv(cases[i].name, cases[i].value, 1);
		check_line(cases[i].line, 0, cases[i].expect);
		unsetenv(cases[i].name);
	}
}

/* The command's own option hides a common one of the same name; the rest of both can be used. */
static void test_groups(void **state)
{
	static const struct mrp_opt own[] = { OPT_STRING('n', "name", struct args, name, "<x>", ""), OPT_END };
	struct args a = { .only = STRVEC_INIT }, b = { .only = STRVEC_INIT };
	struct mrp_opt_group groups[] = { { own, &a, 0 }, { opts, &b, 0 } };
	struct mrp_err err = MRP_ERR_INIT;
	char *argv[] = { (char *)"--name", (char *)"x", (char *)"--check", NULL };
	int argc = 3;
	bool help;

	(void)state;
	assert_int_equal(mrp_opts_parse(groups, 2, &argc, argv, 0, &help, &err), 0);
	assert_string_equal(a.name, "x");
	assert_null(b.name);
	assert_true(b.check);
	assert_int_equal(groups[0].seen, 1);
	assert_int_equal(groups[1].seen, 1);
}

static void test_help(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	mrp_opts_help(&out, opts, 60);
	assert_non_null(strstr(out.buf, "  -c, --[no-]check          change nothing\n"));
	assert_non_null(strstr(out.buf, "  -f, --format text|json|markdown\n                            how\n"));
	assert_null(strstr(out.buf, "no-env"));
	strbuf_reset(&out);
	mrp_opts_synopsis(&out, opts);
	assert_non_null(strstr(out.buf, " [-c|--[no-]check] "));
	assert_non_null(strstr(out.buf, " [--only\1<glob>]... "));
	strbuf_release(&out);
}

static void test_wrap(void **state)
{
	static const struct { const char *text; size_t column, indent, columns; const char *expect; } cases[] = {
		{ "", 0, 0, 10, "\n" },
		{ "one two three", 0, 2, 9, "one two\n  three\n" },
		{ "one  two", 0, 0, 80, "one two\n" },
		{ "averylongword x", 0, 1, 5, "averylongword\n x\n" },
		{ "a b", 8, 0, 10, "a\nb\n" },
		{ "a\1b c", 0, 0, 4, "a b\nc\n" },
		{ "\xd0\xb0\xd0\xb1 \xd0\xb2", 0, 0, 4, "\xd0\xb0\xd0\xb1 \xd0\xb2\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf out = STRBUF_INIT;

		mrp_wrap(&out, cases[i].text, cases[i].column, cases[i].indent, cases[i].columns);
		assert_string_equal(out.buf, cases[i].expect);
		strbuf_release(&out);
	}
}

static void test_words(void **state)
{
	static const struct { const char *text, *expect; } cases[] = {
		{ "", "" },
		{ "  \t\n", "" },
		{ "a  b", "[a][b]" },
		{ "'a b' c", "[a b][c]" },
		{ "\"a \\\" b\"", "[a \" b]" },
		{ "'a\\b'", "[a\\b]" },
		{ "a\\ b", "[a b]" },
		{ "'' x", "[][x]" },
		{ "a'b'\"c\"d", "[abcd]" },
		{ "a\\", "[a\\]" },
		{ "'a", "!a quote (') is not closed" },
		{ "x \"a'", "!a quote (\") is not closed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strvec words = STRVEC_INIT;
		struct strbuf got = STRBUF_INIT;
		struct mrp_err err = MRP_ERR_INIT;

		if (mrp_split_words(&words, cases[i].text, &err) < 0)
			strbuf_addf(&got, "!%s", err.msg);
		else
			for (size_t k = 0; k < words.n; k++)
				strbuf_addf(&got, "[%s]", words.v[k]);
		assert_string_equal(got.buf, cases[i].expect);
		strvec_clear(&words);
		strbuf_release(&got);
		mrp_err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_stop_at_argument),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
