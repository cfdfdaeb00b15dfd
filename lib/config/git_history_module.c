/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who touched these paths last, in one walk. Each path stands at one commit at a time. Where a parent has it alike, it
 * goes on to that parent (the first such, as `git log` simplifies history); where none has, that commit touched it. A
 * commit is taken when it is the youngest that paths stand at, so that paths which got there by several ways are mostly
 * looked at together; the answer does not depend on that order, nor on clocks.
 */
#include <git2.h>

#include "../base/file.h"
#include "../base/text.h"
#include "git.h"

enum { KEPT_TREES = 8, AUTHOR_MAX = 1000, SHALLOW_MAX_BYTES = 16 << 20 };

VEC_DEFINE(index_vec, size_t)

struct stand {
	git_commit *commit;
	struct index_vec paths; /* in the order of `paths` below */
};

VEC_DEFINE(stand_vec, struct stand)

struct walk {
	git_repository *git;
	struct arena *arena;
	struct repo_path *paths; /* sorted */
	bool *alike;             /* of each path, in the comparison at hand */
	struct stand_vec stands;
	struct strbuf shallow;      /* ids of commits whose parents are not here, a line each */
	git_tree *kept[KEPT_TREES]; /* the last used first: a parent's trees are the next commit's */
	struct mrp_err *err;
};

/* Borrowed until KEPT_TREES - 1 others were asked for; NULL with an error set. */
static git_tree *get_tree(struct walk *walk, const git_oid *id)
{
	git_tree *tree = NULL;
	size_t at = 0;

	while (at < KEPT_TREES - 1 && walk->kept[at] && !git_oid_equal(git_tree_id(walk->kept[at]), id))
		at++;
	if (walk->kept[at] && git_oid_equal(git_tree_id(walk->kept[at]), id)) {
		tree = walk->kept[at];
	} else if (git_tree_lookup(&tree, walk->git, id) < 0) {
		repo_fail(walk->err, "cannot read a tree of the history");
		return NULL;
	} else {
		git_tree_free(walk->kept[at]);
	}
	memmove(walk->kept + 1, walk->kept, at * sizeof(*walk->kept));
	walk->kept[0] = tree;
	return tree;
}

static bool entries_alike(const git_tree_entry *a, const git_tree_entry *b)
{
	if (!a || !b)
		return a == b;
	return git_tree_entry_filemode_raw(a) == git_tree_entry_filemode_raw(b) &&
		git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b));
}

static const git_oid *subtree_id(const git_tree_entry *entry)
{
	return entry && git_tree_entry_type(entry) == GIT_OBJECT_TREE ? git_tree_entry_id(entry) : NULL;
}

static void mark(struct walk *walk, const size_t *indexes, size_t n, bool alike)
{
	for (size_t i = 0; i < n; i++)
		walk->alike[indexes[i]] = alike;
}

/* Mark which of the paths are alike in two trees (an id of NULL: no tree). All have the same first `skip` bytes, which
 * lead to these trees. */
static int compare(
	struct walk *walk, const git_oid *a_id, const git_oid *b_id, const size_t *indexes, size_t n, size_t skip)
{
	if (a_id == b_id || (a_id && b_id && git_oid_equal(a_id, b_id))) {
		mark(walk, indexes, n, true);
		return 0;
	}
	for (size_t i = 0, end; i < n; i = end) {
		const char *path = walk->paths[indexes[i]].path + skip;
		size_t len = strcspn(path, "/");
		cleanup(freep) char *name = xstrndup(path, len);
		/* looked up each time: deeper levels use the few trees that are kept */
		const git_tree *a = a_id ? get_tree(walk, a_id) : NULL;
		if (a_id && !a)
			return -1;
		const git_tree_entry *in_a = a ? git_tree_entry_byname(a, name) : NULL;
		const git_tree *b = b_id ? get_tree(walk, b_id) : NULL;
		if (b_id && !b)
			return -1;
		const git_tree_entry *in_b = b ? git_tree_entry_byname(b, name) : NULL;

		for (end = i + 1; end < n; end++) {
			const char *other = walk->paths[indexes[end]].path + skip;

			if (strncmp(other, path, len) != 0 || (other[len] && other[len] != '/'))
				break;
		}
		if (entries_alike(in_a, in_b) || !path[len]) {
			bool alike = entries_alike(in_a, in_b);

			/* of a path and paths below it, the first is the path */
			mark(walk, indexes + i, alike ? end - i : 1, alike);
			end = alike ? end : i + 1;
			continue;
		}
		git_oid ids[2];
		const git_oid *sub_a = subtree_id(in_a), *sub_b = subtree_id(in_b);
		if (sub_a)
			sub_a = memcpy(&ids[0], sub_a, sizeof(ids[0]));
		if (sub_b)
			sub_b = memcpy(&ids[1], sub_b, sizeof(ids[1]));
		if (compare(walk, sub_a, sub_b, indexes + i, end - i, skip + len + 1) < 0)
			return -1;
	}
	return 0;
}

/* The list of paths that stand at a commit; takes `commit`. */
static struct index_vec *stand_at(struct walk *walk, git_commit *commit)
{
	for (size_t i = 0; i < walk->stands.n; i++) {
		if (git_oid_equal(git_commit_id(walk->stands.v[i].commit), git_commit_id(commit))) {
			git_commit_free(commit);
			return &walk->stands.v[i].paths;
		}
	}
	return &stand_vec_push(&walk->stands, (struct stand){ commit, VEC_INIT })->paths;
}

/* The youngest, taken out. */
static struct stand take(struct walk *walk)
{
	size_t best = 0;

