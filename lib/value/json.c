/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>

enum { MAX_DEPTH = 64 };

static struct value *from_jansson(struct arena *arena, const json_t *json, int depth)
{
	struct value *v;
	const char *key;
	size_t i;
	json_t *item;

	if (depth > MAX_DEPTH)
		return NULL;
	switch (json_typeof(json)) {
	case JSON_NULL:
		return value_null(arena);
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(arena, json_is_true(json));
	case JSON_INTEGER:
		return value_int(arena, json_integer_value(json));
	case JSON_REAL:
		return value_real(arena, json_real_value(json));
	case JSON_STRING:
		return value_string_n(arena, json_string_value(json), json_string_length(json));
	case JSON_ARRAY:
		v = value_array(arena);
		json_array_foreach(json, i, item)
		{
			struct value *child = from_jansson(arena, item, depth + 1);

			if (!child)
				return NULL;
			value_push(arena, v, child);
		}
		return v;
	case JSON_OBJECT:
		v = value_object(arena);
		json_object_foreach((json_t *)json, key, item)
		{
			struct value *child = from_jansson(arena, item, depth + 1);

			if (!child)
				return NULL;
			value_append(arena, v, arena_strdup(arena, key), child);
		}
		return v;
	}
	BUG("jansson type %d", (int)json_typeof(json));
}

static struct value *parse(
	struct arena *arena, const char *text, size_t len, const char *name, bool exact, struct mrp_err *err)
{
	const char *nul = memchr(text, '\0', len);
	json_error_t error;

	/* jansson passes over one that follows a number */
	if (nul) {
		mrp_err_set(err, MRP_EPARSE, "%s is not valid JSON: byte %zu is NUL", name, (size_t)(nul - text) + 1);
		return NULL;
	}
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	/* a whole number beyond int64 is a number all the same */
	if (!json && !exact && json_error_code(&error) == json_error_numeric_overflow)
		json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
	if (!json) {
		char *advice =
			strstr(error.text, " without JSON_ALLOW_NUL"); /* for who writes the program, not the text */

		if (advice)
			*advice = '\0';
		mrp_err_set(err, MRP_EPARSE, "%s is not valid JSON: line %d, column %d: %s", name, error.line,
			error.column, json_error_code(&error) == json_error_stack_overflow ? "nested too deep" : error.text);
		return NULL;
	}
	struct value *v = from_jansson(arena, json, 1);
	json_decref(json);
	if (!v)
		mrp_err_set(err, MRP_EPARSE, "%s is nested deeper than %d levels", name, (int)MAX_DEPTH);
	return v;
}

struct value *json_parse(struct arena *arena, const char *text, size_t len, const char *name, struct mrp_err *err)
{
	return parse(arena, text, len, name, false, err);
}

struct value *json_parse_exact(struct arena *arena, const char *text, size_t len, const char *name, struct mrp_err *err)
{
	return parse(arena, text, len, name, true, err);
}

void json_add_number(struct strbuf *out, double r)
{
	char text[40];

	if (r >= -0x1p63 && r < 0x1p63 && (double)(int64_t)r == r) {
		strbuf_addf(out, "%" PRId64, (int64_t)r);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, r);
		if (strtod(text, NULL) == r)
			break;
	}
	strbuf_addstr(out, text);
}

void json_add_string(struct strbuf *out, const char *s, size_t len)
{
	size_t plain = 0; /* start of what needs no escape and is not yet added */

	strbuf_grow(out, len + 2);
	strbuf_addch(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		strbuf_add(out, s + plain, i - plain);
		plain = i + 1;
		static const char shorts[] = "btnvfr"; /* \b is 8 */
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c >= 8 && c <= 13 && c != 11)
			strbuf_addf(out, "\\%c", shorts[c - 8]);
		else
			strbuf_addf(out, "\\u%04x", c);
	}
	strbuf_add(out, s + plain, len - plain);
	strbuf_addch(out, '"');
}

struct style {
	bool sorted;
	bool pretty;
};

static void newline(struct strbuf *out, const struct style *style, int depth)
{
	if (!style->pretty)
		return;
	strbuf_addch(out, '\n');
	strbuf_addchars(out, ' ', (size_t)depth * 2);
}

static int compare_member_pointers(const void *a, const void *b)
{
	return strcmp((*(const struct member *const *)a)->key, (*(const struct member *const *)b)->key);
}

static void add_value(struct strbuf *out, const struct value *v, const struct style *style, int depth);

static void add_object(struct strbuf *out, const struct value *v, const struct style *style, int depth)
{
	const struct member *few[32], **order = few;

	if (v->n > ARRAY_SIZE(few))
		order = xmalloc(v->n * sizeof(*order));
	for (uint32_t i = 0; i < v->n; i++)
		order[i] = &v->members[i];
	if (style->sorted && !(v->flags & VF_SORTED) && v->n > 1)
		qsort(order, v->n, sizeof(*order), compare_member_pointers);
	strbuf_addch(out, '{');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			strbuf_addch(out, ',');
		newline(out, style, depth + 1);
		json_add_string(out, order[i]->key, strlen(order[i]->key));
		strbuf_add(out, ": ", style->pretty ? 2 : 1);
		add_value(out, order[i]->value, style, depth + 1);
	}
	if (v->n)
		newline(out, style, depth);
	strbuf_addch(out, '}');
	if (order != few)
		free(order);
}

static void add_array(struct strbuf *out, const struct value *v, const struct style *style, int depth)
{
	strbuf_addch(out, '[');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			strbuf_addch(out, ',');
		newline(out, style, depth + 1);
		add_value(out, v->items[i], style, depth + 1);
	}
	if (v->n)
		newline(out, style, depth);
	strbuf_addch(out, ']');
}

static void add_value(struct strbuf *out, const struct value *v, const struct style *style, int depth)
{
	switch (v->type) {
	case V_NULL:
		strbuf_addstr(out, "null");
		return;
	case V_BOOL:
		strbuf_addstr(out, v->b ? "true" : "false");
		return;
	case V_INT:
		strbuf_addf(out, "%" PRId64, v->i);
		return;
	case V_REAL:
		json_add_number(out, v->r);
		return;
	case V_STRING:
		json_add_string(out, v->s, v->n);
		return;
	case V_ARRAY:
		add_array(out, v, style, depth);
		return;
	case V_OBJECT:
		add_object(out, v, style, depth);
		return;
	}
	BUG("value of type %d", v->type);
}

void json_canonical(struct strbuf *out, const struct value *v)
{
	add_value(out, v, &(struct style){ .sorted = true }, 0);
}

void json_compact(struct strbuf *out, const struct value *v)
{
	add_value(out, v, &(struct style){ 0 }, 0);
}

void json_pretty(struct strbuf *out, const struct value *v)
{
	add_value(out, v, &(struct style){ .pretty = true }, 0);
	strbuf_addch(out, '\n');
}
