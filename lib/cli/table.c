/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "../base/text.h"

#define ELLIPSIS "\xe2\x80\xa6"

enum { GAP = 2, MIN_WIDTH = 8 };

void mrp_table_add_styled(struct mrp_table *table, enum mrp_style style, const char *text)
{
	struct strbuf visible = STRBUF_INIT;

	if (text)
		strbuf_add_visible(&visible, text, strlen(text));
	size_t width = utf8_columns(visible.buf, visible.len);
	mrp_cell_vec_push(&table->cells, (struct mrp_cell){ strbuf_detach(&visible, NULL), width, style });
}

void mrp_table_add(struct mrp_table *table, const char *text)
{
	mrp_table_add_styled(table, STYLE_PLAIN, text);
}

void mrp_table_addf(struct mrp_table *table, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cleanup(freep) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	mrp_table_add(table, text);
}

void mrp_table_headings(struct mrp_table *table, const char *const *words)
{
	for (size_t i = 0; i < table->columns; i++)
		mrp_table_add_styled(table, STYLE_BOLD, words[i]);
}

/* Take columns from the widest until all fit; none gets narrower than MIN_WIDTH by that. */
static void shrink(size_t *widths, size_t n, size_t max_width)
{
	size_t total = (n - 1) * GAP;

	for (size_t i = 0; i < n; i++)
		total += widths[i];
	while (total > max_width) {
		size_t widest = 0;

		for (size_t i = 1; i < n; i++) {
			if (widths[i] > widths[widest])
				widest = i;
		}
		if (widths[widest] <= MIN_WIDTH)
			return;
		widths[widest]--;
		total--;
	}
}

/* The text, cut to `width` columns; returns the columns that it takes. */
static size_t add_cut(struct strbuf *out, const struct mrp_cell *cell, size_t width)
{
	size_t len = 0, columns = 0, total = strlen(cell->text);

	if (cell->width <= width) {
		strbuf_addstr(out, cell->text);
		return cell->width;
	}
	while (len < total) {
		size_t step = MAX(utf8_sequence(cell->text + len, total - len), (size_t)1);
		size_t more = utf8_columns(cell->text + len, step);

		if (columns + more > width - 1)
			break;
		columns += more;
		len += step;
	}
	strbuf_add(out, cell->text, len);
	strbuf_addstr(out, ELLIPSIS);
	return columns + 1;
}

static void add_cell(struct strbuf *out, const struct mrp_cell *cell, size_t width, bool right, bool last, bool color)
{
	size_t used = MIN(cell->width, width);

	color = color && cell->style != STYLE_PLAIN;
	if (right)
		strbuf_addchars(out, ' ', width - used);
	strbuf_addstr(out, mrp_style(cell->style, color));
	used = add_cut(out, cell, width);
	strbuf_addstr(out, mrp_style(STYLE_PLAIN, color));
	if (!last)
		strbuf_addchars(out, ' ', (right ? 0 : width - used) + GAP);
}

/* True when nothing but empty cells follows: no spaces are left at the ends of lines. */
static bool rest_is_empty(const struct mrp_cell *cells, size_t from, size_t n)
{
	for (size_t i = from; i < n; i++) {
		if (cells[i].width)
			return false;
	}
	return true;
}

void mrp_table_format(struct strbuf *out, const struct mrp_table *table, size_t max_width, bool color)
{
	size_t n = table->columns, rows = table->cells.n / n;
	cleanup(freep) size_t *widths = xcalloc(n, sizeof(*widths));

	if (table->cells.n % n)
		BUG("a table of %zu columns has %zu cells", n, table->cells.n);
	for (size_t i = 0; i < table->cells.n; i++)
		widths[i % n] = MAX(widths[i % n], table->cells.v[i].width);
	if (max_width)
		shrink(widths, n, max_width);
	for (size_t row = 0; row < rows; row++) {
		const struct mrp_cell *cells = &table->cells.v[row * n];

		for (size_t i = 0; i < n; i++) {
			bool last = rest_is_empty(cells, i + 1, n);

			add_cell(out, &cells[i], widths[i], table->right >> i & 1, last, color);
			if (last)
				break;
		}
		strbuf_addch(out, '\n');
	}
}

void mrp_table_release(struct mrp_table *table)
{
	for (size_t i = 0; i < table->cells.n; i++)
		free(table->cells.v[i].text);
	mrp_cell_vec_clear(&table->cells);
}
