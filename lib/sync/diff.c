/* SPDX-License-Identifier: Apache-2.0 */
/* The longest common subsequence by its table: quadratic, which is fine for what a person can read. */
#include "diff.h"

#include "../base/vec.h"

enum { LINES_MAX = 1000, CONTEXT = 2 };

struct line {
	const char *text;
	size_t len;
};

VEC_DEFINE(line_vec, struct line)

struct edit {
	char sign; /* ' ', '-', '+' */
	struct line line;
};

VEC_DEFINE(edit_vec, struct edit)

static bool split(struct line_vec *lines, const struct strbuf *text)
{
	const char *end = text->buf + text->len;

	if (memchr(text->buf, '\0', text->len))
		return false;
	for (const char *p = text->buf; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		struct line line = { p, (size_t)((newline ? newline : end) - p) };

		if (lines->n == LINES_MAX)
			return false;
		line_vec_push(lines, line);
		p = newline ? newline + 1 : end;
	}
	return true;
}

static bool equal(struct line a, struct line b)
{
	return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

static void push(struct edit_vec *edits, char sign, struct line line)
{
	struct edit edit = { sign, line };

	edit_vec_push(edits, edit);
}

/* lengths[i * (b->n + 1) + k]: of the longest common subsequence of a from i and b from k on */
static void compare(struct edit_vec *edits, const struct line_vec *a, const struct line_vec *b)
{
	size_t width = b->n + 1, i = 0, k = 0;
	cleanup(freep) uint16_t *lengths = xcalloc((a->n + 1) * width, sizeof(*lengths));

	for (size_t x = a->n; x-- > 0;) {
		for (size_t y = b->n; y-- > 0;) {
			uint16_t down = lengths[(x + 1) * width + y], right = lengths[x * width + y + 1];

			lengths[x * width + y] = equal(a->v[x], b->v[y]) ? (uint16_t)(lengths[(x + 1) * width + y + 1] + 1)
									 : MAX(down, right);
		}
	}
	while (i < a->n || k < b->n) {
		if (i < a->n && k < b->n && equal(a->v[i], b->v[k])) {
			push(edits, ' ', a->v[i++]);
			k++;
		} else if (i < a->n && (k == b->n || lengths[(i + 1) * width + k] >= lengths[i * width + k + 1])) {
			push(edits, '-', a->v[i++]);
		} else {
			push(edits, '+', b->v[k++]);
		}
	}
}

static bool near_change(const struct edit_vec *edits, size_t i)
{
	size_t from = i > CONTEXT ? i - CONTEXT : 0, to = MIN(i + CONTEXT + 1, edits->n);

	for (size_t k = from; k < to; k++) {
		if (edits->v[k].sign != ' ')
			return true;
	}
	return false;
}

static void add_line(struct strbuf *out, const struct edit *edit)
{
	strbuf_addf(out, "%c ", edit->sign);
	for (size_t i = 0, from = 0; i <= edit->line.len; i++) {
		if (i < edit->line.len && edit->line.text[i] != '\t')
			continue;
		strbuf_add_visible(out, edit->line.text + from, i - from);
		strbuf_addstr(out, i < edit->line.len ? "    " : "");
		from = i + 1;
	}
	strbuf_addch(out, '\n');
}

bool text_diff(struct strbuf *out, const struct strbuf *before, const struct strbuf *after, size_t max_lines)
{
	cleanup(line_vec_clear) struct line_vec a = VEC_INIT, b = VEC_INIT;
	cleanup(edit_vec_clear) struct edit_vec edits = VEC_INIT;
	size_t shown = 0, more = 0;
	bool gap = false;

	if (!split(&a, before) || !split(&b, after))
		return false;
	compare(&edits, &a, &b);
	for (size_t i = 0; i < edits.n; i++) {
		bool near = near_change(&edits, i);

		more += near && shown >= max_lines;
		if (near && shown < max_lines) {
			if (gap)
				strbuf_addstr(out, "...\n");
			add_line(out, &edits.v[i]);
			shown++;
		}
		gap = !near;
	}
	if (more)
		strbuf_addf(out, "and %zu more lines\n", more);
	return true;
}
