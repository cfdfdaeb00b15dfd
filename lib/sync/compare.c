/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object of the configs against the same object of the API: what to show, and what to send. Most fields are simply
 * compared. Variables are compared one by one, as each has an owner, and as the API does not show sensitive values.
 *
 * Whether hidden values are those of the config can be told all the same: put the config's in their places, and the
 * digest is the API's exactly when all of them are equal.
 */
#include "plan.h"

#include "../value/json.h"
#include "../value/merge.h"

enum { FIELD_DEPTH = 3, VARIABLE_DEPTH = 6 };

#define OWN "synchronize"

struct comparison {
	struct arena *arena;
	const struct plan_options *options;
	struct plan_change *change;
	struct plan_conflict_vec *conflicts;
	const struct value *current, *desired;
	struct value *patch;           /* of everything but variables */
	struct value *variables_patch;
	bool hidden_equal;
};

struct value *plan_desired(struct arena *arena, const struct config_object *object)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(arena, object->text, object->len, "the config's text", &err);

	if (!v)
		BUG("%s '%s': %s", kinds[object->kind].name, object->slug, err.msg);
	return v;
}

static void add_field(struct comparison *c, const char *field, const struct value *before, const struct value *after)
{
	struct plan_field f = { arena_strdup(c->arena, field), before, after, NULL };

	plan_field_vec_push(&c->change->fields, f);
}

static void report_difference(void *ctx, const char *path, const struct value *before, const struct value *after)
{
	add_field(ctx, path, before, after);
}

/* The object without one member; the rest is shared. */
static struct value *without(struct arena *arena, const struct value *object, const char *key)
{
	struct value *copy = value_copy_shallow(arena, object);

	value_set(arena, copy, key, NULL);
	return copy;
}

/* An object with at most one member: a path to start from. */
static struct value *wrapped(struct arena *arena, const char *key, struct value *v)
{
	struct value *object = value_object(arena);

	if (v)
		value_append(arena, object, key, v);
	return object;
}

static void compare_plain(struct comparison *c, const struct value *before, const struct value *after)
{
	struct arena *arena = c->arena;
	const struct value *managed = value_get(c->current, "managed");

	if (!managed || managed->type != V_BOOL || !managed->b)
		add_field(c, "managed", value_bool(arena, false), value_bool(arena, true));
	value_differences(without(arena, before, "files"), without(arena, after, "files"), FIELD_DEPTH,
		report_difference, c);
	value_differences(wrapped(arena, "files", value_get(before, "files")),
		wrapped(arena, "files", value_get(after, "files")), 2, report_difference, c);
	c->patch = merge_diff(arena, before, after);
	if (c->patch && !value_equal(merge_patch(arena, before, c->patch), after)) {
		c->change->replace_values = true;
		value_set(arena, c->patch, "values", value_get(after, "values"));
	}
	if (!c->patch)
		c->patch = value_object(arena);
	if (c->change->fields.n && streq(c->change->fields.v[0].field, "managed"))
		value_append(arena, c->patch, "managed", value_bool(arena, true));
}

static bool is_listed(const struct value *object, const char *list, const char *name)
{
	const struct value *names = value_get(object, list);

	for (uint32_t i = 0; names && names->type == V_ARRAY && i < names->n; i++) {
		if (names->items[i]->type == V_STRING && streq(names->items[i]->s, name))
			return true;
	}
	return false;
}

static bool entry_sensitive(const struct value *entry)
{
	const struct value *sensitive = entry ? value_get(entry, "sensitive") : NULL;

	return sensitive && sensitive->type == V_BOOL && sensitive->b;
}

static bool is_sensitive(
	const struct comparison *c, const char *name, const struct value *before, const struct value *after)
{
	return entry_sensitive(before) || entry_sensitive(after) || (before && !value_get(before, "value")) ||
		is_listed(c->desired, "sensitive_variables", name) ||
		(c->current && is_listed(c->current, "sensitive_variables", name));
}

/* Is the variable sensitive in the API, and not in the config? */
static bool becomes_readable(
	const struct comparison *c, const char *name, const struct value *before, const struct value *after)
{
	bool hidden = entry_sensitive(before) || is_listed(c->current, "sensitive_variables", name);

	return hidden && !entry_sensitive(after) && !is_listed(c->desired, "sensitive_variables", name);
}

static const struct value *masked(struct arena *arena)
{
	return value_string(arena, PLAN_SENSITIVE);
}

