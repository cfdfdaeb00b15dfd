/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text (RFC 8259) to values by jansson, and values to JSON text: canonical, compact or for people. */
#ifndef MRP_VALUE_JSON_H
#define MRP_VALUE_JSON_H

#include "value.h"

/* Parse one JSON text of any type. Duplicate keys, NUL in strings, invalid UTF-8, numbers beyond a double, trailing text
 * and nesting over 64 levels are MRP_EPARSE; the message says line and column. `name` is what the text is, for messages.
 * Returns NULL on error. */
struct value *json_parse(struct arena *arena, const char *text, size_t len, const char *name, struct mrp_err *err);
/* The same, but a whole number beyond int64 is an error, too, instead of being rounded to a double. */
struct value *json_parse_exact(struct arena *arena, const char *text, size_t len, const char *name, struct mrp_err *err);

/* Sorted keys, no white space, integers plain, other numbers in the shortest form that reads back equal, strings with
 * only '"', '\' and control characters escaped: equal values give equal bytes. */
void json_canonical(struct strbuf *out, const struct value *v);
/* Members in their order, no white space. */
void json_compact(struct strbuf *out, const struct value *v);
/* Members in their order, two spaces of indentation, a newline at the end. */
void json_pretty(struct strbuf *out, const struct value *v);

/* A quoted JSON string. */
void json_add_string(struct strbuf *out, const char *s, size_t len);
void json_add_number(struct strbuf *out, double r);

#endif
