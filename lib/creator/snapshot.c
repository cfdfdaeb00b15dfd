/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <errno.h>
#include <unistd.h>

#include "../base/file.h"
#include "../value/json.h"

enum { FILE_MAX = 64 << 20 };

static char *folder_of(const struct deploy *d)
{
	return creator_path(d->creator, "deployed/%s/%s", d->creator->prefix, d->slug);
}

static void append_variables(struct arena *arena, struct value *to, const struct inputs *inputs)
{
	struct value *list = value_object(arena);

	for (size_t i = 0; i < inputs->variables.n; i++) {
		const struct workdir_variable *v = &inputs->variables.v[i];
		struct value *entry = value_object(arena);

		value_append(arena, entry, "value", (struct value *)v->value);
		value_append(arena, entry, "sensitive", value_bool(arena, v->sensitive));
		value_append(arena, list, v->name, entry);
	}
	value_append(arena, to, "variables", list);
}

/* Contents by hash; those that are there already are of an earlier deployment. */
static int keep_files(const struct deploy *d, const char *folder, struct mrp_err *err)
{
	const struct value *files = value_get(d->inputs.recipe, "files");

	for (uint32_t i = 0; files && files->type == V_OBJECT && i < files->n; i++) {
		const struct member *m = &files->members[i];
		const char *sha256 = m->value->type == V_OBJECT ? value_get_string(m->value, "sha256") : NULL;
		cleanup(freep) char *from = path_join(d->recipe_folder, m->key);
		cleanup(freep) char *to = sha256 ? path_join(folder, sha256) : NULL;
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

		if (!to || access(to, F_OK) == 0 || access(from, F_OK) < 0) /* tests of a recipe are not written */
			continue;
		if (read_file(&text, from, FILE_MAX, err) < 0 || replace_file(to, text.buf, text.len, 0600, err) < 0)
			return -1;
	}
	return 0;
}

int snapshot_write(const struct deploy *d, struct mrp_err *err)
{
	cleanup(freep) char *folder = folder_of(d), *path = path_join(folder, "inputs.json");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *v = value_object(&arena);

	if (make_folders(folder, 0700, err) < 0 || keep_files(d, folder, err) < 0)
		return -1;
	value_append(&arena, v, "recipe", (struct value *)d->inputs.recipe);
	append_variables(&arena, v, &d->inputs);
	json_compact(&text, v);
	int r = replace_file(path, text.buf, text.len, 0600, err);
	explicit_bzero(text.buf, text.len);
	return r;
}

static int take_over(struct inputs *inputs, const struct value *snapshot, const char *path, struct mrp_err *err)
{
	const struct value *recipe = snapshot->type == V_OBJECT ? value_get(snapshot, "recipe") : NULL;
	const struct value *variables = recipe ? value_get(snapshot, "variables") : NULL;

	if (!variables || recipe->type != V_OBJECT || variables->type != V_OBJECT)
		return mrp_err_set(err, MRP_EINVALID, "'%s' does not say what was deployed", path);
	inputs->recipe = recipe;
	inputs->variables.n = 0;
	for (uint32_t i = 0; i < variables->n; i++) {
		const struct value *entry = variables->members[i].value;
		const struct value *sensitive = value_get(entry, "sensitive");

		inputs_set(inputs, variables->members[i].key, value_get(entry, "value"), sensitive && sensitive->b);
	}
	return 0;
}

int snapshot_read(struct deploy *d, struct mrp_err *err)
{
	cleanup(freep) char *folder = folder_of(d), *path = path_join(folder, "inputs.json");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (read_file(&text, path, FILE_MAX, err) < 0)
		return -1;
	const struct value *v = json_parse(&d->inputs.arena, text.buf, text.len, path, err);
	explicit_bzero(text.buf, text.len);
	if (!v || take_over(&d->inputs, v, path, err) < 0)
		return -1;
	d->inputs.blobs = xstrdup(folder);
	return 0;
}

void snapshot_remove(const struct deploy *d)
{
	cleanup(freep) char *folder = folder_of(d);
	struct mrp_err ignored = MRP_ERR_INIT;

	remove_tree(folder, &ignored);
	mrp_err_clear(&ignored);
}
