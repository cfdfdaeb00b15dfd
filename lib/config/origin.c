/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <sys/stat.h>

#include "../base/file.h"
#include "manifest.h"

static char *manifest_in(const char *folder)
{
	return *folder ? xasprintf("%s/" MANIFEST_NAME, folder) : xstrdup(MANIFEST_NAME);
}

static bool commit_has_manifest(const struct config_origin *origin, const char *folder)
{
	cleanup(freep) char *path = manifest_in(folder);

	return origin->ops->has_file(origin->repo, origin->commit, path);
}

/* The first folder with a manifest, from where we are upwards. */
static bool find_above(struct config_origin *origin)
{
	while (!commit_has_manifest(origin, origin->folder)) {
		char *slash = strrchr(origin->folder, '/');

		if (!*origin->folder)
			return false;
		*(slash ? slash : origin->folder) = '\0';
	}
	return true;
}

/* "main:configs" is the commit main and its folder, as git names trees; NULL when there is no such part. */
static const char *folder_part(const char *revision)
{
	/* ":/text" and "x^{/text: y}" search for a commit */
	const char *colon = *revision == ':' || strchr(revision, '{') ? NULL : strchr(revision, ':');

	return colon ? colon + 1 : NULL;
}

/* From the top of the repository, without empty parts; "./x" is meant from `here`, as git has it. */
static char *clean_folder(const char *folder, const char *here)
{
	struct strbuf out = STRBUF_INIT;

	if (streq(folder, ".") || skip_prefix(folder, "./", NULL))
		strbuf_addstr(&out, here);
	while (*folder) {
		size_t len = strcspn(folder, "/");

		if (len && !(len == 1 && *folder == '.'))
			strbuf_addf(&out, "%s%.*s", out.len ? "/" : "", (int)len, folder);
		folder += len + (folder[len] == '/');
	}
	return strbuf_detach(&out, NULL);
}

/* The folder is not there, or only the manifest is not. */
static int no_manifest(const struct config_origin *origin, const char *rev, bool named, struct mrp_err *err)
{
	char tree[REPO_ID_HEX + 1];

	if (origin->ops->tree(origin->repo, tree, origin->commit, origin->folder, err) < 0)
		return mrp_err_wrap(err, "'%s:%s' is no config tree", rev, origin->folder);
	return mrp_err_set(err, MRP_ENOTFOUND, "'%s:%s' is no config tree: it has no " MANIFEST_NAME "%s", rev,
		origin->folder, named ? "" : " (REV:FOLDER names another folder)");
}

static int choose_folder(
	struct config_origin *origin, const struct config_options *options, const char *rev, struct mrp_err *err)
{
	const char *named = folder_part(options->revision);

	const char *here = origin->ops->folder(origin->repo);

	origin->folder = named ? clean_folder(named, here) : xstrdup(here);
	if (!named && !options->path && find_above(origin))
		return 0;
	if (!named && !options->path)
		return mrp_err_set(err, MRP_ENOTFOUND,
			"no config tree in '%s': neither this folder nor one above has a " MANIFEST_NAME
			" there (REV:FOLDER names another folder)",
			rev);
	if (commit_has_manifest(origin, origin->folder))
		return 0;
	return no_manifest(origin, rev, named, err);
}

static int open_revision(struct config_origin *origin, const struct config_options *options, struct mrp_err *err)
{
	const char *named = folder_part(options->revision);
	size_t len = named ? (size_t)(named - 1 - options->revision) : strlen(options->revision);
	cleanup(freep) char *rev = xstrndup(options->revision, len);

	origin->of_commit = true;
	origin->ops = repo_ops(err);
	if (!origin->ops)
		return -1;
	origin->repo = origin->ops->open(options->path ? options->path : ".", err);
	if (!origin->repo)
		return err->code == MRP_ENOTFOUND ? mrp_err_wrap(err, "--revision") : -1;
	if (origin->ops->resolve(origin->repo, origin->commit, rev, err) < 0)
		return mrp_err_wrap(err, "--revision");
	if (choose_folder(origin, options, rev, err) < 0)
		return -1;
	origin->root = xasprintf("%s:%s", rev, origin->folder);
	origin->prefix = xasprintf("%s%s", origin->root, *origin->folder ? "/" : "");
	origin->source = origin->ops->source(origin->repo, origin->commit, origin->folder, err);
	return origin->source ? 0 : -1;
}

/* What goes before paths of the tree `root` in messages. */
static char *prefix_of(const char *root)
{
	if (streq(root, ".") || streq(root, "./"))
		return xstrdup("");
	return ends_with(root, "/") ? xstrdup(root) : xasprintf("%s/", root);
}

int config_origin_open(struct config_origin *origin, const struct config_options *options, struct mrp_err *err)
{
	struct timespec now;

	*origin = (struct config_origin){ .source = NULL };
	if (options->revision)
		return open_revision(origin, options, err);
	origin->root = config_find_root(options->path, err);
	if (!origin->root)
		return -1;
	origin->prefix = prefix_of(origin->root);
	origin->source = config_source_worktree(origin->root, err);
	if (!origin->source)
		return -1;
	if (options->remember) {
		clock_gettime(CLOCK_REALTIME, &now);
		origin->seen = config_source_watch(origin->source, now);
	}
	return 0;
}

void config_origin_release(struct config_origin *origin)
{
	if (origin->source)
		origin->source->ops->free(origin->source);
	if (origin->repo)
		origin->ops->close(origin->repo);
	free(origin->root);
	free(origin->prefix);
	free(origin->folder);
	*origin = (struct config_origin){ .source = NULL };
}

/* Is there a repository in sight at all? Most that have none need not load the module to learn that. */
static bool repo_above(const char *root)
{
	cleanup(freep) char *folder = realpath(root, NULL);
	struct stat st;

	while (folder && *folder) {
		cleanup(freep) char *git = path_join(folder, ".git");

		if (stat(git, &st) == 0)
			return true;
		*strrchr(folder, '/') = '\0';
	}
	return stat("/.git", &st) == 0;
}

int config_origin_open_repo(struct config_origin *origin, struct mrp_err *err)
{
	if (origin->repo)
		return 0;
	if (!repo_above(origin->root))
		return mrp_err_set(err, MRP_ENOTFOUND, "'%s' is in no git repository", origin->root);
	origin->ops = repo_ops(err);
	if (!origin->ops)
		return -1;
	origin->repo = origin->ops->open(origin->root, err);
	if (!origin->repo)
		return -1;
	origin->folder = xstrdup(origin->ops->folder(origin->repo));
	if (origin->ops->resolve(origin->repo, origin->commit, "HEAD", err) < 0) {
		if (err->code != MRP_ENOTFOUND)
			return -1;
		mrp_err_clear(err); /* nothing is committed yet */
	}
	return 0;
}
