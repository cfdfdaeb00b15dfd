/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_map.h"

enum { FEW = 24 }; /* so many are compared with each other, more are sorted first */

static void report_duplicate(
	struct problems *problems, const char *file, const struct member *first, struct member *again)
{
	struct mrp_loc loc = { file, again->line, again->col };

	problems_add(
		problems, loc, again->key, "duplicate key, there already in line %u; remove one of them", first->line);
	again->value = NULL;
}

static int compare_keys(const void *a, const void *b)
{
	const struct member *x = *(const struct member *const *)a, *y = *(const struct member *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x > y) - (x < y);
}

static void mark_among_many(struct member *members, size_t n, const char *file, struct problems *problems)
{
	struct member **order = xmalloc(n * sizeof(*order));
	size_t n_keys = 0;

	for (size_t i = 0; i < n; i++) {
		if (members[i].key)
			order[n_keys++] = &members[i];
	}
	if (n_keys > 1)
		qsort(order, n_keys, sizeof(*order), compare_keys);
	for (size_t i = 1, first = 0; i < n_keys; i++) {
		if (streq(order[first]->key, order[i]->key))
			report_duplicate(problems, file, order[first], order[i]);
		else
			first = i;
	}
	free(order);
}

void yaml_map_mark_duplicates(struct member *members, size_t n, const char *file, struct problems *problems)
{
	if (n > FEW) {
		mark_among_many(members, n, file, problems);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		const char *key = members[i].key;

		for (size_t k = 0; key && k < i; k++) {
			if (!members[k].key || members[k].key[0] != key[0] || !streq(members[k].key, key))
				continue;
			report_duplicate(problems, file, &members[k], &members[i]);
			break;
		}
	}
}

static void merge_map(struct arena *arena, struct value *map, const struct value *from)
{
	const struct value *own = map;

	if (map->n > FEW) { /* look up in a sorted copy; the keys of `from` differ among themselves */
		struct value *sorted = value_copy_shallow(arena, map);

		value_sort(sorted);
		own = sorted;
	}
	for (uint32_t i = 0; i < from->n; i++) {
		const struct member *m = &from->members[i];

		if (value_find(own, m->key) >= 0)
			continue;
		struct member *copy = value_append(arena, map, m->key, m->value);
		copy->line = m->line;
		copy->col = m->col;
	}
}

bool yaml_map_merge(struct arena *arena, struct value *map, const struct value *from)
{
	if (from->type == V_OBJECT) {
		merge_map(arena, map, from);
		return true;
	}
	if (from->type != V_ARRAY)
		return false;
	value_for_each(one, from) {
		if (one->type != V_OBJECT)
			return false;
	}
	value_for_each(one, from) {
		merge_map(arena, map, one);
	}
	return true;
}
