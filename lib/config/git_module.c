/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgit2 behind struct repo_ops: opening, names. git_source_module.c reads files, git_changes_module.c compares,
 * git_history_module.c asks who did it.
 */
#include <git2.h>
#include <pthread.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/text.h"
#include "git.h"

extern const struct repo_ops git_repo_ops;

static int init_result;

static void init_library(void)
{
	/* What only says how others fetch or write, or what this module does not look at. */
	static const char *const harmless[] = { "partialclone", "worktreeconfig", "preciousobjects" };

	git_blob_prepare();
	init_result = git_libgit2_init();
	if (init_result < 0)
		return;
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, harmless, ARRAY_SIZE(harmless));
	/* As git reads them: zlib's checksum is looked at, the whole is not hashed again. Hashing took half of the
	 * time. */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
}

int repo_fail(struct mrp_err *err, const char *what)
{
	const git_error *last = git_error_last();
	enum mrp_errcode code = last && last->klass == GIT_ERROR_ODB ? MRP_EINVALID : MRP_EFAILED;

	return mrp_err_set(err, code, "%s: %s", what, last && last->message ? last->message : "git gives no reason");
}

int repo_fail_read(struct mrp_err *err)
{
	const git_error *last = git_error_last();

	if (last && last->klass == GIT_ERROR_ODB && strstr(last->message, "not found"))
		return mrp_err_set(err, MRP_EINVALID, "cannot be read: its object is not here (a partial clone?): %s",
			last->message);
	return repo_fail(err, "cannot be read");
}

/* Where `folder` lies below the work tree, or "" when it does not (a bare repository, or inside of .git). */
static char *folder_in_worktree(git_repository *git, const char *folder)
{
	const char *top = git_repository_workdir(git), *rest;
	cleanup(freep) char *real = realpath(folder, NULL), *real_top = top ? realpath(top, NULL) : NULL;

	if (!real || !real_top || !skip_prefix(real, real_top, &rest))
		return xstrdup("");
	if (streq(real_top, "/"))
		return xstrdup(real + 1);
	return xstrdup(*rest == '/' ? rest + 1 : "");
}

/* What safe.directory has to name: the work tree, or a repository without one. */
static char *trusted_name(const char *folder, const char *repository)
{
	char *top = realpath(folder, NULL);

	while (top && *top) {
		cleanup(freep) char *git = path_join(top, ".git");

		if (access(git, F_OK) == 0)
			return top;
		*strrchr(top, '/') = '\0';
	}
	free(top);
	size_t len = strlen(repository);
	return xstrndup(repository, len - (len > 1 && repository[len - 1] == '/'));
}

static void fail_owner(const char *folder, const char *repository, struct mrp_err *err)
{
	cleanup(freep) char *trusted = trusted_name(folder, repository);

	mrp_err_set(err, MRP_EPERM,
		"the git repository of '%s' belongs to another user; if you trust it: git config --global --add "
		"safe.directory '%s'",
		folder, trusted);
}

/* libgit2 names what it does not know as the repository's configuration does. */
static void fail_other(struct mrp_err *err)
{
	const git_error *last = git_error_last();

	if (last && last->message && strstr(last->message, "extensions.objectformat"))
		mrp_err_set(err, MRP_EFAILED,
			"the git repository names its objects by SHA-256, which libgit2 cannot read; "
			"the files of a checkout can be used, without --revision");
	else
		repo_fail(err, "cannot open the git repository");
}

static void fail_open(const char *folder, int result, struct mrp_err *err)
{
	git_buf found = { NULL, 0, 0 };

	if (result != GIT_ENOTFOUND && result != GIT_EOWNER)
		fail_other(err);
	else if (access(folder, F_OK) < 0)
		mrp_err_errno(err, "'%s'", folder);
	else if (git_repository_discover(&found, folder, 0, NULL) == 0)
		/* without any configuration to look for safe.directory in, libgit2 1.5 calls another user's repository
		 * not found */
		fail_owner(folder, found.ptr, err);
	else
		mrp_err_set(err, MRP_ENOTFOUND, "'%s' is in no git repository", folder);
	git_buf_dispose(&found);
}

static struct repo *open_repo(const char *folder, struct mrp_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	git_repository *git = NULL;

	pthread_once(&once, init_library);
	if (init_result < 0) {
		repo_fail(err, "cannot use git");
		return NULL;
	}
	int result = git_repository_open_ext(&git, folder, 0, NULL);
	if (result < 0) {
		fail_open(folder, result, err);
		return NULL;
	}
	struct repo *repo = xcalloc(1, sizeof(*repo));
	repo->git = git;
	repo->folder = folder_in_worktree(git, folder);
	return repo;
}

static void close_repo(struct repo *repo)
{
	if (!repo)
		return;
	git_repository_free(repo->git);
	free(repo->folder);
	free(repo);
}

static const char *repo_folder(const struct repo *repo)
{
	return repo->folder;
}

static int add_name(git_reference *ref, void *ctx)
{
	const char *name = git_reference_shorthand(ref);

	if (git_reference_is_branch(ref) || git_reference_is_tag(ref) || git_reference_is_remote(ref))
		strvec_push(ctx, name);
	git_reference_free(ref);
	return 0;
}

static int repo_names(struct repo *repo, struct strvec *out, struct mrp_err *err)
{
	if (git_reference_foreach(repo->git, add_name, out) < 0)
		return repo_fail(err, "cannot list branches and tags");
	strvec_sort(out);
	return 0;
}

