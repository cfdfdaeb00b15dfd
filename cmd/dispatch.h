/* SPDX-License-Identifier: Apache-2.0 */
/* Running one command's row, and finding commands that have no row. */
#ifndef MRP_CMD_DISPATCH_H
#define MRP_CMD_DISPATCH_H

#include "cmd.h"

/* Parse the options of `cmd` (argv without its name), run it or one of its subs. Returns the exit code. */
int dispatch(struct mrp_ctx *ctx, const struct mrp_cmd *cmd, int argc, char **argv);

/* Print "mrprober: ...", with a hint to -h of the command that runs for usage errors; clears err; the exit code. */
int report_error(const struct mrp_ctx *ctx, struct mrp_err *err);

/* Print and drop the warnings that settings have collected. */
void report_warnings(struct mrp_ctx *ctx);

/* Push out what was printed so far. What went wrong is remembered for check_stdout, as fflush(3) tells it only once. */
void flush_stdout(void);

/* `code`, or 1 (of a plugin 3) with a message when what was printed could not be written to stdout (a full disk). Closes
 * stdout. `ctx` may have been released. */
int check_stdout(const struct mrp_ctx *ctx, int code);

/* Replace the process by mrprober-<name> of PATH; returns only when there is none, or (err set) it cannot be run. */
int run_external(struct mrp_ctx *ctx, const char *name, char **argv, struct mrp_err *err);

/* "'foo' is not a mrprober command; did you mean 'bar'?" */
int unknown_command(const struct mrp_ctx *ctx, const char *name, struct mrp_err *err);

/* Usage and overview on stdout are this wide. */
size_t help_columns(int fd);

#endif
