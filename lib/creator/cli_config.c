/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where terraform finds providers, and what it sees of our environment. An inherited configuration is never used: one
 * that does not exist would be a warning only, and then everything comes from the public registry.
 * https://developer.hashicorp.com/terraform/cli/config/config-file
 */
#include "../base/file.h"
#include "workdir.h"

/* A path in a quoted string of HCL; one that would need escapes is not worth them. */
static int check_path(const char *path, struct mrp_err *err)
{
	if (path[0] != '/')
		return mrp_err_set(err, MRP_EINVALID, "'%s' is not an absolute path", path);
	for (const char *c = path; *c; c++) {
		if ((unsigned char)*c < 0x20 || strchr("\"\\$%", *c))
			return mrp_err_set(err, MRP_EINVALID,
				"'%s': a folder of providers cannot have '\"', '\\', '$' or '%%' in its path", path);
	}
	return 0;
}

static void add_method(struct strbuf *out, const char *method, const char *path, const struct providers *providers)
{
	strbuf_addf(out, "  %s {\n", method);
	if (path)
		strbuf_addf(out, "    path = \"%s\"\n", path);
	strbuf_addstr(out, "    include = [");
	for (size_t i = 0; i < providers->allowed.n; i++)
		strbuf_addf(out, "%s\"%s\"", i ? ", " : "", providers->allowed.v[i].source);
	strbuf_addstr(out, "]\n  }\n");
}

int cli_config_write(
	const char *path, const struct cli_config *config, const struct providers *providers, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if ((config->mirror && check_path(config->mirror, err) < 0) ||
		(config->cache && check_path(config->cache, err) < 0))
		return -1;
	strbuf_addstr(&text, "disable_checkpoint = true\n");
	if (config->cache)
		/* without the second, what is in the cache is fetched again, over the file that another terraform runs
		 */
		strbuf_addf(&text, "plugin_cache_dir = \"%s\"\nplugin_cache_may_break_dependency_lock_file = true\n",
			config->cache);
	strbuf_addstr(&text, "provider_installation {\n");
	/* an empty list would include everything */
	if (config->mirror && providers->allowed.n)
		add_method(&text, "filesystem_mirror", config->mirror, providers);
	if (config->registry && providers->allowed.n)
		add_method(&text, "direct", NULL, providers);
	strbuf_addstr(&text, "}\n");
	return replace_file(path, text.buf, text.len, 0600, err);
}

/* Names that are not passed on; one that ends in '_' stands for all that begin so. */
static const char *const withheld[] = { "TF_", "MRPROBER_", "S3_", "CHECKPOINT_DISABLE", "NOTIFY_SOCKET", "WATCHDOG_",
	"LISTEN_", "JOURNAL_STREAM", "INVOCATION_ID", "CREDENTIALS_DIRECTORY", "LD_", "RETURN_VALUES_PATH" };

static bool is_withheld(const char *variable)
{
	const char *rest;

	for (size_t i = 0; i < ARRAY_SIZE(withheld); i++) {
		if (skip_prefix(variable, withheld[i], &rest) && (ends_with(withheld[i], "_") || *rest == '='))
			return true;
	}
	return false;
}

void terraform_environment(struct strvec *out, const char *const *env, const char *cli_config_path)
{
	/* terraform would not find it from its own folder, and go on without: to the public registry */
	if (cli_config_path[0] != '/')
		BUG("a relative path of the CLI configuration");
	for (; *env; env++) {
		if (!is_withheld(*env))
			strvec_push(out, *env);
	}
	strvec_pushf(out, "TF_CLI_CONFIG_FILE=%s", cli_config_path);
	strvec_push(out, "CHECKPOINT_DISABLE=1");
	strvec_push(out, "TF_IN_AUTOMATION=1");
	strvec_push(out, "TF_INPUT=0");
}
