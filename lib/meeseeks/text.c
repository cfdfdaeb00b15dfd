/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include "../base/text.h"
#include "../value/json.h"
#include "../value/yaml.h"

static bool yaml_line(const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	if (len && *line == '-')
		return len == 1 || line[1] == ' ' || line[1] == '-';
	return colon && (colon + 1 == line + len || colon[1] == ' ');
}

enum form { FORM_JSON, FORM_YAML, FORM_LINES };

/* By the first line that says something. */
static enum form form_of(const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *next = newline ? newline : end;

		while (text < next && strchr(" \t\r", *text))
			text++;
		if (text < next && *text != '#') {
			if (*text == '[' || *text == '{')
				return FORM_JSON;
			return yaml_line(text, (size_t)(next - text)) ? FORM_YAML : FORM_LINES;
		}
		text = next + (newline != NULL);
	}
	return FORM_LINES;
}

static struct value *from_yaml(struct arena *arena, const char *text, size_t len, const char *name, struct mrp_err *err)
{
	struct problems problems = PROBLEMS_INIT;
	struct value *v = value_from_yaml(arena, text, len, name, 0, &problems);

	if (problems.errors) {
		cleanup(strbuf_release) struct strbuf first = STRBUF_INIT;

		problems_sort(&problems);
		problems_format_first(&first, &problems);
		mrp_err_set(err, MRP_EPARSE, "%s", first.buf);
		v = NULL;
	}
	problems_clear(&problems);
	return v;
}

static struct value *from_lines(struct arena *arena, const char *text, size_t len)
{
	struct value *list = value_array(arena);
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text)), *next = newline ? newline : end;
		const char *hash = memchr(text, '#', (size_t)(next - text)), *stop = hash ? hash : next;

		while (text < stop && strchr(" \t\r", *text))
			text++;
		while (stop > text && strchr(" \t\r", stop[-1]))
			stop--;
		if (stop > text)
			value_push(arena, list, value_string_n(arena, text, (size_t)(stop - text)));
		text = next + (newline != NULL);
	}
	return list;
}

int text_read(struct reading *reading, const char *text, size_t len, const char *name, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	enum form form = form_of(text, len);
	struct value *v;

	if (memchr(text, '\0', len) || !utf8_valid(text, len))
		return mrp_err_set(err, MRP_EPARSE, "%s is no text in UTF-8", name);
	if (form == FORM_JSON)
		v = json_parse(&arena, text, len, name, err);
	else
		v = form == FORM_YAML ? from_yaml(&arena, text, len, name, err) : from_lines(&arena, text, len);
	if (!v)
		return -1;
	/* the place is one in an object; a list is the list itself */
	int result = v->type == V_ARRAY ? reading_add_list(reading, v, err) : reading_add_page(reading, v, err);
	return result < 0 ? mrp_err_wrap(err, "%s", name) : 0;
}
