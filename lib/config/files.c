/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "../base/hash.h"
#include "../base/text.h"
#include "../model/schema.h"

enum {
	MAX_FILES = 10000,   /* of one object, folders counted too: a symlink to a folder above has no end */
	MAX_FOLDERS_DEEP = 32,
};

struct walk {
	struct reader *reader;
	struct arena *arena;
	const char *folder;           /* of the object */
	size_t folder_len;
	const char *const *excluded;
	const struct value *globs;
	bool *used, *is_folder;       /* one for each glob: it chose a file; it names a folder */
	struct value *files;
	int met, depth;
	bool over;
};

struct value *files_read_one(struct reader *reader, struct arena *arena, const char *path, bool optional)
{
	struct mrp_err err = MRP_ERR_INIT;
	char hex[SHA256_HEX + 1];
	bool executable;

	strbuf_reset(&reader->content);
	if (reader->source->ops->read(reader->source, &reader->content, &executable, path, CONFIG_FILE_MAX_BYTES, &err) < 0) {
		if (optional && err.code == MRP_ENOTFOUND)
			mrp_err_clear(&err);
		else
			reader_problem(reader, path, "files", &err);
		return NULL;
	}
	sha256_hex_of(hex, reader->content.buf, reader->content.len);
	struct value *file = value_object(arena);
	value_append(arena, file, "mode", value_string_n(arena, executable ? "0755" : "0644", 4));
	value_append(arena, file, "sha256", value_string_n(arena, hex, SHA256_HEX));
	file->flags |= VF_SORTED;
	return file;
}

static bool chosen(struct walk *walk, const char *path)
{
	bool any = !walk->globs;

	for (uint32_t i = 0; walk->globs && i < walk->globs->n; i++) {
		const struct value *glob = walk->globs->items[i];

		if (glob->type != V_STRING || !glob_match_path(glob->s, path))
			continue;
		walk->used[i] = any = true;
	}
	return any;
}

/* For a hint: people write the name of a folder where a glob of its files is wanted. */
static void note_folder(struct walk *walk, const char *path)
{
	size_t len = strlen(path);

	for (uint32_t i = 0; walk->globs && i < walk->globs->n; i++) {
		const struct value *glob = walk->globs->items[i];

		if (glob->type == V_STRING && strncmp(glob->s, path, len) == 0 && (!glob->s[len] || streq(glob->s + len, "/")))
			walk->is_folder[i] = true;
	}
}

static void add_file(struct walk *walk, const char *path)
{
	const char *name = path + walk->folder_len + 1;
	size_t len = strlen(name);

	if (!chosen(walk, name))
		return;
	if (!valid_relative_path(name, len) || !utf8_valid(name, len)) {
		problems_add(&walk->reader->problems, reader_place(walk->reader, walk->arena, path), "files",
			"a file's name must be UTF-8 and at most 255 bytes; rename it");
		return;
	}
	struct value *file = files_read_one(walk->reader, walk->arena, path, false);
	if (file)
		value_append(walk->arena, walk->files, name, file);
}

static bool is_excluded(const struct walk *walk, const char *name)
{
	for (const char *const *excluded = walk->excluded; walk->depth == 1 && *excluded; excluded++) {
		if (streq(name, *excluded))
			return true;
	}
	return streq(name, ".git") || streq(name, ".terraform");
}

static bool too_many(struct walk *walk, const char *folder)
{
	bool over = walk->depth > MAX_FOLDERS_DEEP || walk->met > MAX_FILES;

	if (over && !walk->over)
		problems_add(&walk->reader->problems, reader_place(walk->reader, walk->arena, folder), "files",
			"has more than %d files or %d levels of folders (does a symlink lead to a folder above?)",
			(int)MAX_FILES, (int)MAX_FOLDERS_DEEP);
	walk->over |= over; /* said once, though every folder above still has entries */
	return walk->over;
}

