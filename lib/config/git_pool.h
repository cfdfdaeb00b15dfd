/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the module `git`: trees of one commit for many threads. libgit2's handles are for one thread at a time, so
 * each call takes one from a pool that grows to as many as there are threads. Trees do not change once they are parsed:
 * those near the top, which may have ten thousand names, are shared.
 */
#ifndef MRP_CONFIG_GIT_POOL_H
#define MRP_CONFIG_GIT_POOL_H

#include "git.h"

struct git_pool;

struct git_folder {
	char *path; /* without symlinks on the way; NULL: none */
	struct git_tree *tree;
};

struct git_handle {
	struct git_handle *next;
	struct git_odb *odb;
	struct git_repository *git; /* around the odb alone */
	struct git_folder last;     /* of an object: its files are read one after another */
};

/* For the tree `top`, from the object database of `repo`, of which nothing is kept. NULL on error. */
struct git_pool *git_pool_new(struct repo *repo, const struct git_oid *top, struct mrp_err *err);
/* When all handles are back. */
void git_pool_free(struct git_pool *pool);
struct git_handle *git_pool_take(struct git_pool *pool, struct mrp_err *err);
void git_pool_give(struct git_pool *pool, struct git_handle *handle);

/* The tree of a folder, which must be one, by a path without symlinks. It lives until the next call with this handle.
 */
struct git_tree *git_pool_folder(
	struct git_pool *pool, struct git_handle *handle, const char *path, struct mrp_err *err);

#endif
