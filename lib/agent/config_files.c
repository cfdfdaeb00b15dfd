/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder is made beside its place, under a name that begins with a dot, and renamed when everything in it and beneath
 * it is on the disk. After a crash there are whole folders and ones with a dot, which the next start removes; a folder
 * is looked through all the same before it is first used, as disks and people do change things.
 */
#include "config_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "blobs.h"
#include "file_sets.h"

enum { DESCRIPTORS = 16 };

struct config_files {
	struct blob_dir blobs;
	char *root;
	int fd;                /* of root */
	struct strvec known;   /* sorted: folders that are right */
	struct set_vec wanted; /* found by config_files_missing */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

/* With everything in it. What cannot be removed now is tried again with the next collect. */
static void remove_tree(const char *path)
{
	if (nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		log_warning("cannot remove '%s': %s", path, strerror(errno));
}

/* Where a folder goes that is to be removed: what is half removed must not look like a folder of files. */
static char *away_name(const char *name)
{
	return xasprintf(".old-%s", name);
}

static void remove_beneath(const struct config_files *files, const char *name)
{
	cleanup(freep) char *path = path_join(files->root, name);

	remove_tree(path);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `names` is sorted. */
static bool names_have(const struct strvec *names, const char *name)
{
	return names->n && bsearch(&name, names->v, names->n, sizeof(*names->v), compare_names);
}

/* Remove the folders of root that `keep` does not want. */
static void remove_others(const struct config_files *files, const struct strvec *keep)
{
	DIR *dir = opendir(files->root);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (streq(name, ".") || streq(name, ".."))
			continue;
		if (name[0] != '.' && (!keep || names_have(keep, name)))
			continue;
		cleanup(freep) char *away = name[0] == '.' ? xstrdup(name) : away_name(name);
		if (name[0] == '.' || renameat(files->fd, name, files->fd, away) == 0)
			remove_beneath(files, away);
	}
	if (dir)
		closedir(dir);
}

/* Whatever the umask was. A disk that has become read-only is good enough for what is there. */
static int open_to_all(int folder)
{
	struct stat st;

	return fstat(folder, &st) == 0 && (st.st_mode & 0755) == 0755 ? 0 : fchmod(folder, 0755);
}

struct config_files *config_files_open(const char *folder, struct mrp_err *err)
{
	struct config_files *files = xcalloc(1, sizeof(*files));
	cleanup(freep) char *blobs = path_join(folder, "blobs");

	strvec_init(&files->known);
	files->blobs.fd = -1;
	files->root = path_join(folder, "files");
	if (make_folders(files->root, 0755, err) < 0 || blob_dir_open(&files->blobs, blobs, err) < 0)
		goto fail;
	files->fd = open(files->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (files->fd < 0 || open_to_all(files->fd) < 0) {
		mrp_err_errno(err, "cannot use folder '%s'", files->root);
		goto fail;
	}
	remove_others(files, NULL);
	return files;
fail:
	config_files_close(files);
	return NULL;
}

static void clear_wanted(struct config_files *files)
{
	for (size_t i = 0; i < files->wanted.n; i++)
		free(files->wanted.v[i].folder);
	set_vec_clear(&files->wanted);
}

void config_files_close(struct config_files *files)
{
	if (!files)
		return;
	clear_wanted(files);
	strvec_clear(&files->known);
	blob_dir_close(&files->blobs);
	fd_closep(&files->fd);
	free(files->root);
	free(files);
}

const char *config_files_root(const struct config_files *files)
{
	return files->root;
}

/* --- what a config needs ------------------------------------------------------------------------------------- */

static int compare_missing(const void *a, const void *b)
{
	return strcmp(((const struct missing_file *)a)->sha256, ((const struct missing_file *)b)->sha256);
}

/* Each content once, and only those that are not there. */
static void reduce_missing(const struct config_files *files, struct missing_vec *list)
{
	const char *last = NULL;
	size_t kept = 0;

	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), compare_missing);
	for (size_t i = 0; i < list->n; i++) {
		const char *sha256 = list->v[i].sha256;

		if ((!last || !streq(last, sha256)) && !blob_dir_has(&files->blobs, sha256))
			list->v[kept++] = list->v[i];
		last = sha256;
	}
	list->n = kept;
}

int config_files_missing(struct config_files *files, struct missing_vec *out, const struct agent_config *config,
	bool again, struct mrp_err *err)
{
	struct set_vec sets = VEC_INIT;

	if (config_files_check(config, err) < 0)
		return -1;
	clear_wanted(files);
	file_sets_list(&sets, config);
	for (size_t i = 0; i < sets.n; i++) {
		struct file_set *set = &sets.v[i];

		if ((!again && names_have(&files->known, set->folder)) || file_set_right(files->fd, set)) {
			free(set->folder);
			continue;
		}
		set_vec_push(&files->wanted, *set);
		for (uint32_t k = 0; k < file_count(set->entry); k++) {
			const struct member *file = &set->entry->files->members[k];

			missing_vec_push(out,
				(struct missing_file){
					file_sha256(file), set->entry->prober, file->key, file_executable(file) });
		}
	}
	set_vec_clear(&sets);
	reduce_missing(files, out);
	return 0;
}

int config_files_put(
	struct config_files *files, const struct missing_file *file, const void *data, size_t len, struct mrp_err *err)
{
	return blob_dir_put(&files->blobs, file->sha256, file->executable, data, len, err);
}

/* --- making folders ------------------------------------------------------------------------------------------ */

/* The folders that lead to `path`. */
static int make_parents(int folder, const char *path, struct mrp_err *err)
{
	cleanup(freep) char *copy = xstrdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(folder, copy, 0755) == 0) {
			if (fchmodat(folder, copy, 0755, 0) < 0)
				return mrp_err_errno(err, "cannot set the mode of folder '%s'", copy);
		} else if (errno != EEXIST) {
			return mrp_err_errno(err, "cannot create folder '%s'", copy);
		}
		*slash = '/';
	}
	return 0;
}

