/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the person at the terminal. */
#ifndef MRP_CLI_PROMPT_H
#define MRP_CLI_PROMPT_H

#include "../base/err.h"

/* True when standard input and standard error are terminals, so that a question can be seen and answered. */
bool mrp_can_prompt(void);

/* Ask on standard error, read a line from standard input; "y" and "yes" are yes, everything else (the end of input too)
 * is no. Without a terminal MRP_EUSAGE, which names the `flag` to pass instead. MRP_EINTERRUPTED after
 * Ctrl-C, which is caught from here on (lib/base/interrupt.h). Blocks. */
int mrp_prompt_yes_no(bool *yes, const char *question, const char *flag, struct mrp_err *err);

#endif
