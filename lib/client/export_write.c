/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes an exported tree. It grows in a hidden folder that nobody else knows: beside a folder that is not there yet, or
 * inside one that is there and empty (that one is not replaced: a shell may stand in it). When it is whole it is moved
 * into place by renames, the manifest last.
 */
#include "export.h"

#include "../base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS_OPEN = 16 };

VEC_DEFINE(file_vec, const struct export_file *)

struct export_tree {
	const struct export_plan *plan;
	char *target, *staging; /* staging: NULL when there is nothing to remove */
	bool beside;            /* staging is beside the target, not in it */
	struct file_vec blobs;  /* sorted by hash */
	size_t written;         /* of them */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
}

static bool is_dot(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

/* 1: there is nothing at `folder`; 0: an empty folder; -1: anything else, with err set. */
static int look_at(const char *folder, struct mrp_err *err)
{
	DIR *dir = opendir(folder);
	int n = 0;

	if (!dir && errno == ENOENT)
		return 1;
	if (!dir)
		return mrp_err_errno(err, "cannot write to '%s'", folder);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += !is_dot(entry->d_name);
	closedir(dir);
	if (n)
		return mrp_err_set(err, MRP_EEXISTS, "'%s' is not empty: name a folder that is empty or not there", folder);
	return 0;
}

/* The name of the hidden folder: "PARENT/.NAME.XXXXXX" or "FOLDER/.mrprober.XXXXXX". Yours to free. */
static char *staging_name(const char *folder, bool beside)
{
	const char *slash = strrchr(folder, '/');

	if (!beside)
		return xasprintf("%s/.mrprober.XXXXXX", folder);
	if (!slash)
		return xasprintf(".%s.XXXXXX", folder);
	return xasprintf("%.*s/.%s.XXXXXX", (int)(slash - folder), folder, slash + 1);
}

static int compare_blobs(const void *a, const void *b)
{
	const struct export_file *const *x = a, *const *y = b;

	return strcmp((*x)->sha256, (*y)->sha256);
}

/* Files that are blobs, sorted by hash. */
static void find_blobs(struct file_vec *out, const struct export_plan *plan)
{
	for (size_t i = 0; i < plan->files.n; i++) {
		if (!plan->files.v[i].text)
			file_vec_push(out, &plan->files.v[i]);
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), compare_blobs);
}

void export_blobs(struct strvec *out, const struct export_plan *plan)
{
	struct file_vec files = VEC_INIT;

	find_blobs(&files, plan);
	for (size_t i = 0; i < files.n; i++) {
		if (!i || !streq(files.v[i]->sha256, files.v[i - 1]->sha256))
			strvec_push(out, files.v[i]->sha256);
	}
	file_vec_clear(&files);
}

static int write_one(
	const struct export_tree *tree, const struct export_file *file, const void *data, size_t len, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(tree->staging, file->path);
	cleanup(fd_closep) int fd = -1;
	char *slash = strrchr(path, '/');

	*slash = '\0';
	if (make_folders(path, 0777, err) < 0)
		return mrp_err_wrap(err, "cannot write '%s'", file->path);
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file->executable ? 0777 : 0666);
	if (fd < 0)
		return mrp_err_errno(err, "cannot write '%s'", file->path);
	if (write_all(fd, data, len, err) < 0)
		return mrp_err_wrap(err, "cannot write '%s'", file->path);
	return 0;
}

static int list_entries(struct strvec *names, const char *folder, struct mrp_err *err)
{
	DIR *dir = opendir(folder);

	if (!dir)
		return mrp_err_errno(err, "cannot read '%s'", folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (!is_dot(entry->d_name))
			strvec_push(names, entry->d_name);
	}
	closedir(dir);
	return 0;
}

/* Move what is in `staging` into `folder`, the manifest last; undone when one of the moves fails. */
static int move_entries(const char *staging, const char *folder, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT, moved = STRVEC_INIT;

	if (list_entries(&names, staging, err) < 0)
		return -1;
	for (int manifest = 0; manifest <= 1; manifest++) {
		for (size_t i = 0; i < names.n; i++) {
			if (streq(names.v[i], "mrprober.yaml") != manifest)
				continue;
			cleanup(freep) char *from = path_join(staging, names.v[i]), *to = path_join(folder, names.v[i]);
			if (rename(from, to) < 0) {
				mrp_err_errno(err, "cannot move '%s' into '%s'", names.v[i], folder);
				for (size_t k = 0; k < moved.n; k++)
					remove_tree(moved.v[k]);
				return -1;
			}
			strvec_push(&moved, to);
		}
	}
	rmdir(staging);
	return 0;
}

static int move_tree(const char *staging, const char *folder, struct mrp_err *err)
{
	mode_t mask = umask(0);

	umask(mask);
	/* mkdtemp made it for us alone; over anything but an empty folder the rename fails */
	if (chmod(staging, 0777 & ~mask) < 0 || rename(staging, folder) < 0)
		return mrp_err_errno(err, "cannot create '%s'", folder);
	return 0;
}

struct export_tree *export_begin(const struct export_plan *plan, const char *folder, struct mrp_err *err)
{
	cleanup(export_endp) struct export_tree *tree = xcalloc(1, sizeof(*tree));
	size_t len = strlen(folder);
	int beside;

	tree->plan = plan;
	tree->target = xstrdup(folder);
	while (len > 1 && tree->target[len - 1] == '/')
		tree->target[--len] = '\0';
	beside = look_at(tree->target, err);
	if (beside < 0)
		return NULL;
	tree->beside = beside;
	tree->staging = staging_name(tree->target, beside);
	if (!mkdtemp(tree->staging)) {
		mrp_err_errno(err, "cannot create '%s'", folder);
		freep(&tree->staging);
		return NULL;
	}
	find_blobs(&tree->blobs, plan);
	for (size_t i = 0; i < plan->files.n; i++) {
		const struct export_file *file = &plan->files.v[i];

		if (file->text && write_one(tree, file, file->text, file->len, err) < 0)
			return NULL;
	}
	return steal(&tree);
}

/* The first file with this hash, or the number of files. */
static size_t find_blob(const struct file_vec *blobs, const char *sha256)
{
	size_t low = 0, high = blobs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(blobs->v[middle]->sha256, sha256) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int export_add_blob(struct export_tree *tree, const char *sha256, const void *data, size_t len, struct mrp_err *err)
{
	char hex[SHA256_HEX + 1];

	sha256_hex_of(hex, data, len);
	if (!streq(hex, sha256))
		return mrp_err_set(err, MRP_EINVALID, "what the API has for the file '%s' has another hash, '%s'", sha256, hex);
	for (size_t i = find_blob(&tree->blobs, sha256); i < tree->blobs.n && streq(tree->blobs.v[i]->sha256, sha256); i++) {
		if (write_one(tree, tree->blobs.v[i], data, len, err) < 0)
			return -1;
		tree->written++;
	}
	return 0;
}

int export_finish(struct export_tree *tree, struct mrp_err *err)
{
	if (tree->written != tree->blobs.n)
		BUG("%zu of %zu files written", tree->written, tree->blobs.n);
	if ((tree->beside ? move_tree : move_entries)(tree->staging, tree->target, err) < 0)
		return -1;
	freep(&tree->staging);
	return 0;
}

void export_end(struct export_tree *tree)
{
	if (!tree)
		return;
	if (tree->staging)
		remove_tree(tree->staging);
	free(tree->staging);
	free(tree->target);
	file_vec_clear(&tree->blobs);
	free(tree);
}

void export_endp(struct export_tree **tree)
{
	export_end(*tree);
}
