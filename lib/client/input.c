/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include "../base/file.h"
#include "../base/text.h"
#include "../value/json.h"
#include "../value/yaml.h"

#include <unistd.h>

int input_read(struct strbuf *out, const char *path, struct mrp_err *err)
{
	if (streq(path, "-"))
		return read_fd(out, STDIN_FILENO, INPUT_MAX_BYTES, "standard input", err);
	return read_file(out, path, INPUT_MAX_BYTES, err);
}

static struct value *from_yaml(struct arena *arena, const struct strbuf *text, const char *name, struct mrp_err *err)
{
	struct problems problems = PROBLEMS_INIT;
	/* values borrow the file's name for as long as they live */
	struct value *v = value_from_yaml(arena, text->buf, text->len, arena_strdup(arena, name), 0, &problems);

	problems_sort(&problems);
	for (size_t i = 0; i < problems.list.n; i++) {
		const struct problem *problem = &problems.list.v[i];

		if (problem->warning)
			continue;
		mrp_err_at(err, MRP_EPARSE, problem->loc, "%s%s", problem->msg,
			problems.errors > 1 ? " (and more mistakes after it)" : "");
		v = NULL;
		break;
	}
	problems_clear(&problems);
	return v;
}

struct value *input_document(struct arena *arena, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *name = streq(path, "-") ? "standard input" : path;
	size_t start;

	if (input_read(&text, path, err) < 0)
		return NULL;
	start = strspn(text.buf, " \t\r\n");
	if (text.buf[start] == '{' || text.buf[start] == '[')
		return json_parse(arena, text.buf, text.len, name, err);
	return from_yaml(arena, &text, name, err);
}

struct value *input_value(struct arena *arena, const char *text, size_t len, bool as_text)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	struct value *v = as_text ? NULL : json_parse_exact(arena, text, len, "value", &ignored);

	mrp_err_clear(&ignored);
	return v ? v : value_string_n(arena, text, len);
}

/* The next name of "a.b\.c", ended by '.' or the end; *path goes behind it. */
static const char *next_name(struct arena *arena, const char **path)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
	const char *p = *path;

	for (; *p && *p != '.'; p++) {
		if (p[0] == '\\' && (p[1] == '.' || p[1] == '\\'))
			p++;
		strbuf_addch(&name, *p);
	}
	*path = *p ? p + 1 : p;
	return arena_strndup(arena, name.buf, name.len);
}

int input_assign(
	struct arena *arena, struct value *patch, const char *assignment, bool as_text, struct mrp_err *err)
{
	const char *equals = strchr(assignment, '='), *path;
	struct value *object = patch, *v;

	if (!equals || equals == assignment || assignment[0] == '.' || equals[-1] == '.')
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is no assignment (like deploy.interval=10m)", assignment);
	path = arena_strndup(arena, assignment, (size_t)(equals - assignment));
	if (!utf8_valid(equals + 1, strlen(equals + 1)))
		return mrp_err_set(err, MRP_EUSAGE, "the value of '%s' is not UTF-8", path);
	v = input_value(arena, equals + 1, strlen(equals + 1), as_text);
	for (;;) {
		const char *name = next_name(arena, &path);
		struct value *inner;

		if (!*name)
			return mrp_err_set(err, MRP_EUSAGE, "'%s' has an empty name", assignment);
		if (!*path) {
			value_set(arena, object, name, v);
			return 0;
		}
		inner = value_get(object, name);
		if (inner && inner->type != V_OBJECT)
			return mrp_err_set(err, MRP_EUSAGE, "'%s' sets a part of '%s', which is set as a whole too", assignment,
				name);
		if (!inner) {
			inner = value_object(arena);
			value_set(arena, object, name, inner);
		}
		object = inner;
	}
}
