/* SPDX-License-Identifier: Apache-2.0 */
/* Things of the API as text: a table, JSON, YAML or names. Everything is made in memory before any of it is printed. */
#ifndef MRP_CLIENT_PRINT_H
#define MRP_CLIENT_PRINT_H

#include "resource.h"

#define OUTPUT_WORDS "table|wide|json|yaml|name"
enum output_format { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME };

enum { PRINT_FORMAT_VERSION = 1 };

struct print_style {
	enum output_format format;
	size_t max_width; /* of a table; 0: no limit (wide tables have none) */
	bool color;
	int64_t now_ms;
};

/* A list: JSON and YAML are {format_version, items}. An empty table is nothing at all, not even headings. */
void print_list(struct strbuf *out, const struct print_style *style, const struct target *list, const struct value *items,
	struct arena *arena);
/* One thing: JSON and YAML are the thing as the API says it, with format_version before it. */
void print_one(struct strbuf *out, const struct print_style *style, const struct target *target, const struct value *item,
	struct arena *arena);

#endif
