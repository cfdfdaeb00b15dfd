/* SPDX-License-Identifier: Apache-2.0 */
#include "ahead.h"

#include "../base/arena.h"

struct entry {
	struct ahead_key key;
	struct object_row row;
	bool stale; /* changed since */
};

struct ahead {
	struct arena arena;
	struct entry *entries; /* sorted by key */
	size_t n;
	int64_t revision, stored; /* -1: not known */
};

struct ahead *ahead_new(void)
{
	struct ahead *ahead = xcalloc(1, sizeof(*ahead));

	ahead->revision = ahead->stored = -1;
	return ahead;
}

void ahead_free(struct ahead *ahead)
{
	if (ahead)
		arena_release(&ahead->arena);
	free(ahead);
}

bool ahead_useful(const struct store_conn *conn)
{
	return conn->ahead && conn->ops->begin_asking;
}

static int compare(const void *a, const void *b)
{
	const struct ahead_key *x = a, *y = b;

	return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->slug, y->slug);
}

static void set_entries(struct ahead *ahead, const struct ahead_key *keys, size_t n)
{
	struct ahead_key *sorted = arena_alloc(&ahead->arena, n * sizeof(*sorted));

	memcpy(sorted, keys, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	ahead->entries = arena_zalloc(&ahead->arena, n * sizeof(*ahead->entries));
	for (size_t i = 0; i < n; i++) {
		if (!i || compare(&sorted[i], &sorted[i - 1]) != 0)
			ahead->entries[ahead->n++].key = sorted[i];
	}
}

static int take_revision(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct ahead *ahead = ctx;

	(void)i, (void)err;
	if (row)
		ahead->revision = ahead->stored = row->col[0].i;
	return 0;
}

static int take_object(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct ahead *ahead = ctx;
	struct entry *entry = &ahead->entries[i];

	(void)err;
	if (row)
		object_row_read(&entry->row, &ahead->arena, entry->key.kind, entry->key.slug, row, true);
	return 0;
}

int ahead_begin(struct store_conn *conn, bool wait, const struct ahead_key *keys, size_t n, struct mrp_err *err)
{
	struct ahead *ahead = conn->ahead;

	if (n)
		set_entries(ahead, keys, n);
	struct store_datum *args = arena_alloc(&ahead->arena, (2 * ahead->n + 1) * sizeof(*args));
	for (size_t i = 0; i < ahead->n; i++) {
		args[2 * i] = store_text(kinds[ahead->entries[i].key.kind].name);
		args[2 * i + 1] = store_text(ahead->entries[i].key.slug);
	}
	const struct store_question questions[] = {
		{ SQL_META_GET, NULL, 0, 1, take_revision, ahead },
		{ SQL_OBJECT_LOAD, args, 2, ahead->n, take_object, ahead },
	};
	if (conn->ops->begin_asking(conn, wait, questions, ARRAY_SIZE(questions), err) == 0)
		return 0;
	ahead_end(conn);
	return -1;
}

int ahead_finish(struct store_conn *conn, struct mrp_err *err)
{
	struct ahead *ahead = conn->ahead;

	if (!ahead || ahead->revision == ahead->stored)
		return 0;
	ahead->stored = ahead->revision;
	return store_run(conn, SQL_META_SET_REVISION, STORE_ARGS(store_int(ahead->revision)), err);
}

void ahead_end(struct store_conn *conn)
{
	struct ahead *ahead = conn->ahead;

	if (!ahead)
		return;
	arena_reset(&ahead->arena);
	ahead->entries = NULL;
	ahead->n = 0;
	ahead->revision = ahead->stored = -1;
}

static struct entry *find(const struct store_conn *conn, enum kind kind, const char *slug)
{
	const struct ahead_key key = { kind, slug };
	const struct ahead *ahead = conn->ahead;

	_Static_assert(offsetof(struct entry, key) == 0, "an entry is compared by its key");
	return ahead && ahead->n ? bsearch(&key, ahead->entries, ahead->n, sizeof(*ahead->entries), compare) : NULL;
}

const struct object_row *ahead_object(const struct store_conn *conn, enum kind kind, const char *slug)
{
	const struct entry *entry = find(conn, kind, slug);

	return entry && !entry->stale ? &entry->row : NULL;
}

void ahead_forget(struct store_conn *conn, enum kind kind, const char *slug)
{
	struct entry *entry = find(conn, kind, slug);

	if (entry)
		entry->stale = true;
}

int64_t ahead_revision(const struct store_conn *conn)
{
	return conn->ahead ? conn->ahead->revision : -1;
}

void ahead_set_revision(struct store_conn *conn, int64_t revision)
{
	conn->ahead->revision = revision;
}
