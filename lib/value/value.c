/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

const char *value_type_name(const struct value *v)
{
	static const char *const names[] = { "nothing", "true or false", "a whole number", "a number", "text", "a list",
		"a map" };

	return names[v->type];
}

static struct value *make(struct arena *arena, enum value_type type)
{
	struct value *v = arena_zalloc(arena, sizeof(*v));

	v->type = (uint8_t)type;
	return v;
}

struct value *value_null(struct arena *arena)
{
	return make(arena, V_NULL);
}

struct value *value_bool(struct arena *arena, bool b)
{
	struct value *v = make(arena, V_BOOL);

	v->b = b;
	return v;
}

struct value *value_int(struct arena *arena, int64_t i)
{
	struct value *v = make(arena, V_INT);

	v->i = i;
	return v;
}

struct value *value_real(struct arena *arena, double r)
{
	struct value *v = make(arena, V_REAL);

	v->r = r;
	return v;
}

struct value *value_string_n(struct arena *arena, const char *s, size_t len)
{
	struct value *v = make(arena, V_STRING);

	v->s = arena_strndup(arena, s, len);
	v->n = (uint32_t)len;
	return v;
}

struct value *value_string(struct arena *arena, const char *s)
{
	return value_string_n(arena, s, strlen(s));
}

struct value *value_array(struct arena *arena)
{
	return make(arena, V_ARRAY);
}

struct value *value_object(struct arena *arena)
{
	return make(arena, V_OBJECT);
}

/* Room for one more element of `size` bytes; the old block stays in the arena, so growth doubles. */
static void *grow(struct arena *arena, struct value *v, void *elements, size_t size)
{
	if (v->n < v->alloc)
		return elements;
	v->alloc = v->alloc ? v->alloc * 2 : 4;
	void *larger = arena_alloc(arena, v->alloc * size);
	if (v->n)
		memcpy(larger, elements, v->n * size);
	return larger;
}

void value_push(struct arena *arena, struct value *array, struct value *item)
{
	array->items = grow(arena, array, array->items, sizeof(*array->items));
	array->items[array->n++] = item;
}

bool value_lists(const struct value *list, const char *text)
{
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		if (list->items[i]->type == V_STRING && streq(list->items[i]->s, text))
			return true;
	}
	return false;
}

int64_t value_find(const struct value *object, const char *key)
{
	if (object->type != V_OBJECT)
		return -1;
	if (!(object->flags & VF_SORTED)) {
		for (uint32_t i = 0; i < object->n; i++) {
			if (streq(object->members[i].key, key))
				return i;
		}
		return -1;
	}
	for (uint32_t low = 0, high = object->n; low < high;) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(key, object->members[middle].key);

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

struct value *value_get(const struct value *object, const char *key)
{
	int64_t i = value_find(object, key);

	return i < 0 ? NULL : object->members[i].value;
}

const char *value_get_string(const struct value *object, const char *key)
{
	const struct value *v = value_get(object, key);

	return v && v->type == V_STRING ? v->s : NULL;
}

struct member *value_append(struct arena *arena, struct value *object, const char *key, struct value *item)
{
	object->members = grow(arena, object, object->members, sizeof(*object->members));
	object->flags &= (uint8_t)~VF_SORTED;
	struct member *m = &object->members[object->n++];
	*m = (struct member){ .key = key, .value = item, .line = item->line, .col = item->col };
	return m;
}

void value_set(struct arena *arena, struct value *object, const char *key, struct value *item)
{
	int64_t i = value_find(object, key);

	if (!item && i >= 0) {
		object->n--;
		memmove(object->members + i, object->members + i + 1,
			(object->n - (size_t)i) * sizeof(*object->members));
	} else if (item && i >= 0) {
		object->members[i].value = item;
	} else if (item) {
		value_append(arena, object, key, item);
	}
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

void value_sort(struct value *object)
{
	if (object->n > 1)
		qsort(object->members, object->n, sizeof(*object->members), compare_members);
	object->flags |= VF_SORTED;
}

struct value *value_copy_shallow(struct arena *arena, const struct value *v)
{
	struct value *copy = arena_alloc(arena, sizeof(*copy));

	*copy = *v;
	copy->alloc = v->n;
	if (v->type == V_ARRAY && v->n) {
		copy->items = arena_alloc(arena, v->n * sizeof(*v->items));
		memcpy(copy->items, v->items, v->n * sizeof(*v->items));
	} else if (v->type == V_OBJECT && v->n) {
		copy->members = arena_alloc(arena, v->n * sizeof(*v->members));
		memcpy(copy->members, v->members, v->n * sizeof(*v->members));
	}
	return copy;
}

struct value *value_copy(struct arena *arena, const struct value *v)
{
	struct value *copy = value_copy_shallow(arena, v);

	if (v->type == V_STRING)
		copy->s = arena_strndup(arena, v->s, v->n);
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++)
		copy->items[i] = value_copy(arena, v->items[i]);
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++) {
		copy->members[i].key = arena_strdup(arena, v->members[i].key);
		copy->members[i].value = value_copy(arena, v->members[i].value);
	}
	return copy;
}

static bool equal_numbers(const struct value *a, const struct value *b)
{
	if (a->type == V_INT && b->type == V_INT)
		return a->i == b->i;
	if (a->type == V_REAL && b->type == V_REAL)
		return a->r == b->r;
	int64_t i = a->type == V_INT ? a->i : b->i;
	double r = a->type == V_REAL ? a->r : b->r;
	/* compare as integers: a double holds not every int64_t */
	return r >= -0x1p63 && r < 0x1p63 && (double)(int64_t)r == r && (int64_t)r == i;
}

static bool is_number(const struct value *v)
{
	return v->type == V_INT || v->type == V_REAL;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a == b)
		return true;
	if (is_number(a) && is_number(b))
		return equal_numbers(a, b);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case V_NULL:
		return true;
	case V_BOOL:
		return a->b == b->b;
	case V_STRING:
		return a->n == b->n && memcmp(a->s, b->s, a->n) == 0;
	case V_ARRAY:
		for (uint32_t i = 0; a->n == b->n && i < a->n; i++) {
			if (!value_equal(a->items[i], b->items[i]))
				return false;
		}
		return a->n == b->n;
	case V_OBJECT:
		for (uint32_t i = 0; a->n == b->n && i < a->n; i++) {
			const struct value *other = value_get(b, a->members[i].key);

			if (!other || !value_equal(a->members[i].value, other))
				return false;
		}
		return a->n == b->n;
	}
	BUG("value of type %d", a->type);
}

bool value_contains_null(const struct value *v)
{
	if (v->type == V_NULL)
		return true;
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++) {
		if (value_contains_null(v->members[i].value))
			return true;
	}
	return false;
}
