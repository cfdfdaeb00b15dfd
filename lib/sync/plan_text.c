/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan for people at a terminal. One line an object, with what changes below it; long values are cut where they
 * begin to differ, file contents are shown by the first digits of their hashes.
 */
#include "../cli/term.h"
#include "groups.h"
#include "plan.h"

enum { VALUE_MAX = 60, CONTEXT = 12, NAME_COLUMN_MAX = 44, NARROWEST = 60, MEMBERS_WIDTH = 100 };

static const struct {
	char sign;
	enum mrp_style style;
} looks[PLAN_ACTIONS] = {
	[PLAN_CREATE] = { '+', STYLE_ADD },
	[PLAN_UPDATE] = { '~', STYLE_CHANGE },
	[PLAN_DELETE] = { '-', STYLE_REMOVE },
};

/* Never in the middle of a character. */
static size_t whole_characters(const char *text, size_t len)
{
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* A stretch of the text that begins near `from`, with dots for what is cut away. */
static void add_cut(struct strbuf *out, const struct strbuf *text, size_t from, size_t max)
{
	size_t start = from > CONTEXT ? whole_characters(text->buf, from - CONTEXT) : 0;

	if (text->len <= max)
		start = 0;
	size_t len = MIN(text->len - start, max);
	len = whole_characters(text->buf + start, len);
	strbuf_addf(out, "%s%.*s%s", start ? "..." : "", (int)len, text->buf + start,
		start + len < text->len ? "..." : "");
}

static size_t common_prefix(const struct strbuf *a, const struct strbuf *b)
{
	size_t n = 0;

	while (n < a->len && n < b->len && a->buf[n] == b->buf[n])
		n++;
	return n;
}

/* The lines of a file, below its digests. */
static void add_diff(struct strbuf *out, const char *diff, bool color)
{
	for (const char *end; diff && *diff; diff = end + 1) {
		enum mrp_style style = *diff == '-' ? STYLE_REMOVE : *diff == '+' ? STYLE_ADD : STYLE_DIM;

		end = strchr(diff, '\n');
		strbuf_addf(out, "      %s%.*s%s\n", mrp_style(style, color), (int)(end - diff), diff,
			mrp_style(STYLE_PLAIN, color));
	}
}

static void add_field(struct strbuf *out, const struct plan_field *field, bool color, size_t columns)
{
	cleanup(strbuf_release) struct strbuf before = STRBUF_INIT, after = STRBUF_INIT, name = STRBUF_INIT;
	size_t room = columns > NARROWEST ? columns - 8 : NARROWEST;

	strbuf_add_visible(&name, field->field, strlen(field->field));
	plan_show_value(&before, field->field, field->before);
	plan_show_value(&after, field->field, field->after);
	size_t differ = common_prefix(&before, &after);
	bool one_line = name.len + before.len + after.len + 6 <= room || (before.len < VALUE_MAX && after.len < VALUE_MAX);
	strbuf_addf(out, "    %s%s%s:", mrp_style(STYLE_DIM, color), name.buf, mrp_style(STYLE_PLAIN, color));
	if (one_line) {
		strbuf_addf(out, " %s -> %s\n", before.buf, after.buf);
		add_diff(out, field->diff, color);
		return;
	}
	strbuf_addf(out, "\n      %s- ", mrp_style(STYLE_REMOVE, color));
	add_cut(out, &before, differ, room);
	strbuf_addf(out, "%s\n      %s+ ", mrp_style(STYLE_PLAIN, color), mrp_style(STYLE_ADD, color));
	add_cut(out, &after, differ, room);
	strbuf_addf(out, "%s\n", mrp_style(STYLE_PLAIN, color));
	add_diff(out, field->diff, color);
}

static size_t name_width(enum kind kind, const char *slug)
{
	return strlen(kinds[kind].name) + 1 + strlen(slug);
}

static size_t name_column(const struct plan *plan)
{
	size_t widest = 0;

	for (size_t i = 0; i < plan->changes.n; i++) {
		size_t width = name_width(plan->changes.v[i].kind, plan->changes.v[i].slug);

		if (width <= NAME_COLUMN_MAX)
			widest = MAX(widest, width);
	}
	return widest;
}

/* "  (3f2a1bc Jane Doe 2026-11-21)" */
static void add_touch(struct strbuf *out, const struct config_object *object)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	plan_add_touch(&text, object);
	if (text.len)
		strbuf_addf(out, "  (%s)", text.buf);
}

