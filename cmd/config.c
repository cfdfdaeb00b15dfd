/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober config`: the settings and where they come from, and what may stand in files. */
#include "config.h"

#include "../lib/base/text.h"
#include "../lib/cli/config_fields.h"
#include "../lib/meeseeks/mapping.h"
#include "../lib/model/kinds.h"
#include "../lib/model/schemas.h"
#include "../lib/value/json.h"
#include "complete_sources.h"
#include "dispatch.h"

struct list_args {
	bool show_origin;
};

static const struct mrp_opt list_opts[] = {
	OPT_BOOL(0, "show-origin", struct list_args, show_origin, "say which layer each value comes from"),
	OPT_END,
};

static void add_setting(struct strbuf *out, const struct mrp_ctx *ctx, enum mrp_setting_id id)
{
	const char *value = ctx->settings[id].value;

	if (setting_secret(id))
		strbuf_addstr(out, "***");
	else
		strbuf_add_visible(out, value, strlen(value));
}

static int run_list(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct list_args *args = ctx->opts;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

	(void)argc, (void)argv, (void)err;
	for (int id = 0; id < SETTING_COUNT; id++) {
		if (!ctx->settings[id].value)
			continue;
		if (args->show_origin) {
			setting_origin(&out, &ctx->settings[id]);
			strbuf_addch(&out, '\t');
		}
		strbuf_addf(&out, "%s=", setting_name(id));
		add_setting(&out, ctx, id);
		strbuf_addch(&out, '\n');
	}
	fputs(out.buf, stdout);
	return 0;
}

static int run_get(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	int id = setting_find(argv[0]);

	(void)argc;
	if (id < 0) {
		const char *names[SETTING_COUNT];

		for (int i = 0; i < SETTING_COUNT; i++)
			names[i] = setting_name(i);
		const char *near = nearest_word(argv[0], names, SETTING_COUNT);
		if (near)
			return mrp_err_set(err, MRP_EUSAGE, "unknown setting '%s'; did you mean '%s'?", argv[0], near);
		return mrp_err_set(err, MRP_EUSAGE, "unknown setting '%s'", argv[0]);
	}
	if (!ctx->settings[id].value)
		return MRP_EXIT_FAILED; /* as git config: silent, for scripts */
	add_setting(&out, ctx, id);
	puts(out.buf);
	return 0;
}

const struct value *config_find_schema(struct arena *arena, const char *name)
{
	int kind = kind_from_name(name);

	if (streq(name, "config"))
		return schema_to_json(
			arena, config_fields, FF_CONFIG, "urn:mrprober:schema:config", "config.yaml: settings");
	if (streq(name, "meeseeks"))
		return schema_to_json(
			arena, mappings_fields, FF_CONFIG, "urn:mrprober:schema:meeseeks", "meeseeks.yaml: mappings");
	return schema_page(arena, kind >= 0 ? kinds[kind].name : name);
}

#define SCHEMA_WORDS "recipe, cluster, prober, manifest, values, config, meeseeks"

static int run_schema(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	const struct value *v = config_find_schema(&ctx->arena, argv[0]);

	(void)argc;
	if (!v)
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is not one of " SCHEMA_WORDS, argv[0]);
	json_pretty(&out, v);
	fputs(out.buf, stdout);
	return 0;
}

static void complete_schemas(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argv, (void)word;
	for (size_t i = 0; !argc && schema_page_names[i]; i++)
		mrp_complete_add(c, schema_page_names[i], NULL);
	if (!argc)
		mrp_complete_add(c, "config", NULL);
	if (!argc)
		mrp_complete_add(c, "meeseeks", NULL);
}

static const struct mrp_cmd list = {
	.name = "list",
	.summary = "print all settings that have a value",
	.description = "One 'name=value' a line. Secrets are shown as ***.",
	.opts = list_opts,
	CMD_OPTS(struct list_args, .show_origin = false),
	.needs = NEED_SETTINGS | NEED_MANIFEST,
	.run = run_list,
};

static const struct mrp_cmd get = {
	.name = "get",
	.summary = "print one setting; exit 1 when it has no value",
	.args = "<name>",
	.min_args = 1,
	.max_args = 1,
	.needs = NEED_SETTINGS | NEED_MANIFEST,
	.run = run_get,
	.complete = complete_settings,
};

static const struct mrp_cmd schema = {
	.name = "schema",
	.summary = "print the JSON Schema of a kind of file",
	.description = "For editors that check YAML while it is typed. <schema> is one of " SCHEMA_WORDS
		       ": manifest is mrprober.yaml, values is every file of variables, config is config.yaml, "
		       "meeseeks is the "
		       "file of mrprober meeseeks --config.",
	.args = "<schema>",
	.min_args = 1,
	.max_args = 1,
	.run = run_schema,
	.complete = complete_schemas,
};

static const struct mrp_cmd *const subs[] = { &cmd_check_auth, &get, &list, &schema, NULL };

const struct mrp_cmd cmd_config = {
	.name = "config",
	.summary = "show the settings and where they come from, print schemas",
	.subs = subs,
};
