/* SPDX-License-Identifier: Apache-2.0 */
#include <git2.h>
#include <git2/sys/repository.h>
#include <pthread.h>

#include "git_pool.h"

enum { SHARED_MAX = 16 };

struct git_pool {
	char *objects; /* folder of the object database */
	git_oid top;
	pthread_mutex_t lock;
	struct git_handle *idle;
	struct git_folder shared[SHARED_MAX];
	size_t n_shared;
};

static void folder_release(struct git_folder *folder)
{
	git_tree_free(folder->tree);
	free(folder->path);
	*folder = (struct git_folder){ NULL, NULL };
}

static void handle_free(struct git_handle *handle)
{
	folder_release(&handle->last);
	git_repository_free(handle->git);
	git_odb_free(handle->odb);
	free(handle);
}

static struct git_handle *handle_open(const struct git_pool *pool, struct mrp_err *err)
{
	struct git_handle *handle = xcalloc(1, sizeof(*handle));

	if (git_odb_open(&handle->odb, pool->objects) == 0 && git_repository_wrap_odb(&handle->git, handle->odb) == 0)
		return handle;
	repo_fail(err, "cannot open the object database");
	handle_free(handle);
	return NULL;
}

struct git_handle *git_pool_take(struct git_pool *pool, struct mrp_err *err)
{
	pthread_mutex_lock(&pool->lock);
	struct git_handle *handle = pool->idle;
	if (handle)
		pool->idle = handle->next;
	pthread_mutex_unlock(&pool->lock);
	return handle ? handle : handle_open(pool, err);
}

void git_pool_give(struct git_pool *pool, struct git_handle *handle)
{
	pthread_mutex_lock(&pool->lock);
	handle->next = pool->idle;
	pool->idle = handle;
	pthread_mutex_unlock(&pool->lock);
}

static git_tree *find_shared(struct git_pool *pool, const char *path)
{
	git_tree *tree = NULL;

	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < pool->n_shared && !tree; i++) {
		if (streq(pool->shared[i].path, path))
			tree = pool->shared[i].tree;
	}
	pthread_mutex_unlock(&pool->lock);
	return tree;
}

/* Keep a tree where it is found again: near the top for all, else for this handle's next call. */
static git_tree *keep(struct git_pool *pool, struct git_handle *handle, const char *path, git_tree *tree)
{
	bool shared = false;

	if (!strchr(path, '/')) {
		pthread_mutex_lock(&pool->lock);
		shared = pool->n_shared < SHARED_MAX;
		/* two threads may have read the same: either will do */
		if (shared)
			pool->shared[pool->n_shared++] = (struct git_folder){ xstrdup(path), tree };
		pthread_mutex_unlock(&pool->lock);
	}
	if (!shared) {
		folder_release(&handle->last);
		handle->last = (struct git_folder){ xstrdup(path), tree };
	}
	return tree;
}

git_tree *git_pool_folder(struct git_pool *pool, struct git_handle *handle, const char *path, struct mrp_err *err)
{
	git_tree *tree = handle->last.path && streq(handle->last.path, path) ? handle->last.tree : NULL;
	git_oid id = pool->top;

	if (!tree && !strchr(path, '/'))
		tree = find_shared(pool, path);
	if (tree)
		return tree;
	if (*path) {
		const char *slash = strrchr(path, '/');
		cleanup(freep) char *parent = xstrndup(path, slash ? (size_t)(slash - path) : 0);
		const git_tree *above = git_pool_folder(pool, handle, parent, err);
		const git_tree_entry *entry = above ? git_tree_entry_byname(above, slash ? slash + 1 : path) : NULL;

		if (!above)
			return NULL;
		if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_TREE)
			BUG("'%s' was a folder", path);
		id = *git_tree_entry_id(entry);
	}
	if (git_tree_lookup(&tree, handle->git, &id) < 0) {
		repo_fail_read(err);
		return NULL;
	}
	return keep(pool, handle, path, tree);
}

struct git_pool *git_pool_new(struct repo *repo, const git_oid *top, struct mrp_err *err)
{
	git_buf objects = { NULL, 0, 0 };

	if (git_repository_item_path(&objects, repo->git, GIT_REPOSITORY_ITEM_OBJECTS) < 0) {
		repo_fail(err, "cannot find the object database");
		return NULL;
	}
	struct git_pool *pool = xcalloc(1, sizeof(*pool));
	pool->top = *top;
	pool->objects = xstrdup(objects.ptr);
	pthread_mutex_init(&pool->lock, NULL);
	git_buf_dispose(&objects);
	return pool;
}

void git_pool_free(struct git_pool *pool)
{
	for (size_t i = 0; i < pool->n_shared; i++) /* before the handles that read them */
		folder_release(&pool->shared[i]);
	while (pool->idle) {
		struct git_handle *handle = pool->idle;

		pool->idle = handle->next;
		handle_free(handle);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool->objects);
	free(pool);
}
