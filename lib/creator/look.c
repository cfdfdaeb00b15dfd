/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include "../base/clock.h"
#include "../base/text.h"
#include "policy.h"

struct recipe {
	char slug[CLUSTER_SLUG];
	int64_t revision, written_ms;
};

VEC_DEFINE(recipe_vec, struct recipe)

struct look {
	struct http_client *client;
	struct recipe_vec recipes;
	const char *policy;
	const char *const *disable;
	bool *used, *told; /* by glob */
	size_t n_disable;
	/* of one look */
	struct clusters *queue;
	bool at_once;
};

struct look *look_new(const struct http_options *api, const char *policy, const char *const *disable, size_t n_disable,
	struct mrp_err *err)
{
	struct http_client *client = http_open(api, err);

	if (!client)
		return NULL;
	struct look *look = xcalloc(1, sizeof(*look));
	look->client = client;
	look->policy = policy;
	look->disable = disable;
	look->n_disable = n_disable;
	look->used = xcalloc(n_disable + 1, sizeof(*look->used));
	look->told = xcalloc(n_disable + 1, sizeof(*look->told));
	return look;
}

void look_free(struct look *look)
{
	if (!look)
		return;
	http_close(look->client);
	recipe_vec_clear(&look->recipes);
	free(look->used);
	free(look->told);
	free(look);
}

static int64_t int_of(const struct value *v, const char *key)
{
	const struct value *n = v && v->type == V_OBJECT ? value_get(v, key) : NULL;

	return n && n->type == V_INT ? n->i : 0;
}

static struct recipe *find_recipe(struct look *look, const char *slug)
{
	for (size_t i = 0; slug && i < look->recipes.n; i++) {
		if (streq(look->recipes.v[i].slug, slug))
			return &look->recipes.v[i];
	}
	return NULL;
}

static int on_recipe(void *ctx, enum kind kind, struct value *object, struct mrp_err *err)
{
	struct look *look = ctx;
	const char *slug = value_get_string(object, "slug");
	struct recipe *recipe = find_recipe(look, slug);

	(void)kind, (void)err;
	if (!slug)
		return 0;
	if (!recipe) {
		recipe = recipe_vec_push(&look->recipes, (struct recipe){ 0 });
		snprintf(recipe->slug, sizeof(recipe->slug), "%s", slug);
	}
	recipe->revision = int_of(object, "revision");
	recipe->written_ms = MAX(time_parse(value_get_string(object, "updated_at")), 0);
	clusters_forget_recipe(look->queue, slug);
	return 0;
}

static bool disabled(struct look *look, const char *slug)
{
	bool any = false;

	for (size_t i = 0; i < look->n_disable; i++) {
		if (glob_match(look->disable[i], slug))
			any = look->used[i] = true;
	}
	return any;
}

void look_unused_globs(struct strbuf *out, struct look *look)
{
	for (size_t i = 0; i < look->n_disable; i++) {
		if (look->used[i] || look->told[i])
			continue;
		strbuf_addf(out, "%s'%s'", out->len ? ", " : "", look->disable[i]);
		look->told[i] = true;
	}
}

static int on_cluster(void *ctx, enum kind kind, struct value *object, struct mrp_err *err)
{
	struct look *look = ctx;
	const char *slug = value_get_string(object, "slug"), *name = value_get_string(object, "recipe");
	const struct recipe *recipe = find_recipe(look, name);
	char refusal[SHA256_HEX + 1];

	(void)kind, (void)err;
	policy_refusal(refusal, look->policy, recipe ? recipe->revision : 0);
	struct due due = due_of(object, recipe ? recipe->written_ms : 0, refusal);
	if (!slug)
		return 0;
	if (look->at_once)
		due = (struct due){ 0, true }; /* who names one hears why it is not deployed */
	else if (disabled(look, slug))
		due = (struct due){ DUE_NEVER, false };
	clusters_set(look->queue, slug, int_of(object, "revision"), name, due);
	return 0;
}

static bool wanted(const char *slug, const char *const *slugs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (streq(slugs[i], slug))
			return true;
	}
	return n == 0;
}

/* Slugs of this kind that have to be read. Managed ones, others, and those that are to go are parts of the state. */
static void collect(struct strvec *out, struct look *look, const struct value *state, enum kind kind,
	const char *const *slugs, size_t n)
{
	static const char *const parts[] = { "kinds", "unmanaged", "destroying" };

	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		const struct value *part = value_get(state, parts[p]);
		const struct value *objects =
			part && part->type == V_OBJECT ? value_get(part, kinds[kind].plural) : NULL;

		for (uint32_t i = 0; objects && objects->type == V_OBJECT && i < objects->n; i++) {
			const struct member *m = &objects->members[i];
			int64_t revision = int_of(m->value, "revision");
			const struct recipe *recipe = kind == KIND_RECIPE ? find_recipe(look, m->key) : NULL;

			if (kind == KIND_RECIPE
					? !recipe || recipe->revision != revision
					: wanted(m->key, slugs, n) && !clusters_seen(look->queue, m->key, revision))
				strvec_push(out, m->key);
		}
	}
}

static int read_kind(struct look *look, const struct value *state, enum kind kind, const char *const *slugs, size_t n,
	struct strvec *read, struct mrp_err *err)
{
	collect(read, look, state, kind, slugs, n);
	if (!read->n)
		return 0;
	return api_list_slugs(look->client, kind, (const char *const *)read->v, read->n,
		kind == KIND_RECIPE ? on_recipe : on_cluster, look, err);
}

int look_at_clusters(struct look *look, struct clusters *queue, const char *const *slugs, size_t n, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec recipes = STRVEC_INIT, clusters = STRVEC_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *state;

	look->queue = queue;
	look->at_once = n > 0;
	if (api_get_state(look->client, NULL, &arena, &state, err) < 0)
		return -1;
	clusters_look_begin(queue);
	/* recipes first: clusters made from one that was written have to be read again */
	if (read_kind(look, state, KIND_RECIPE, NULL, 0, &recipes, err) < 0 ||
		read_kind(look, state, KIND_CLUSTER, slugs, n, &clusters, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!strvec_contains(&clusters, slugs[i]))
			return mrp_err_set(err, MRP_ENOTFOUND, "cluster '%s' is not there", slugs[i]);
	}
	clusters_look_end(queue);
	return 0;
}
