/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before any object: the manifest, the environment, the layers of variables. */
#include "loader.h"

static void read_layers(struct loader *loader, struct worker *worker)
{
	const struct manifest *manifest = &loader->manifest;
	size_t errors_before = worker->reader.problems.errors;

	loader->common = variables_read(&worker->reader, &loader->arena, "values.yaml", true);
	loader->environment_values = arena_zalloc(&loader->arena, (manifest->n + 1) * sizeof(struct value *));
	for (size_t i = 0; i < manifest->n; i++) {
		const struct environment *environment = &manifest->environments[i];
		size_t errors = worker->reader.problems.errors;

		if (loader->environment && environment != loader->environment)
			continue;
		struct value *values = variables_read(&worker->reader, &loader->arena, environment->values, true);
		if (!values && environment->values_named && worker->reader.problems.errors == errors)
			problems_add(&worker->reader.problems, environment->values_loc,
				arena_printf(&worker->arena, "environments.%s.values", environment->name),
				"there is no file '%s' in the tree", environment->values);
		loader->environment_values[i] = values;
	}
	loader->layers_broken = worker->reader.problems.errors > errors_before;
}

int loader_prepare(struct loader *loader, struct worker *worker, struct arena *manifest_arena,
	const struct config_options *options, struct mrp_err *err)
{
	manifest_read(&loader->manifest, &worker->reader, manifest_arena);
	/* with a broken manifest the rest is checked all the same, for whatever environments it shows */
	if (!options->all_environments && !worker->reader.problems.errors) {
		loader->environment = manifest_choose(&loader->manifest, options->environment, err);
		if (!loader->environment)
			return -1;
	}
	read_layers(loader, worker);
	return 0;
}

void loader_release(struct loader *loader)
{
	recipe_info_vec_clear(&loader->recipes);
	target_vec_clear(&loader->targets);
	arena_release(&loader->arena);
}

void loader_layers(const struct loader *loader, struct value *layers[LAYER_COUNT], const struct recipe_info *recipe,
	size_t environment)
{
	layers[LAYER_COMMON] = loader->common;
	layers[LAYER_RECIPE] = recipe ? recipe->values : NULL;
	layers[LAYER_ENVIRONMENT] = loader->environment_values[environment];
	layers[LAYER_CLUSTER] = NULL;
}

const struct recipe_info *loader_recipe(const struct loader *loader, const char *slug)
{
	for (size_t low = 0, high = loader->recipes.n; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(slug, loader->recipes.v[middle].slug);

		if (order == 0)
			return &loader->recipes.v[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
