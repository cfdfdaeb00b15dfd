/* SPDX-License-Identifier: Apache-2.0 */
/* Which files differ between two commits, or a commit and the work tree. */
#include <git2.h>

#include "git.h"

struct collection {
	struct repo_change_vec *out;
	struct arena *arena;
	const char *folder; /* to be taken off */
	size_t folder_len;
};

/* Terraform's downloads lie below recipes, and are no part of them. */
static bool is_passed_over(const char *path)
{
	return strstr(path, "/.terraform/") != NULL;
}

static int add_delta(const git_diff_delta *delta, float progress, void *ctx)
{
	struct collection *collection = ctx;
	bool added = delta->status == GIT_DELTA_ADDED || delta->status == GIT_DELTA_UNTRACKED ||
		delta->status == GIT_DELTA_IGNORED;
	const char *path = added ? delta->new_file.path : delta->old_file.path;

	(void)progress;
	if (delta->status == GIT_DELTA_UNMODIFIED || is_passed_over(path))
		return 0;
	if (collection->folder_len) {
		if (strncmp(path, collection->folder, collection->folder_len) != 0 ||
			path[collection->folder_len] != '/')
			return 0;
		path += collection->folder_len + 1;
	}
	struct repo_change change = { arena_strdup(collection->arena, path), added };
	repo_change_vec_push(collection->out, change);
	return 0;
}

static int compare_changes(const void *a, const void *b)
{
	return strcmp(((const struct repo_change *)a)->path, ((const struct repo_change *)b)->path);
}

/* The tree of a commit's folder; none (and no error) when the commit does not have it. */
static int get_folder(git_tree **tree, struct repo *repo, const char *id, const char *folder, struct mrp_err *err)
{
	*tree = repo_get_folder(repo, id, folder, err);
	if (!*tree && err->code != MRP_ENOTFOUND)
		return -1;
	mrp_err_clear(err);
	return 0;
}

static int diff_commits(
	git_diff **diff, struct repo *repo, const char *from, const char *to, const char *folder, struct mrp_err *err)
{
	git_tree *before = NULL, *after = NULL;
	int result = -1;

	if (get_folder(&before, repo, from, folder, err) == 0 && get_folder(&after, repo, to, folder, err) == 0) {
		result = git_diff_tree_to_tree(diff, repo->git, before, after, NULL);
		if (result < 0)
			repo_fail(err, "cannot compare commits");
	}
	git_tree_free(before);
	git_tree_free(after);
	return result;
}

static int diff_worktree(git_diff **diff, struct repo *repo, const char *from, const char *folder, struct mrp_err *err)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	char *paths[] = { xstrdup(folder) };
	git_tree *before = repo_get_folder(repo, from, "", err);

	options.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_RECURSE_UNTRACKED_DIRS | GIT_DIFF_INCLUDE_IGNORED |
		GIT_DIFF_RECURSE_IGNORED_DIRS | GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_DISABLE_PATHSPEC_MATCH |
		GIT_DIFF_SKIP_BINARY_CHECK;
	if (*folder)
		options.pathspec = (git_strarray){ paths, 1 };
	int result = before ? git_diff_tree_to_workdir_with_index(diff, repo->git, before, &options) : -1;
	if (before && result < 0)
		repo_fail(err, "cannot compare the work tree with its commit");
	git_tree_free(before);
	free(paths[0]);
	return result;
}

int repo_changes(struct repo *repo, struct repo_change_vec *out, struct arena *arena, const char *from, const char *to,
	const char *folder, struct mrp_err *err)
{
	struct collection collection = { out, arena, folder, to ? 0 : strlen(folder) };
	git_diff *diff = NULL;

	if ((to ? diff_commits(&diff, repo, from, to, folder, err) : diff_worktree(&diff, repo, from, folder, err)) < 0)
		return -1;
	git_diff_foreach(diff, add_delta, NULL, NULL, NULL, &collection);
	git_diff_free(diff);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), compare_changes);
	return 0;
}
