/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: which layer wins, what is refused in config.yaml; tables for people, completion. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/base/file.h"
#include "../../lib/cli/complete.h"
#include "../../lib/cli/context.h"
#include "../../lib/cli/table.h"
#include "../../lib/value/yaml.h"

static char folder[] = "/tmp/mrprober-settings.XXXXXX";

static void write_config(const char *text, unsigned mode)
{
	struct mrp_err err = MRP_ERR_INIT;
	char *path = path_join(folder, "mrprober/config.yaml");

	assert_int_equal(replace_file(path, text, strlen(text), mode, &err), 0);
	free(path);
}

static void init(struct mrp_ctx *ctx)
{
	*ctx = (struct mrp_ctx){ .globals = { .color = -1, .quiet = -1, .verbose = -1 } };
}

static void check_setting(const struct mrp_ctx *ctx, enum mrp_setting_id id, const char *value, enum mrp_origin origin)
{
	assert_non_null(ctx->settings[id].value);
	assert_string_equal(ctx->settings[id].value, value);
	assert_int_equal(ctx->settings[id].origin, origin);
}

static void test_layers(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct mrp_ctx ctx;
	static const char manifest[] = "environments: {prod: {api: 'http://manifest'}}";

	(void)state;
	write_config("api_url: http://top\ncontext: lab\ncontexts: {lab: {environment: e1}, two: {api-url: 'http://two'}}\n",
		0600);
	init(&ctx);
	assert_int_equal(settings_init(&ctx, &err), 0);
	check_setting(&ctx, SETTING_API_URL, "http://127.0.0.1:8080", ORIGIN_DEFAULT);
	const struct value *v =
		value_from_yaml(&ctx.arena, manifest, strlen(manifest), "mrprober.yaml", 0, &ctx.warnings);
	assert_int_equal(settings_add_manifest(&ctx, v, &err), 0);
	check_setting(&ctx, SETTING_API_URL, "http://manifest", ORIGIN_MANIFEST);
	check_setting(&ctx, SETTING_ENVIRONMENT, "prod", ORIGIN_MANIFEST);
	assert_int_equal(settings_load_config(&ctx, &err), 0);
	check_setting(&ctx, SETTING_API_URL, "http://top", ORIGIN_CONFIG);
	check_setting(&ctx, SETTING_ENVIRONMENT, "e1", ORIGIN_CONFIG);
	ctx.globals.context = "two";
	assert_int_equal(settings_init(&ctx, &err), 0);
	assert_int_equal(settings_load_config(&ctx, &err), 0);
	check_setting(&ctx, SETTING_API_URL, "http://two", ORIGIN_CONFIG);
	assert_true(ends_with(ctx.settings[SETTING_API_URL].where, "/config.yaml:3:51"));
	setenv("MRPROBER_API_URL", "http://env", 1);
	assert_int_equal(settings_init(&ctx, &err), 0);
	assert_int_equal(settings_load_config(&ctx, &err), 0);
	check_setting(&ctx, SETTING_API_URL, "http://env", ORIGIN_ENV);
	ctx.globals.api_url = "http://flag";
	assert_int_equal(settings_init(&ctx, &err), 0);
	check_setting(&ctx, SETTING_API_URL, "http://flag", ORIGIN_FLAG);
	unsetenv("MRPROBER_API_URL");
	ctx.globals.context = "tow";
	assert_int_equal(settings_init(&ctx, &err), 0);
	assert_int_equal(settings_load_config(&ctx, &err), -1);
	assert_int_equal(err.code, MRP_EUSAGE);
	assert_string_equal(err.msg, "--context: no context 'tow' in config.yaml; did you mean 'two'?");
	mrp_err_clear(&err);
	mrp_ctx_release(&ctx);
}

