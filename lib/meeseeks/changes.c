/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

enum { SHOWN = 5 }; /* names in one message */

#define DEFAULT_PERCENT 20.0

static int by_name(const void *a, const void *b)
{
	const struct node *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->page > y->page) - (x->page < y->page);
}

void nodes_sort(struct node_vec *nodes)
{
	for (size_t i = 1; i < nodes->n; i++) {
		if (by_name(&nodes->v[i - 1], &nodes->v[i]) <= 0)
			continue;
		qsort(nodes->v, nodes->n, sizeof(*nodes->v), by_name);
		return;
	}
}

int nodes_unique(struct node_vec *nodes, bool *doubled, struct mrp_err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < nodes->n; i++) {
		const struct node *last = kept ? &nodes->v[kept - 1] : NULL, *node = &nodes->v[i];

		if (!last || !streq(last->name, node->name)) {
			nodes->v[kept++] = *node;
			continue;
		}
		*doubled |= last->page != node->page;
		if (!value_equal(last->shape, node->shape))
			return mrp_err_set(err, MRP_EREFUSED,
				"node '%s' is listed twice, and what is said about it differs", node->name);
	}
	nodes->n = kept;
	return 0;
}

/* "a, b and 3 more" */
static void add_name(struct strbuf *text, size_t n, const char *name)
{
	if (n < SHOWN)
		strbuf_addf(text, "%s'%s'", n ? ", " : "", name);
}

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* To DNS they are one host, which would be checked twice and counted twice. */
static int check_case(const struct node_vec *nodes, struct mrp_err *err)
{
	cleanup(freep) char *sorted_memory = xcalloc(nodes->n + 1, sizeof(char *));
	const char **sorted = (const char **)sorted_memory;
	int result = 0;

	for (size_t i = 0; i < nodes->n; i++)
		sorted[i] = nodes->v[i].name;
	qsort(sorted, nodes->n, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < nodes->n && result == 0; i++) {
		if (strcasecmp(sorted[i - 1], sorted[i]) == 0)
			result = mrp_err_set(
				err, MRP_EREFUSED, "'%s' and '%s' are one host name", sorted[i - 1], sorted[i]);
	}
	return result;
}

static bool has_capitals(const struct node_vec *nodes)
{
	for (size_t i = 0; i < nodes->n; i++) {
		for (const char *p = nodes->v[i].name; *p; p++) {
			if (*p >= 'A' && *p <= 'Z')
				return true;
		}
	}
	return false;
}

int nodes_check_names(const struct node_vec *nodes, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	size_t bad = 0;

	for (size_t i = 0; i < nodes->n; i++) {
		if (!host_name_valid(nodes->v[i].name))
			add_name(&text, bad++, nodes->v[i].name);
	}
	if (!bad)
		return has_capitals(nodes) ? check_case(nodes, err) : 0;
	if (bad > SHOWN)
		strbuf_addf(&text, " and %zu more", bad - SHOWN);
	return mrp_err_set(err, MRP_EREFUSED, "%s %s", text.buf, bad == 1 ? "is no host name" : "are no host names");
}

bool nodes_equal(const struct node_vec *a, const struct node_vec *b)
{
	bool equal = a->n == b->n;

	for (size_t i = 0; equal && i < a->n; i++)
		equal = streq(a->v[i].name, b->v[i].name) && value_equal(a->v[i].shape, b->v[i].shape);
	return equal;
}

struct value *nodes_value(const struct node_vec *nodes, struct arena *arena)
{
	struct value *list = value_array(arena);

	for (size_t i = 0; i < nodes->n; i++)
		value_push(arena, list, nodes->v[i].shape);
	return list;
}

/* The name of what stands in the variable: a text, or a member of an object. A mapping with another template may have
 * written it; then the first text of the object is the name, or the guards would not see what goes. */
