/* SPDX-License-Identifier: Apache-2.0 */
/* recipes/<slug>/: recipe.yaml, values.yaml, initial_values, and the terraform files. */
#include "files.h"
#include "loader.h"

struct value *loader_required(struct arena *arena, const struct loader *loader, const struct value *own)
{
	struct value *all = value_array(arena);

	value_for_each(name, loader->manifest.required) {
		if (name->type == V_STRING)
			value_push(arena, all, name);
	}
	for (uint32_t i = 0; own && own->type == V_ARRAY && i < own->n; i++) {
		bool there = own->items[i]->type != V_STRING;

		for (uint32_t k = 0; k < all->n && !there; k++)
			there = streq(all->items[k]->s, own->items[i]->s);
		if (!there)
			value_push(arena, all, own->items[i]);
	}
	return all;
}

/* The optional program that prints a new cluster's first values: the hash of its content, or NULL. */
static struct value *read_initial_values(struct worker *worker, const char *folder)
{
	struct arena *arena = &worker->arena;
	const char *path = arena_printf(arena, "%s/initial_values", folder);
	struct value *file = files_read_one(&worker->reader, arena, path, true);

	if (!file)
		return NULL;
	if (!streq(value_get_string(file, "mode"), "0755"))
		problems_add(&worker->reader.problems, reader_place(&worker->reader, arena, path), "initial_values",
			"is not executable; run: chmod +x initial_values");
	return value_get(file, "sha256");
}

/* values.yaml stays when this object goes: it is a layer of clusters. */
static struct value *read_values(struct worker *worker, struct loader *loader, const char *folder)
{
	const char *path = arena_printf(&worker->arena, "%s/values.yaml", folder);
	struct value *values = variables_read(&worker->reader, &loader->arena, path, true);

	if (values)
		variables_refuse_secrets(&worker->reader, values, NULL);
	return values;
}

void recipe_load(struct worker *worker, struct loader *loader, const char *slug, struct config_object *out)
{
	static const char *const own_files[] = { "recipe.yaml", "values.yaml", "initial_values", NULL };
	struct arena *arena = &worker->arena;
	size_t errors = worker->reader.problems.errors;
	bool clean;

	worker_start(worker, KIND_RECIPE, slug);
	const char *folder = arena_printf(arena, "recipes/%s", slug), *path = arena_printf(arena, "%s/recipe.yaml", folder);
	struct value *object = worker_read(worker, KIND_RECIPE, path, &clean), *values = read_values(worker, loader, folder),
		     *initial = read_initial_values(worker, folder),
		     *globs = object ? value_get(object, "files") : NULL,
		     *files = files_collect(&worker->reader, arena, folder, globs, own_files),
		     *required = loader_required(arena, loader,
			     object ? value_get(object, "required_variables") : NULL);
	bool broken = worker->reader.problems.errors > errors;
	struct recipe_info info = { .slug = arena_strdup(&loader->arena, slug), .values = values,
		.required = value_copy(&loader->arena, required), .initial_values = initial,
		.linked = worker->reader.linked, .broken = broken };

	recipe_info_vec_push(&loader->recipes, info);
	if (broken)
		return;
	worker_fill(worker, object, slug);
	value_set(arena, object, "files", files);
	value_set(arena, object, "values", values ? values : value_object(arena));
	value_set(arena, object, "required_variables", required);
	value_set(arena, object, "initial_values", initial);
	worker_finish(worker, out, KIND_RECIPE, slug, path, object->line, object);
}