static void add_change(struct strbuf *out, const struct plan *plan, const struct plan_change *change, size_t column,
	bool color, size_t columns)
{
	size_t width = name_width(change->kind, change->slug);

	strbuf_addf(out, "%s%c%s %s %s%s%s", mrp_style(looks[change->action].style, color), looks[change->action].sign,
		mrp_style(STYLE_PLAIN, color), kinds[change->kind].name, mrp_style(STYLE_BOLD, color), change->slug,
		mrp_style(STYLE_PLAIN, color));
	if (change->object) {
		strbuf_addchars(out, ' ', width < column ? column - width : 0);
		strbuf_addf(out, "  %s", mrp_style(STYLE_DIM, color));
		plan_add_place(out, plan, change->object);
		add_touch(out, change->object);
		strbuf_addstr(out, mrp_style(STYLE_PLAIN, color));
	}
	strbuf_addch(out, '\n');
	for (size_t i = 0; i < change->fields.n; i++)
		add_field(out, &change->fields.v[i], color, columns);
}

/* The slugs of a group, as wide as the terminal is. */
static void add_members(struct strbuf *out, const struct plan *plan, const struct plan_groups *groups, size_t first, size_t columns)
{
	size_t room = columns > NARROWEST ? columns : MEMBERS_WIDTH, width = 0;

	for (size_t i = first; i != GROUP_END; i = groups->v[i].next) {
		const char *slug = plan->changes.v[i].slug;

		if (width && width + 1 + strlen(slug) > room) {
			strbuf_addch(out, '\n');
			width = 0;
		}
		strbuf_addf(out, width ? " %s" : "    %s", slug);
		width += strlen(slug) + (width ? 1 : 4);
	}
	strbuf_addch(out, '\n');
}

/* The same change of many objects is shown once, where the first of them would stand. */
static void add_group(struct strbuf *out, const struct plan *plan, const struct plan_groups *groups, size_t first, bool color,
	size_t columns)
{
	const struct plan_change *change = &plan->changes.v[first];

	strbuf_addf(out, "%s%c%s %s%zu %s%s, all in the same way\n", mrp_style(looks[change->action].style, color),
		looks[change->action].sign, mrp_style(STYLE_PLAIN, color), mrp_style(STYLE_BOLD, color),
		groups->v[first].members, kinds[change->kind].plural, mrp_style(STYLE_PLAIN, color));
	for (size_t i = 0; i < change->fields.n; i++)
		add_field(out, &change->fields.v[i], color, columns);
	add_members(out, plan, groups, first, columns);
}

static void add_changes(struct strbuf *out, const struct plan *plan, bool color, size_t columns)
{
	size_t column = name_column(plan);
	struct plan_groups groups;

	plan_group(&groups, plan);
	for (size_t i = 0; i < plan->changes.n; i++) {
		if (groups.v[i].members >= GROUP_FROM)
			add_group(out, plan, &groups, i, color, columns);
		else if (!groups.v[i].shown_before)
			add_change(out, plan, &plan->changes.v[i], column, color, columns);
	}
	plan_groups_release(&groups);
}

/* "prober old-check" or "cluster x  clusters/x.yaml:1: why" */
static void add_item(struct strbuf *out, const struct plan *plan, const struct plan_item *item)
{
	strbuf_addf(out, "  %s %s", kinds[item->kind].name, item->slug);
	if (item->object) {
		strbuf_addstr(out, "  ");
		plan_add_place(out, plan, item->object);
	}
	if (item->reason)
		strbuf_addf(out, ": %s", item->reason);
	strbuf_addch(out, '\n');
}

static void add_heading(struct strbuf *out, bool color, const char *text)
{
	if (out->len)
		strbuf_addch(out, '\n');
	strbuf_addf(out, "%s%s%s\n", mrp_style(STYLE_BOLD, color), text, mrp_style(STYLE_PLAIN, color));
}

static void add_conflicts(struct strbuf *out, const struct plan *plan, bool color)
{
	if (!plan->conflicts.n)
		return;
	add_heading(out, color, "Conflicts: variables that someone else writes are left alone (--force-ownership takes them over)");
	for (size_t i = 0; i < plan->conflicts.n; i++) {
		const struct plan_conflict *conflict = &plan->conflicts.v[i];

		strbuf_addf(out, "%s!%s cluster %s  ", mrp_style(STYLE_REMOVE, color), mrp_style(STYLE_PLAIN, color),
			conflict->object->slug);
		plan_add_place(out, plan, conflict->object);
		add_touch(out, conflict->object);
		strbuf_addf(out, ": variable '%s' is written by '%s'\n", conflict->variable, conflict->owner);
	}
}

