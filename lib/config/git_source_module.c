/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of a commit as a source: what a checkout of it would show, read from the object database. Symlinks are
 * followed inside of the folder only, as worktree.c has it; filters (line ends, LFS) are not run.
 */
#include <git2.h>

#include "git.h"
#include "git_pool.h"

enum { LINKS_MAX = 40, LINK_TARGET_MAX = 4096 };

struct repo_source {
	struct config_source source;
	struct git_pool *pool;
	git_oid top; /* tree of the source's own folder */
};

/* What a path leads to after all symlinks. */
struct target {
	git_oid id;
	git_filemode_t mode;
	struct strbuf path;
};

/* Put what a symlink names before the rest of the way. */
static int follow(struct git_handle *handle, struct strbuf *rest, const git_oid *id, struct mrp_err *err)
{
	git_odb_object *blob = NULL;
	cleanup(strbuf_release) struct strbuf way = STRBUF_INIT;

	if (git_odb_read(&blob, handle->odb, id) < 0)
		return repo_fail_read(err);
	const char *text = git_odb_object_data(blob);
	size_t len = git_odb_object_size(blob);
	bool bad = !len || len > LINK_TARGET_MAX || memchr(text, 0, len), absolute = len && *text == '/';
	if (!bad)
		strbuf_add(&way, text, len);
	git_odb_object_free(blob);
	if (bad)
		return mrp_err_set(err, MRP_EINVALID, "is a symlink whose target is no path");
	if (absolute)
		return mrp_err_set(err, MRP_EINVALID, SOURCE_LEAVES_TREE);
	strbuf_addch(&way, '/');
	strbuf_addstr(&way, rest->buf);
	strbuf_reset(rest);
	strbuf_add(rest, way.buf, way.len);
	return 0;
}

/* One step up; false at the top. */
static bool go_up(struct strbuf *path)
{
	char *slash = strrchr(path->buf, '/');

	if (!path->len)
		return false;
	strbuf_setlen(path, slash ? (size_t)(slash - path->buf) : 0);
	return true;
}

/* One name further on the way: `target` becomes what it is, or `rest` the way that a symlink names. */
static int step(struct repo_source *source, struct git_handle *handle, struct target *target, const char *name,
	struct strbuf *rest, int *links, struct mrp_err *err)
{
	const git_tree *tree = git_pool_folder(source->pool, handle, target->path.buf, err);
	const git_tree_entry *entry = tree ? git_tree_entry_byname(tree, name) : NULL;

	if (!tree)
		return -1;
	if (!entry)
		return mrp_err_set(err, MRP_ENOTFOUND, "is not in the commit");
	git_oid id = *git_tree_entry_id(entry);
	git_filemode_t mode = git_tree_entry_filemode(entry);
	if (mode == GIT_FILEMODE_COMMIT)
		return mrp_err_set(err, MRP_EINVALID, GIT_SUBMODULE);
	if (mode == GIT_FILEMODE_LINK) {
		if (++*links > LINKS_MAX)
			return mrp_err_set(err, MRP_EINVALID, SOURCE_ENDLESS_LINK);
		return follow(handle, rest, &id, err);
	}
	if (mode != GIT_FILEMODE_TREE && rest->len)
		return mrp_err_set(err, MRP_ENOTFOUND, "is not in the commit");
	target->id = id;
	target->mode = mode;
	strbuf_addf(&target->path, "%s%s", target->path.len ? "/" : "", name);
	return 0;
}

/* A file beside the last one needs no steps: most are. */
static bool find_beside(const struct git_handle *handle, struct target *target, const char *path)
{
	const char *folder = handle->last.path, *name;

	if (!folder || !skip_prefix(path, folder, &name) || *name != '/' || strchr(name + 1, '/'))
		return false;
	const git_tree_entry *entry = git_tree_entry_byname(handle->last.tree, name + 1);
	if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
		git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK)
		return false;
	target->id = *git_tree_entry_id(entry);
	target->mode = git_tree_entry_filemode(entry);
	return true;
}

/* Where `path` leads to. target->path, which is set for folders, is to be released in any case. */
static int find(struct repo_source *source, struct git_handle *handle, struct target *target, const char *path,
	struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf rest = STRBUF_INIT;
	int links = 0;

	*target = (struct target){ .id = source->top, .mode = GIT_FILEMODE_TREE, .path = STRBUF_INIT };
	if (find_beside(handle, target, path))
		return 0;
	strbuf_addstr(&rest, path);
	while (rest.len) {
		size_t len = strcspn(rest.buf, "/"), skip = len + strspn(rest.buf + len, "/");
		cleanup(freep) char *name = xstrndup(rest.buf, len);

		memmove(rest.buf, rest.buf + skip, rest.len - skip);
		strbuf_setlen(&rest, rest.len - skip);
		if (streq(name, "..")) {
			if (!go_up(&target->path))
				return mrp_err_set(err, MRP_EINVALID, SOURCE_LEAVES_TREE);
			target->mode = GIT_FILEMODE_TREE;
		} else if (*name && !streq(name, ".") && step(source, handle, target, name, &rest, &links, err) < 0) {
			return -1;
		}
	}
	return 0;
}

