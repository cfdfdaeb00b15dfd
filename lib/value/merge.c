/* SPDX-License-Identifier: Apache-2.0 */
#include "merge.h"

struct value *merge_patch(struct arena *arena, const struct value *target, const struct value *patch)
{
	if (patch->type != V_OBJECT)
		return (struct value *)patch;
	struct value *result = target && target->type == V_OBJECT ? value_copy_shallow(arena, target)
								  : value_object(arena);
	for (uint32_t i = 0; i < patch->n; i++) {
		const struct member *m = &patch->members[i];
		struct value *merged = NULL;

		if (m->value->type != V_NULL)
			merged = merge_patch(arena, value_get(result, m->key), m->value);
		value_set(arena, result, m->key, merged);
	}
	return result;
}

struct value *merge_diff(struct arena *arena, const struct value *before, const struct value *after)
{
	struct value *patch = value_object(arena);

	for (uint32_t i = 0; i < before->n; i++) {
		if (!value_get(after, before->members[i].key))
			value_append(arena, patch, before->members[i].key, value_null(arena));
	}
	for (uint32_t i = 0; i < after->n; i++) {
		const struct member *m = &after->members[i];
		const struct value *old = value_get(before, m->key);
		struct value *change = m->value;

		if (old && value_equal(old, m->value))
			continue;
		if (old && old->type == V_OBJECT && m->value->type == V_OBJECT)
			change = merge_diff(arena, old, m->value);
		value_append(arena, patch, m->key, change);
	}
	return patch->n ? patch : NULL;
}

struct value *layer_merge(struct arena *arena, const struct value *lower, struct value *upper)
{
	if (!lower || lower->type != V_OBJECT || upper->type != V_OBJECT)
		return upper;
	struct value *result = value_copy_shallow(arena, lower);
	for (uint32_t i = 0; i < upper->n; i++) {
		const struct member *m = &upper->members[i];

		value_set(arena, result, m->key, layer_merge(arena, value_get(result, m->key), m->value));
	}
	result->flags |= upper->flags & VF_SECRET;
	return result;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct walk {
	difference_fn *report;
	void *ctx;
	struct strbuf path;
};

static void walk_differences(struct walk *walk, const struct value *before, const struct value *after, int depth)
{
	size_t n = 0, path_len = walk->path.len;
	const char **keys = xmalloc((before->n + after->n) * sizeof(*keys));

	for (uint32_t i = 0; i < before->n; i++)
		keys[n++] = before->members[i].key;
	for (uint32_t i = 0; i < after->n; i++) {
		if (!value_get(before, after->members[i].key))
			keys[n++] = after->members[i].key;
	}
	if (n > 1)
		qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++) {
		const struct value *a = value_get(before, keys[i]), *b = value_get(after, keys[i]);

		if (a && b && value_equal(a, b))
			continue;
		if (path_len)
			strbuf_addch(&walk->path, '.');
		strbuf_addstr(&walk->path, keys[i]);
		if (a && b && depth > 1 && a->type == V_OBJECT && b->type == V_OBJECT)
			walk_differences(walk, a, b, depth - 1);
		else
			walk->report(walk->ctx, walk->path.buf, a, b);
		strbuf_setlen(&walk->path, path_len);
	}
	free(keys);
}

void value_differences(
	const struct value *before, const struct value *after, int max_depth, difference_fn *report, void *ctx)
{
	struct walk walk = { .report = report, .ctx = ctx, .path = STRBUF_INIT };

	walk_differences(&walk, before, after, max_depth);
	strbuf_release(&walk.path);
}
