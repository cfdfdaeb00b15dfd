/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tree for YAML and JSON alike: what configs say and what the API stores. Values live in an arena and are passed
 * by pointer; strings are NUL-terminated and may not hold NUL. Every value read from YAML keeps its place, so that a
 * mistake found much later still points at a line.
 *
 * Trees may share parts (YAML aliases do), so treat what you did not just make as immutable: copy the struct (that
 * shares its children) or make a new object. Objects keep the order of the source; keys are unique.
 */
#ifndef MRP_VALUE_VALUE_H
#define MRP_VALUE_VALUE_H

#include "../base/arena.h"
#include "../base/err.h"

enum value_type { V_NULL, V_BOOL, V_INT, V_REAL, V_STRING, V_ARRAY, V_OBJECT };

enum {
	VF_SECRET = 1 << 0, /* came from !env or !file: never shown */
	VF_SORTED = 1 << 1, /* an object whose members are in byte order of their keys: lookups are binary */
	VF_ENV = 1 << 2,    /* !env not read yet: the text is the variable's name; VF_SECRET too */
	VF_FILE = 1 << 3,   /* !file not read yet: the text is the path; VF_SECRET too */
	VF_BAD = 1 << 4,    /* a problem was reported about it already: say nothing more */
};

struct value;

struct member {
	const char *key;
	struct value *value;
	uint32_t line, col; /* of the key */
};

struct value {
	uint8_t type; /* enum value_type */
	uint8_t flags;
	uint32_t n;       /* bytes of a string, items of an array, members of an object */
	uint32_t alloc;   /* room in items or members; arrays and objects only */
	uint32_t line, col;
	const char *file; /* borrowed; NULL when made by hand or read from JSON */
	const char *text; /* how YAML spelled a null, bool, int or real ("1.0", "0x1f"); NULL when from elsewhere */
	union {
		bool b;
		int64_t i;
		double r;
		const char *s;
		struct value **items;
		struct member *members;
	};
};

static inline struct mrp_loc value_loc(const struct value *v)
{
	return (struct mrp_loc){ v->file, v->line, v->col };
}

static inline struct mrp_loc member_loc(const struct value *object, const struct member *m)
{
	return (struct mrp_loc){ object->file, m->line, m->col };
}

/* "null", "true or false", "a whole number", ... for messages */
const char *value_type_name(const struct value *v);

struct value *value_null(struct arena *arena);
struct value *value_bool(struct arena *arena, bool b);
struct value *value_int(struct arena *arena, int64_t i);
struct value *value_real(struct arena *arena, double r); /* finite */
struct value *value_string(struct arena *arena, const char *s);
struct value *value_string_n(struct arena *arena, const char *s, size_t len);
struct value *value_array(struct arena *arena);
struct value *value_object(struct arena *arena);

/* `array` was made by value_array and is yours alone. `item` is shared, not copied. */
void value_push(struct arena *arena, struct value *array, struct value *item);

/* The member's value or NULL. */
struct value *value_get(const struct value *object, const char *key);
/* Text of a string member, or NULL when there is none or it is no string. */
const char *value_get_string(const struct value *object, const char *key);
/* The index of the member, or -1. */
int64_t value_find(const struct value *object, const char *key);
/* True when `list` is a list with that text as an item; NULL is none. */
bool value_lists(const struct value *list, const char *text);
/* Set (replace or append); the object is yours alone. `key` must outlive the arena's users: from the same arena or a
 * literal. A NULL `item` removes the member. */
void value_set(struct arena *arena, struct value *object, const char *key, struct value *item);
/* Append without looking for the key first: for building large objects whose keys are known to differ. */
struct member *value_append(struct arena *arena, struct value *object, const char *key, struct value *item);
/* Sort the members in place, so that later lookups are binary; the object is yours alone. */
void value_sort(struct value *object);

/* A copy whose object or array header is yours (one level); children are shared. */
struct value *value_copy_shallow(struct arena *arena, const struct value *v);
/* A copy that shares nothing with the original, except the file names. */
struct value *value_copy(struct arena *arena, const struct value *v);

/* Equal as JSON data: numbers as numbers (10 and 10.0), objects whatever their order. */
bool value_equal(const struct value *a, const struct value *b);
/* True when `v` is null or has a null as a member's value at any depth (such a value cannot travel in an RFC 7396 patch). */
bool value_contains_null(const struct value *v);

#define value_for_each(item, array)                                                                                    \
	for (uint32_t item##_i = 0; item##_i < (array)->n; item##_i++)                                                 \
		for (struct value *item = (array)->items[item##_i]; item; item = NULL)

#endif