	for (size_t i = 1; i < walk->stands.n; i++) {
		if (git_commit_time(walk->stands.v[i].commit) > git_commit_time(walk->stands.v[best].commit))
			best = i;
	}
	struct stand stand = walk->stands.v[best];
	walk->stands.v[best] = walk->stands.v[--walk->stands.n];
	return stand;
}

static int compare_indexes(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* Those that a parent has alike go there; the rest stays in the list. */
static int move_on(struct walk *walk, struct stand *stand, unsigned nth)
{
	git_commit *parent = NULL;
	size_t kept = 0;

	if (git_commit_parent(&parent, stand->commit, nth) < 0)
		return repo_fail(walk->err, "cannot read the history");
	if (compare(walk, git_commit_tree_id(stand->commit), git_commit_tree_id(parent), stand->paths.v, stand->paths.n,
		    0) < 0) {
		git_commit_free(parent);
		return -1;
	}
	struct index_vec *there = stand_at(walk, parent);
	for (size_t i = 0; i < stand->paths.n; i++) {
		size_t index = stand->paths.v[i];

		if (walk->alike[index])
			index_vec_push(there, index);
		else
			stand->paths.v[kept++] = index;
	}
	stand->paths.n = kept;
	return 0;
}

/* "Name <mail>", as text that JSON can hold, whatever the commit's encoding. */
static const char *author_of(struct arena *arena, const git_commit *commit)
{
	const git_signature *author = git_commit_author(commit);
	char *text = arena_printf(arena, "%s <%s>", author->name, author->email);
	size_t len = strlen(text), at = 0;

	while (at < len && at < AUTHOR_MAX) {
		size_t sequence = utf8_sequence(text + at, len - at);

		if (!sequence)
			text[at] = '?';
		at += sequence ? sequence : 1;
	}
	text[MIN(at, len)] = '\0';
	return text;
}

static void note(struct walk *walk, const struct stand *stand)
{
	const char *author = stand->paths.n ? author_of(walk->arena, stand->commit) : NULL;

	for (size_t i = 0; i < stand->paths.n; i++) {
		struct repo_path *path = &walk->paths[stand->paths.v[i]];

		git_oid_tostr(path->revision, sizeof(path->revision), git_commit_id(stand->commit));
		path->author = author;
		path->committed_at = git_commit_time(stand->commit);
	}
}

static bool is_cut_off(const struct walk *walk, const git_commit *commit)
{
	char id[REPO_ID_HEX + 1];

	return walk->shallow.len && strstr(walk->shallow.buf, git_oid_tostr(id, sizeof(id), git_commit_id(commit)));
}

static int visit(struct walk *walk, struct stand *stand)
{
	unsigned parents = git_commit_parentcount(stand->commit);

	if (is_cut_off(walk, stand->commit))
		return 0;       /* it may have been any commit before, too */
	if (stand->paths.n > 1) /* they may have come from several commits */
		qsort(stand->paths.v, stand->paths.n, sizeof(*stand->paths.v), compare_indexes);
	for (unsigned nth = 0; nth < parents && stand->paths.n; nth++) {
		if (move_on(walk, stand, nth) < 0)
			return -1;
	}
	note(walk, stand);
	return 0;
}

static int read_shallow(struct walk *walk)
{
	git_buf folder = { NULL, 0, 0 };
	int result = 0;

	if (git_repository_is_shallow(walk->git) != 1)
		return 0;
	if (git_repository_item_path(&folder, walk->git, GIT_REPOSITORY_ITEM_COMMONDIR) < 0)
		return repo_fail(walk->err, "cannot find the repository");
	cleanup(freep) char *path = path_join(folder.ptr, "shallow");
	git_buf_dispose(&folder);
	if (read_file(&walk->shallow, path, SHALLOW_MAX_BYTES, walk->err) < 0)
		result = -1;
	return result;
}

/* Begin with what is in the commit at all. */
static int start(struct walk *walk, git_commit *commit, size_t n)
{
	cleanup(index_vec_clear) struct index_vec all = VEC_INIT;

	for (size_t i = 0; i < n; i++)
		index_vec_push(&all, i);
	if (compare(walk, git_commit_tree_id(commit), NULL, all.v, n, 0) < 0) {
		git_commit_free(commit);
		return -1;
	}
	struct index_vec *here = stand_at(walk, commit);
	for (size_t i = 0; i < n; i++) {
		walk->paths[i].absent = walk->alike[i];
		if (!walk->alike[i])
			index_vec_push(here, i);
	}
	return 0;
}

static void stand_release(struct stand *stand)
{
	index_vec_clear(&stand->paths);
	git_commit_free(stand->commit);
}

int repo_history(
	struct repo *repo, struct arena *arena, const char *id, struct repo_path *paths, size_t n, struct mrp_err *err)
{
	git_commit *commit = repo_get_commit(repo, id, err);

	if (!commit)
		return -1;
	struct walk walk = { .git = repo->git,
		.arena = arena,
		.paths = paths,
		.alike = xcalloc(n + 1, sizeof(bool)),
		.shallow = STRBUF_INIT,
		.err = err };
	int result = start(&walk, commit, n);
	if (result == 0)
		result = read_shallow(&walk);
	while (result == 0 && walk.stands.n) {
		struct stand stand = take(&walk);

		if (stand.paths.n)
			result = visit(&walk, &stand);
		stand_release(&stand);
	}
	for (size_t i = 0; i < walk.stands.n; i++)
		stand_release(&walk.stands.v[i]);
	for (size_t i = 0; i < KEPT_TREES; i++)
		git_tree_free(walk.kept[i]);
	stand_vec_clear(&walk.stands);
	strbuf_release(&walk.shallow);
	free(walk.alike);
	return result;
}
