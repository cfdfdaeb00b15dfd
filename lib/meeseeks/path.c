/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include "../base/parse.h"

enum { PART_MAX = 256 };

struct part {
	char name[PART_MAX];
	bool selects; /* [key=wanted] */
	char key[PART_MAX], wanted[PART_MAX];
};

/* Copies up to one of `ends`; returns where that is, or NULL when it is too long or ends with a backslash. */
static const char *take(char out[PART_MAX], const char *p, const char *ends)
{
	size_t n = 0;

	for (; *p && !strchr(ends, *p); p++) {
		if ((*p == '\\' && !*++p) || n + 1 == PART_MAX)
			return NULL;
		out[n++] = *p;
	}
	out[n] = '\0';
	return p;
}

/* The part at `p`; returns what follows it ("" at the end), or NULL. */
static const char *next_part(struct part *part, const char *p)
{
	p = take(part->name, p, ".[");
	if (!p || !*part->name)
		return NULL;
	part->selects = *p == '[';
	if (part->selects) {
		p = take(part->key, p + 1, "=]");
		if (!p || *p != '=' || !*part->key)
			return NULL;
		p = take(part->wanted, p + 1, "]");
		if (!p || *p++ != ']')
			return NULL;
	}
	if (!*p)
		return p;
	return *p == '.' && p[1] ? p + 1 : NULL;
}

int path_check(const char *path, struct mrp_err *err)
{
	struct part part;

	for (const char *p = path; *p;) {
		p = next_part(&part, p);
		if (!p)
			return mrp_err_set(err, MRP_EPARSE,
				"'%s' is no path (like metadata.name or addresses[type=InternalIP].address)", path);
	}
	return 0;
}

static struct value *item_at(struct value *list, const char *number)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t i;
	bool found = parse_int(&i, number, 0, UINT32_MAX, &err) == 0 && i < list->n;

	mrp_err_clear(&err);
	return found ? list->items[i] : NULL;
}

static struct value *select_item(struct value *list, const struct part *part)
{
	if (list->type != V_ARRAY)
		return NULL;
	value_for_each(item, list) {
		const char *text = item->type == V_OBJECT ? value_get_string(item, part->key) : NULL;

		if (text && streq(text, part->wanted))
			return item;
	}
	return NULL;
}

struct value *path_get(struct value *v, const char *path)
{
	struct part part;

	while (v && *path) {
		path = next_part(&part, path);
		if (!path)
			return NULL;
		v = v->type == V_OBJECT ? value_get(v, part.name) : v->type == V_ARRAY ? item_at(v, part.name) : NULL;
		if (v && part.selects)
			v = select_item(v, &part);
	}
	return v;
}