static int fill(const struct config_files *files, int folder, const struct file_set *set, struct mrp_err *err)
{
	for (uint32_t i = 0; i < file_count(set->entry); i++) {
		const struct member *file = &set->entry->files->members[i];

		if (make_parents(folder, file->key, err) < 0 ||
			blob_dir_link(&files->blobs, file_sha256(file), file_executable(file), folder, file->key, err) <
				0)
			return mrp_err_wrap(err, "prober '%s': file '%s'", set->entry->prober, file->key);
	}
	return 0;
}

static char *temporary_name(const struct file_set *set)
{
	return xasprintf(".new-%s", set->folder);
}

static int make_temporary(const struct config_files *files, const struct file_set *set, struct mrp_err *err)
{
	cleanup(freep) char *name = temporary_name(set);

	if (mkdirat(files->fd, name, 0755) < 0)
		return mrp_err_errno(
			err, "prober '%s': cannot create folder '%s/%s'", set->entry->prober, files->root, name);
	cleanup(fd_closep) int folder = openat(files->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder < 0 || fchmod(folder, 0755) < 0)
		return mrp_err_errno(
			err, "prober '%s': cannot use folder '%s/%s'", set->entry->prober, files->root, name);
	return fill(files, folder, set, err);
}

static int put_in_place(const struct config_files *files, const struct file_set *set, struct mrp_err *err)
{
	cleanup(freep) char *name = temporary_name(set), *away = away_name(set->folder);
	bool damaged = renameat(files->fd, set->folder, files->fd, away) == 0;

	if (renameat(files->fd, name, files->fd, set->folder) < 0)
		return mrp_err_errno(err, "prober '%s': cannot rename '%s/%s'", set->entry->prober, files->root, name);
	if (!damaged)
		return 0;
	log_warning("the files of prober '%s' in '%s/%s' were not what they should be, and have been made anew",
		set->entry->prober, files->root, set->folder);
	remove_beneath(files, away);
	return 0;
}

static int make_all(const struct config_files *files, struct mrp_err *err)
{
	for (size_t i = 0; i < files->wanted.n; i++) {
		if (make_temporary(files, &files->wanted.v[i], err) < 0)
			return -1;
	}
	/* one wait for all of them, instead of one for each file and folder */
	if (syncfs(files->fd) < 0)
		return mrp_err_errno(err, "cannot write '%s'", files->root);
	for (size_t i = 0; i < files->wanted.n; i++) {
		if (put_in_place(files, &files->wanted.v[i], err) < 0)
			return -1;
	}
	if (fsync(files->fd) < 0)
		return mrp_err_errno(err, "cannot write '%s'", files->root);
	return 0;
}

int config_files_make(struct config_files *files, struct mrp_err *err)
{
	int result = files->wanted.n ? make_all(files, err) : 0;

	if (result < 0)
		remove_others(files, NULL);
	clear_wanted(files);
	return result;
}

void config_files_collect(struct config_files *files, const struct config_vec *used)
{
	struct set_vec sets = VEC_INIT;

	strvec_clear(&files->known);
	for (size_t i = 0; i < used->n; i++)
		file_sets_list(&sets, used->v[i]);
	for (size_t i = 0; i < sets.n; i++)
		strvec_push_nodup(&files->known, sets.v[i].folder);
	set_vec_clear(&sets);
	strvec_sort(&files->known);
	remove_others(files, &files->known);
	blob_dir_collect(&files->blobs);
}