/* Show a variable's value that came, went or changed. */
static void add_value_field(struct comparison *c, const char *name, bool sensitive, struct value *before, struct value *after,
	bool before_there)
{
	cleanup(strbuf_release) struct strbuf field = STRBUF_INIT;

	strbuf_addf(&field, "variables.%s", name);
	if (sensitive)
		add_field(c, field.buf, before_there ? masked(c->arena) : NULL, after ? masked(c->arena) : NULL);
	else
		value_differences(wrapped(c->arena, field.buf, before), wrapped(c->arena, field.buf, after), VARIABLE_DEPTH,
			report_difference, c);
}

static void add_put(struct comparison *c, const char *name, const struct value *before, struct value *after)
{
	const struct value *revision = before ? value_get(before, "revision") : NULL;
	struct plan_put put = { name, after, revision && revision->type == V_INT ? revision->i : -1 };

	plan_put_vec_push(&c->change->puts, put);
}

/* Send an entry's value by the patch if a patch can say it. Returns false when it must be put by itself. */
static bool patch_value(struct comparison *c, struct value *entry_patch, const struct value *before, struct value *value)
{
	const struct value *old = before ? value_get(before, "value") : NULL;

	if (value_contains_null(value))
		return false;
	if (before && !old && value->type == V_OBJECT) /* merged into what we do not see */
		return false;
	if (old && old->type == V_OBJECT && value->type == V_OBJECT)
		value = merge_diff(c->arena, old, value);
	value_append(c->arena, entry_patch, "value", value);
	return true;
}

static const char *owner_of(const struct value *entry)
{
	const char *owner = value_get_string(entry, "owner");

	return owner ? owner : "manual";
}

static void compare_entry(struct comparison *c, const char *name, const struct value *before, struct value *after)
{
	struct value *value = value_get(after, "value"), *old = value_get(before, "value");
	bool own = streq(owner_of(before), OWN);
	bool same = old ? value && value_equal(old, value) : own && c->hidden_equal;
	bool flag_same = entry_sensitive(before) == entry_sensitive(after);
	struct value *patch = value_object(c->arena);
	cleanup(strbuf_release) struct strbuf field = STRBUF_INIT;

	if (same && own && flag_same && !becomes_readable(c, name, before, after))
		return;
	if (!same)
		add_value_field(c, name, is_sensitive(c, name, before, after), old, value, true);
	if (!own) {
		strbuf_addf(&field, "variables.%s.owner", name);
		add_field(c, field.buf, value_string(c->arena, owner_of(before)), value_string(c->arena, OWN));
		value_append(c->arena, patch, "owner", value_string(c->arena, OWN));
	}
	if (!flag_same) {
		struct value *flag = value_bool(c->arena, entry_sensitive(after));

		strbuf_reset(&field);
		strbuf_addf(&field, "variables.%s.sensitive", name);
		add_field(c, field.buf, value_bool(c->arena, entry_sensitive(before)), flag);
		value_append(c->arena, patch, "sensitive", flag);
	}
	if (same && value && becomes_readable(c, name, before, after)) /* the API wants to see that we know it */
		value_append(c->arena, patch, "value", value);
	if (same || (value && patch_value(c, patch, before, value)))
		value_append(c->arena, c->variables_patch, name, patch);
	else
		add_put(c, name, before, after);
}

static void compare_desired_variable(struct comparison *c, const char *name, const struct value *before, struct value *after)
{
	struct value *patch;

	if (before) {
		const char *owner = owner_of(before);

		if (!streq(owner, OWN) && !streq(owner, "initial") && !c->options->force_ownership) {
			struct plan_conflict conflict = { c->change->object, arena_strdup(c->arena, name),
				arena_strdup(c->arena, owner) };

			if (c->conflicts)
				plan_conflict_vec_push(c->conflicts, conflict);
			return;
		}
		compare_entry(c, name, before, after);
		return;
	}
	add_value_field(c, name, is_sensitive(c, name, NULL, after), NULL, value_get(after, "value"), false);
	patch = without(c->arena, after, "value");
	if (patch_value(c, patch, NULL, value_get(after, "value")))
		value_append(c->arena, c->variables_patch, name, patch);
	else
		add_put(c, name, NULL, after);
}

/* The current object with the config's values where the API hides them: its digest tells whether they are the same. */
static bool hidden_values_equal(const struct comparison *c, const struct value *before, const struct value *after)
{
	const char *digest = value_get_string(c->current, "digest");
	struct value *variables = value_copy_shallow(c->arena, before);
	uint8_t theirs[SHA256_BYTES], ours[SHA256_BYTES];

	for (uint32_t i = 0; i < variables->n; i++) {
		struct member *m = &variables->members[i];
		const struct value *wanted = value_get(after, m->key);
		struct value *value = wanted ? value_get(wanted, "value") : NULL;

		if (value_get(m->value, "value") || !value)
			continue;
		m->value = value_copy_shallow(c->arena, m->value);
		value_append(c->arena, m->value, "value", value);
	}
	struct value *object = without(c->arena, c->current, "variables");
	value_append(c->arena, object, "variables", variables);
	object_digest(ours, KIND_CLUSTER, object);
	return digest && sha256_from_hex(theirs, digest) && memcmp(theirs, ours, sizeof(ours)) == 0;
}

