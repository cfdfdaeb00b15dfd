/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the module `git`: what its files share. libgit2's own types are only named here. */
#ifndef MRP_CONFIG_GIT_H
#define MRP_CONFIG_GIT_H

#include "repo.h"

struct git_repository;
struct git_commit;
struct git_odb;
struct git_oid;
struct git_tree;

struct repo {
	struct git_repository *git;
	char *folder; /* that was asked for, from the top */
};

#define GIT_SUBMODULE "is a submodule; its files are in another repository"

/* "what: why", why being libgit2's last message in this thread, with the fitting code. */
int repo_fail(struct mrp_err *err, const char *what);
/* "cannot be read: ...", after reading an object. */
int repo_fail_read(struct mrp_err *err);
/* The commit with that id; NULL with err set. */
struct git_commit *repo_get_commit(struct repo *repo, const char *id, struct mrp_err *err);
/* A commit's tree of `folder`; NULL with err set, MRP_ENOTFOUND when that commit has no such folder. */
struct git_tree *repo_get_folder(struct repo *repo, const char *id, const char *folder, struct mrp_err *err);

/* Before anything else of libgit2. */
void git_blob_prepare(void);
/* Append a file's content. MRP_ETOOBIG, before all of it is in memory; MRP_EINVALID when it is elsewhere. */
int git_blob_read(
	struct git_odb *odb, struct strbuf *out, const struct git_oid *id, size_t max_bytes, struct mrp_err *err);

struct config_source *repo_source(struct repo *repo, const char *id, const char *folder, struct mrp_err *err);
int repo_changes(struct repo *repo, struct repo_change_vec *out, struct arena *arena, const char *from, const char *to,
	const char *folder, struct mrp_err *err);
int repo_history(
	struct repo *repo, struct arena *arena, const char *id, struct repo_path *paths, size_t n, struct mrp_err *err);

#endif
