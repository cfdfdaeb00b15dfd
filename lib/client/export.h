/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API objects as a config tree that synchronizes without differences. Planning decides what every file says and touches
 * nothing; writing makes the tree beside its place and moves it there when it is whole.
 */
#ifndef MRP_CLIENT_EXPORT_H
#define MRP_CLIENT_EXPORT_H

#include "../model/kinds.h"

/* One file of the tree: a text, or the content of a blob. Strings live in the plan's arena. */
struct export_file {
	const char *path;   /* checked: relative, without '..' */
	const char *text;   /* NULL: the blob */
	size_t len;
	const char *sha256; /* of the blob */
	bool executable;
};

VEC_DEFINE(export_file_vec, struct export_file)

/* A value that is not in the tree: whoever synchronizes it sets the variable `env`. */
struct export_secret {
	const char *env;
	const char *cluster, *name;
	const char *text; /* NULL when the API did not show it */
};

VEC_DEFINE(export_secret_vec, struct export_secret)

struct export_input {
	const char *environment;                 /* a name that manifests accept */
	const char *api_url;                     /* NULL: leave it out */
	const struct value *objects[KIND_COUNT]; /* arrays, as the API lists them */
};

struct export_plan {
	struct arena arena;
	struct export_file_vec files;
	struct export_secret_vec secrets;
	struct problems notes; /* warnings: what the tree cannot say; errors: objects that no tree can hold */
};

#define EXPORT_PLAN_INIT { ARENA_INIT, VEC_INIT, VEC_INIT, PROBLEMS_INIT }

/* Fill `plan` (EXPORT_PLAN_INIT). Texts are made anew, so `input` may go afterwards. Never fails as a whole: see notes. */
void export_plan_make(struct export_plan *plan, const struct export_input *input);
void export_plan_release(struct export_plan *plan);

/* The hashes of all blobs of the plan, sorted, each once. Borrowed from the plan. */
void export_blobs(struct strvec *out, const struct export_plan *plan);

/* A tree that is being written. Begin, give every blob in any order, finish. */
struct export_tree;

/* Write all texts. `folder` does not exist or is empty, else MRP_EEXISTS and nothing is done. NULL on failure. The plan
 * must live as long as the tree. */
struct export_tree *export_begin(const struct export_plan *plan, const char *folder, struct mrp_err *err);
/* Write the content to each file that has this hash. MRP_EINVALID when it does not hash to it. */
int export_add_blob(struct export_tree *tree, const char *sha256, const void *data, size_t len, struct mrp_err *err);
/* Move the tree into place. */
int export_finish(struct export_tree *tree, struct mrp_err *err);
/* Remove what was written unless it was finished, and free. */
void export_end(struct export_tree *tree);
void export_endp(struct export_tree **tree);

#endif
