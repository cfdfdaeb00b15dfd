/* SPDX-License-Identifier: Apache-2.0 */
/* clusters/<slug>/cluster.yaml or clusters/<slug>.yaml: variables of all layers, for each environment asked for. */
#include "../base/text.h"
#include "loader.h"

/* True when the cluster is in the environment. */
static bool belongs(const struct value *cluster, const char *environment)
{
	const struct value *list = value_get(cluster, "environments");

	return !list || value_lists(list, environment);
}

static void check_environments(struct worker *worker, const struct value *cluster)
{
	const struct value *list = value_get(cluster, "environments");
	const struct manifest *manifest = &worker->loader->manifest;
	cleanup(strbuf_release) struct strbuf all = STRBUF_INIT;

	manifest_list(&all, manifest);
	for (uint32_t i = 0; list && list->type == V_ARRAY && manifest->n && i < list->n; i++) {
		const struct value *name = list->items[i];
		char field[48];

		if (name->type != V_STRING || manifest_find(manifest, name->s))
			continue;
		const char *nearest = manifest_nearest(manifest, name->s);
		snprintf(field, sizeof(field), "environments[%u]", i);
		if (nearest)
			problems_add(&worker->reader.problems, value_loc(name), field,
				"'%s' is not in the manifest, which has %s (did you mean '%s'?)", name->s, all.buf, nearest);
		else
			problems_add(&worker->reader.problems, value_loc(name), field,
				"'%s' is not in the manifest, which has %s", name->s, all.buf);
	}
}

static const struct recipe_info *find_recipe(struct worker *worker, const struct value *cluster)
{
	const struct loader *loader = worker->loader;
	const struct value *slug = value_get(cluster, "recipe");

	if (!slug || slug->type != V_STRING || !slug_valid(slug->s, slug->n))
		return NULL; /* that is said already */
	const struct recipe_info *recipe = loader_recipe(loader, slug->s);
	if (recipe)
		return recipe;
	const char **slugs = arena_alloc(&worker->arena, (loader->recipes.n + 1) * sizeof(*slugs));
	for (size_t i = 0; i < loader->recipes.n; i++)
		slugs[i] = loader->recipes.v[i].slug;
	const char *nearest = nearest_word(slug->s, slugs, loader->recipes.n);
	if (nearest)
		problems_add(&worker->reader.problems, value_loc(slug), "recipe", "there is no recipe '%s' (did you mean '%s'?)",
			slug->s, nearest);
	else
		problems_add(&worker->reader.problems, value_loc(slug), "recipe",
			"there is no recipe '%s'; it would be in recipes/%s/recipe.yaml", slug->s, slug->s);
	return NULL;
}

static void check_required(struct worker *worker, const struct value *cluster, const char *path,
	const struct recipe_info *recipe, const struct environment *environment, const struct value *variables)
{
	const struct value *external = value_get(cluster, "external_variables");
	int64_t own = value_find(cluster, "variables");
	struct mrp_loc loc = member_loc(cluster, &cluster->members[own >= 0 ? own : value_find(cluster, "recipe")]);

	value_for_each(name, recipe->required) {
		const struct value *v = value_get(variables, name->s);

		if ((v && v->type != V_NULL) || value_lists(external, name->s))
			continue;
		problems_add(&worker->reader.problems, loc, "variables",
			"'%s' is required and missing in environment '%s'; set it in %s, %s, recipes/%s/values.yaml or values.yaml",
			name->s, environment->name, path, environment->values, recipe->slug);
	}
}

static bool is_scalar(const struct value *v)
{
	return v->type != V_ARRAY && v->type != V_OBJECT && v->type != V_NULL;
}

/* What probers can make of a variable: text, or the values of a matrix. */
static unsigned target_flags(const struct value *v)
{
	if (v->type != V_ARRAY)
		return is_scalar(v) ? TARGET_SCALAR : 0;
	value_for_each(item, v) {
		if (!is_scalar(item))
			return 0;
	}
	return TARGET_LIST;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct target_name *)a)->name, ((const struct target_name *)b)->name);
}

/* Only names and what they are: the values of thousands of clusters would be too much to keep. */
static void add_target(struct loader *loader, const char *slug, const struct value *cluster,
	const struct recipe_info *recipe, const char *environment, const struct value *variables)
{
	const struct value *external = value_get(cluster, "external_variables"),
			   *sensitive = value_get(cluster, "sensitive_variables");
	struct target target = { .cluster = arena_strdup(&loader->arena, slug), .environment = environment,
		.open = recipe->initial_values || recipe->broken || loader->layers_broken };
	struct target_name *all = arena_alloc(
		&loader->arena, (variables->n + external->n + sensitive->n) * sizeof(*all));

	for (uint32_t i = 0; i < variables->n; i++) {
		const struct member *m = &variables->members[i];
		unsigned flags = target_flags(m->value);

		if (value_lists(external, m->key))
			continue;
		if (variables_secret(m->value) || value_lists(sensitive, m->key))
			flags |= TARGET_SENSITIVE;
		all[target.n++] = (struct target_name){ arena_strdup(&loader->arena, m->key), flags };
	}
	value_for_each(name, external) {
		unsigned flags = TARGET_EXTERNAL | (value_lists(sensitive, name->s) ? TARGET_SENSITIVE : 0);

		all[target.n++] = (struct target_name){ arena_strdup(&loader->arena, name->s), flags };
	}
	value_for_each(name, sensitive) {
		if (value_find(variables, name->s) < 0 && !value_lists(external, name->s))
			all[target.n++] = (struct target_name){ arena_strdup(&loader->arena, name->s), TARGET_SENSITIVE };
	}
	if (target.n > 1)
		qsort(all, target.n, sizeof(*all), compare_names);
	target.names = all;
	target_vec_push(&loader->targets, target);
}

