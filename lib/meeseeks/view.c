/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include "../base/text.h"
#include "path.h"

struct column {
	char *key;
	const char *path;
	bool is_name, is_state;
};

VEC_DEFINE(column_vec, struct column)

struct view {
	const struct node_mapping *mapping;
	const struct places *places;
	const char *name, *zone, *state, *labels; /* paths */
	struct column_vec columns;                /* none: only names */
	struct strvec texts;                      /* what paths of columns point to */
};

/* Where a field lies: as the mapping says, as the source says, or the field is a path itself. */
static const char *place_of(const struct view *view, const char *field)
{
	const struct {
		const char *field, *path;
	} known[] = { { "name", view->places->name }, { "zone", view->places->zone }, { "state", view->places->state },
		{ "address", view->places->address }, { "labels", view->places->labels } };
	const char *path;

	for (size_t i = 0; i < view->mapping->fields.n; i++) {
		if (skip_prefix(view->mapping->fields.v[i], field, &path) && *path == '=')
			return path + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t len = strlen(known[i].field);

		if (streq(field, known[i].field))
			return known[i].path;
		/* "labels.rack": a place within a field */
		if (strncmp(field, known[i].field, len) == 0 && field[len] == '.')
			return NULL;
	}
	return field;
}

static char *trimmed(const char *text, size_t len)
{
	while (len && strchr(" \t\n", text[len - 1]))
		len--;
	while (len && strchr(" \t\n", *text)) {
		text++;
		len--;
	}
	return xstrndup(text, len);
}

static int bad_template(const char *text, const char *why, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EUSAGE, "template '%s': %s (like name, {name, zone} or {host: name})", text, why);
}

/* "labels.rack" -> the place of labels, and ".rack" */
static const char *place_within(struct view *view, const char *field)
{
	const char *path = place_of(view, field), *dot = strchr(field, '.');

	if (path || !dot)
		return path;
	cleanup(freep) char *first = xstrndup(field, (size_t)(dot - field));
	strvec_pushf(&view->texts, "%s%s", place_of(view, first), dot);
	return view->texts.v[view->texts.n - 1];
}

static int add_column(struct view *view, const char *text, size_t len, struct mrp_err *err)
{
	const char *template = view->mapping->template, *colon = memchr(text, ':', len);
	size_t key_len = colon ? (size_t)(colon - text) : len;
	cleanup(freep) char *key = trimmed(text, key_len);
	char *field = colon ? trimmed(colon + 1, len - key_len - 1) : xstrdup(key);

	strvec_push_nodup(&view->texts, field);
	if (!valid_identifier(key, strlen(key)))
		return bad_template(
			template, colon ? "a key is no name" : "a field that is no name needs a key before it", err);
	for (size_t i = 0; i < view->columns.n; i++) {
		if (streq(view->columns.v[i].key, key))
			return bad_template(template, "a key is there twice", err);
	}
	const struct column column = {
		.path = place_within(view, field), .is_name = streq(field, "name"), .is_state = streq(field, "state")
	};
	if (!*column.path || path_check(column.path, err) < 0)
		return bad_template(template, "a field is no path", err);
	column_vec_push(&view->columns, column)->key = steal(&key);
	return 0;
}

static int read_template(struct view *view, struct mrp_err *err)
{
	const char *template = view->mapping->template;
	cleanup(freep) char *text = trimmed(template ? template : "name", strlen(template ? template : "name"));
	size_t len = strlen(text);

	if (streq(text, "name"))
		return 0;
	if (*text != '{' || text[len - 1] != '}' || len < 3)
		return bad_template(template, "it is neither name nor a list of fields in braces", err);
	text[len - 1] = '\0';
	for (const char *p = text + 1;; p++) {
		size_t n = strcspn(p, ",");

		if (add_column(view, p, n, err) < 0)
			return -1;
		p += n;
		if (!*p)
			break;
	}
	return view_name_key(view) ? 0 : bad_template(template, "the name is not in it", err);
}

static int check_fields(const struct view *view, struct mrp_err *err)
{
	const struct strvec *fields = &view->mapping->fields, *labels = &view->mapping->labels;

	for (size_t i = 0; i < fields->n; i++) {
		const char *equals = strchr(fields->v[i], '=');

		if (!equals || !equals[1] || !valid_identifier(fields->v[i], (size_t)(equals - fields->v[i])))
			return mrp_err_set(err, MRP_EUSAGE, "field '%s' is not FIELD=PATH (like zone=location.zone)",
				fields->v[i]);
		if (path_check(equals + 1, err) < 0) {
			err->code = MRP_EUSAGE;
			return mrp_err_wrap(err, "field '%s'", fields->v[i]);
		}
	}
	for (size_t i = 0; i < labels->n; i++) {
		size_t key = strcspn(labels->v[i], "!=");

		if (key == 0 || (labels->v[i][key] == '!' && labels->v[i][key + 1] != '='))
			return mrp_err_set(
				err, MRP_EUSAGE, "label '%s' is not KEY=VALUE, KEY!=VALUE or KEY", labels->v[i]);
	}
	return 0;
}

