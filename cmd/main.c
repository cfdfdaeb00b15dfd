/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrprober: finds the command that the words name and runs it. Where to read next: cmd.h says what a command is,
 * dispatch.c how one runs, external.c what happens to names that are no commands.
 */
#include "dispatch.h"

#include "options.h"

#include <fcntl.h>
#include <unistd.h>

extern const struct mrp_cmd cmd_config, cmd_help, cmd_version;

/* In the order of the overview. */
const struct mrp_cmd *const mrp_commands[] = {
	&cmd_config,
	&cmd_help,
	&cmd_version,
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

static int overview(FILE *to)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	cmd_overview(&text, help_columns(fileno(to)));
	fputs(text.buf, to);
	return to == stdout ? 0 : MRP_EXIT_USAGE;
}

static int run_named(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct mrp_cmd *cmd = cmd_find(mrp_commands, argv[0]);

	if (cmd)
		return dispatch(ctx, cmd, argc - 1, argv + 1);
	if (run_external(ctx, argv[0], argv, err) < 0)
		return -1;
	return unknown_command(ctx, argv[0], err);
}

static int run_words(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
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
	if (ctx->globals.chdir && chdir(ctx->globals.chdir) < 0) {
		mrp_err_errno(err, "cannot change to folder '%s'", ctx->globals.chdir);
		err->code = MRP_EUSAGE;
		return -1;
	}
	return run_named(ctx, argc, argv, err);
}

int main(int argc, char **argv)
{
	struct mrp_ctx ctx = { .globals = { .color = -1, .quiet = -1, .verbose = -1 }, .arena = ARENA_INIT };
	struct mrp_err err = MRP_ERR_INIT;

	reserve_standard_fds();
	int code = run_words(&ctx, argc ? argc - 1 : 0, argv + (argc > 0), &err);
	if (code < 0)
		code = report_error(&ctx, &err);
	mrp_ctx_release(&ctx);
	return check_stdout(code);
}
