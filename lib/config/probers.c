/* SPDX-License-Identifier: Apache-2.0 */
/* probers/<slug>/: prober.yaml, the program and its files. The hot path: there may be ten thousand of them. */
#include "files.h"
#include "loader.h"

static void check_commands(struct worker *worker, const struct value *prober, const struct value *files)
{
	const struct value *heal = value_get(prober, "heal");

	files_check_command(&worker->reader, &worker->arena, files, value_get(prober, "command"), "command");
	if (heal)
		files_check_command(&worker->reader, &worker->arena, files, value_get(heal, "command"), "heal.command");
}

void prober_load(struct worker *worker, const char *slug, struct config_object *out)
{
	static const char *const own_files[] = { "prober.yaml", NULL };
	struct arena *arena = &worker->arena;
	size_t errors = worker->reader.problems.errors;
	bool clean;

	worker_start(worker, KIND_PROBER, slug);
	const char *folder = arena_printf(arena, "probers/%s", slug), *path = arena_printf(arena, "%s/prober.yaml", folder);
	struct value *object = worker_read(worker, KIND_PROBER, path, &clean);
	size_t errors_before_files = worker->reader.problems.errors;
	struct value *globs = object ? value_get(object, "files") : NULL,
		     *files = files_collect(&worker->reader, arena, folder, globs, own_files);

	if (!object)
		return;
	if (worker->reader.problems.errors == errors_before_files)
		check_commands(worker, object, files);
	if (clean)
		references_check(worker, object);
	if (worker->reader.problems.errors > errors)
		return;
	worker_fill(worker, object, slug);
	value_set(arena, object, "files", files);
	worker_finish(worker, out, KIND_PROBER, slug, path, object->line, object);
}
