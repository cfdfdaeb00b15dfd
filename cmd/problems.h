/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes in configs, shown. */
#ifndef MRP_CMD_PROBLEMS_H
#define MRP_CMD_PROBLEMS_H

#include "../lib/base/err.h"

/* Print each on stderr, a line each. -1 with MRP_EINVALID and their number when there are errors among them. */
int report_problems(const struct problems *problems, struct mrp_err *err);
/* {"format_version": 1, "error": {message, exit_code} or null, "problems": [...]} on stdout; err may be NULL. */
void print_problems_json(const struct problems *problems, const struct mrp_err *err);

#endif
