/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as a comment for a merge request. Everything that comes from outside stands in <code> with every character
 * that Markdown or HTML could read as markup written as an entity, so that a description cannot draw links or tables.
 *
 * A comment must fit: GitHub takes 65536 characters, GitLab a million. What does not fit is counted.
 */
#include "plan.h"

enum { FOLD_FROM = 20, VALUE_MAX = 200, ROW_BYTES = 8000, TABLE_BYTES = 40000, LIST_MAX = 100 };

/* After the last item shown of `n`. */
static void add_rest(struct strbuf *out, size_t n, size_t shown)
{
	if (n > shown)
		strbuf_addf(out, "\nand %zu more\n", n - shown);
}

static void add_escaped(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c && strchr(" .,:;/-()\"'=+?%$^", c));

		if (plain)
			strbuf_addch(out, (char)c);
		else
			strbuf_addf(out, "&#%u;", c);
	}
}

static void add_code(struct strbuf *out, const char *text, size_t len)
{
	cleanup(strbuf_release) struct strbuf visible = STRBUF_INIT;
	bool cut = len > VALUE_MAX;

	if (cut) {
		len = VALUE_MAX;
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	strbuf_add_visible(&visible, text, len);
	strbuf_addstr(out, "<code>");
	add_escaped(out, visible.buf, visible.len);
	strbuf_addstr(out, cut ? "...</code>" : "</code>");
}

static void add_shown(struct strbuf *out, const char *field, const struct value *v)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	plan_show_value(&text, field, v);
	add_code(out, text.buf, text.len);
}

static void add_fields(struct strbuf *out, const struct plan_change *change)
{
	size_t start = out->len, i = 0;

	for (; i < change->fields.n && out->len - start < ROW_BYTES; i++) {
		const struct plan_field *field = &change->fields.v[i];

		if (i)
			strbuf_addstr(out, "<br>");
		add_code(out, field->field, strlen(field->field));
		strbuf_addstr(out, ": ");
		add_shown(out, field->field, field->before);
		strbuf_addstr(out, " → ");
		add_shown(out, field->field, field->after);
	}
	if (i < change->fields.n)
		strbuf_addf(out, "<br>and %zu more", change->fields.n - i);
}

static void add_source(struct strbuf *out, const struct config_object *object)
{
	cleanup(strbuf_release) struct strbuf place = STRBUF_INIT;

	if (!object)
		return;
	strbuf_addf(&place, "%s:%u", object->path, object->line);
	add_code(out, place.buf, place.len);
	strbuf_reset(&place);
	plan_add_touch(&place, object);
	if (place.len) {
		strbuf_addch(out, ' ');
		add_escaped(out, place.buf, place.len);
	}
}

static void add_name(struct strbuf *out, enum kind kind, const char *slug)
{
	strbuf_addf(out, "%s ", kinds[kind].name);
	add_code(out, slug, strlen(slug));
}

static void add_change(struct strbuf *out, const struct plan *plan, const struct plan_change *change)
{
	strbuf_addf(out, "| %s | ", plan_action_names[change->action]);
	add_name(out, change->kind, change->slug);
	strbuf_addstr(out, " | ");
	add_fields(out, change);
	strbuf_addstr(out, " | ");
	add_source(out, change->object);
	strbuf_addstr(out, " |");
	if (plan->applied) {
		strbuf_addf(out, " %s", plan_result_names[change->result]);
		if (change->reason) {
			strbuf_addstr(out, ": ");
			add_code(out, change->reason, strlen(change->reason));
		}
		strbuf_addstr(out, " |");
	}
	strbuf_addch(out, '\n');
}

/* What was done comes last: there may be no room for it. Returns how many there was room for. */
static size_t add_rows(struct strbuf *out, const struct plan *plan)
{
	size_t shown = 0;

	for (int done = 0; done < 2; done++) {
		for (size_t i = 0; i < plan->changes.n && out->len < TABLE_BYTES; i++) {
			if ((plan->changes.v[i].result == PLAN_DONE) != done)
				continue;
			add_change(out, plan, &plan->changes.v[i]);
			shown++;
		}
	}
	return shown;
}

static void add_changes(struct strbuf *out, const struct plan *plan)
{
	bool fold = plan->changes.n >= FOLD_FROM;

	if (!plan->changes.n)
		return;
	if (fold)
		strbuf_addf(out, "\n<details>\n<summary>%zu changes</summary>\n", plan->changes.n);
	strbuf_addf(out, "\n| | object | changes | source |%s\n|---|---|---|---|%s\n", plan->applied ? " result |" : "",
		plan->applied ? "---|" : "");
	add_rest(out, plan->changes.n, add_rows(out, plan));
	if (fold)
		strbuf_addstr(out, "\n</details>\n");
}

static void add_conflicts(struct strbuf *out, const struct plan *plan)
{
	if (!plan->conflicts.n)
		return;
	strbuf_addstr(out, "\n**Conflicts** (left alone; `--force-ownership` takes them over)\n\n");
	size_t shown = MIN(plan->conflicts.n, (size_t)LIST_MAX);
	for (size_t i = 0; i < shown; i++) {
		const struct plan_conflict *conflict = &plan->conflicts.v[i];

		strbuf_addstr(out, "- ");
		add_name(out, KIND_CLUSTER, conflict->object->slug);
		strbuf_addstr(out, ": variable ");
		add_code(out, conflict->variable, strlen(conflict->variable));
		strbuf_addf(out, " is written by %s (", conflict->owner);
		add_source(out, conflict->object);
		strbuf_addstr(out, ")\n");
	}
	add_rest(out, plan->conflicts.n, shown);
}

static void add_items(struct strbuf *out, const struct plan_item_vec *items, const char *heading)
{
	if (!items->n)
		return;
	strbuf_addf(out, "\n%s\n\n", heading);
	size_t shown = MIN(items->n, (size_t)LIST_MAX);
	for (size_t i = 0; i < shown; i++) {
		strbuf_addstr(out, "- ");
		add_name(out, items->v[i].kind, items->v[i].slug);
		if (items->v[i].reason)
			strbuf_addf(out, ": %s", items->v[i].reason);
		strbuf_addch(out, '\n');
	}
	add_rest(out, items->n, shown);
}

void plan_markdown(struct strbuf *out, const struct plan *plan)
{
	const char *environment = config_environment(plan->config);

	strbuf_addstr(out, "### mrprober synchronize");
	if (environment) {
		strbuf_addstr(out, ": ");
		add_code(out, environment, strlen(environment));
	}
	strbuf_addstr(out, "\n\n");
	plan_summary(out, plan);
	strbuf_addch(out, '\n');
	add_changes(out, plan);
	add_conflicts(out, plan);
	add_items(out, &plan->unmanaged, "**Unmanaged**: no config describes these any more (`--prune` deletes them)");
	add_items(out, &plan->waiting, "**Waiting**");
	if (plan->applied) {
		strbuf_addch(out, '\n');
		plan_results_summary(out, plan);
		strbuf_addch(out, '\n');
	}
}
