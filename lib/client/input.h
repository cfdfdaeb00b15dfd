/* SPDX-License-Identifier: Apache-2.0 */
/* What a user gives: documents in YAML or JSON, values of variables, single assignments. */
#ifndef MRP_CLIENT_INPUT_H
#define MRP_CLIENT_INPUT_H

#include "../value/value.h"

enum { INPUT_MAX_BYTES = 64 << 20 };

/* The whole of a file, or of standard input for "-". */
int input_read(struct strbuf *out, const char *path, struct mrp_err *err);
/* A document in YAML or JSON (text that begins with '{' or '[' is JSON); MRP_EPARSE with the place of the first mistake. */
struct value *input_document(struct arena *arena, const char *path, struct mrp_err *err);
/* A value: JSON when `text` is JSON, else the text itself. With `as_text` it is never JSON. */
struct value *input_value(struct arena *arena, const char *text, size_t len, bool as_text);
/* Put "deploy.interval=10m" into a merge patch: the right side as by input_value, `null` removes, "\." is a dot within a
 * name. MRP_EUSAGE when it is no assignment or does not fit what is there. */
int input_assign(
	struct arena *arena, struct value *patch, const char *assignment, bool as_text, struct mrp_err *err);

#endif
