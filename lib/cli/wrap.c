/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap.h"

#include "../base/text.h"

static void wrap_n(struct strbuf *out, const char *text, const char *end, size_t column, size_t indent, size_t columns)
{
	bool first = true;

	while (text < end) {
		while (text < end && *text == ' ')
			text++;
		size_t len = 0;
		while (text + len < end && text[len] != ' ')
			len++;
		if (!len)
			break;
		size_t width = utf8_columns(text, len);
		if (!first && column + 1 + width > columns) {
			strbuf_addch(out, '\n');
			strbuf_addchars(out, ' ', indent);
			column = indent;
		} else if (!first) {
			strbuf_addch(out, ' ');
			column++;
		}
		for (size_t i = 0; i < len; i++)
			strbuf_addch(out, text[i] == MRP_NBSP ? ' ' : text[i]);
		column += width;
		text += len;
		first = false;
	}
	strbuf_addch(out, '\n');
}

void mrp_wrap(struct strbuf *out, const char *text, size_t column, size_t indent, size_t columns)
{
	wrap_n(out, text, text + strlen(text), column, indent, columns);
}

void mrp_wrap_paragraphs(struct strbuf *out, const char *text, size_t columns)
{
	for (;;) {
		const char *end = strstr(text, "\n\n");

		wrap_n(out, text, end ? end : text + strlen(text), 0, 0, columns);
		if (!end)
			return;
		strbuf_addch(out, '\n');
		text = end + 2;
	}
}

void mrp_wrap_entry(
	struct strbuf *out, const char *term, const char *help, size_t indent, size_t help_column, size_t columns)
{
	size_t width = indent + utf8_columns(term, strlen(term));

	strbuf_addchars(out, ' ', indent);
	strbuf_addstr(out, term);
	if (!help || !*help) {
		strbuf_addch(out, '\n');
		return;
	}
	if (width + 2 > help_column) {
		strbuf_addch(out, '\n');
		strbuf_addchars(out, ' ', help_column);
	} else {
		strbuf_addchars(out, ' ', help_column - width);
	}
	mrp_wrap(out, help, help_column, help_column, columns);
}