static void add_items(
	struct strbuf *out, const struct plan *plan, const struct plan_item_vec *items, const char *heading, bool color)
{
	if (!items->n)
		return;
	add_heading(out, color, heading);
	for (size_t i = 0; i < items->n; i++)
		add_item(out, plan, &items->v[i]);
}

void plan_summary(struct strbuf *out, const struct plan *plan)
{
	if (!plan->changes.n && !plan->conflicts.n && !plan->waiting.n && !plan->unmanaged.n) {
		strbuf_addf(out, "In sync: %zu object%s.", plan->unchanged, plan->unchanged == 1 ? "" : "s");
		return;
	}
	strbuf_addf(out, "Plan: %zu to create, %zu to update, %zu to delete", plan_count(plan, PLAN_CREATE),
		plan_count(plan, PLAN_UPDATE), plan_count(plan, PLAN_DELETE));
	const struct { size_t n; const char *what; } rest[] = {
		{ plan->conflicts.n, plan->conflicts.n == 1 ? "conflict" : "conflicts" },
		{ plan->unmanaged.n, "unmanaged" },
		{ plan->waiting.n, "waiting" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++) {
		if (rest[i].n)
			strbuf_addf(out, ", %zu %s", rest[i].n, rest[i].what);
	}
	strbuf_addf(out, "; %zu unchanged", plan->unchanged);
}

void plan_text(struct strbuf *out, const struct plan *plan, bool color, size_t columns)
{
	add_changes(out, plan, color, columns);
	add_conflicts(out, plan, color);
	add_items(out, plan, &plan->unmanaged, "Unmanaged: no config describes these any more (--prune deletes them)", color);
	add_items(out, plan, &plan->waiting, "Waiting", color);
	if (out->len)
		strbuf_addch(out, '\n');
	plan_summary(out, plan);
	strbuf_addch(out, '\n');
}

static void add_result(struct strbuf *out, const struct plan *plan, const struct plan_change *change)
{
	if (change->object) {
		plan_add_place(out, plan, change->object);
		strbuf_addstr(out, ": ");
	}
	strbuf_addf(out, "%s '%s': %s %s", kinds[change->kind].name, change->slug, plan_action_names[change->action],
		plan_result_names[change->result]);
	if (change->reason) {
		strbuf_addstr(out, ": ");
		strbuf_add_visible(out, change->reason, strlen(change->reason));
	}
	strbuf_addch(out, '\n');
}

void plan_results(struct strbuf *out, const struct plan *plan)
{
	enum { LEFT_SHOWN = 20 };
	size_t left = 0;

	for (size_t i = 0; i < plan->changes.n; i++) {
		const struct plan_change *change = &plan->changes.v[i];

		/* what was simply not reached any more can be thousands */
		if (change->result == PLAN_LEFT && ++left > LEFT_SHOWN)
			continue;
		if (change->result != PLAN_DONE)
			add_result(out, plan, change);
	}
	if (left > LEFT_SHOWN)
		strbuf_addf(out, "and %zu more left\n", left - LEFT_SHOWN);
}

void plan_results_summary(struct strbuf *out, const struct plan *plan)
{
	static const char *const done[PLAN_ACTIONS] = { "created", "updated", "deleted" };
	size_t counts[PLAN_ACTIONS] = { 0 };
	size_t failed = plan_count_result(plan, PLAN_FAILED), left = plan_count_result(plan, PLAN_LEFT),
	       waiting = plan_count_result(plan, PLAN_WAITING);

	for (size_t i = 0; i < plan->changes.n; i++)
		counts[plan->changes.v[i].action] += plan->changes.v[i].result == PLAN_DONE;
	strbuf_addstr(out, failed || left ? "Done in part: " : "Done: ");
	for (int action = 0; action < PLAN_ACTIONS; action++)
		strbuf_addf(out, "%s%zu %s", action ? ", " : "", counts[action], done[action]);
	if (waiting)
		strbuf_addf(out, "; %zu waiting", waiting);
	if (failed || left)
		strbuf_addf(out, "; %zu failed, %zu left; run it again to finish", failed, left);
}