/* A manifest with several environments decides nothing by itself. */
static void test_manifest(void **state)
{
	static const struct { const char *text, *environment, *api, *expect; } cases[] = {
		{ "environments: {a: {api: 'http://a'}, b: {}}", NULL, NULL, "http://127.0.0.1:8080" },
		{ "environments: {a: {api: 'http://a'}, b: {}}", "a", NULL, "http://a" },
		{ "environments: {a: {api: 'http://a'}, b: {}}", "b", NULL, "http://127.0.0.1:8080" },
		{ "environments: {a: {api: 'http://a'}}", "x", NULL, "http://127.0.0.1:8080" },
		{ "environments: {a: {api: 'http://a'}}", "a", "http://flag", "http://flag" },
		{ "environments: {a: {api: [1]}}", "a", NULL, "http://127.0.0.1:8080" },
		{ "environments: {a: }", NULL, NULL, "http://127.0.0.1:8080" },
		{ "environments: [a]", NULL, NULL, "http://127.0.0.1:8080" },
		{ "[]", NULL, NULL, "http://127.0.0.1:8080" },
		{ "", NULL, NULL, "http://127.0.0.1:8080" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct mrp_ctx ctx;

		init(&ctx);
		ctx.globals.environment = cases[i].environment;
		ctx.globals.api_url = cases[i].api;
		assert_int_equal(settings_init(&ctx, &err), 0);
		const struct value *v = value_from_yaml(
			&ctx.arena, cases[i].text, strlen(cases[i].text), "mrprober.yaml", 0, &ctx.warnings);
		assert_int_equal(settings_add_manifest(&ctx, v, &err), 0);
		assert_string_equal(ctx_api_url(&ctx), cases[i].expect);
		mrp_ctx_release(&ctx);
	}
}

static void test_bad_config(void **state)
{
	static const struct { const char *text; size_t errors; } cases[] = {
		{ "a: 1\n", 1 },
		{ "contexts: [x]\n", 1 },
		{ "contexts: {p: {api: x}}\naliases: {'A b': c}\n", 2 },
		{ "verbose: 10\nquiet: maybe\ncolor: red\n", 3 },
		{ "token: [\n", 1 },
		{ "- x\n", 1 },
		{ "context: a\ncontext: b\n", 1 },
		{ "api-url: a\napi_url: b\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct mrp_ctx ctx;

		write_config(cases[i].text, 0600);
		init(&ctx);
		assert_int_equal(settings_init(&ctx, &err), 0);
		assert_int_equal(settings_load_config(&ctx, &err), -1);
		assert_int_equal(mrp_err_exit_code(err.code), 65);
		if (ctx.warnings.errors != cases[i].errors)
			fail_msg("%s: %zu errors, not %zu", cases[i].text, ctx.warnings.errors, cases[i].errors);
		mrp_err_clear(&err);
		mrp_ctx_release(&ctx);
	}
}

static void test_tokens(void **state)
{
	static const struct { const char *env, *file, *expect; enum mrp_errcode code; size_t warnings; unsigned mode; } cases[] = {
		{ NULL, NULL, "", MRP_OK, 0, 0600 },
		{ "from-env", NULL, "from-env", MRP_OK, 0, 0600 },
		{ NULL, "  from-file\n", "from-file", MRP_OK, 0, 0600 },
		{ NULL, "from-file", "from-file", MRP_OK, 1, 0644 },
		{ "from-env", "from-file", "from-env", MRP_OK, 0, 0600 },
		{ NULL, "\n", NULL, MRP_EINVALID, 0, 0600 },
		{ NULL, "two words", NULL, MRP_EINVALID, 0, 0600 },
		{ NULL, "x\r\ny", NULL, MRP_EINVALID, 0, 0600 },
	};
	char *path = path_join(folder, "token");

	(void)state;
	write_config("{}", 0600);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct mrp_ctx ctx;
		const char *token;

		init(&ctx);
		unsetenv("MRPROBER_TOKEN_FILE");
		unsetenv("MRPROBER_TOKEN");
		if (cases[i].env)
			setenv("MRPROBER_TOKEN", cases[i].env, 1);
		if (cases[i].file) {
			assert_int_equal(replace_file(path, cases[i].file, strlen(cases[i].file), cases[i].mode, &err), 0);
			setenv("MRPROBER_TOKEN_FILE", path, 1);
		}
		assert_int_equal(settings_init(&ctx, &err), 0);
		assert_int_equal(ctx_token(&ctx, &token, &err), cases[i].code ? -1 : 0);
		assert_int_equal(err.code, cases[i].code);
		if (cases[i].expect)
			assert_string_equal(token, cases[i].expect);
		else
			assert_null(strstr(err.msg, "words")); /* never shown, not even broken ones */
		assert_int_equal(ctx.warnings.list.n, cases[i].warnings);
		mrp_err_clear(&err);
		mrp_ctx_release(&ctx);
	}
	unlink(path);
	free(path);
}

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(setting_find("api-url"), SETTING_API_URL);
	assert_int_equal(setting_find("api_url"), SETTING_API_URL);
	assert_int_equal(setting_find("api"), -1);
	assert_int_equal(setting_find(""), -1);
	assert_int_equal(setting_find("api-urls"), -1);
}

