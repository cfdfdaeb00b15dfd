/* SPDX-License-Identifier: Apache-2.0 */
#include "file_sets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "../base/file.h"
#include "../base/text.h"
#include "../model/schema.h"
#include "blobs.h"
#include "config_files.h"

enum { PATH_LONGEST = 1024 };

/* Does anything run in a folder? */
static bool needs_folder(const struct entry *entry)
{
	return !entry->error && (entry->argv || entry->heal.argv);
}

static int check_file(const struct entry *entry, const struct member *file, struct mrp_err *err)
{
	const char *sha256 = value_get_string(file->value, "sha256"), *mode = value_get_string(file->value, "mode");

	if (!valid_relative_path(file->key, strlen(file->key)) || strlen(file->key) > PATH_LONGEST)
		return mrp_err_set(err, MRP_EINVALID, "prober '%s': file '%s': is no path of a file in a folder",
			entry->prober, file->key);
	if (!sha256 || !sha256_from_hex(NULL, sha256))
		return mrp_err_set(
			err, MRP_EINVALID, "prober '%s': file '%s': has no valid sha256", entry->prober, file->key);
	if (!mode || (!streq(mode, "0644") && !streq(mode, "0755")))
		return mrp_err_set(err, MRP_EINVALID, "prober '%s': file '%s': mode is neither 0644 nor 0755",
			entry->prober, file->key);
	return 0;
}

int config_files_check(const struct agent_config *config, struct mrp_err *err)
{
	for (size_t i = 0; i < config->entries.n; i++) {
		const struct entry *entry = config->entries.v[i];

		if (!slug_valid(entry->prober, strlen(entry->prober))) /* folders begin with it */
			return mrp_err_set(err, MRP_EINVALID, "prober '%s': is not a slug", entry->prober);
		if (entry->files && entry->files->type != V_OBJECT)
			return mrp_err_set(err, MRP_EINVALID, "prober '%s': files: is no map", entry->prober);
		for (uint32_t k = 0; k < file_count(entry); k++) {
			if (check_file(entry, &entry->files->members[k], err) < 0)
				return -1;
		}
	}
	return 0;
}

static int compare_sets(const void *a, const void *b)
{
	return strcmp(((const struct file_set *)a)->folder, ((const struct file_set *)b)->folder);
}

void file_sets_list(struct set_vec *out, const struct agent_config *config)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;
	size_t kept = 0;

	for (size_t i = 0; i < config->entries.n; i++) {
		const struct entry *entry = config->entries.v[i];

		if (!needs_folder(entry))
			continue;
		strbuf_reset(&name);
		agent_entry_folder(&name, entry);
		set_vec_push(out, (struct file_set){ xstrdup(name.buf), entry });
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), compare_sets);
	for (size_t i = 0; i < out->n; i++) {
		if (kept && streq(out->v[i].folder, out->v[kept - 1].folder))
			free(out->v[i].folder);
		else
			out->v[kept++] = out->v[i];
	}
	out->n = kept;
}

/* A file with the right content, that others can read or run, and cannot change. */
static bool file_right(int folder, const struct member *file)
{
	struct stat st;

	return fstatat(folder, file->key, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		(st.st_mode & 07777) == (file_executable(file) ? 0755 : 0644) &&
		blob_file_matches(folder, file->key, file_sha256(file));
}

bool file_set_right(int root, const struct file_set *set)
{
	cleanup(fd_closep) int folder = openat(root, set->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (folder < 0)
		return false;
	for (uint32_t i = 0; i < file_count(set->entry); i++) {
		if (!file_right(folder, &set->entry->files->members[i]))
			return false;
	}
	return true;
}