struct view *view_new(const struct node_mapping *mapping, const struct places *places, struct mrp_err *err)
{
	struct view *view = xcalloc(1, sizeof(*view));

	view->mapping = mapping;
	view->places = places;
	strvec_init(&view->texts);
	view->name = place_of(view, "name");
	view->zone = place_of(view, "zone");
	view->state = place_of(view, "state");
	view->labels = place_of(view, "labels");
	if (check_fields(view, err) < 0 || read_template(view, err) < 0) {
		view_free(view);
		return NULL;
	}
	if (path_check(view_list(view), err) < 0) {
		err->code = MRP_EUSAGE;
		mrp_err_wrap(err, "the list's place");
		view_free(view);
		return NULL;
	}
	return view;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->columns.n; i++)
		free(view->columns.v[i].key);
	column_vec_clear(&view->columns);
	strvec_clear(&view->texts);
	free(view);
}

const char *view_list(const struct view *view)
{
	return view->mapping->list_path ? view->mapping->list_path : view->places->list;
}

const char *view_name_key(const struct view *view)
{
	for (size_t i = 0; i < view->columns.n; i++) {
		if (view->columns.v[i].is_name)
			return view->columns.v[i].key;
	}
	return NULL;
}

static const char *text_at(struct value *item, const char *path)
{
	const struct value *v = path_get(item, path);

	return v && v->type == V_STRING ? v->s : NULL;
}

static bool any_glob(const struct strvec *globs, const char *text)
{
	for (size_t i = 0; text && i < globs->n; i++) {
		if (glob_match(globs->v[i], text))
			return true;
	}
	return globs->n == 0;
}

/* "KEY=GLOB", "KEY!=GLOB", "KEY" */
static bool label_holds(const struct value *labels, const char *wish)
{
	size_t len = strcspn(wish, "!=");
	bool negated = wish[len] == '!';
	cleanup(freep) char *key = xstrndup(wish, len);
	const struct value *v = labels && labels->type == V_OBJECT ? value_get(labels, key) : NULL;

	if (!wish[len])
		return v;
	return (v && v->type == V_STRING && glob_match(wish + len + negated + 1, v->s)) != negated;
}

static const char *state_of(const struct view *view, struct value *item)
{
	const char *state = text_at(item, view->state);

	return state && view->places->state_word ? view->places->state_word(state) : state;
}

static bool wanted(const struct view *view, struct value *item)
{
	const struct node_mapping *mapping = view->mapping;

	if (!any_glob(&mapping->zones, mapping->zones.n ? text_at(item, view->zone) : NULL) ||
		!any_glob(&mapping->states, mapping->states.n ? state_of(view, item) : NULL))
		return false;
	const struct value *labels = mapping->labels.n ? path_get(item, view->labels) : NULL;
	for (size_t i = 0; i < mapping->labels.n; i++) {
		if (!label_holds(labels, mapping->labels.v[i]))
			return false;
	}
	return true;
}

/* What is not there is null, so that all objects of a list have the same members. */
static struct value *column_value(
	const struct view *view, const struct column *column, struct arena *arena, struct value *item)
{
	const char *state = column->is_state ? state_of(view, item) : NULL;
	const struct value *v = path_get(item, column->path);

	if (state)
		return value_string(arena, state);
	return v ? value_copy(arena, v) : value_null(arena);
}

int view_take(const struct view *view, struct arena *arena, struct value *item, struct node *out, struct mrp_err *err)
{
	const char *name = item->type == V_STRING ? item->s : item->type == V_OBJECT ? text_at(item, view->name) : NULL;

	if (!name)
		return mrp_err_set(err, MRP_EFAILED, "an item of the list has no text at '%s', so no name", view->name);
	if (!wanted(view, item))
		return 0;
	struct value *text = value_string(arena, name);
	*out = (struct node){ .name = text->s, .shape = text };
	if (!view->columns.n)
		return 1;
	out->shape = value_object(arena);
	for (size_t i = 0; i < view->columns.n; i++) {
		const struct column *column = &view->columns.v[i];

		value_append(arena, out->shape, arena_strdup(arena, column->key),
			column->is_name ? text : column_value(view, column, arena, item));
	}
	return 1;
}

bool host_name_valid(const char *name)
{
	size_t len = 0;

	if (!*name || strlen(name) > 253)
		return false;
	for (const char *p = name;; p++) {
		if (!*p || *p == '.') {
			if (len < 1 || len > 63 || p[-1] == '-')
				return false;
			if (!*p)
				return true;
			len = 0;
			continue;
		}
		bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		if (!alnum && (*p != '-' || len == 0))
			return false;
		len++;
	}
}