static void add_rows(struct mrp_table *table)
{
	static const char *const headings[] = { "SLUG", "N", "NAME" };

	mrp_table_headings(table, headings);
	mrp_table_add(table, "a");
	mrp_table_addf(table, "%d", 100);
	mrp_table_add(table, "\xd0\xb8\xd0\xbc\xd1\x8f \x1b[31m");
	mrp_table_add(table, "a-longer-slug");
	mrp_table_add(table, "1");
	mrp_table_add(table, NULL);
}

static void test_table(void **state)
{
	struct mrp_table table = MRP_TABLE_INIT(3);
	struct strbuf out = STRBUF_INIT;

	(void)state;
	table.right = 1 << 1;
	add_rows(&table);
	mrp_table_format(&out, &table, 0, false);
	assert_string_equal(out.buf, "SLUG             N  NAME\n"
				     "a              100  \xd0\xb8\xd0\xbc\xd1\x8f \\x1b[31m\n"
				     "a-longer-slug    1\n");
	strbuf_reset(&out);
	mrp_table_format(&out, &table, 24, false);
	assert_string_equal(out.buf, "SLUG        N  NAME\n"
				     "a         100  \xd0\xb8\xd0\xbc\xd1\x8f \\x1b\xe2\x80\xa6\n"
				     "a-longe\xe2\x80\xa6    1\n");
	strbuf_reset(&out);
	mrp_table_format(&out, &table, 3, true);
	assert_non_null(strstr(out.buf, "\033[1mSLUG\033[0m"));
	strbuf_release(&out);
	mrp_table_release(&table);
}

/* Sorted, each once, only what fits, nothing that could break a line; the description is one line. */
static void test_complete(void **state)
{
	struct mrp_complete c = { .lines = STRVEC_INIT, .word = "a", .prefix = "--x=", .flags = COMPLETE_NO_FILES };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	mrp_complete_add(&c, "ab", "first\nsecond");
	mrp_complete_add(&c, "b", "does not fit");
	mrp_complete_add(&c, "a\tb\n", "tab\there");
	mrp_complete_add(&c, "aa", NULL);
	mrp_complete_add(&c, "aa", "");
	mrp_complete_add(&c, "aab", "");
	mrp_complete_add(&c, "aa", "again");
	mrp_complete_format(&out, &c);
	assert_string_equal(
		out.buf, "--x=a\\x09b\\x0a\ttab\\x09here\n--x=aa\n--x=aab\n--x=ab\tfirst\n:4\n");
	strvec_clear(&c.lines);
	strbuf_reset(&out);
	mrp_complete_folders(&c, 0, NULL, "");
	mrp_complete_format(&out, &c);
	assert_string_equal(out.buf, ":16\n");
	strbuf_release(&out);
}

static int setup(void **state)
{
	static const char *const names[] = { "MRPROBER_CONTEXT", "MRPROBER_ENVIRONMENT", "MRPROBER_COLOR", "MRPROBER_QUIET",
		"MRPROBER_VERBOSE", "MRPROBER_API_URL", "MRPROBER_TOKEN", "MRPROBER_TOKEN_FILE" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	if (!mkdtemp(folder))
		return -1;
	char *sub = path_join(folder, "mrprober");
	int made = mkdir(sub, 0700);
	free(sub);
	return made < 0 ? -1 : setenv("XDG_CONFIG_HOME", folder, 1);
}

static int teardown(void **state)
{
	char *sub = path_join(folder, "mrprober"), *config = path_join(sub, "config.yaml");

	(void)state;
	unlink(config);
	rmdir(sub);
	rmdir(folder);
	free(config);
	free(sub);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
