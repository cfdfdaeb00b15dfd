/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_changes.h"

#include <inttypes.h>

#include "../value/json.h"

#define FORMAT_MAJOR "1."

static bool has_action(const struct value *actions, const char *name)
{
	value_for_each(action, actions) {
		if (action->type == V_STRING && streq(action->s, name))
			return true;
	}
	return false;
}

/* The members of a plan that are lists of changes, or objects of them (outputs). */
static const struct value *change_of(const struct value *item)
{
	const struct value *change = item->type == V_OBJECT ? value_get(item, "change") : NULL;

	return change && change->type == V_OBJECT ? change : NULL;
}

static const struct value *actions_of(const struct value *change)
{
	const struct value *actions = value_get(change, "actions");

	return actions && actions->type == V_ARRAY ? actions : NULL;
}

/* --- secrets --- */

/* `marks` has true where `v` is sensitive, at any depth: a whole subtree for a true above it. */
static void add_marked(struct redact_set *secrets, const struct value *v, const struct value *marks)
{
	if (!v || !marks)
		return;
	if (marks->type == V_BOOL) {
		if (marks->b)
			redact_add_value(secrets, v);
		return;
	}
	if (marks->type == V_OBJECT && v->type == V_OBJECT) {
		for (uint32_t i = 0; i < marks->n; i++)
			add_marked(secrets, value_get(v, marks->members[i].key), marks->members[i].value);
	} else if (marks->type == V_ARRAY && v->type == V_ARRAY) {
		for (uint32_t i = 0; i < MIN(marks->n, v->n); i++)
			add_marked(secrets, v->items[i], marks->items[i]);
	}
}

static void add_change(struct redact_set *secrets, const struct value *change)
{
	if (!change)
		return;
	add_marked(secrets, value_get(change, "before"), value_get(change, "before_sensitive"));
	add_marked(secrets, value_get(change, "after"), value_get(change, "after_sensitive"));
}

void plan_changes_add_secrets(struct redact_set *secrets, const struct value *plan)
{
	static const char *const lists[] = { "resource_changes", "resource_drift" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct value *list = value_get(plan, lists[i]);

		for (uint32_t k = 0; list && list->type == V_ARRAY && k < list->n; k++)
			add_change(secrets, change_of(list->items[k]));
	}
	const struct value *outputs = value_get(plan, "output_changes");
	for (uint32_t i = 0; outputs && outputs->type == V_OBJECT && i < outputs->n; i++)
		add_change(secrets, outputs->members[i].value);
}

/* --- counts and digest --- */

/* The value without what is marked: its shape stays, so that the digest moves when more becomes secret. */
static struct value *without_marked(struct arena *arena, struct value *v, const struct value *marks)
{
	if (!v || !marks)
		return v;
	if (marks->type == V_BOOL)
		return marks->b ? value_string(arena, "***") : v;
	if (marks->type == V_OBJECT && v->type == V_OBJECT) {
		struct value *copy = value_copy_shallow(arena, v);

		for (uint32_t i = 0; i < copy->n; i++)
			copy->members[i].value =
				without_marked(arena, copy->members[i].value, value_get(marks, copy->members[i].key));
		return copy;
	}
	if (marks->type == V_ARRAY && v->type == V_ARRAY) {
		struct value *copy = value_copy_shallow(arena, v);

		for (uint32_t i = 0; i < MIN(copy->n, marks->n); i++)
			copy->items[i] = without_marked(arena, copy->items[i], marks->items[i]);
		return copy;
	}
	return v;
}

static void append(struct arena *arena, struct value *to, const char *key, struct value *v)
{
	if (v)
		value_append(arena, to, key, v);
}

/* What an approval is for: which object, what is done to it, from what to what. */
static struct value *essence(struct arena *arena, const struct value *item, const struct value *change)
{
	static const char *const of_item[] = { "address", "previous_address", "deposed", "provider_name" };
	static const char *const of_change[] = { "actions", "after_unknown", "replace_paths", "importing" };
	struct value *v = value_object(arena);

	for (size_t i = 0; i < ARRAY_SIZE(of_item); i++)
		append(arena, v, of_item[i], value_get(item, of_item[i]));
	for (size_t i = 0; i < ARRAY_SIZE(of_change); i++)
		append(arena, v, of_change[i], value_get(change, of_change[i]));
	append(arena, v, "before",
		without_marked(arena, value_get(change, "before"), value_get(change, "before_sensitive")));
	append(arena, v, "after",
		without_marked(arena, value_get(change, "after"), value_get(change, "after_sensitive")));
	return v;
}

static bool does_something(const struct value *actions)
{
	return actions && !has_action(actions, "no-op") && !has_action(actions, "read");
}

static void count(struct plan_changes *out, const struct value *actions)
{
	out->added += has_action(actions, "create");
	out->changed += has_action(actions, "update");
	out->destroyed += has_action(actions, "delete");
}

static int compare_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The changes in an order that does not depend on terraform's. */
static void digest(struct plan_changes *out, struct strvec *lines, const struct redact_set *secrets)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	qsort(lines->v, lines->n, sizeof(*lines->v), compare_bytes);
	for (size_t i = 0; i < lines->n; i++) {
		if (secrets)
			redact_text(&text, secrets, lines->v[i], strlen(lines->v[i]));
		else
			strbuf_addstr(&text, lines->v[i]);
		strbuf_addch(&text, '\n');
		explicit_bzero(lines->v[i], strlen(lines->v[i]));
	}
	sha256_hex_of(out->digest, text.buf, text.len);
}

static bool outputs_change(const struct value *plan)
{
	const struct value *outputs = value_get(plan, "output_changes");

	for (uint32_t i = 0; outputs && outputs->type == V_OBJECT && i < outputs->n; i++) {
		const struct value *change = outputs->members[i].value;

		if (change->type == V_OBJECT && does_something(actions_of(change)))
			return true;
	}
	return false;
}

int plan_changes_of(struct plan_changes *out, struct arena *arena, const struct value *plan,
	const struct redact_set *secrets, struct mrp_err *err)
{
	const char *version = plan->type == V_OBJECT ? value_get_string(plan, "format_version") : NULL;
	cleanup(strvec_clear) struct strvec lines = STRVEC_INIT;

	*out = (struct plan_changes){ 0 };
	if (!version || !skip_prefix(version, FORMAT_MAJOR, NULL))
		return mrp_err_set(err, MRP_EINVALID, "terraform's plan has format '%s', not " FORMAT_MAJOR "x",
			version ? version : "none");
	const struct value *list = value_get(plan, "resource_changes");
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		const struct value *change = change_of(list->items[i]), *actions = change ? actions_of(change) : NULL;
		const char *mode = change ? value_get_string(list->items[i], "mode") : NULL;
		struct strbuf line = STRBUF_INIT;

		if (!actions)
			return mrp_err_set(err, MRP_EINVALID, "terraform's plan has a change without actions");
		if (!does_something(actions) || (mode && streq(mode, "data")))
			continue;
		count(out, actions);
		json_canonical(&line, essence(arena, list->items[i], change));
		strvec_push_nodup(&lines, strbuf_detach(&line, NULL));
	}
	out->outputs = outputs_change(plan);
	digest(out, &lines, secrets);
	return 0;
}

void plan_changes_format(struct strbuf *out, const struct plan_changes *changes)
{
	strbuf_addf(out, "%" PRId64 " to add, %" PRId64 " to change, %" PRId64 " to destroy", changes->added,
		changes->changed, changes->destroyed);
}
