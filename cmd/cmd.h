/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row for each command. A new command is one file with a row (and sub-rows) and one pointer in the table of main.c,
 * then a page man/mrprober-<command>.1.in. The tests compare rows, -h, pages and completion, and name what is missing.
 *
 * The dispatcher parses the row's options into a struct of `opts_size` bytes (a copy of `defaults`, or zeroed), fills
 * in MRPROBER_<OPTION> variables, answers -h, checks the number of arguments, resolves the settings that `needs` asks
 * for, and calls run(); then it flushes and checks stdout. So a run function starts with everything in place:
 *
 *	struct foo_args { bool check; };
 *	static const struct mrp_opt opts[] = { OPT_BOOL(0, "check", struct foo_args, check, "change nothing"), OPT_END };
 *
 *	static int run_foo(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
 *	{
 *		const struct foo_args *args = ctx->opts;
 *		...
 *	}
 *
 *	const struct mrp_cmd cmd_foo = {
 *		.name = "foo", .summary = "make foo", .args = "[<path>]", .max_args = 1,
 *		.opts = opts, CMD_OPTS(struct foo_args, .check = false), .needs = NEED_SETTINGS, .run = run_foo,
 *	};
 */
#ifndef MRP_CMD_CMD_H
#define MRP_CMD_CMD_H

#include "../lib/cli/context.h"
#include "../lib/cli/opts.h"

/* Exit codes that are no errors. */
enum {
	MRP_EXIT_OK = 0,
	MRP_EXIT_FAILED = 1,
	MRP_EXIT_DIFFERENCES = 2,
	MRP_EXIT_REFUSED = 3,
	MRP_EXIT_UNKNOWN = 3, /* of CMD_PLUGIN */
	MRP_EXIT_USAGE = 64,
	MRP_EXIT_CONFIG = 65,
	MRP_EXIT_UNREACHABLE = 69,
	MRP_EXIT_LOCKED = 75,
	MRP_EXIT_NOT_ALLOWED = 77,
	MRP_EXIT_INTERRUPTED = 130,
};

enum {
	NEED_SETTINGS = 1 << 0, /* flags, environment, config.yaml with its context */
	NEED_MANIFEST = 1 << 1, /* and the environment's `api` of a mrprober.yaml here or above, when there is one */
	CMD_HIDDEN = 1 << 2,    /* neither in help nor in completion */
	CMD_RAW_ARGS = 1 << 3,  /* run() gets all words as they are: no options, no -h, no argument counts */
	CMD_PLUGIN = 1 << 4,    /* a plugin of Nagios: what cannot be told, wrong usage too, is exit code 3 */
};

enum { ANY_NUMBER = -1 };

struct mrp_cmd {
	const char *name;
	const char *summary;     /* one line, no full stop, no capital */
	const char *description; /* for -h: a paragraph or two, separated by empty lines; may be NULL */
	const char *args;        /* "<kind> [<slug>...]"; NULL: none */
	int min_args, max_args;  /* ANY_NUMBER: no limit */
	const struct mrp_opt *opts;
	size_t opts_size;
	const void *defaults;
	const struct mrp_cmd *const *subs; /* NULL-terminated; the first argument that names one chooses it */
	unsigned needs;
	/* The exit code, or -1 with err set: the dispatcher prints it once, and mrp_err_exit_code() of it is the exit
	 * code. MRP_EUSAGE adds a hint to -h. argv are the arguments without options. NULL when there are only subs. */
	int (*run)(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err);
	mrp_complete_fn *complete; /* arguments; may be NULL */
};

/* The struct that the options fill, and its defaults. */
/* clang-format off */
#define CMD_OPTS(type, ...) .opts_size = sizeof(type), .defaults = &(const type){ __VA_ARGS__ }
/* clang-format on */

/* All commands, NULL-terminated (main.c). */
extern const struct mrp_cmd *const mrp_commands[];

const struct mrp_cmd *cmd_find(const struct mrp_cmd *const *table, const char *name);

/* "usage: mrprober config get [<options>] <name>", description, options. `path` is the full name ("config get"). */
void cmd_usage(struct strbuf *out, const struct mrp_cmd *cmd, const char *path, size_t columns);
/* The list of commands for `mrprober help` and a bare `mrprober`. */
void cmd_overview(struct strbuf *out, size_t columns);

#endif
