/* SPDX-License-Identifier: Apache-2.0 */
#include "substitute.h"

#include "../value/json.h"

bool substitute_scalar(struct strbuf *out, const struct value *v)
{
	switch ((enum value_type)v->type) {
	case V_STRING:
		strbuf_add(out, v->s, v->n);
		return true;
	case V_BOOL:
	case V_INT:
	case V_REAL:
		json_canonical(out, v);
		return true;
	case V_NULL:
	case V_ARRAY:
	case V_OBJECT:
		break;
	}
	return false;
}

static bool is_sensitive(const struct value *cluster, const char *name, const struct value *entry)
{
	const struct value *flag = entry ? value_get(entry, "sensitive") : NULL,
			   *list = value_get(cluster, "sensitive_variables");

	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		if (list->items[i]->type == V_STRING && streq(list->items[i]->s, name))
			return true;
	}
	return flag && flag->type == V_BOOL && flag->b;
}

/* A variable's value; NULL with *why set. */
static const struct value *find_variable(
	struct arena *arena, const char *name, const struct resolve_target *target, const char **why)
{
	const struct value *variables = target->object ? value_get(target->object, "variables") : NULL;
	const struct value *entry = variables ? value_get(variables, name) : NULL;

	if (target->object && is_sensitive(target->object, name, entry)) {
		*why = arena_printf(arena, "'%s' of cluster '%s' is sensitive, and a prober's config can be read by everyone",
			name, target->cluster);
		return NULL;
	}
	const struct value *v = entry ? value_get(entry, "value") : NULL;
	if (!v)
		*why = arena_printf(arena, "'${%s}' is no variable of cluster '%s'", name, target->cluster);
	return v;
}

static bool add_name(struct strbuf *out, struct arena *arena, const char *name, const struct substitute_names *names,
	const char **why)
{
	const struct resolve_target *target = names->target;
	const char *text = names->matrix ? value_get_string(names->matrix, name) : NULL;

	if (!text)
		text = streq(name, "cluster") ? target->cluster
			: streq(name, "host") ? target->host
			: streq(name, "environment") ? target->environment
						     : NULL;
	if (text) {
		strbuf_addstr(out, text);
		return true;
	}
	const struct value *v = find_variable(arena, name, target, why);
	if (!v)
		return false;
	if (substitute_scalar(out, v))
		return true;
	*why = arena_printf(arena, "'%s' of cluster '%s' is %s, not text, a number, true or false", name, target->cluster,
		value_type_name(v));
	return false;
}

static bool substitute_text(struct strbuf *out, struct arena *arena, const char *text,
	const struct substitute_names *names, const char **why)
{
	const char *from = text;

	for (const char *p = text; (p = strstr(p, "${"));) {
		if (p > from && p[-1] == '$') { /* $${ is a literal ${ */
			strbuf_add(out, from, (size_t)(p - from - 1));
			strbuf_addstr(out, "${");
			from = p += 2;
			continue;
		}
		const char *end = strchr(p, '}');
		if (!end) {
			*why = "a '${' has no '}' ('$${' is a literal '${')";
			return false;
		}
		strbuf_add(out, from, (size_t)(p - from));
		if (!add_name(out, arena, arena_strndup(arena, p + 2, (size_t)(end - p - 2)), names, why))
			return false;
		from = p = end + 1;
	}
	strbuf_addstr(out, from);
	return true;
}

static struct value *substitute_string(struct arena *arena, struct value *v, const struct substitute_names *names,
	const char *path, const char **why)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (!strstr(v->s, "${"))
		return v;
	if (substitute_text(&out, arena, v->s, names, why))
		return value_string_n(arena, out.buf, out.len);
	*why = arena_printf(arena, "%s: %s", path, *why);
	return NULL;
}

static struct value *substitute_list_items(struct arena *arena, struct value *v, const struct substitute_names *names,
	const char *path, const char **why)
{
	struct value *copy = NULL;

	for (uint32_t i = 0; i < v->n; i++) {
		const char *place = arena_printf(arena, "%s[%u]", path, i);
		struct value *item = substitute_value(arena, v->items[i], names, place, why);

		if (!item)
			return NULL;
		if (item == v->items[i])
			continue;
		if (!copy)
			copy = value_copy_shallow(arena, v);
		copy->items[i] = item;
	}
	return copy ? copy : v;
}

static struct value *substitute_members(struct arena *arena, struct value *v, const struct substitute_names *names,
	const char *path, const char **why)
{
	struct value *copy = NULL;

	for (uint32_t i = 0; i < v->n; i++) {
		const char *place = arena_printf(arena, "%s.%s", path, v->members[i].key);
		struct value *item = substitute_value(arena, v->members[i].value, names, place, why);

		if (!item)
			return NULL;
		if (item == v->members[i].value)
			continue;
		if (!copy)
			copy = value_copy_shallow(arena, v);
		copy->members[i].value = item;
	}
	return copy ? copy : v;
}

struct value *substitute_value(struct arena *arena, struct value *v, const struct substitute_names *names,
	const char *path, const char **why)
{
	switch ((enum value_type)v->type) {
	case V_STRING:
		return substitute_string(arena, v, names, path, why);
	case V_ARRAY:
		return substitute_list_items(arena, v, names, path, why);
	case V_OBJECT:
		return substitute_members(arena, v, names, path, why);
	case V_NULL:
	case V_BOOL:
	case V_INT:
	case V_REAL:
		break;
	}
	return v;
}

const struct value *substitute_list(const char **name, struct arena *arena, const char *text,
	const struct resolve_target *target, const char **why)
{
	size_t len = strlen(text);

	if (len < 4 || strncmp(text, "${", 2) != 0 || strcspn(text, "}") != len - 1) {
		*why = arena_printf(arena, "'%s' is neither a list nor one '${name}'", text);
		return NULL;
	}
	*name = arena_strndup(arena, text + 2, len - 3);
	const struct value *v = find_variable(arena, *name, target, why);
	if (v && v->type != V_ARRAY) {
		*why = arena_printf(
			arena, "'%s' of cluster '%s' is %s, not a list", *name, target->cluster, value_type_name(v));
		return NULL;
	}
	return v;
}
