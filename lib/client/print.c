/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include "../cli/table.h"
#include "../value/json.h"
#include "../value/yaml_write.h"

enum { COLUMNS_MAX = 32 };

/* The columns that this style shows; returns their number. */
static size_t choose_columns(
	const struct resource_column **chosen, const struct resource_column *columns, enum output_format format)
{
	size_t n = 0;

	for (; columns->heading && n < COLUMNS_MAX; columns++) {
		if (!columns->wide || format == OUTPUT_WIDE)
			chosen[n++] = columns;
	}
	return n;
}

static void print_table(
	struct strbuf *out, const struct print_style *style, const struct resource *resource, const struct value *items)
{
	const struct resource_column *chosen[COLUMNS_MAX];
	size_t n = choose_columns(chosen, resource->columns, style->format);
	cleanup(mrp_table_release) struct mrp_table table = MRP_TABLE_INIT(n);
	cleanup(strbuf_release) struct strbuf cell = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		mrp_table_add_styled(&table, STYLE_BOLD, chosen[i]->heading);
		table.right |= (uint64_t)chosen[i]->right << i;
	}
	value_for_each(item, items) {
		for (size_t i = 0; i < n; i++) {
			strbuf_reset(&cell);
			chosen[i]->cell(&cell, item, style->now_ms);
			mrp_table_add(&table, cell.len ? cell.buf : "-");
		}
	}
	mrp_table_format(out, &table, style->format == OUTPUT_WIDE ? 0 : style->max_width, style->color);
}

void print_list(struct strbuf *out, const struct print_style *style, const struct target *list, const struct value *items,
	struct arena *arena)
{
	struct value *document;

	switch (style->format) {
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		if (items->n)
			print_table(out, style, list->resource, items);
		return;
	case OUTPUT_NAME:
		value_for_each(item, items) {
			resource_item_name(out, list, item);
			strbuf_addch(out, '\n');
		}
		return;
	case OUTPUT_JSON:
	case OUTPUT_YAML:
		document = value_object(arena);
		value_append(arena, document, "format_version", value_int(arena, PRINT_FORMAT_VERSION));
		value_append(arena, document, "items", (struct value *)items);
		(style->format == OUTPUT_JSON ? json_pretty : value_to_yaml)(out, document);
		return;
	}
	BUG("output format %d", (int)style->format);
}

/* What the API says, and the version of this format before it. */
static struct value *with_version(struct arena *arena, const struct value *item)
{
	struct value *document = value_object(arena);

	value_append(arena, document, "format_version", value_int(arena, PRINT_FORMAT_VERSION));
	for (uint32_t i = 0; item->type == V_OBJECT && i < item->n; i++)
		value_append(arena, document, item->members[i].key, item->members[i].value);
	return document;
}

void print_one(struct strbuf *out, const struct print_style *style, const struct target *target, const struct value *item,
	struct arena *arena)
{
	struct value *items;

	switch (style->format) {
	case OUTPUT_TABLE:
	case OUTPUT_WIDE:
		items = value_array(arena);
		value_push(arena, items, (struct value *)item);
		print_table(out, style, target->resource, items);
		return;
	case OUTPUT_NAME:
		target_name(out, target);
		strbuf_addch(out, '\n');
		return;
	case OUTPUT_JSON:
		json_pretty(out, with_version(arena, item));
		return;
	case OUTPUT_YAML:
		value_to_yaml(out, with_version(arena, item));
		return;
	}
	BUG("output format %d", (int)style->format);
}