/* Variables as the API stores them; those that someone else writes are left to them. */
static struct value *owned_variables(struct worker *worker, const struct value *cluster, const struct value *variables,
	bool *sensitive)
{
	const struct value *external = value_get(cluster, "external_variables"),
			   *named = value_get(cluster, "sensitive_variables");
	struct arena *arena = &worker->arena;
	struct value *all = value_object(arena);

	for (uint32_t i = 0; i < variables->n; i++) {
		const struct member *m = &variables->members[i];
		bool from_outside = variables_secret(m->value), secret = from_outside || value_lists(named, m->key);

		if (value_lists(external, m->key))
			continue;
		struct value *v = m->value, *entry = value_object(arena);
		if (from_outside && worker->loader->read_secrets)
			v = variables_resolve(&worker->reader, arena, v, arena_printf(arena, "variables.%s", m->key));
		value_append(arena, entry, "owner", value_string(arena, "synchronize"));
		value_append(arena, entry, "sensitive", value_bool(arena, secret));
		value_append(arena, entry, "value", v);
		value_append(arena, all, m->key, entry);
		*sensitive |= secret;
	}
	return all;
}

/* In one environment: required variables, what probers may name, and for the chosen one the object itself. */
static void load_in(struct worker *worker, struct loader *loader, const char *slug, const char *path,
	const struct value *cluster, const struct recipe_info *recipe, size_t index, struct config_object *out)
{
	const struct environment *environment = &loader->manifest.environments[index];
	struct arena *arena = &worker->arena;
	struct value *layers[LAYER_COUNT];
	bool sensitive = false;

	loader_layers(loader, layers, recipe, index);
	layers[LAYER_CLUSTER] = value_get(cluster, "variables");
	struct value *variables = variables_merge(arena, layers);
	if (!recipe->broken && !loader->layers_broken)
		check_required(worker, cluster, path, recipe, environment, variables);
	add_target(loader, slug, cluster, recipe, environment->name, variables);
	if (environment != loader->environment)
		return;
	struct value *object = value_copy_shallow(arena, cluster);
	value_set(arena, object, "environments", NULL);
	value_set(arena, object, "variables", owned_variables(worker, cluster, variables, &sensitive));
	worker_fill(worker, object, slug);
	worker_finish(worker, out, KIND_CLUSTER, slug, path, cluster->line, object);
	out->sensitive = sensitive;
	out->linked |= recipe->linked;
	out->recipe = arena_strdup(&worker->results, recipe->slug);
}

/* Is the YAML file in the cluster's own folder a symlink? */
static void note_link(struct worker *worker, const char *path)
{
	struct reader *reader = &worker->reader;
	const char *slash = strrchr(path, '/');
	struct mrp_err err = MRP_ERR_INIT;

	if (!worker->loader->note_links || !ends_with(path, "/cluster.yaml"))
		return;
	reader->entries.n = 0;
	if (reader->source->ops->list(reader->source, &reader->entries, &worker->arena,
		    arena_strndup(&worker->arena, path, (size_t)(slash - path)), &err) < 0)
		mrp_err_clear(&err);
	for (size_t i = 0; i < reader->entries.n; i++)
		reader->linked |= reader->entries.v[i].link && streq(reader->entries.v[i].name, slash + 1);
	reader->entries.n = 0;
}

void cluster_load(struct worker *worker, struct loader *loader, const char *slug, const char *path, struct config_object *out)
{
	bool clean, anywhere = false;

	worker_start(worker, KIND_CLUSTER, slug);
	note_link(worker, path);
	struct value *cluster = worker_read(worker, KIND_CLUSTER, path, &clean);
	if (!cluster)
		return;
	check_environments(worker, cluster);
	const struct recipe_info *recipe = find_recipe(worker, cluster);
	if (!clean)
		return;
	for (size_t i = 0; recipe && i < loader->manifest.n; i++) {
		const struct environment *environment = &loader->manifest.environments[i];

		if (loader->environment && environment != loader->environment)
			continue;
		if (!belongs(cluster, environment->name))
			continue;
		load_in(worker, loader, slug, path, cluster, recipe, i, out);
		anywhere = true;
	}
	/* for every environment there is no text, but there is the cluster */
	if (anywhere && !loader->environment)
		*out = (struct config_object){ .kind = KIND_CLUSTER, .line = cluster->line,
			.slug = arena_strdup(&worker->results, slug), .path = arena_strdup(&worker->results, path) };
}
