/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed the objects of a plan: looked up for these alone, as history is long and plans are mostly short. */
#include "plan.h"

VEC_DEFINE(object_vec, const struct config_object *)

int plan_find_sources(struct plan *plan, struct config *config, struct mrp_err *err)
{
	cleanup(object_vec_clear) struct object_vec objects = VEC_INIT;

	for (size_t i = 0; i < plan->changes.n; i++) {
		if (plan->changes.v[i].object)
			object_vec_push(&objects, plan->changes.v[i].object);
	}
	for (size_t i = 0; i < plan->conflicts.n; i++) /* several of one object lie together */
		object_vec_push(&objects, plan->conflicts.v[i].object);
	if (config_find_touches(config, objects.v, objects.n, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->changes.n; i++) {
		struct plan_change *change = &plan->changes.v[i];

		if (change->patch)
			value_set(&plan->arena, change->patch, "source", plan_source(&plan->arena, change->object));
	}
	return 0;
}

static struct value *text_or_null(struct arena *arena, const char *text)
{
	return text ? value_string(arena, text) : value_null(arena);
}

struct value *plan_source(struct arena *arena, const struct config_object *object)
{
	static const struct config_touch unknown = { NULL, NULL, NULL };
	const struct config_touch *touch = object->touch ? object->touch : &unknown;
	struct value *source = value_object(arena);

	value_append(arena, source, "path", value_string(arena, object->path));
	value_append(arena, source, "line", value_int(arena, object->line));
	/* null also clears what an older source said */
	value_append(arena, source, "revision", text_or_null(arena, touch->revision));
	value_append(arena, source, "author", text_or_null(arena, touch->author));
	value_append(arena, source, "committed_at", text_or_null(arena, touch->committed_at));
	return source;
}

void plan_add_touch(struct strbuf *out, const struct config_object *object)
{
	enum { HASH_DIGITS = 7, HASH_LEN = 40, DATE_LEN = 10 };
	const struct config_touch *touch = object->touch;

	if (!touch)
		return;
	size_t len = strlen(touch->revision);
	strbuf_add(out, touch->revision, len == HASH_LEN ? HASH_DIGITS : len);
	const char *mail = touch->author ? strstr(touch->author, " <") : NULL;
	if (mail) {
		strbuf_addch(out, ' ');
		strbuf_add_visible(out, touch->author, (size_t)(mail - touch->author));
	}
	if (touch->committed_at)
		strbuf_addf(out, " %.*s", (int)DATE_LEN, touch->committed_at);
}