/* What a symlink in a folder is. */
static void look(struct repo_source *source, struct git_handle *handle, struct source_entry *entry, struct arena *arena,
	const char *folder)
{
	cleanup(freep) char *path = xasprintf("%s%s%s", folder, *folder ? "/" : "", entry->name);
	struct mrp_err err = MRP_ERR_INIT;
	struct target target;

	entry->link = true;
	if (find(source, handle, &target, path, &err) < 0) {
		entry->why = err.code == MRP_ENOTFOUND ? SOURCE_DANGLING_LINK : arena_strdup(arena, err.msg);
		mrp_err_clear(&err);
	} else {
		entry->type = target.mode == GIT_FILEMODE_TREE ? SOURCE_FOLDER : SOURCE_FILE;
	}
	strbuf_release(&target.path);
}

static void add_entries(struct source_entry_vec *out, struct arena *arena, const git_tree *tree)
{
	for (size_t i = 0, n = git_tree_entrycount(tree); i < n; i++) {
		const git_tree_entry *from = git_tree_entry_byindex(tree, i);
		struct source_entry entry = { .name = arena_strdup(arena, git_tree_entry_name(from)),
			.type = SOURCE_BAD };

		switch (git_tree_entry_filemode(from)) {
		case GIT_FILEMODE_TREE:
			entry.type = SOURCE_FOLDER;
			break;
		case GIT_FILEMODE_COMMIT:
			entry.why = GIT_SUBMODULE;
			break;
		case GIT_FILEMODE_LINK:
			break; /* looked at when the tree is done with */
		default:
			entry.type = SOURCE_FILE;
		}
		source_entry_vec_push(out, entry);
	}
}

static int list(struct repo_source *source, struct git_handle *handle, struct source_entry_vec *out,
	struct arena *arena, const char *folder, struct mrp_err *err)
{
	struct target target;
	size_t start = out->n;

	int result = find(source, handle, &target, folder, err);
	const git_tree *tree = NULL;
	if (result == 0 && target.mode != GIT_FILEMODE_TREE)
		result = mrp_err_set(err, MRP_EINVALID, "is no folder");
	if (result == 0)
		tree = git_pool_folder(source->pool, handle, target.path.buf, err);
	if (tree)
		add_entries(out, arena, tree);
	for (size_t i = start; tree && i < out->n; i++) {
		if (out->v[i].type == SOURCE_BAD && !out->v[i].why)
			look(source, handle, &out->v[i], arena, target.path.buf);
	}
	if (out->n - start > 1) /* git has folders in other places, as if their names ended in '/' */
		qsort(out->v + start, out->n - start, sizeof(*out->v), source_entry_compare);
	strbuf_release(&target.path);
	return tree ? 0 : -1;
}

static int source_list(struct config_source *base, struct source_entry_vec *out, struct arena *arena,
	const char *folder, struct mrp_err *err)
{
	struct repo_source *source = (struct repo_source *)base;
	struct git_handle *handle = git_pool_take(source->pool, err);

	if (!handle)
		return -1;
	int result = list(source, handle, out, arena, folder, err);
	git_pool_give(source->pool, handle);
	return result;
}

static int source_read(struct config_source *base, struct strbuf *out, bool *executable, const char *path,
	size_t max_bytes, struct mrp_err *err)
{
	struct repo_source *source = (struct repo_source *)base;
	struct git_handle *handle = git_pool_take(source->pool, err);
	struct target target;

	if (!handle)
		return -1;
	int result = find(source, handle, &target, path, err);
	if (result == 0 && target.mode == GIT_FILEMODE_TREE)
		result = mrp_err_set(err, MRP_EINVALID, "is a folder");
	if (result == 0)
		result = git_blob_read(handle->odb, out, &target.id, max_bytes, err);
	if (result == 0 && executable)
		*executable = target.mode == GIT_FILEMODE_BLOB_EXECUTABLE;
	strbuf_release(&target.path);
	git_pool_give(source->pool, handle);
	return result;
}

static void source_free(struct config_source *base)
{
	struct repo_source *source = (struct repo_source *)base;

	git_pool_free(source->pool);
	free(source);
}

static const struct config_source_ops ops = { source_list, source_read, source_free };

struct config_source *repo_source(struct repo *repo, const char *id, const char *folder, struct mrp_err *err)
{
	git_tree *tree = repo_get_folder(repo, id, folder, err);

	if (!tree)
		return NULL;
	struct repo_source *source = xcalloc(1, sizeof(*source));
	source->source.ops = &ops;
	source->top = *git_tree_id(tree);
	git_tree_free(tree);
	source->pool = git_pool_new(repo, &source->top, err);
	if (!source->pool) {
		free(source);
		return NULL;
	}
	return &source->source;
}
