/* SPDX-License-Identifier: Apache-2.0 */
/* What the creator writes beside a recipe, and what terraform gets to see. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/creator/evidence.h"
#include "../../lib/creator/workdir.h"
#include "../../lib/value/json.h"
#include "recipes.h"

struct made {
	struct providers providers;
	struct scan scan;
	struct arena arena;
	char *folder;
};

static const char allow_text[] = "{\"terraform\": {\"required_providers\": {"
				 "\"aws\": {\"source\": \"hashicorp/aws\", \"version\": \"5.100.0\"},"
				 "\"ycp\": {\"source\": \"x.com/y/ycp\", \"version\": \"1.0.0\"}}},"
				 "\"provider\": {\"ycp\": {\"endpoint\": \"${var.endpoint}\"}},"
				 "\"variable\": {\"endpoint\": {}, \"region\": {\"default\": \"x\"}}}";

static void make(struct made *made, const char *recipe)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(problems_clear) struct problems problems = PROBLEMS_INIT;

	*made = (struct made){ 0 };
	scan_init(&made->scan);
	made->folder = recipe_write(recipe);
	assert_int_equal(providers_parse(&made->providers, allow_text, strlen(allow_text), "allow", &err), 0);
	assert_int_equal(scan_recipe(&made->scan, made->folder, &problems, &err), 0);
	assert_int_equal(problems.list.n, 0);
}

static void made_release(struct made *made)
{
	scan_release(&made->scan);
	providers_release(&made->providers);
	arena_release(&made->arena);
	free(made->folder);
}

static void prepare(struct made *made, const struct workdir_variable *variables, size_t n)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	struct workdir_spec spec = { made->folder, &made->scan, &made->providers, variables, n };

	if (workdir_prepare(&spec, &err) < 0)
		fail_msg("%s", err.msg);
}

/* The file as compact JSON, or "" when there is none. */
static void expect_file(struct made *made, const char *name, const char *expected)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, compact = STRBUF_INIT;
	cleanup(freep) char *path = path_join(made->folder, name);
	struct stat st;

	if (stat(path, &st) == 0) {
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(read_file(&text, path, 1 << 20, &err), 0);
		const struct value *v = json_parse(&made->arena, text.buf, text.len, name, &err);
		assert_non_null(v);
		json_compact(&compact, v);
	}
	if (!streq(compact.buf, expected))
		fail_msg("%s: %s\nexpected: %s", name, compact.buf, expected);
}

#define AWS "{\"source\":\"registry.terraform.io/hashicorp/aws\",\"version\":\"5.100.0\"}"
#define YCP "{\"source\":\"x.com/y/ycp\",\"version\":\"1.0.0\"}"

static const struct {
	const char *recipe, *providers, *override;
} rows[] = {
	{ "", "{\"terraform\":{\"required_providers\":{}}}", "" },
	{ "resource \"aws_x\" \"a\" {}\n", "{\"terraform\":{\"required_providers\":{\"aws\":" AWS "}}}", "" },
	{ "resource \"ycp_x\" \"a\" {}\n",
		"{\"terraform\":{\"required_providers\":{\"ycp\":" YCP "}},\"provider\":{\"ycp\":{\"endpoint\":"
		"\"${var.endpoint}\"}},\"variable\":{\"endpoint\":{},\"region\":{\"default\":\"x\"}}}",
		"" },
	/* the recipe has its own */
	{ "resource \"ycp_x\" \"a\" {}\nprovider \"ycp\" {}\n",
		"{\"terraform\":{\"required_providers\":{\"ycp\":" YCP "}}}", "" },
	{ "resource \"ycp_x\" \"a\" {}\nvariable \"endpoint\" {}\nvariable \"region\" {}\n",
		"{\"terraform\":{\"required_providers\":{\"ycp\":" YCP "}},\"provider\":{\"ycp\":{\"endpoint\":"
		"\"${var.endpoint}\"}}}",
		"" },
	/* and names of its own */
	{ "terraform {\n  required_providers {\n    mine = { source = \"X.com/Y/ycp\" }\n  }\n}\nresource \"aws_x\" "
	  "\"a\" {}\n",
		"{\"provider\":{\"mine\":{\"endpoint\":\"${var.endpoint}\"}},\"variable\":{\"endpoint\":{},\"region\":"
		"{\"default\":\"x\"}}}",
		"{\"terraform\":{\"required_providers\":{\"aws\":" AWS ",\"mine\":" YCP "}}}" },
	/* a name that is taken */
	{ "terraform {\n  required_providers {\n    aws = { source = \"x.com/y/ycp\" }\n  }\n}\nprovider \"aws\" {}\n"
	  "module \"m\" {\n  source = \"./m\"\n}\n== m/a.tf\nresource \"aws_x\" \"a\" {}\n",
		"{}", "{\"terraform\":{\"required_providers\":{\"aws-1\":" AWS ",\"aws\":" YCP "}}}" },
	/* an overriding file would win over the ordinary one */
	{ "== a_override.tf\nterraform {\n  required_providers {\n    aws = \"> 1\"\n  }\n}\n",
		"{\"terraform\":{\"required_providers\":{\"aws\":" AWS "}}}",
		"{\"terraform\":{\"required_providers\":{\"aws\":" AWS "}}}" },
};

