/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include "../base/text.h"
#include "../value/json.h"
#include "../value/merge.h"

enum { FORMAT_VERSION = 1, DEPTH = 3, SHOWN_MAX = 160 };

/* The last part of a path that every write moves. */
static bool is_bookkeeping(const char *path)
{
	static const char *const names[] = { "revision", "digest", "updated_at" };
	const char *dot = strrchr(path, '.'), *last = dot ? dot + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(last, names[i]))
			return true;
	}
	return false;
}

static void add_shown(struct strbuf *out, const struct value *v)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	size_t len;

	if (!v) {
		strbuf_addstr(out, "(none)");
		return;
	}
	if (v->type == V_STRING)
		strbuf_add(&text, v->s, v->n);
	else
		json_compact(&text, v);
	for (len = 0; len < text.len && len < SHOWN_MAX;)
		len += MAX(utf8_sequence(text.buf + len, text.len - len), (size_t)1);
	strbuf_add_visible(out, text.buf, len);
	if (len < text.len)
		strbuf_addstr(out, "...");
}

static void add_difference(void *ctx, const char *path, const struct value *before, const struct value *after)
{
	struct strbuf *out = ctx;

	if (is_bookkeeping(path))
		return;
	strbuf_addstr(out, "  ");
	strbuf_add_visible(out, path, strlen(path));
	strbuf_addstr(out, ": ");
	add_shown(out, before);
	strbuf_addstr(out, " -> ");
	add_shown(out, after);
	strbuf_addch(out, '\n');
}

struct formatter {
	struct strbuf *out;
	const struct change_style *style;
	const struct target *target;
	struct arena *arena;
};

static void add_change(
	const struct formatter *f, const char *event, const struct value *before, const struct value *after)
{
	const struct value *item = after ? after : before, *revision = value_get(item, "revision");
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
	struct value *line;

	resource_item_name(&name, f->target, item);
	if (f->style->json) {
		line = value_object(f->arena);
		value_append(f->arena, line, "format_version", value_int(f->arena, FORMAT_VERSION));
		value_append(f->arena, line, "time", value_string(f->arena, f->style->time));
		value_append(f->arena, line, "event", value_string(f->arena, event));
		value_append(f->arena, line, "name", value_string(f->arena, name.buf));
		value_append(f->arena, line, "object", (struct value *)item);
		json_compact(f->out, line);
		strbuf_addch(f->out, '\n');
		return;
	}
	strbuf_addf(f->out, "%s %s %s", f->style->time, name.buf, event);
	if (after && revision && revision->type == V_INT)
		strbuf_addf(f->out, " (revision %lld)", (long long)revision->i);
	strbuf_addch(f->out, '\n');
	if (before && after)
		value_differences(before, after, DEPTH, add_difference, f->out);
}

static struct value *index_items(const struct formatter *f, const struct value *items)
{
	struct value *index = value_object(f->arena);

	value_for_each(item, items) {
		cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;

		resource_item_name(&name, f->target, item);
		value_append(f->arena, index, arena_strdup(f->arena, name.buf), item);
	}
	value_sort(index);
	return index;
}

static const struct value *find_item(const struct formatter *f, const struct value *index, const struct value *item)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;

	resource_item_name(&name, f->target, item);
	return value_get(index, name.buf);
}

void changes_format(struct strbuf *out, const struct change_style *style, const struct target *target,
	const struct value *before, const struct value *after, struct arena *arena)
{
	struct formatter f = { out, style, target, arena };
	struct value *old = index_items(&f, before), *new = index_items(&f, after);

	value_for_each(item, after) {
		const struct value *earlier = find_item(&f, old, item);

		if (!earlier)
			add_change(&f, "added", NULL, item);
		else if (!value_equal(earlier, item))
			add_change(&f, "changed", earlier, item);
	}
	value_for_each(item, before) {
		if (!find_item(&f, new, item))
			add_change(&f, "deleted", item, NULL);
	}
}
