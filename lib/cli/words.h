/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text as words, with the quotes of a shell and nothing else of it. */
#ifndef MRP_CLI_WORDS_H
#define MRP_CLI_WORDS_H

#include "../base/err.h"

/* Append the words of `text`: separated by white space; '...' is literal, in "..." and outside a backslash takes the next
 * character as it is. MRP_EPARSE when a quote is not closed. */
int mrp_split_words(struct strvec *out, const char *text, struct mrp_err *err);

#endif