static void test_providers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made made;

		make(&made, rows[i].recipe);
		prepare(&made, NULL, 0);
		expect_file(&made, WORKDIR_PROVIDERS, rows[i].providers);
		expect_file(&made, WORKDIR_OVERRIDE, rows[i].override);
		made_release(&made);
	}
}

static void test_variables(void **state)
{
	struct made made;

	(void)state;
	make(&made,
		"variable \"a\" {}\nvariable \"b\" {\n  sensitive = true\n}\nvariable \"c\" {\n  ephemeral = var.x\n}\n"
		"variable \"d\" {\n  sensitive = false\n}\n");
	const struct value *v = value_string(&made.arena, "${x} %{y}");
	const struct workdir_variable variables[] = { { "a", v, true }, { "b", v, false }, { "c", v, false },
		{ "d", v, false }, { "e", v, false }, { "region", v, false } };
	prepare(&made, variables, ARRAY_SIZE(variables));
	expect_file(&made, WORKDIR_VARIABLES, "{\"d\":\"${x} %{y}\",\"region\":\"${x} %{y}\"}");
	expect_file(&made, WORKDIR_SENSITIVE, "{\"a\":\"${x} %{y}\",\"b\":\"${x} %{y}\",\"c\":\"${x} %{y}\"}");
	made_release(&made);
}

static void test_modules(void **state)
{
	struct made made;

	(void)state;
	make(&made,
		"module \"a\" {\n  source = \".//x/../m/./\"\n}\n== m/a.tf\nmodule \"b\" {\n  source = "
		"\"../m/../n//\"\n}\n== n/a.tf\n\n");
	prepare(&made, NULL, 0);
	expect_file(&made, ".terraform/modules/modules.json",
		"{\"Modules\":[{\"Key\":\"\",\"Source\":\"\",\"Dir\":\".\"},{\"Key\":\"a\",\"Source\":\"./"
		"m\",\"Dir\":\"m\"},"
		"{\"Key\":\"a.b\",\"Source\":\"../n\",\"Dir\":\"n\"}]}");
	made_release(&made);
}

/* Nothing that is there already is written over or followed. */
static void test_in_the_way(void **state)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	struct made made;

	(void)state;
	make(&made, "");
	struct workdir_spec spec = { made.folder, &made.scan, &made.providers, NULL, 0 };
	char *path = path_join(made.folder, WORKDIR_PROVIDERS);
	assert_int_equal(symlink("/tmp/elsewhere", path), 0);
	assert_int_equal(workdir_prepare(&spec, &err), -1);
	assert_non_null(strstr(err.msg, "cannot create"));
	free(path);
	made_release(&made);
}

static void test_backend(void **state)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	struct made made;

	(void)state;
	make(&made, "");
	struct value *settings = value_object(&made.arena);
	value_append(&made.arena, settings, "path", value_string(&made.arena, "/x/${a}"));
	assert_int_equal(workdir_backend(made.folder, "local", settings, &err), 0);
	expect_file(&made, WORKDIR_BACKEND, "{\"terraform\":{\"backend\":{\"local\":{\"path\":\"/x/${a}\"}}}}");
	made_release(&made);
}

static const struct {
	struct cli_config config;
	const char *text; /* after the first line; NULL: an error */
} cli_configs[] = {
	{ { "relative", NULL, false }, NULL },
	{ { "/a\"b", NULL, false }, NULL },
	{ { NULL, "/a${b}", false }, NULL },
	{ { NULL, "/a\nb", false }, NULL },
	{ { NULL, NULL, false }, "provider_installation {\n}\n" },
	{ { "/m", NULL, false },
		"provider_installation {\n  filesystem_mirror {\n    path = \"/m\"\n    include = "
		"[\"registry.terraform.io/hashicorp/aws\", \"x.com/y/ycp\"]\n  }\n}\n" },
	{ { NULL, "/c", true },
		"plugin_cache_dir = \"/c\"\nplugin_cache_may_break_dependency_lock_file = true\n"
		"provider_installation {\n  direct {\n    include = "
		"[\"registry.terraform.io/hashicorp/aws\", \"x.com/y/ycp\"]\n  }\n}\n" },
};

