/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson forgets where things stood, so we walk the text and the tree side by side. The text is known to be valid, and
 * members keep their order, so there is nothing to decide on the way.
 */
#include "json_places.h"

struct walker {
	const char *at, *end, *line_start, *file;
	uint32_t line;
};

/* To the next character that says something. */
static void skip_to_token(struct walker *walker)
{
	for (; walker->at < walker->end && strchr(" \t\r\n,:", *walker->at); walker->at++) {
		if (*walker->at == '\n') {
			walker->line++;
			walker->line_start = walker->at + 1;
		}
	}
}

static void skip_string(struct walker *walker)
{
	for (walker->at++; walker->at < walker->end && *walker->at != '"'; walker->at++) {
		if (*walker->at == '\\')
			walker->at++;
	}
	walker->at++;
}

static void place(struct walker *walker, struct value *v)
{
	skip_to_token(walker);
	v->file = walker->file;
	v->line = walker->line;
	v->col = (uint32_t)(walker->at - walker->line_start) + 1;
	switch (v->type) {
	case V_OBJECT:
	case V_ARRAY:
		walker->at++;
		for (uint32_t i = 0; i < v->n; i++) {
			skip_to_token(walker);
			if (v->type == V_OBJECT) {
				v->members[i].line = walker->line;
				v->members[i].col = (uint32_t)(walker->at - walker->line_start) + 1;
				skip_string(walker);
			}
			place(walker, v->type == V_OBJECT ? v->members[i].value : v->items[i]);
		}
		skip_to_token(walker);
		walker->at++;
		return;
	case V_STRING:
		skip_string(walker);
		return;
	default:
		while (walker->at < walker->end && !strchr(" \t\r\n,:]}", *walker->at))
			walker->at++;
		return;
	}
}

struct value *json_parse_placed(
	struct arena *arena, const char *text, size_t len, const char *file, struct mrp_err *err)
{
	struct value *v = json_parse(arena, text, len, file, err);
	struct walker walker = { text, text + len, text, file, 1 };

	if (v)
		place(&walker, v);
	return v;
}
