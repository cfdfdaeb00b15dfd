/* SPDX-License-Identifier: Apache-2.0 */
/* From a row and words to an exit code: options, help, argument counts, settings, run, stdout. */
#include "dispatch.h"

#include "../lib/base/text.h"
#include "options.h"

#include <errno.h>
#include <unistd.h>

enum { MAX_HELP_COLUMNS = 100, DEFAULT_HELP_COLUMNS = 80 };

size_t help_columns(int fd)
{
	return MIN(mrp_term_columns(fd, DEFAULT_HELP_COLUMNS), (size_t)MAX_HELP_COLUMNS);
}

const struct mrp_cmd *cmd_find(const struct mrp_cmd *const *table, const char *name)
{
	for (; table && *table; table++) {
		if (streq((*table)->name, name))
			return *table;
	}
	return NULL;
}

static bool is_plugin(const struct mrp_ctx *ctx)
{
	return ctx->cmd && ctx->cmd->needs & CMD_PLUGIN;
}

int report_error(const struct mrp_ctx *ctx, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	int code = is_plugin(ctx) ? MRP_EXIT_UNKNOWN : mrp_err_exit_code(err->code);

	flush_stdout(); /* what came before stands before */
	strbuf_addstr(&text, "mrprober: ");
	mrp_err_format(&text, err);
	strbuf_addch(&text, '\n');
	if (err->code == MRP_EUSAGE)
		strbuf_addf(
			&text, "see 'mrprober %s%s-h'\n", ctx->cmd_path ? ctx->cmd_path : "", ctx->cmd_path ? " " : "");
	fputs(text.buf, stderr);
	mrp_err_clear(err);
	return code;
}

void report_warnings(struct mrp_ctx *ctx)
{
	for (size_t i = 0; i < ctx->warnings.list.n; i++) {
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

		problem_format(&text, &ctx->warnings.list.v[i]);
		fprintf(stderr, "mrprober: %s\n", text.buf);
	}
	problems_clear(&ctx->warnings);
}

static int flush_errno; /* of the first flush that failed */

void flush_stdout(void)
{
	if (fflush(stdout) != 0 && !flush_errno)
		flush_errno = errno;
}

int check_stdout(const struct mrp_ctx *ctx, int code)
{
	bool failed = ferror(stdout);

	flush_stdout();
	failed |= flush_errno != 0;
	if (fclose(stdout) != 0 && !failed) {
		failed = true;
		flush_errno = errno;
	}
	if (!failed)
		return code;
	if (flush_errno != EPIPE) /* with EPIPE the reader has seen enough */
		fprintf(stderr, "mrprober: cannot write to standard output%s%s\n", flush_errno ? ": " : "",
			flush_errno ? strerror(flush_errno) : "");
	if (is_plugin(ctx))
		return MRP_EXIT_UNKNOWN;
	return code == MRP_EXIT_OK || code == MRP_EXIT_DIFFERENCES ? MRP_EXIT_FAILED : code;
}

/* Asked for, it goes to stdout; in place of what was not said, to stderr. */
static int print_usage(const struct mrp_ctx *ctx, FILE *to)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	cmd_usage(&text, ctx->cmd, ctx->cmd_path, help_columns(fileno(to)));
	fputs(text.buf, to);
	return to == stdout ? 0 : is_plugin(ctx) ? MRP_EXIT_UNKNOWN : MRP_EXIT_USAGE;
}

static int check_arg_count(const struct mrp_cmd *cmd, int argc, char **argv, struct mrp_err *err)
{
	if (argc < cmd->min_args)
		return mrp_err_set(err, MRP_EUSAGE, "arguments are missing: %s", cmd->args);
	if (cmd->max_args != ANY_NUMBER && argc > cmd->max_args)
		return mrp_err_set(err, MRP_EUSAGE, "unexpected argument '%s'", argv[cmd->max_args]);
	return 0;
}

static int load_settings(struct mrp_ctx *ctx, unsigned needs, struct mrp_err *err)
{
	if (settings_init(ctx, err) < 0)
		return -1;
	if (needs & (NEED_SETTINGS | NEED_MANIFEST) && settings_load_config(ctx, err) < 0)
		return -1;
	return needs & NEED_MANIFEST ? settings_find_manifest(ctx, err) : 0;
}

