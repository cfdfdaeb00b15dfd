/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A git repository as configs need it: a commit as a source of files, what differs between two states, who touched a
 * file last. Nothing is ever written, no program is run, and repositories of other users are refused as git refuses
 * them (safe.directory). The table is that of the module `git`, over libgit2.
 *
 * Paths are from the top of the repository, with '/'; "" is the top. One struct repo belongs to one thread at a time;
 * sources made from it are of their own, and for many.
 */
#ifndef MRP_CONFIG_REPO_H
#define MRP_CONFIG_REPO_H

#include "source.h"

enum { REPO_ID_HEX = 40, REPO_SHORT_HEX = 7 };

struct repo;

/* A path in question, and the answer. Every name on the way to it counts: a folder that became a symlink is a change.
 */
struct repo_path {
	const char *path;
	char revision[REPO_ID_HEX + 1]; /* of the commit that touched it last; "" when that is not known */
	bool absent;                    /* the commit asked about has no such path */
	const char *author;             /* "Name <mail>", in the arena; NULL */
	int64_t committed_at;           /* seconds since 1970, of the committer */
};

/* A file that is not the same on both sides. */
struct repo_change {
	const char *path;
	bool added; /* it was not there before */
};

VEC_DEFINE(repo_change_vec, struct repo_change)

struct repo_ops {
	/* The repository that `folder` lies in: a work tree or a part of it, or a bare repository. NULL with
	 * MRP_ENOTFOUND when there is none, MRP_EPERM when it belongs to another user. */
	struct repo *(*open)(const char *folder, struct mrp_err *err);
	void (*close)(struct repo *repo);
	/* Where that folder lies in the repository; "" in a bare one. Borrowed. */
	const char *(*folder)(const struct repo *repo);
	/* The commit that `rev` names, as gitrevisions(7). MRP_EUSAGE when it names none, with the nearest name of a
	 * branch or tag. MRP_ENOTFOUND: it is HEAD, and there is no commit yet. */
	int (*resolve)(struct repo *repo, char id[REPO_ID_HEX + 1], const char *rev, struct mrp_err *err);
	/* The repository's own folder, as an absolute path. Borrowed. */
	const char *(*place)(const struct repo *repo);
	/* The id of what is in a folder of a commit, all of it. */
	int (*tree)(struct repo *repo, char id[REPO_ID_HEX + 1], const char *commit, const char *folder,
		struct mrp_err *err);
	/* Is there a file in that commit? */
	bool (*has_file)(struct repo *repo, const char *id, const char *path);
	/* The files below `folder` in a commit. Keeps nothing of `repo`. */
	struct config_source *(*source)(struct repo *repo, const char *id, const char *folder, struct mrp_err *err);
	/* Files below `folder` that differ between a commit and another one, or (`to` is NULL) the work tree, where
	 * files that git does not track or ignores are there like any other. Sorted by path, from `folder`. */
	int (*changes)(struct repo *repo, struct repo_change_vec *out, struct arena *arena, const char *from,
		const char *to, const char *folder, struct mrp_err *err);
	/* Answer for each path (sorted by strcmp, each once) which commit touched it last, seen from `id`, in one walk.
	 * Parents that have a path alike are followed as `git log` does. Where a shallow clone ends, nothing is known.
	 */
	int (*history)(struct repo *repo, struct arena *arena, const char *id, struct repo_path *paths, size_t n,
		struct mrp_err *err);
	/* Names of branches and tags, as people write them, sorted. */
	int (*names)(struct repo *repo, struct strvec *out, struct mrp_err *err);
};

/* The module's table. NULL with err set when it cannot be loaded. */
const struct repo_ops *repo_ops(struct mrp_err *err);

#endif