static void walk_folder(struct walk *walk, const char *folder)
{
	struct source_entry_vec *entries = &walk->reader->entries;
	struct mrp_err err = MRP_ERR_INIT;
	size_t start = entries->n; /* folders above are in the middle of their entries */

	if (walk->reader->source->ops->list(walk->reader->source, entries, walk->arena, folder, &err) < 0) {
		reader_problem(walk->reader, folder, "files", &err);
		entries->n = start;
		return;
	}
	walk->depth++;
	for (size_t i = start, n = entries->n; i < n; i++) {
		struct source_entry entry = entries->v[i];

		walk->reader->linked |= entry.link;
		if (is_excluded(walk, entry.name))
			continue;
		walk->met++;
		if (too_many(walk, folder))
			break;
		const char *path = arena_printf(walk->arena, "%s/%s", folder, entry.name);
		if (entry.type == SOURCE_FOLDER)
			note_folder(walk, path + walk->folder_len + 1);
		if (entry.type == SOURCE_FOLDER)
			walk_folder(walk, path);
		else if (entry.type == SOURCE_FILE)
			add_file(walk, path);
		else if (chosen(walk, path + walk->folder_len + 1))
			problems_add(&walk->reader->problems, reader_place(walk->reader, walk->arena, path), "files",
				"%s", entry.why);
	}
	walk->depth--;
	entries->n = start;
}

/* Globs reach no further than the folder. */
static bool check_glob(struct reader *reader, const struct value *glob, uint32_t i)
{
	char field[32];
	bool outside = *glob->s == '/' || skip_prefix(glob->s, "../", NULL) || strstr(glob->s, "/../") ||
		ends_with(glob->s, "/..") || streq(glob->s, "..");

	snprintf(field, sizeof(field), "files[%u]", i);
	if (outside)
		problems_add(&reader->problems, value_loc(glob), field,
			"'%s' leads out of the folder; an object's files lie beside its YAML file", glob->s);
	return !outside;
}

static void report_unused(struct walk *walk)
{
	char field[32];

	for (uint32_t i = 0; i < walk->globs->n; i++) {
		const struct value *glob = walk->globs->items[i];

		if (glob->type != V_STRING || walk->used[i] || !check_glob(walk->reader, glob, i))
			continue;
		snprintf(field, sizeof(field), "files[%u]", i);
		problems_add(&walk->reader->problems, value_loc(glob), field, "'%s' matches no file%s", glob->s,
			walk->is_folder[i] ? " (it is a folder: add '/**' for everything in it)" : "");
	}
}

struct value *files_collect(struct reader *reader, struct arena *arena, const char *folder, const struct value *globs,
	const char *const *excluded)
{
	struct walk walk = { .reader = reader, .arena = arena, .folder = folder, .folder_len = strlen(folder),
		.excluded = excluded, .globs = globs && globs->type == V_ARRAY ? globs : NULL,
		.files = value_object(arena) };

	if (walk.globs) {
		walk.used = arena_zalloc(arena, walk.globs->n * sizeof(bool));
		walk.is_folder = arena_zalloc(arena, walk.globs->n * sizeof(bool));
	}
	walk_folder(&walk, folder);
	if (walk.globs)
		report_unused(&walk);
	return walk.files;
}

void files_check_command(
	struct reader *reader, struct arena *arena, const struct value *files, const struct value *command, const char *field)
{
	const struct value *program = command && command->type == V_ARRAY && command->n ? command->items[0] : NULL;
	const char *name;

	if (!program || program->type != V_STRING || !skip_prefix(program->s, "./", &name) || strstr(name, "${"))
		return;
	const struct value *file = value_get(files, name);
	if (file && streq(value_get_string(file, "mode"), "0755"))
		return;
	if (file) {
		problems_add(&reader->problems, value_loc(program), field, "'%s' is not executable; run: chmod +x %s", program->s,
			name);
		return;
	}
	const char **names = arena_alloc(arena, (files->n + 1) * sizeof(*names));
	for (uint32_t i = 0; i < files->n; i++)
		names[i] = files->members[i].key;
	const char *nearest = nearest_word(name, names, files->n);
	if (nearest)
		problems_add(&reader->problems, value_loc(program), field, "'%s' is not among the files (did you mean './%s'?)",
			program->s, nearest);
	else
		problems_add(&reader->problems, value_loc(program), field, "'%s' is not among the files beside the YAML file",
			program->s);
}