static const char *name_of(const struct value *item, const char *name_key)
{
	const char *name = NULL;

	if (item->type == V_STRING)
		return item->s;
	if (item->type == V_OBJECT)
		name = value_get_string(item, name_key ? name_key : "name");
	for (uint32_t i = 0; item->type == V_OBJECT && !name && i < item->n; i++) {
		if (item->members[i].value->type == V_STRING)
			name = item->members[i].value->s;
	}
	return name;
}

/* The nodes that stand in the variable, sorted. *plain: it holds nothing else, in this order, and none twice. */
static void take_current(struct node_vec *out, const struct value *current, const char *name_key, bool *plain)
{
	*plain = current && current->type == V_ARRAY;
	for (uint32_t i = 0; *plain && i < current->n; i++) {
		const char *name = name_of(current->items[i], name_key);

		if (name)
			node_vec_push(out, (struct node){ .name = name, .shape = current->items[i] });
	}
	*plain = *plain && out->n == current->n;
	for (size_t i = 1; *plain && i < out->n; i++)
		*plain = strcmp(out->v[i - 1].name, out->v[i].name) < 0;
	nodes_sort(out);
}

void changes_find(
	struct changes *changes, const struct value *current, const char *name_key, const struct node_vec *nodes)
{
	struct node_vec before = VEC_INIT;
	size_t i = 0, k = 0;
	bool plain;

	take_current(&before, current, name_key, &plain);
	changes->after = nodes->n;
	while (i < before.n || k < nodes->n) {
		const struct node *old = i < before.n ? &before.v[i] : NULL, *new = k < nodes->n ? &nodes->v[k] : NULL;
		int order = !old ? 1 : !new ? -1 : strcmp(old->name, new->name);

		if (old && i && streq(old->name, before.v[i - 1].name)) { /* the same once more */
			i++;
			continue;
		}
		changes->before += order <= 0;
		if (order < 0)
			strvec_push(&changes->removed, old->name);
		else if (order > 0)
			strvec_push(&changes->added, new->name);
		else if (!value_equal(old->shape, new->shape))
			strvec_push(&changes->changed, new->name);
		i += order <= 0;
		k += order >= 0;
	}
	changes->reshaped = !plain;
	node_vec_clear(&before);
}

bool changes_any(const struct changes *changes)
{
	return changes->added.n || changes->removed.n || changes->changed.n || changes->reshaped;
}

int changes_guard(
	const struct changes *changes, const struct mrp_limit *max_removal, bool allow_empty, struct mrp_err *err)
{
	bool in_percent = !max_removal->set || max_removal->is_percent;
	double percent = max_removal->set ? max_removal->percent : DEFAULT_PERCENT;

	if (!changes->after)
		return allow_empty
			? 0
			: mrp_err_set(err, MRP_EREFUSED, "the list of nodes is empty; --allow-empty lets it be");
	if (in_percent ? (double)changes->removed.n * 100 > percent * (double)changes->before
		       : changes->removed.n > (size_t)max_removal->count) {
		cleanup(freep) char *limit =
			in_percent ? xasprintf("%g%%", percent) : xasprintf("%lld", (long long)max_removal->count);

		return mrp_err_set(err, MRP_EREFUSED,
			"%zu of %zu nodes would be removed, more than %s; --max-removal allows more",
			changes->removed.n, changes->before, limit);
	}
	return 0;
}

static bool same_names(const struct strvec *a, const struct strvec *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = streq(a->v[i], b->v[i]);
	return same;
}

bool changes_equal(const struct changes *a, const struct changes *b)
{
	return same_names(&a->added, &b->added) && same_names(&a->removed, &b->removed) &&
		same_names(&a->changed, &b->changed) && a->reshaped == b->reshaped;
}

void changes_clear(struct changes *changes)
{
	strvec_clear(&changes->added);
	strvec_clear(&changes->removed);
	strvec_clear(&changes->changed);
	*changes = (struct changes)CHANGES_INIT;
}
