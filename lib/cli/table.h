/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text in aligned columns, for people. Cells are made visible (no control characters). */
#ifndef MRP_CLI_TABLE_H
#define MRP_CLI_TABLE_H

#include "../base/vec.h"
#include "term.h"

struct mrp_cell {
	char *text; /* owned */
	size_t width;
	enum mrp_style style;
};

VEC_DEFINE(mrp_cell_vec, struct mrp_cell)

struct mrp_table {
	size_t columns;
	uint64_t right; /* bits of the columns that are aligned to the right (numbers) */
	struct mrp_cell_vec cells;
};

#define MRP_TABLE_INIT(n_columns)      \
	{                              \
		.columns = (n_columns) \
	}

/* The next cell, row by row. NULL is an empty one. */
void mrp_table_add(struct mrp_table *table, const char *text);
void mrp_table_add_styled(struct mrp_table *table, enum mrp_style style, const char *text);
void mrp_table_addf(struct mrp_table *table, const char *fmt, ...) PRINTF(2, 3);
/* A row of headings: as many words as there are columns, in bold. */
void mrp_table_headings(struct mrp_table *table, const char *const *words);
/* Lines of text. When they are wider than max_width (0: no limit), the widest columns are cut and end in an ellipsis.
 */
void mrp_table_format(struct strbuf *out, const struct mrp_table *table, size_t max_width, bool color);
void mrp_table_release(struct mrp_table *table);

#endif
