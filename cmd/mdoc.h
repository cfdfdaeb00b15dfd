/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and fields as mdoc(7), for the generated parts of manual pages. */
#ifndef MRP_CMD_MDOC_H
#define MRP_CMD_MDOC_H

#include "../lib/model/schema.h"
#include "cmd.h"

/* Text lines: what roff would take for a request or an escape is made plain. */
void mdoc_add_text(struct strbuf *out, const char *text);
/* The same, as a sentence: with a capital and a full stop. */
void mdoc_add_sentence(struct strbuf *out, const char *text);
/* SYNOPSIS lines of a command and its subs; "" is the program itself. */
void mdoc_add_synopsis(struct strbuf *out, const struct mrp_cmd *cmd, const char *path);
/* A list of options; nothing when there are none to show. */
void mdoc_add_options(struct strbuf *out, const struct mrp_opt *opts);
/* A section for each sub: usage, what it does, its options. */
void mdoc_add_subs(struct strbuf *out, const struct mrp_cmd *cmd, const char *path);
/* A list of commands with their summaries, as references to pages. */
void mdoc_add_commands(struct strbuf *out, const struct mrp_cmd *const *table);
/* A list of fields that may stand in a config: dotted names, type, help. */
void mdoc_add_fields(struct strbuf *out, const struct field *fields);

/* A list of the agent's metrics. */
void mdoc_add_metrics(struct strbuf *out);

#endif
