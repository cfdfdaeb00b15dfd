/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of the file system as a source. Every path is opened beneath the folder's descriptor, so that a symlink cannot
 * lead out of the tree, whatever happens to it meanwhile (openat2(2), Linux 5.6). Where that call is missing or cannot say,
 * the path that was really opened is looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/file.h"
#include "seen.h"
#include "source.h"

#define NOT_A_FILE "is neither a file nor a folder (but a device, pipe or socket)"

enum { OPEN_TRIES_MAX = 32 };

struct worktree {
	struct config_source source;
	int fd;
	char *real;        /* the folder's real path, for when openat2 does not help */
	struct seen *seen; /* or NULL */
};

/* As open, beneath the root. errno is EXDEV when the path leaves it. */
static int open_beneath(const struct worktree *tree, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	const char *name = *path ? path : ".";
	char link[64], real[PATH_MAX];

	int fd = -1, tries = 0;
	do /* EAGAIN: something on the machine was renamed or mounted while the kernel looked at a '..' */
		fd = (int)syscall(SYS_openat2, tree->fd, name, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && ++tries < OPEN_TRIES_MAX);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
		return fd;
	fd = openat(tree->fd, name, flags | O_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, real, sizeof(real) - 1);
	const char *rest = NULL;
	if (n > 0)
		real[n] = '\0';
	if (n > 0 && skip_prefix(real, tree->real, &rest) && (!*rest || *rest == '/' || streq(tree->real, "/")))
		return fd;
	close(fd);
	errno = EXDEV;
	return -1;
}

/* What happened when `name` could not be opened. */
static int open_error(struct mrp_err *err)
{
	switch (errno) {
	case EXDEV:
		return mrp_err_set(err, MRP_EINVALID, SOURCE_LEAVES_TREE);
	case ELOOP:
		return mrp_err_set(err, MRP_EINVALID, SOURCE_ENDLESS_LINK);
	case ENXIO:
		return mrp_err_set(err, MRP_EINVALID, NOT_A_FILE);
	default:
		return mrp_err_errno(err, "cannot be read");
	}
}

/* What could not be opened, for the record. errno is kept. */
static void note_failure(const struct worktree *tree, const char *path)
{
	if (errno == ENOENT)
		seen_add_missing(tree->seen, path);
	else
		seen_give_up(tree->seen);
}

/* What is behind a name whose type the folder does not tell: symlinks, and everything on some file systems. */
static void look(const struct worktree *tree, struct source_entry *entry, struct arena *arena, const char *folder)
{
	cleanup(freep) char *path = path_join(folder, entry->name);
	cleanup(fd_closep) int fd = open_beneath(tree, path, O_PATH);
	struct mrp_err err = MRP_ERR_INIT;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		note_failure(tree, path);
		open_error(&err);
		entry->why = err.code == MRP_ENOTFOUND ? SOURCE_DANGLING_LINK : arena_strdup(arena, err.msg);
		entry->type = SOURCE_BAD;
		mrp_err_clear(&err);
		return;
	}
	seen_add(tree->seen, path, &st);
	if (S_ISDIR(st.st_mode))
		entry->type = SOURCE_FOLDER;
	else if (S_ISREG(st.st_mode))
		entry->type = SOURCE_FILE;
}

static void add_entry(const struct worktree *tree, struct source_entry_vec *out, struct arena *arena,
	const char *folder, const struct dirent64 *dirent)
{
	if (streq(dirent->d_name, ".") || streq(dirent->d_name, ".."))
		return;
	struct source_entry entry = { arena_strdup(arena, dirent->d_name), SOURCE_BAD, NOT_A_FILE, dirent->d_type == DT_LNK };
	if (dirent->d_type == DT_REG)
		entry.type = SOURCE_FILE;
	else if (dirent->d_type == DT_DIR)
		entry.type = SOURCE_FOLDER;
	else if (dirent->d_type == DT_LNK || dirent->d_type == DT_UNKNOWN)
		look(tree, &entry, arena, folder);
	source_entry_vec_push(out, entry);
}

/* What was opened, for the record, before anything is read from it: a later change then shows. -1 with errno when it
 * was not opened. */
static int note_opened(const struct worktree *tree, int fd, const char *path, struct stat *st)
{
	if (fd < 0 || fstat(fd, st) < 0) {
		note_failure(tree, path);
		return -1;
	}
	seen_add(tree->seen, path, st);
	return 0;
}

static int worktree_list(struct config_source *source, struct source_entry_vec *out, struct arena *arena,
	const char *folder, struct mrp_err *err)
{
	const struct worktree *tree = (const struct worktree *)source;
	cleanup(fd_closep) int fd = open_beneath(tree, folder, O_RDONLY | O_DIRECTORY | O_NOCTTY);
	_Alignas(struct dirent64) char buf[16 * 1024];
	size_t start = out->n;

	if (note_opened(tree, fd, folder, &(struct stat){ 0 }) < 0)
		return open_error(err);
	for (;;) {
		ssize_t n = getdents64(fd, buf, sizeof(buf));

		if (n < 0)
			return mrp_err_errno(err, "cannot be read");
		if (n == 0)
			break;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(buf + at);

			add_entry(tree, out, arena, folder, entry);
			at += entry->d_reclen;
		}
	}
	if (out->n - start > 1)
		qsort(out->v + start, out->n - start, sizeof(*out->v), source_entry_compare);
	return 0;
}

static int worktree_read(struct config_source *source, struct strbuf *out, bool *executable, const char *path,
	size_t max_bytes, struct mrp_err *err)
{
	const struct worktree *tree = (const struct worktree *)source;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	cleanup(fd_closep) int fd = open_beneath(tree, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (note_opened(tree, fd, path, &st) < 0)
		return open_error(err);
	if (!S_ISREG(st.st_mode))
		return mrp_err_set(err, MRP_EINVALID, "%s", S_ISDIR(st.st_mode) ? "is a folder" : NOT_A_FILE);
	if (executable)
		*executable = st.st_mode & S_IXUSR;
	if ((uintmax_t)st.st_size > max_bytes)
		return mrp_err_set(err, MRP_ETOOBIG, "is larger than %zu MiB", max_bytes >> 20);
	strbuf_grow(out, (size_t)st.st_size);
	for (size_t left = (size_t)st.st_size; left;) {
		ssize_t n = read(fd, out->buf + out->len, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mrp_err_errno(err, "cannot be read");
		if (n == 0)
			break;
		strbuf_setlen(out, out->len + (size_t)n);
		left -= (size_t)n;
	}
	return 0;
}

static void worktree_free(struct config_source *source)
{
	struct worktree *tree = (struct worktree *)source;

	fd_closep(&tree->fd);
	free(tree->real);
	seen_free(tree->seen);
	free(tree);
}

static const struct config_source_ops worktree_ops = { worktree_list, worktree_read, worktree_free };

struct config_source *config_source_worktree(const char *root, struct mrp_err *err)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		mrp_err_errno(err, "cannot open folder '%s'", root);
		return NULL;
	}
	struct worktree *tree = xcalloc(1, sizeof(*tree));
	tree->source.ops = &worktree_ops;
	tree->fd = fd;
	tree->real = realpath(root, NULL);
	if (!tree->real)
		tree->real = xstrdup("");
	return &tree->source;
}

struct seen *config_source_watch(struct config_source *source, struct timespec now)
{
	struct worktree *tree = (struct worktree *)source;

	tree->seen = seen_new(tree->fd, now);
	return tree->seen;
}
