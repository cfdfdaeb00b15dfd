/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where config files are read from: a folder of the file system (worktree.c), or one of a commit (git_source_module.c).
 * Paths are relative to the manifest's folder, with '/' and without '.' and '..'; "" is that folder. All functions may be
 * called by several threads at once.
 */
#ifndef MRP_CONFIG_SOURCE_H
#define MRP_CONFIG_SOURCE_H

#include <time.h>

#include "../base/arena.h"
#include "../base/err.h"

enum source_type { SOURCE_FILE, SOURCE_FOLDER, SOURCE_BAD };

struct source_entry {
	const char *name;
	enum source_type type; /* of what a symlink points to */
	const char *why;       /* SOURCE_BAD: what is wrong with it ("is a symlink to nothing") */
	bool link;             /* it is a symlink */
};

VEC_DEFINE(source_entry_vec, struct source_entry)

/* What is wrong with a path, in the words that all sources use. */
#define SOURCE_DANGLING_LINK "is a symlink to nothing"
#define SOURCE_LEAVES_TREE "is a symlink that leads out of the tree; link to a file inside it, or copy it"
#define SOURCE_ENDLESS_LINK "is a symlink that leads to itself"

/* For qsort: by bytes of the name. */
static inline int source_entry_compare(const void *a, const void *b)
{
	return strcmp(((const struct source_entry *)a)->name, ((const struct source_entry *)b)->name);
}

struct config_source;

struct config_source_ops {
	/* Append the files and folders of `folder`, sorted by bytes; names are in the arena. MRP_ENOTFOUND when it is not
	 * there. What cannot be used (a device, a symlink that leaves the tree) is there as SOURCE_BAD. */
	int (*list)(struct config_source *source, struct source_entry_vec *out, struct arena *arena, const char *folder,
		struct mrp_err *err);
	/* Append a file's content. MRP_ENOTFOUND, MRP_ETOOBIG, MRP_EINVALID (no file, or outside the tree), MRP_EPERM. */
	int (*read)(struct config_source *source, struct strbuf *out, bool *executable, const char *path, size_t max_bytes,
		struct mrp_err *err);
	void (*free)(struct config_source *source);
};

/* Implementations begin with this struct. Messages do not name the path as a whole: the caller knows where it is. */
struct config_source {
	const struct config_source_ops *ops;
};

/* The folder `root` of the file system. NULL on error. */
struct config_source *config_source_worktree(const char *root, struct mrp_err *err);

struct seen;
/* From now on keep a record of all that is looked at (seen.h) in a source of that kind, whose it is. `now` is the time
 * of day. */
struct seen *config_source_watch(struct config_source *source, struct timespec now);

#endif
