/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../value/json.h"
#include "loaded.h"
#include "seen.h"

enum { NOTE_MAX_BYTES = 256 << 20, NOTES_KEPT = 32 };

/* Another build may check or fill in differently. */
static void add_build(struct strbuf *out)
{
	Dl_info info;
	struct stat st;

	strbuf_addstr(out, MRP_VERSION);
	if (dladdr((void *)(uintptr_t)config_recall, &info) && info.dli_fname && stat(info.dli_fname, &st) == 0)
		strbuf_addf(out, " %llu %lld %lld.%09ld", (unsigned long long)st.st_ino, (long long)st.st_size,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* What a note holds for. That of files also has a record of them, which is asked by itself. */
static int note_key(
	struct strbuf *out, const struct config_origin *origin, const char *environment, struct mrp_err *err)
{
	char tree[REPO_ID_HEX + 1] = "files";

	if (origin->of_commit && origin->ops->tree(origin->repo, tree, origin->commit, origin->folder, err) < 0)
		return -1;
	add_build(out);
	strbuf_addf(out, " %s %s", tree, environment ? environment : "");
	return 0;
}

/* The note's file; NULL when there is no place for it. */
static char *note_path(const struct config_origin *origin, const struct config_options *options)
{
	const char *environment = options->environment;
	cleanup(freep) char *root = origin->of_commit ? NULL : realpath(origin->root, NULL);
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
	char hex[SHA256_HEX + 1];

	if (!options->state_dir || (!origin->of_commit && !root))
		return NULL;
	if (origin->of_commit)
		strbuf_addf(&name, "%s\n%s", origin->ops->place(origin->repo), origin->folder);
	else
		strbuf_addstr(&name, root);
	strbuf_addf(&name, "\n%s", environment ? environment : "");
	sha256_hex_of(hex, name.buf, name.len);
	return xasprintf("%s/trees/%s", options->state_dir, hex);
}

/* Is the record whole, and are all files as it says? */
static bool files_still_so(
	const struct config_origin *origin, const struct value *note, const char *record, size_t len)
{
	const struct value *bytes = value_get(note, "record_bytes");
	if (!bytes || bytes->type != V_INT || bytes->i != (int64_t)len)
		return false;
	cleanup(fd_closep) int root = open(origin->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root >= 0 && seen_still_so(root, record, len);
}

/* A note is a JSON document; a NUL and the record of files follow where it is about files. */
static const struct value *read_note(
	const char *path, struct arena *arena, const char *key, const struct config_origin *origin)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const struct value *note = NULL;
	size_t len = 0;

	if (read_file(&text, path, NOTE_MAX_BYTES, &err) == 0) {
		len = strlen(text.buf);
		note = json_parse(arena, text.buf, len, path, &err);
	}
	mrp_err_clear(&err);
	if (!note || note->type != V_OBJECT)
		return NULL;
	const char *of = value_get_string(note, "key");
	if (!of || !streq(of, key))
		return NULL;
	if (origin->of_commit)
		return note;
	const size_t start = MIN(len + 1, text.len);
	return files_still_so(origin, note, text.buf + start, text.len - start) ? note : NULL;
}

/* False when the note is not whole. */
static bool take_note(struct config *config, const struct value *note)
{
	const struct value *objects = value_get(note, "objects");
	const char *root = value_get_string(note, "root"), *environment = value_get_string(note, "environment");
	struct environment *of = arena_zalloc(&config->arena, sizeof(*of));

	if (!root || !sha256_from_hex(config->root, root) || !environment || !objects || objects->type != V_INT ||
		objects->i < 0)
		return false;
	of->name = environment;
	of->api = value_get_string(note, "api");
	config->environment = of;
	config->recalled = true;
	config->n_recalled = (size_t)objects->i;
	return true;
}

int config_recall(struct config **out, const struct config_options *options, struct mrp_err *err)
{
	cleanup(config_freep) struct config *config = xcalloc(1, sizeof(*config));
	cleanup(strbuf_release) struct strbuf key = STRBUF_INIT;

	if (config_origin_open(&config->origin, options, err) < 0 ||
		note_key(&key, &config->origin, options->environment, err) < 0)
		return -1;
	cleanup(freep) char *path = note_path(&config->origin, options);
	const struct value *note = path ? read_note(path, &config->arena, key.buf, &config->origin) : NULL;
	if (!note || !take_note(config, note))
		return 0;
	*out = steal(&config);
	return 1;
}

struct old_note {
	char *path;
	struct timespec written;
};

VEC_DEFINE(old_note_vec, struct old_note)

static int newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct old_note *)a)->written, *y = &((const struct old_note *)b)->written;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

/* A runner of CI may have every checkout in a folder of its own: the notes that were written last are enough. */
static void remove_old_notes(const char *folder)
{
	cleanup(old_note_vec_clear) struct old_note_vec notes = VEC_INIT;
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char *path = path_join(folder, entry->d_name);
		struct stat st;

		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
			old_note_vec_push(&notes, (struct old_note){ path, st.st_mtim });
		else
			free(path);
	}
	if (dir)
		closedir(dir);
	if (notes.n > 1)
		qsort(notes.v, notes.n, sizeof(*notes.v), newest_first);
	for (size_t i = 0; i < notes.n; i++) {
		if (i >= NOTES_KEPT)
			unlink(notes.v[i].path);
		free(notes.v[i].path);
	}
}

static void write_note(const struct config *config, const char *path, const char *key)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, record = STRBUF_INIT;
	cleanup(freep) char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct mrp_err err = MRP_ERR_INIT;
	struct value *note = value_object(&arena);
	uint8_t digest[SHA256_BYTES];
	char root[SHA256_HEX + 1];

	config_root_digest(digest, config);
	sha256_to_hex(root, digest);
	value_append(&arena, note, "key", value_string(&arena, key));
	value_append(&arena, note, "root", value_string(&arena, root));
	value_append(&arena, note, "objects", value_int(&arena, (int64_t)config->n));
	value_append(&arena, note, "environment", value_string(&arena, config->environment->name));
	if (config->environment->api)
		value_append(&arena, note, "api", value_string(&arena, config->environment->api));
	if (!config->origin.of_commit) {
		strbuf_addch(&record, '\0');
		seen_write(&record, config->origin.seen);
		value_append(&arena, note, "record_bytes", value_int(&arena, (int64_t)record.len - 1));
	}
	json_pretty(&text, note);
	strbuf_add(&text, record.buf, record.len);
	if (make_folders(folder, 0700, &err) == 0 && replace_file(path, text.buf, text.len, 0600, &err) == 0)
		remove_old_notes(folder);
	mrp_err_clear(&err);
}

void config_remember(const struct config *config, const struct config_options *options)
{
	cleanup(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (config->recalled || config->outside || config->problems || !config->environment)
		return;
	if (!config->origin.of_commit && (!config->origin.seen || !seen_can_tell(config->origin.seen)))
		return;
	cleanup(freep) char *path = note_path(&config->origin, options);
	if (path && note_key(&key, &config->origin, options->environment, &err) == 0)
		write_note(config, path, key.buf);
	mrp_err_clear(&err);
}
