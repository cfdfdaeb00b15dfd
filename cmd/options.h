/* SPDX-License-Identifier: Apache-2.0 */
/* The option tables of the program itself. */
#ifndef MRP_CMD_OPTIONS_H
#define MRP_CMD_OPTIONS_H

#include "../lib/cli/opts.h"

extern const struct mrp_opt global_opts[]; /* before the command */
extern const struct mrp_opt common_opts[]; /* after it, too; a command's own option of the same name goes first */

enum { MAX_COMMON_OPTS = 16 };

/* The common options that `own` (may be NULL) does not hide, OPT_END after them. */
void common_opts_beside(struct mrp_opt out[MAX_COMMON_OPTS], const struct mrp_opt *own);

#endif