static void test_cli_config(void **state)
{
	cleanup(freep) char *path = path_join(scratch, "rc");
	struct made made;

	(void)state;
	make(&made, "");
	for (size_t i = 0; i < ARRAY_SIZE(cli_configs); i++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
		int rc = cli_config_write(path, &cli_configs[i].config, &made.providers, &err);

		if (rc == 0)
			assert_int_equal(read_file(&text, path, 1 << 20, &err), 0);
		if ((rc == 0) != (cli_configs[i].text != NULL) ||
			(rc == 0 && !streq(text.buf + strlen("disable_checkpoint = true\n"), cli_configs[i].text)))
			fail_msg("row %zu: %s%s", i, text.buf, rc < 0 ? err.msg : "");
	}
	made_release(&made);
}

static void test_environment(void **state)
{
	static const char *const env[] = { "TF_VAR_x=1", "PATH=/bin", "TF_CLI_CONFIG_FILE=/x", "YC_TOKEN=t", "S3_X=1",
		"MRPROBER_TOKEN=s", "NOTIFY_SOCKET=/n", "WATCHDOG_USEC=1", "CHECKPOINT_DISABLE=", "TFX=1",
		"NOTIFY_SOCKETS=1", "AWS_ACCESS_KEY_ID=k", NULL };
	static const char *const expected[] = { "PATH=/bin", "YC_TOKEN=t", "TFX=1", "NOTIFY_SOCKETS=1",
		"AWS_ACCESS_KEY_ID=k", "TF_CLI_CONFIG_FILE=/rc", "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"TF_INPUT=0" };
	cleanup(strvec_clear) struct strvec out = STRVEC_INIT;

	(void)state;
	terraform_environment(&out, env, "/rc");
	assert_int_equal(out.n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < out.n; i++)
		assert_string_equal(out.v[i], expected[i]);
}

static void make_cached(const char *cache, const char *source)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	/* both, as the machine may be either */
	static const char *const machines[] = { "linux_amd64", "linux_arm64" };

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		cleanup(freep) char *path = xasprintf("%s/%s/%s", cache, source, machines[i]);

		assert_int_equal(make_folders(path, 0755, &err), 0);
	}
}

static void test_cache(void **state)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *cache = path_join(scratch, "cache");
	cleanup(freep) char *aws = xasprintf("%s/registry.terraform.io/hashicorp/aws/5.100.0", cache);
	struct cli_config config = { NULL, cache, true }, none = { NULL, NULL, false };
	const char *const sources[] = { "registry.terraform.io/hashicorp/aws", "x.com/y/ycp" };
	struct made made;
	int first, second;

	(void)state;
	make(&made, "");
	assert_int_equal(cache_lock_try(&first, &none, &made.providers, sources, 2, "mine", &err), 0);
	assert_int_equal(first, -1);
	assert_int_equal(cache_lock_done(&none, first, &err), 0);
	/* empty: one alone may fill it */
	assert_int_equal(cache_lock_try(&first, &config, &made.providers, sources, 1, "mine", &err), 0);
	assert_int_equal(cache_lock_try(&second, &config, &made.providers, sources, 1, "mine", &err), -1);
	assert_int_equal(err.code, MRP_ELOCKED);
	make_cached(cache, "registry.terraform.io/hashicorp/aws/5.100.0");
	/* it dies, and its terraform goes on: that is waited for */
	close(first);
	pid_t left = fork();
	if (left == 0) {
		execle("/bin/sleep", "sleep", "600", (char *)NULL,
			(const char *const[]){ "MRPROBER_RUN_ID=mine", NULL });
		_exit(127);
	}
	while (!evidence_survivors("mine")) /* it has reached exec */
		usleep(1000);
	mrp_err_clear(&err);
	assert_int_equal(cache_lock_try(&first, &config, &made.providers, sources, 1, "another", &err), -1);
	assert_int_equal(err.code, MRP_ELOCKED);
	kill(left, SIGKILL);
	waitpid(left, NULL, 0);
	/* what it has left goes */
	assert_int_equal(cache_lock_try(&first, &config, &made.providers, sources, 1, "mine", &err), 0);
	char *machine = xasprintf("%s/linux_amd64", aws), *other = xasprintf("%s/linux_arm64", aws);
	assert_true(access(machine, F_OK) < 0 || access(other, F_OK) < 0);
	free(machine);
	free(other);
	make_cached(cache, "registry.terraform.io/hashicorp/aws/5.100.0");
	assert_int_equal(cache_lock_done(&config, first, &err), 0);
	close(first);
	/* whole: several at a time, unless one needs more */
	assert_int_equal(cache_lock_try(&first, &config, &made.providers, sources, 1, "mine", &err), 0);
	assert_int_equal(cache_lock_try(&second, &config, &made.providers, sources, 1, "mine", &err), 0);
	close(second);
	assert_int_equal(cache_lock_try(&second, &config, &made.providers, sources, 2, "mine", &err), -1);
	assert_int_equal(err.code, MRP_ELOCKED);
	close(first);
	assert_int_equal(cache_lock_try(&second, &config, &made.providers, sources, 2, "mine", &err), 0);
	close(second);
	made_release(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_providers),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_backend),
		cmocka_unit_test(test_cli_config),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
