/* SPDX-License-Identifier: Apache-2.0 */
/* probers/<slug>/: prober.yaml, the program and its files. The hot path: there may be ten thousand of them. */
#include "files.h"
#include "loader.h"

void prober_load(struct worker *worker, const char *slug, struct config_object *out)
{
	static const char *const own_files[] = { "prober.yaml", NULL };
	struct arena *arena = &worker->arena;
	size_t errors = worker->reader.problems.errors;
	bool clean;

	worker_start(worker, KIND_PROBER, slug);
	const char *folder = arena_printf(arena, "probers/%s", slug), *path = arena_printf(arena, "%s/prober.yaml", folder);
	struct value *object = worker_read(worker, KIND_PROBER, path, &clean),
		     *globs = object ? value_get(object, "files") : NULL,
		     *files = files_collect(&worker->reader, arena, folder, globs, own_files);

	if (!object)
		return;
	const struct value *heal = value_get(object, "heal");
	files_check_command(&worker->reader, arena, files, value_get(object, "command"), "command");
	if (heal)
		files_check_command(&worker->reader, arena, files, value_get(heal, "command"), "heal.command");
	if (clean)
		references_check(worker, object);
	if (worker->reader.problems.errors > errors)
		return;
	worker_fill(worker, object, slug);
	value_set(arena, object, "files", files);
	worker_finish(worker, out, KIND_PROBER, slug, path, object->line, object);
}
