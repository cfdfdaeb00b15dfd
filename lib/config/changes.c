/* SPDX-License-Identifier: Apache-2.0 */
/* --changed-since: which objects have files that differ between a revision and the configs. */
#include "loaded.h"

struct config_changes {
	const struct config *config;
	struct arena arena;
	struct repo_change_vec list; /* sorted by path, from the manifest's folder */
	bool manifest;               /* the manifest is among them: what it says goes into recipes and clusters */
};

void config_changes_free(struct config_changes *changes)
{
	if (!changes)
		return;
	repo_change_vec_clear(&changes->list);
	arena_release(&changes->arena);
	free(changes);
}

int config_changes_since(struct config_changes **out, struct config *config, const char *revision, struct mrp_err *err)
{
	struct config_origin *origin = &config->origin;
	char from[REPO_ID_HEX + 1];

	if (config_origin_open_repo(origin, err) < 0 || origin->ops->resolve(origin->repo, from, revision, err) < 0)
		return mrp_err_wrap(err, "--changed-since");
	struct config_changes *changes = xcalloc(1, sizeof(*changes));
	changes->config = config;
	if (origin->ops->changes(origin->repo, &changes->list, &changes->arena, from,
		    origin->of_commit ? origin->commit : NULL, origin->folder, err) < 0) {
		config_changes_free(changes);
		return mrp_err_wrap(err, "--changed-since");
	}
	changes->manifest = config_change_at(&changes->list, MANIFEST_NAME);
	*out = changes;
	return 0;
}

bool config_changes_object(const struct config_changes *changes, const struct config_object *object)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	const char *paths[OBJECT_PATHS_MAX];
	size_t n;

	if (object->linked || object->sensitive || (changes->manifest && object->kind != KIND_PROBER))
		return true;
	n = config_object_paths(paths, &scratch, changes->config, object);
	for (size_t i = 0; i < n; i++) {
		if (config_change_at(&changes->list, paths[i]))
			return true;
	}
	return false;
}

bool config_changes_had(const struct config_changes *changes, enum kind kind, const char *slug)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	const char *plural = kinds[kind].plural;
	const char *paths[] = { arena_printf(&scratch, "%s/%s/%s.yaml", plural, slug, kinds[kind].name),
		arena_printf(&scratch, "%s/%s.yaml", plural, slug) };

	for (size_t i = 0; i < (kind == KIND_CLUSTER ? 2 : 1); i++) {
		const struct repo_change *change = config_change_at(&changes->list, paths[i]);

		if (change && !change->added)
			return true;
	}
	return false;
}
