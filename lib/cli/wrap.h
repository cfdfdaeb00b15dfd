/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people, broken into lines between words. */
#ifndef MRP_CLI_WRAP_H
#define MRP_CLI_WRAP_H

#include "../base/strbuf.h"

/* Stands for a space at which no line is broken. */
#define MRP_NBSP '\1'

/* Add words of `text`; lines are at most `columns` wide where words allow it, and those after the first start with
 * `indent` spaces. `column` is where the cursor stands now. Ends with a newline. */
void mrp_wrap(struct strbuf *out, const char *text, size_t column, size_t indent, size_t columns);
/* Paragraphs separated by empty lines. */
void mrp_wrap_paragraphs(struct strbuf *out, const char *text, size_t columns);
/* "  term      help": help starts at help_column, on a line of its own when the term is too long. */
void mrp_wrap_entry(
	struct strbuf *out, const char *term, const char *help, size_t indent, size_t help_column, size_t columns);

#endif
