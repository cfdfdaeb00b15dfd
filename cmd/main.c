/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrprober: finds the command that the words name and runs it. Where to read next: cmd.h says what a command is,
 * dispatch.c how one runs, external.c what happens to names that are no commands.
 */
#include "dispatch.h"

#include "../lib/base/leaks.h"
#include "../lib/cli/words.h"
#include "options.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

extern const struct mrp_cmd cmd_agent, cmd_api, cmd_api_client, cmd_complete, cmd_config, cmd_creator, cmd_creator_once,
	cmd_dump, cmd_help, cmd_meeseeks, cmd_probe, cmd_synchronize, cmd_version;

/* In the order of the overview. */
const struct mrp_cmd *const mrp_commands[] = {
	&cmd_agent,
	&cmd_api,
	&cmd_api_client,
	&cmd_config,
	&cmd_creator,
	&cmd_creator_once,
	&cmd_help,
	&cmd_meeseeks,
	&cmd_probe,
	&cmd_synchronize,
	&cmd_version,
	&cmd_complete,
	&cmd_dump,
	NULL,
};

/* A file opened later must not become standard output by chance; writing to a closed one must fail, not vanish. */
static void reserve_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(MRP_EXIT_FAILED);
	}
}

/* Memory holds tokens and secrets of clusters, so a crash must not write it out. A limit of 1 byte stops core files
 * and, unlike 0, those that are piped to a program (core(5), do_coredump() in Linux). */
static void forbid_core_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 1) {
		limit.rlim_cur = 1;
		setrlimit(RLIMIT_CORE, &limit);
	}
}

static int overview(FILE *to)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	cmd_overview(&text, help_columns(fileno(to)));
	fputs(text.buf, to);
	return to == stdout ? 0 : MRP_EXIT_USAGE;
}

/* The words of an alias in place of its name; they live as long as ctx. The words after it stay where they are: a command
 * may want to overwrite a secret there. */
static char **expand_alias(
	struct mrp_ctx *ctx, const struct mrp_alias *alias, int *argc, char **argv, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec words = STRVEC_INIT;

	if (mrp_split_words(&words, alias->words, err) < 0) {
		mrp_err_wrap(err, "alias '%s'", alias->name);
		return NULL;
	}
	char **expanded = arena_alloc(&ctx->arena, (words.n + (size_t)*argc) * sizeof(*expanded));
	for (size_t i = 0; i < words.n; i++)
		expanded[i] = arena_strdup(&ctx->arena, words.v[i]);
	for (int i = 1; i < *argc; i++)
		expanded[words.n + (size_t)i - 1] = argv[i];
	*argc += (int)words.n - 1;
	expanded[*argc] = NULL;
	return expanded;
}

/* A command, a program mrprober-<name>, or an alias. 1: it was an alias, the words are replaced. */
static int run_named(
	struct mrp_ctx *ctx, int *argc, char ***argv, struct strvec *expanded, int *code, struct mrp_err *err)
{
	const char *name = **argv;
	const struct mrp_cmd *cmd = cmd_find(mrp_commands, name);

	if (cmd) {
		*code = dispatch(ctx, cmd, *argc - 1, *argv + 1);
		return 0;
	}
	if (run_external(ctx, name, *argv, err) < 0 || settings_load_aliases(ctx, err) < 0)
		return -1;
	const struct mrp_alias *alias = mrp_alias_find(ctx, name);
	if (!alias)
		return unknown_command(ctx, name, err);
	if (strvec_contains(expanded, name))
		return mrp_err_at(err, MRP_EUSAGE, alias->loc, "alias '%s' ends in itself", name);
	strvec_push(expanded, name);
	*argv = expand_alias(ctx, alias, argc, *argv, err);
	return *argv ? 1 : -1;
}

/* Each from the one before, as in git. */
static int change_folders(struct strvec *folders, struct mrp_err *err)
{
	for (size_t i = 0; i < folders->n; i++) {
		if (chdir(folders->v[i]) == 0)
			continue;
		mrp_err_errno(err, "cannot change to folder '%s'", folders->v[i]);
		err->code = MRP_EUSAGE;
		return -1;
	}
	strvec_clear(folders); /* an alias may have others */
	return 0;
}

static int run_words(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec expanded = STRVEC_INIT;
	int again, code = 0;

	do {
		struct mrp_opt_group global = { global_opts, &ctx->globals, 0 };
		bool help;

		if (mrp_opts_parse(&global, 1, &argc, argv, OPTS_STOP_AT_ARGUMENT, &help, err) < 0)
			return -1;
		if (help)
			return overview(stdout);
		if (ctx->globals.version)
			return dispatch(ctx, cmd_find(mrp_commands, "version"), 0, argv + argc);
		if (!argc)
			return overview(stderr);
		if (change_folders(&ctx->globals.folders, err) < 0)
			return -1;
		again = run_named(ctx, &argc, &argv, &expanded, &code, err);
	} while (again > 0);
	return again < 0 ? -1 : code;
}

int main(int argc, char **argv)
{
	struct mrp_ctx ctx = { .globals = { .folders = STRVEC_INIT, .color = -1, .quiet = -1, .verbose = -1 }, .arena = ARENA_INIT };
	struct mrp_err err = MRP_ERR_INIT;

	reserve_standard_fds();
	forbid_core_files();
	int code = run_words(&ctx, argc ? argc - 1 : 0, argv + (argc > 0), &err);
	report_warnings(&ctx);
	if (code < 0)
		code = report_error(&ctx, &err);
	strvec_clear(&ctx.globals.folders);
	mrp_ctx_release(&ctx);
	return check_stdout(&ctx, code);
}
