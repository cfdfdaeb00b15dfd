/* SPDX-License-Identifier: Apache-2.0 */
/* Changes are put in the order of a digest of what they show; neighbours that are equal then make a group. */
#include "groups.h"

#include "../value/json.h"

struct keyed {
	uint8_t digest[SHA256_BYTES];
	size_t index;
};

static void add_side(struct strbuf *out, const struct value *v)
{
	strbuf_addch(out, v ? '=' : '-');
	if (v)
		json_canonical(out, v);
	strbuf_addch(out, '\n');
}

static void make_key(struct keyed *key, const struct plan_change *change, struct strbuf *scratch)
{
	strbuf_reset(scratch);
	strbuf_addf(scratch, "%d\n", (int)change->kind);
	for (size_t i = 0; i < change->fields.n; i++) {
		strbuf_addf(scratch, "%s\n", change->fields.v[i].field);
		add_side(scratch, change->fields.v[i].before);
		add_side(scratch, change->fields.v[i].after);
	}
	sha256_of(key->digest, scratch->buf, scratch->len);
}

static int compare_keys(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = memcmp(x->digest, y->digest, SHA256_BYTES);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void note_group(struct plan_groups *groups, const struct keyed *keys, size_t n)
{
	if (n < GROUP_FROM)
		return;
	groups->v[keys[0].index].members = n;
	for (size_t i = 0; i < n; i++) {
		groups->v[keys[i].index].shown_before = i > 0;
		groups->v[keys[i].index].next = i + 1 < n ? keys[i + 1].index : GROUP_END;
	}
}

void plan_group(struct plan_groups *groups, const struct plan *plan)
{
	cleanup(strbuf_release) struct strbuf scratch = STRBUF_INIT;
	cleanup(freep) struct keyed *keys = xcalloc(plan->changes.n + 1, sizeof(*keys));
	size_t n = 0, from = 0;

	groups->v = xcalloc(plan->changes.n + 1, sizeof(*groups->v));
	for (size_t i = 0; i < plan->changes.n; i++) {
		if (plan->changes.v[i].action != PLAN_UPDATE)
			continue;
		keys[n].index = i;
		make_key(&keys[n++], &plan->changes.v[i], &scratch);
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i <= n; i++) {
		if (i < n && memcmp(keys[i].digest, keys[from].digest, SHA256_BYTES) == 0)
			continue;
		note_group(groups, &keys[from], i - from);
		from = i;
	}
}

void plan_groups_release(struct plan_groups *groups)
{
	free(groups->v);
	groups->v = NULL;
}