static int unknown_sub(const struct mrp_cmd *cmd, const char *name, struct mrp_err *err)
{
	const char *words[64];
	size_t n = 0;

	for (const struct mrp_cmd *const *sub = cmd->subs; *sub && n < ARRAY_SIZE(words); sub++)
		words[n++] = (*sub)->name;
	const char *near = nearest_word(name, words, n);
	if (near)
		return mrp_err_set(err, MRP_EUSAGE, "unknown command '%s'; did you mean '%s'?", name, near);
	return mrp_err_set(err, MRP_EUSAGE, "unknown command '%s'", name);
}

static int run_row(
	struct mrp_ctx *ctx, const struct mrp_cmd *cmd, void *opts, int argc, char **argv, struct mrp_err *err);

/* A command that has subs: 1 when its words name one (or ask for help) and *code is set, 0 when they are its own. A
 * command that can also run by itself has options of its own, so there only the very first word can name a sub. */
static int try_sub(
	struct mrp_ctx *ctx, const struct mrp_cmd *cmd, int argc, char **argv, int *code, struct mrp_err *err)
{
	struct mrp_opt_group common = { common_opts, &ctx->globals, 0 };
	bool help;

	if (cmd->run && (!argc || argv[0][0] == '-'))
		return 0;
	if (!cmd->run) {
		if (mrp_opts_parse(&common, 1, &argc, argv, OPTS_STOP_AT_ARGUMENT, &help, err) < 0)
			return -1;
		if (help || !argc) {
			*code = print_usage(ctx, help ? stdout : stderr);
			return 1;
		}
	}
	const struct mrp_cmd *sub = cmd_find(cmd->subs, argv[0]);
	if (!sub)
		return cmd->run && cmd->max_args ? 0 : unknown_sub(cmd, argv[0], err);
	ctx->cmd_path = arena_printf(&ctx->arena, "%s %s", ctx->cmd_path, sub->name);
	ctx->cmd = sub;
	cleanup(freep) void *opts = xcalloc(1, sub->opts_size);
	*code = run_row(ctx, sub, opts, argc - 1, argv + 1, err);
	mrp_opts_release(sub->opts, opts);
	return *code < 0 ? -1 : 1;
}

static int run_row(
	struct mrp_ctx *ctx, const struct mrp_cmd *cmd, void *opts, int argc, char **argv, struct mrp_err *err)
{
	struct mrp_opt_group groups[] = { { cmd->opts, opts, 0 }, { common_opts, &ctx->globals, 0 } };
	bool help;
	int code = 0;

	if (cmd->defaults)
		memcpy(opts, cmd->defaults, cmd->opts_size);
	if (cmd->needs & CMD_RAW_ARGS)
		return cmd->run(ctx, argc, argv, err);
	if (cmd->subs) {
		int tried = try_sub(ctx, cmd, argc, argv, &code, err);

		if (tried)
			return tried < 0 ? -1 : code;
	}
	if (mrp_opts_parse(groups, ARRAY_SIZE(groups), &argc, argv, 0, &help, err) < 0)
		return -1;
	if (help)
		return print_usage(ctx, stdout);
	if (mrp_opts_from_env(&groups[0], err) < 0 || check_arg_count(cmd, argc, argv, err) < 0 ||
		load_settings(ctx, cmd->needs, err) < 0)
		return -1;
	report_warnings(ctx);
	ctx->opts = opts;
	return cmd->run(ctx, argc, argv, err);
}

int dispatch(struct mrp_ctx *ctx, const struct mrp_cmd *cmd, int argc, char **argv)
{
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) void *opts = xcalloc(1, cmd->opts_size);

	ctx->cmd = cmd;
	ctx->cmd_path = cmd->name;
	int code = run_row(ctx, cmd, opts, argc, argv, &err);
	mrp_opts_release(cmd->opts, opts);
	report_warnings(ctx);
	return code < 0 ? report_error(ctx, &err) : code;
}
