/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mrprober __dump`, for the build and the tests: manual pages made from hand-written templates and the tables, and
 * plain lists of the tables. A line of a template that is "@NAME@" or "@NAME argument@" is replaced:
 *
 *	@SYNOPSIS [command]@  @OPTIONS command [sub]@  @SUBS command@  @COMMANDS@
 *	@COMMON [command]@  @GLOBAL@  @FIELDS table@  @METRICS@
 */
#include "../lib/base/file.h"
#include "../lib/cli/config_fields.h"
#include "../lib/cli/words.h"
#include "../lib/model/kinds.h"
#include "../lib/model/manifest.h"
#include "../lib/value/json.h"
#include "config.h"
#include "mdoc.h"
#include "options.h"

enum { MAX_TEMPLATE_BYTES = 1 << 20 };

/* The row of "config" or "config list" or "api token list". */
static const struct mrp_cmd *find_row(char *const *words)
{
	const struct mrp_cmd *cmd = words[0] ? cmd_find(mrp_commands, words[0]) : NULL;

	for (int i = 1; cmd && words[i]; i++)
		cmd = cmd_find(cmd->subs, words[i]);
	return cmd;
}

static int splice_synopsis(struct strbuf *out, char *const *words)
{
	const struct mrp_cmd *cmd = find_row(words);

	if (words[0] && !cmd)
		return -1;
	mdoc_add_synopsis(out, cmd, words[0]);
	return 0;
}

static int splice_options(struct strbuf *out, char *const *words)
{
	const struct mrp_cmd *cmd = find_row(words);

	if (!cmd)
		return -1;
	mdoc_add_options(out, cmd->opts);
	return 0;
}

static int splice_subs(struct strbuf *out, char *const *words)
{
	const struct mrp_cmd *cmd = find_row(words);

	if (!cmd || !cmd->subs)
		return -1;
	mdoc_add_subs(out, cmd, words[0]);
	return 0;
}

static int splice_commands(struct strbuf *out, char *const *words)
{
	(void)words;
	mdoc_add_commands(out, mrp_commands);
	return 0;
}

static int splice_common(struct strbuf *out, char *const *words)
{
	const struct mrp_cmd *cmd = find_row(words);
	struct mrp_opt common[MAX_COMMON_OPTS];

	if (words[0] && !cmd)
		return -1;
	common_opts_beside(common, cmd ? cmd->opts : NULL);
	mdoc_add_options(out, common);
	return 0;
}

static int splice_global(struct strbuf *out, char *const *words)
{
	(void)words;
	mdoc_add_options(out, global_opts);
	return 0;
}

static int splice_fields(struct strbuf *out, char *const *words)
{
	int kind = words[0] ? kind_from_name(words[0]) : -1;

	if (kind >= 0)
		mdoc_add_fields(out, kinds[kind].fields);
	else if (words[0] && streq(words[0], "config"))
		mdoc_add_fields(out, config_fields);
	else if (words[0] && streq(words[0], "manifest"))
		mdoc_add_fields(out, manifest_fields);
	else
		return -1;
	return 0;
}

static int splice_metrics(struct strbuf *out, char *const *words)
{
	(void)words;
	mdoc_add_metrics(out);
	return 0;
}

static const struct {
	const char *name;
	int (*splice)(struct strbuf *out, char *const *words);
} splices[] = {
	{ "SYNOPSIS", splice_synopsis },
	{ "OPTIONS", splice_options },
	{ "SUBS", splice_subs },
	{ "COMMANDS", splice_commands },
	{ "COMMON", splice_common },
	{ "METRICS", splice_metrics },
	{ "GLOBAL", splice_global },
	{ "FIELDS", splice_fields },
};

/* "@NAME argument@" without its frame. */
static int splice_line(struct strbuf *out, const char *text, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec words = STRVEC_INIT;

	if (mrp_split_words(&words, text, err) < 0)
		return -1;
	for (size_t i = 0; words.n && i < ARRAY_SIZE(splices); i++) {
		if (streq(splices[i].name, words.v[0]) && splices[i].splice(out, words.v + 1) == 0)
			return 0;
	}
	return mrp_err_set(err, MRP_EINVALID, "nothing can stand for '@%s@'", text);
}

static int splice_template(struct strbuf *out, const char *text, struct mrp_err *err)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > 2 && text[0] == '@' && text[len - 1] == '@') {
			cleanup(freep) char *inside = xstrndup(text + 1, len - 2);

			if (splice_line(out, inside, err) < 0)
				return -1;
			continue;
		}
		strbuf_add(out, text, len);
		strbuf_addch(out, '\n');
	}
	return 0;
}

static int run_man(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, page = STRBUF_INIT;

	(void)ctx, (void)argc;
	if (read_file(&text, argv[0], MAX_TEMPLATE_BYTES, err) < 0)
		return -1;
	if (splice_template(&page, text.buf, err) < 0)
		return mrp_err_wrap(err, "%s", argv[0]);
	return replace_file(argv[1], page.buf, page.len, 0644, err);
}

static void print_commands(const char *path, const struct mrp_cmd *const *table)
{
	for (; table && *table; table++) {
		cleanup(freep) char *name = xasprintf("%s%s%s", path, *path ? " " : "", (*table)->name);

		if ((*table)->needs & CMD_HIDDEN)
			continue;
		puts(name);
		print_commands(name, (*table)->subs);
	}
}

/* "config list", one command a line. */
static int run_commands(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	(void)ctx, (void)argc, (void)argv, (void)err;
	print_commands("", mrp_commands);
	return 0;
}

/* The own options of a command, one a line: "--check", or "-C" when it has no long name. */
static int run_options(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct mrp_cmd *cmd = find_row(argv);

	(void)ctx;
	if (argc && !cmd)
		return mrp_err_set(err, MRP_EUSAGE, "there is no command '%s'", argv[argc - 1]);
	for (const struct mrp_opt *opt = cmd ? cmd->opts : global_opts; opt && opt->type; opt++) {
		if (opt->flags & OPTF_HIDDEN)
			continue;
		if (opt->name)
			printf("--%s\n", opt->name);
		else
			printf("-%c\n", opt->letter);
	}
	return 0;
}

static int run_schema(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct value *v = config_find_schema(&ctx->arena, argv[0]);

	(void)argc;
	if (!v)
		return mrp_err_set(err, MRP_EUSAGE, "there is no schema '%s'", argv[0]);
	json_pretty(&text, v);
	return replace_file(argv[1], text.buf, text.len, 0644, err);
}

static const struct mrp_cmd man = {
	.name = "man",
	.summary = "make a page from a template",
	.args = "<template> <page>",
	.min_args = 2,
	.max_args = 2,
	.run = run_man,
};

static const struct mrp_cmd commands = {
	.name = "commands",
	.summary = "list the commands",
	.run = run_commands,
};

static const struct mrp_cmd options = {
	.name = "options",
	.summary = "list the options of a command",
	.args = "[<command>...]",
	.max_args = ANY_NUMBER,
	.run = run_options,
};

static const struct mrp_cmd schema = {
	.name = "schema",
	.summary = "write a JSON Schema",
	.args = "<name> <file>",
	.min_args = 2,
	.max_args = 2,
	.run = run_schema,
};

static const struct mrp_cmd *const subs[] = { &commands, &man, &options, &schema, NULL };

const struct mrp_cmd cmd_dump = {
	.name = "__dump",
	.summary = "what the tables say, for the build and the tests",
	.subs = subs,
	.needs = CMD_HIDDEN,
};
