/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where config files are read from: a folder of the file system, or (another implementation of the same table) a commit.
 * Paths are relative to the manifest's folder, with '/' and without '.' and '..'; "" is that folder. All functions may be
 * called by several threads at once.
 */
#ifndef MRP_CONFIG_SOURCE_H
#define MRP_CONFIG_SOURCE_H

#include "../base/arena.h"
#include "../base/err.h"

enum source_type { SOURCE_FILE, SOURCE_FOLDER, SOURCE_BAD };

struct source_entry {
	const char *name;
	enum source_type type; /* of what a symlink points to */
	const char *why;       /* SOURCE_BAD: what is wrong with it ("is a symlink to nothing") */
};

VEC_DEFINE(source_entry_vec, struct source_entry)

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

#endif