/* No such name, or one that is no commit's. */
static int report_unknown(struct repo *repo, const char *rev, int result, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;

	if (result == GIT_EAMBIGUOUS)
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is the beginning of several commits; give more of it", rev);
	if (streq(rev, "HEAD") && git_repository_head_unborn(repo->git) == 1)
		return mrp_err_set(err, MRP_ENOTFOUND, "the branch that HEAD names has no commit yet");
	if (result != GIT_ENOTFOUND && result != GIT_EINVALIDSPEC)
		return repo_fail(err, rev);
	if (repo_names(repo, &names, err) < 0)
		mrp_err_clear(err);
	/* "main^9" has its name right */
	const char *nearest = strpbrk(rev, "^~@") ? NULL : nearest_word(rev, (const char *const *)names.v, names.n);
	if (nearest)
		return mrp_err_set(
			err, MRP_EUSAGE, "'%s' is no commit, branch or tag here (did you mean '%s'?)", rev, nearest);
	if (git_repository_is_shallow(repo->git) == 1)
		return mrp_err_set(err, MRP_EUSAGE,
			"'%s' is no commit, branch or tag here; this is a shallow clone, which may lack it: git fetch "
			"--unshallow",
			rev);
	return mrp_err_set(err, MRP_EUSAGE, "'%s' is no commit, branch or tag here", rev);
}

static int resolve(struct repo *repo, char id[REPO_ID_HEX + 1], const char *rev, struct mrp_err *err)
{
	git_object *named = NULL, *commit = NULL;

	int result = git_revparse_single(&named, repo->git, rev);
	if (result == 0) {
		result = git_object_peel(&commit, named, GIT_OBJECT_COMMIT);
		if (result < 0)
			mrp_err_set(err, MRP_EUSAGE, "'%s' is a %s, not a commit", rev,
				git_object_type2string(git_object_type(named)));
	} else {
		report_unknown(repo, rev, result, err);
	}
	if (result == 0)
		git_oid_tostr(id, REPO_ID_HEX + 1, git_object_id(commit));
	git_object_free(named);
	git_object_free(commit);
	return result < 0 ? -1 : 0;
}

git_commit *repo_get_commit(struct repo *repo, const char *id, struct mrp_err *err)
{
	git_commit *commit = NULL;
	git_oid oid;

	if (git_oid_fromstr(&oid, id) < 0 || git_commit_lookup(&commit, repo->git, &oid) < 0)
		repo_fail(err, id);
	return commit;
}

/* Why a commit has no such folder. */
static int fail_folder(struct mrp_err *err, const git_tree *top, const char *id, const char *folder)
{
	for (size_t len = strcspn(folder, "/"); folder[len]; len += 1 + strcspn(folder + len + 1, "/")) {
		cleanup(freep) char *above = xstrndup(folder, len);
		git_tree_entry *entry = NULL;
		bool submodule = git_tree_entry_bypath(&entry, top, above) == 0 &&
			git_tree_entry_type(entry) == GIT_OBJECT_COMMIT;

		git_tree_entry_free(entry);
		if (submodule)
			return mrp_err_set(err, MRP_ENOTFOUND, "'%s' " GIT_SUBMODULE, above);
	}
	return mrp_err_set(err, MRP_ENOTFOUND, "commit %.*s has no folder '%s'", (int)REPO_SHORT_HEX, id, folder);
}

git_tree *repo_get_folder(struct repo *repo, const char *id, const char *folder, struct mrp_err *err)
{
	git_commit *commit = repo_get_commit(repo, id, err);
	git_tree *top = NULL, *tree = NULL;
	git_tree_entry *entry = NULL;

	if (!commit)
		return NULL;
	int result = git_commit_tree(&top, commit);
	if (result == 0 && *folder)
		result = git_tree_entry_bypath(&entry, top, folder);
	if (entry && git_tree_entry_type(entry) == GIT_OBJECT_COMMIT)
		mrp_err_set(err, MRP_ENOTFOUND, "'%s' " GIT_SUBMODULE, folder);
	else if (result == GIT_ENOTFOUND || (entry && git_tree_entry_type(entry) != GIT_OBJECT_TREE))
		fail_folder(err, top, id, folder);
	else if (result < 0 || (entry && git_tree_lookup(&tree, repo->git, git_tree_entry_id(entry)) < 0))
		repo_fail(err, "cannot read the commit's tree");
	if (result == 0 && !*folder) {
		tree = top;
		top = NULL;
	}
	git_tree_entry_free(entry);
	git_tree_free(top);
	git_commit_free(commit);
	return tree;
}

static const char *repo_place(const struct repo *repo)
{
	return git_repository_path(repo->git);
}

static int repo_tree(
	struct repo *repo, char id[REPO_ID_HEX + 1], const char *commit, const char *folder, struct mrp_err *err)
{
	git_tree *tree = repo_get_folder(repo, commit, folder, err);

	if (!tree)
		return -1;
	git_oid_tostr(id, REPO_ID_HEX + 1, git_tree_id(tree));
	git_tree_free(tree);
	return 0;
}

static bool has_file(struct repo *repo, const char *id, const char *path)
{
	struct mrp_err err = MRP_ERR_INIT;
	git_tree *top = repo_get_folder(repo, id, "", &err);
	git_tree_entry *entry = NULL;

	bool found =
		top && git_tree_entry_bypath(&entry, top, path) == 0 && git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
	git_tree_entry_free(entry);
	git_tree_free(top);
	mrp_err_clear(&err);
	return found;
}

const struct repo_ops git_repo_ops = {
	.open = open_repo,
	.close = close_repo,
	.folder = repo_folder,
	.resolve = resolve,
	.place = repo_place,
	.tree = repo_tree,
	.has_file = has_file,
	.source = repo_source,
	.changes = repo_changes,
	.history = repo_history,
	.names = repo_names,
};