static void compare_variables(struct comparison *c, const struct value *before, const struct value *after)
{
	c->variables_patch = value_object(c->arena);
	c->hidden_equal = hidden_values_equal(c, before, after);
	for (uint32_t i = 0; i < after->n; i++)
		compare_desired_variable(c, after->members[i].key, value_get(before, after->members[i].key),
			after->members[i].value);
	for (uint32_t i = 0; i < before->n; i++) {
		const struct member *m = &before->members[i];

		if (value_get(after, m->key) || !streq(owner_of(m->value), OWN))
			continue;
		add_value_field(c, m->key, is_sensitive(c, m->key, m->value, NULL), value_get(m->value, "value"), NULL, true);
		value_append(c->arena, c->variables_patch, m->key, value_null(c->arena));
	}
	if (c->variables_patch->n)
		value_append(c->arena, c->patch, "variables", c->variables_patch);
}

static const struct value *variables_of(struct arena *arena, const struct value *cluster)
{
	const struct value *variables = value_get(cluster, "variables");

	return variables && variables->type == V_OBJECT ? variables : value_object(arena);
}

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct plan_field *)a)->field, ((const struct plan_field *)b)->field);
}

void plan_compare(struct arena *arena, const struct plan_options *options, struct plan_change *change,
	const struct value *current, struct plan_conflict_vec *conflicts)
{
	struct comparison c = { .arena = arena, .options = options, .change = change, .conflicts = conflicts,
		.current = current, .desired = plan_desired(arena, change->object) };
	struct value *before = object_manageable(arena, change->kind, current);

	change->fields.n = change->puts.n = 0;
	change->patch = NULL;
	change->replace_values = false;
	compare_plain(&c, without(arena, before, "variables"), without(arena, c.desired, "variables"));
	if (change->kind == KIND_CLUSTER)
		compare_variables(&c, variables_of(arena, current), variables_of(arena, c.desired));
	if (change->fields.n > 1)
		qsort(change->fields.v, change->fields.n, sizeof(*change->fields.v), compare_fields);
	if (!c.patch->n)
		return;
	value_append(arena, c.patch, "source", plan_source(arena, change->object));
	change->patch = c.patch;
}

static void add_created(struct comparison *c, const char *prefix, const struct value *map)
{
	cleanup(strbuf_release) struct strbuf field = STRBUF_INIT;

	for (uint32_t i = 0; i < map->n; i++) {
		struct value *v = map->members[i].value;
		const char *name = map->members[i].key;

		strbuf_reset(&field);
		strbuf_addf(&field, "%s%s", prefix, name);
		if (streq(prefix, "variables."))
			add_value_field(c, name, is_sensitive(c, name, NULL, v), NULL, value_get(v, "value"), false);
		else
			add_field(c, field.buf, NULL, v);
	}
}

void plan_created_fields(struct arena *arena, const struct plan_change *change, struct plan_field_vec *fields)
{
	struct plan_change scratch = *change;
	struct comparison c = { .arena = arena, .change = &scratch, .desired = plan_desired(arena, change->object) };

	scratch.fields = *fields;
	scratch.fields.n = 0;
	for (uint32_t i = 0; i < c.desired->n; i++) {
		const struct member *m = &c.desired->members[i];
		bool container = m->value->type == V_OBJECT || m->value->type == V_ARRAY;

		if (streq(m->key, "files"))
			add_created(&c, "files.", m->value);
		else if (change->kind == KIND_CLUSTER && streq(m->key, "variables"))
			add_created(&c, "variables.", m->value);
		else if (!streq(m->key, "slug") && !(container && !m->value->n) &&
			!(m->value->type == V_STRING && !m->value->n))
			add_field(&c, m->key, NULL, m->value);
	}
	*fields = scratch.fields;
}

void plan_create_body(struct strbuf *body, const struct config_object *object)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	/* the text is a canonical object that is never empty: no need to parse it to add two members */
	strbuf_addstr(body, "{\"managed\":true,\"source\":");
	json_compact(body, plan_source(&arena, object));
	strbuf_addch(body, ',');
	strbuf_add(body, object->text + 1, object->len - 1);
}
