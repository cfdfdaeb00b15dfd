/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as a JSON document, one line a change: a first synchronize may have very many, so none is kept as a tree. */
#include "../value/json.h"
#include "plan.h"

enum { FORMAT_VERSION = 1 };

static void add_text(struct strbuf *out, const char *s)
{
	if (s)
		json_add_string(out, s, strlen(s));
	else
		strbuf_addstr(out, "null");
}

/* "name": "text" with a comma before it when it is not the first. */
static void add_member(struct strbuf *out, bool first, const char *name, const char *text)
{
	strbuf_addf(out, "%s\"%s\": ", first ? "" : ", ", name);
	add_text(out, text);
}

static void add_shown(struct strbuf *out, const struct value *v)
{
	if (v)
		json_compact(out, v);
	else
		strbuf_addstr(out, "null");
}

static void add_source(struct strbuf *out, const struct config_object *object)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	strbuf_addstr(out, ", \"source\": ");
	add_shown(out, object ? plan_source(&arena, object) : NULL);
}

static void add_fields(struct strbuf *out, const struct plan_field_vec *fields)
{
	strbuf_addstr(out, ", \"fields\": [");
	for (size_t i = 0; i < fields->n; i++) {
		const struct plan_field *field = &fields->v[i];

		strbuf_addstr(out, i ? ", {" : "{");
		add_member(out, true, "field", field->field);
		strbuf_addstr(out, ", \"before\": ");
		add_shown(out, field->before);
		strbuf_addstr(out, ", \"after\": ");
		add_shown(out, field->after);
		strbuf_addch(out, '}');
	}
	strbuf_addch(out, ']');
}

static void add_change(
	struct strbuf *out, const struct plan *plan, const struct plan_change *change, struct arena *scratch)
{
	strbuf_addch(out, '{');
	add_member(out, true, "action", plan_action_names[change->action]);
	add_member(out, false, "kind", kinds[change->kind].name);
	add_member(out, false, "slug", change->slug);
	add_source(out, change->object);
	if (change->action == PLAN_CREATE) {
		struct plan_field_vec fields = VEC_INIT;

		arena_reset(scratch);
		plan_created_fields(scratch, change, &fields);
		add_fields(out, &fields);
		plan_field_vec_clear(&fields);
	} else {
		add_fields(out, &change->fields);
	}
	if (plan->applied) {
		add_member(out, false, "result", plan_result_names[change->result]);
		if (change->reason)
			add_member(out, false, "error", change->reason);
	}
	strbuf_addch(out, '}');
}

static void begin_list(struct strbuf *out, const char *name)
{
	strbuf_addf(out, ",\n  \"%s\": [", name);
}

static void begin_item(struct strbuf *out, size_t i)
{
	strbuf_addstr(out, i ? ",\n    " : "\n    ");
}

static void end_list(struct strbuf *out, size_t n)
{
	strbuf_addstr(out, n ? "\n  ]" : "]");
}

static void add_items(struct strbuf *out, const char *name, const struct plan_item_vec *items)
{
	begin_list(out, name);
	for (size_t i = 0; i < items->n; i++) {
		begin_item(out, i);
		strbuf_addch(out, '{');
		add_member(out, true, "kind", kinds[items->v[i].kind].name);
		add_member(out, false, "slug", items->v[i].slug);
		if (items->v[i].reason)
			add_member(out, false, "reason", items->v[i].reason);
		strbuf_addch(out, '}');
	}
	end_list(out, items->n);
}

static void add_conflicts(struct strbuf *out, const struct plan *plan)
{
	begin_list(out, "conflicts");
	for (size_t i = 0; i < plan->conflicts.n; i++) {
		const struct plan_conflict *conflict = &plan->conflicts.v[i];
		cleanup(strbuf_release) struct strbuf field = STRBUF_INIT;

		begin_item(out, i);
		strbuf_addch(out, '{');
		strbuf_addf(&field, "variables.%s", conflict->variable);
		add_member(out, true, "kind", kinds[KIND_CLUSTER].name);
		add_member(out, false, "slug", conflict->object->slug);
		add_member(out, false, "field", field.buf);
		add_member(out, false, "owner", conflict->owner);
		add_source(out, conflict->object);
		strbuf_addch(out, '}');
	}
	end_list(out, plan->conflicts.n);
}

static void add_results(struct strbuf *out, const struct plan *plan)
{
	strbuf_addstr(out, ",\n  \"results\": {");
	for (int result = 0; plan_result_names[result]; result++)
		strbuf_addf(out, "%s\"%s\": %zu", result ? ", " : "", plan_result_names[result],
			plan_count_result(plan, (enum plan_result)result));
	strbuf_addch(out, '}');
}

void plan_json(struct strbuf *out, const struct plan *plan)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;

	strbuf_addf(out, "{\n  \"format_version\": %d", (int)FORMAT_VERSION);
	strbuf_addstr(out, ",\n  ");
	add_member(out, true, "environment", config_environment(plan->config));
	strbuf_addstr(out, ",\n  ");
	add_member(out, true, "revision", config_revision(plan->config));
	strbuf_addstr(out, ",\n  ");
	add_member(out, true, "root_digest", plan->root);
	begin_list(out, "changes");
	for (size_t i = 0; i < plan->changes.n; i++) {
		begin_item(out, i);
		add_change(out, plan, &plan->changes.v[i], &scratch);
	}
	end_list(out, plan->changes.n);
	add_conflicts(out, plan);
	add_items(out, "unmanaged", &plan->unmanaged);
	add_items(out, "waiting", &plan->waiting);
	strbuf_addf(out,
		",\n  \"summary\": {\"create\": %zu, \"update\": %zu, \"delete\": %zu, \"conflict\": %zu, \"unchanged\": %zu}",
		plan_count(plan, PLAN_CREATE), plan_count(plan, PLAN_UPDATE), plan_count(plan, PLAN_DELETE),
		plan->conflicts.n, plan->unchanged);
	if (plan->applied)
		add_results(out, plan);
	strbuf_addstr(out, "\n}\n");
}
