/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who touched objects last, for those that are asked about. Values of a cluster come from layers in other files, which
 * count like its own: the youngest commit is the one that made it what it is.
 */
#include <time.h>

#include "loaded.h"

size_t config_object_paths(const char *paths[OBJECT_PATHS_MAX], struct arena *arena, const struct config *config,
	const struct config_object *object)
{
	const char *folder = arena_printf(arena, "%s/%s", kinds[object->kind].plural, object->slug), *rest;
	size_t n = 0;

	paths[n++] = skip_prefix(object->path, folder, &rest) && *rest == '/' ? folder : object->path;
	if (object->kind != KIND_CLUSTER)
		return n;
	paths[n++] = "values.yaml";
	if (config->environment)
		paths[n++] = config->environment->values;
	if (object->recipe)
		paths[n++] = arena_printf(arena, "recipes/%s/values.yaml", object->recipe);
	return n;
}

const struct repo_change *config_change_at(const struct repo_change_vec *changes, const char *path)
{
	size_t low = 0, len = strlen(path);

	for (size_t high = changes->n; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(changes->v[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* "a", "a-b" and "a.b" come before "a/b" */
	for (; low < changes->n && strncmp(changes->v[low].path, path, len) == 0; low++) {
		char next = changes->v[low].path[len];

		if (!next || next == '/')
			return &changes->v[low];
		if (next > '/')
			break;
	}
	return NULL;
}

/* Paths of all objects, each once. */
struct question {
	struct repo_path *paths; /* from the top of the repository */
	size_t n;
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct repo_path *)a)->path, ((const struct repo_path *)b)->path);
}

static const char *from_top(struct arena *arena, const struct config *config, const char *path)
{
	const char *folder = config->origin.folder;

	return *folder ? arena_printf(arena, "%s/%s", folder, path) : path;
}

static struct question ask(
	struct arena *arena, const struct config *config, const struct config_object *const *objects, size_t n)
{
	struct question question = { arena_zalloc(arena, (n * OBJECT_PATHS_MAX + 1) * sizeof(struct repo_path)), 0 };
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const char *paths[OBJECT_PATHS_MAX];
		size_t count = objects[i]->touch ? 0 : config_object_paths(paths, arena, config, objects[i]);

		for (size_t k = 0; k < count; k++)
			question.paths[question.n++].path = from_top(arena, config, paths[k]);
	}
	if (question.n > 1)
		qsort(question.paths, question.n, sizeof(*question.paths), compare_paths);
	for (size_t i = 0; i < question.n; i++) {
		if (!kept || !streq(question.paths[kept - 1].path, question.paths[i].path))
			question.paths[kept++] = question.paths[i];
	}
	question.n = kept;
	return question;
}

static const char *moment(struct arena *arena, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[64];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return arena_strdup(arena, text);
}

/* The youngest of the answers to an object's paths. Where history ends before one of them, nobody can tell: the object
 * is as the commit that was read has it. */
static struct config_touch touch_of(struct config *config, struct arena *scratch, const struct question *question,
	const struct config_object *object)
{
	const char *paths[OBJECT_PATHS_MAX];
	const struct repo_path *best = NULL;
	size_t n = config_object_paths(paths, scratch, config, object);

	for (size_t i = 0; i < n; i++) {
		struct repo_path key = { .path = from_top(scratch, config, paths[i]) };
		const struct repo_path *found = bsearch(&key, question->paths, question->n, sizeof(key), compare_paths);

		if (config_change_at(&config->dirty, paths[i]))
			return (struct config_touch){ .revision = arena_printf(&config->arena, "%.*s-dirty",
							      (int)REPO_SHORT_HEX, config->origin.commit) };
		if (found->absent)
			continue;
		if (!*found->revision)
			return (struct config_touch){ .revision = config->origin.commit };
		if (!best || found->committed_at > best->committed_at)
			best = found;
	}
	if (!best) /* the working folder is the commit's, and yet the commit has none of it: ignored by git altogether
		    */
		return (struct config_touch){ .revision = config->revision };
	return (struct config_touch){ arena_strdup(&config->arena, best->revision), best->author,
		moment(&config->arena, best->committed_at) };
}

/* The revision of the whole, and what is not as in it. */
static int look_at_whole(struct config *config, struct mrp_err *err)
{
	struct config_origin *origin = &config->origin;

	if (config_origin_open_repo(origin, err) < 0)
		return -1;
	if (*origin->commit && !origin->of_commit &&
		origin->ops->changes(
			origin->repo, &config->dirty, &config->arena, origin->commit, NULL, origin->folder, err) < 0)
		return -1;
	if (*origin->commit && config->dirty.n)
		config->revision = arena_printf(&config->arena, "%.*s-dirty", (int)REPO_SHORT_HEX, origin->commit);
	else if (*origin->commit)
		config->revision = origin->commit;
	config->looked = true;
	return 0;
}

int config_find_touches(
	struct config *config, const struct config_object *const *objects, size_t n, struct mrp_err *err)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	const struct config_origin *origin = &config->origin;

	if (!config->looked && look_at_whole(config, err) < 0) {
		if (err->code != MRP_ENOTFOUND)
			return -1;
		mrp_err_clear(err); /* in no repository */
		config->looked = true;
	}
	if (!config->revision)
		return 0;
	struct question question = ask(&scratch, config, objects, n);
	if (question.n &&
		origin->ops->history(origin->repo, &config->arena, origin->commit, question.paths, question.n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct config_object *object = &config->objects[objects[i] - config->objects];

		if (object->touch)
			continue;
		struct config_touch *touch = arena_alloc(&config->arena, sizeof(*touch));
		*touch = touch_of(config, &scratch, &question, object);
		object->touch = touch;
	}
	return 0;
}

const char *config_revision(const struct config *config)
{
	return config->revision;
}
