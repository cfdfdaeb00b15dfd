/* SPDX-License-Identifier: Apache-2.0 */
/* What -h prints, from the rows of commands and options. */
#include "cmd.h"

#include "../lib/cli/wrap.h"
#include "options.h"

enum { INDENT = 2, SUMMARY_COLUMN = 20 };

static void add_usage_line(struct strbuf *out, const char *lead, const char *path, const struct mrp_opt *opts,
	const char *args, size_t columns)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
	size_t start = out->len;

	strbuf_addf(out, "%s mrprober%s%s ", lead, *path ? " " : "", path);
	mrp_opts_synopsis(&line, opts);
	if (args)
		strbuf_addf(&line, " %s", args);
	size_t column = out->len - start;
	mrp_wrap(out, line.buf, column, column < columns / 3 ? column : 8, columns);
}

static void add_commands(struct strbuf *out, const struct mrp_cmd *const *table, size_t columns)
{
	for (; table && *table; table++) {
		if (!((*table)->needs & CMD_HIDDEN))
			mrp_wrap_entry(out, (*table)->name, (*table)->summary, INDENT, SUMMARY_COLUMN, columns);
	}
}

static bool any_visible(const struct mrp_opt *opts)
{
	for (; opts && opts->type; opts++) {
		if (!(opts->flags & OPTF_HIDDEN))
			return true;
	}
	return false;
}

void cmd_usage(struct strbuf *out, const struct mrp_cmd *cmd, const char *path, size_t columns)
{
	struct mrp_opt common[MAX_COMMON_OPTS];
	const char *lead = "usage:";

	if (cmd->run) {
		add_usage_line(out, lead, path, cmd->opts, cmd->args, columns);
		lead = "   or:";
	}
	if (cmd->subs)
		add_usage_line(out, lead, path, NULL, "<command> [<options>] [<arguments>]", columns);
	strbuf_addf(out, "\n%s\n", cmd->summary);
	if (cmd->description) {
		strbuf_addch(out, '\n');
		mrp_wrap_paragraphs(out, cmd->description, columns);
	}
	if (cmd->subs) {
		strbuf_addstr(out, "\nCommands:\n");
		add_commands(out, cmd->subs, columns);
	}
	if (any_visible(cmd->opts)) {
		strbuf_addstr(out, "\nOptions:\n");
		mrp_opts_help(out, cmd->opts, columns);
	}
	strbuf_addstr(out, "\nCommon options:\n");
	common_opts_beside(common, cmd->opts);
	mrp_opts_help(out, common, columns);
	mrp_wrap_entry(out, "-h, --help", "this text; 'mrprober help' opens the manual page", INDENT, 28, columns);
}

void cmd_overview(struct strbuf *out, size_t columns)
{
	add_usage_line(out, "usage:", "", global_opts, "<command> [<options>] [<arguments>]", columns);
	strbuf_addstr(out, "\nActive monitoring as code.\n\nCommands:\n");
	add_commands(out, mrp_commands, columns);
	strbuf_addstr(out, "\nOptions:\n");
	mrp_opts_help(out, global_opts, columns);
	mrp_wrap_entry(out, "-h, --help", "this text, or after a command its usage", INDENT, 28, columns);
	strbuf_addstr(out, "\nSee 'mrprober COMMAND -h' or 'mrprober help COMMAND'.\n");
}
