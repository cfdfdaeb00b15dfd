/* SPDX-License-Identifier: Apache-2.0 */
#include "ahead.h"

#include "../base/arena.h"
#include "../base/vec.h"

enum { OBJECTS_MAX = 64, BLOBS_MAX = 1024, LEASES_MAX = 4 }; /* bounds the memory of what is asked for */

struct object_entry {
	enum kind kind;
	const char *slug;
	struct object_row row;
	bool stale; /* changed since */
};

struct blob_entry {
	uint8_t sha256[SHA256_BYTES];
	enum ahead_blob state;
};

struct lease_entry {
	const char *name;
	struct ahead_lease row;
};

VEC_DEFINE(object_entries, struct object_entry)
VEC_DEFINE(blob_entries, struct blob_entry)

struct ahead {
	struct arena arena;
	struct arena rows;             /* of objects */
	struct object_entries objects; /* sorted since they were asked for */
	struct blob_entries blobs;
	struct lease_entry leases[LEASES_MAX];
	size_t n_leases;
	const char *environment;
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
	if (!ahead)
		return;
	object_entries_clear(&ahead->objects);
	blob_entries_clear(&ahead->blobs);
	arena_release(&ahead->arena);
	arena_release(&ahead->rows);
	free(ahead);
}

bool ahead_useful(const struct store_conn *conn)
{
	return conn->ahead && conn->ops->begin_asking;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

void ahead_want_object(struct ahead *ahead, enum kind kind, const char *slug)
{
	if (ahead->objects.n < OBJECTS_MAX)
		object_entries_push(&ahead->objects, (struct object_entry){ .kind = kind, .slug = slug });
}

void ahead_want_blob(struct ahead *ahead, const uint8_t sha256[SHA256_BYTES])
{
	if (ahead->blobs.n < BLOBS_MAX)
		memcpy(blob_entries_push(&ahead->blobs, (struct blob_entry){ .state = BLOB_ABSENT })->sha256, sha256,
			SHA256_BYTES);
}

void ahead_want_lease(struct ahead *ahead, const char *name, size_t len)
{
	for (size_t i = 0; i < ahead->n_leases; i++) {
		if (strncmp(ahead->leases[i].name, name, len) == 0 && !ahead->leases[i].name[len])
			return;
	}
	if (ahead->n_leases < LEASES_MAX)
		ahead->leases[ahead->n_leases++] =
			(struct lease_entry){ .name = arena_strndup(&ahead->arena, name, len) };
}

static int compare_objects(const void *a, const void *b)
{
	const struct object_entry *x = a, *y = b;

	return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->slug, y->slug);
}

static int compare_blobs(const void *a, const void *b)
{
	return memcmp(((const struct blob_entry *)a)->sha256, ((const struct blob_entry *)b)->sha256, SHA256_BYTES);
}

/* Sort, and leave one of each. */
static size_t unique(void *entries, size_t n, size_t size, int (*compare)(const void *a, const void *b))
{
	char *e = entries;
	size_t kept = 0;

	if (n)
		qsort(entries, n, size, compare);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare(e + i * size, e + (kept - 1) * size) != 0)
			memmove(e + kept++ * size, e + i * size, size);
	}
	return kept;
}

static int take_meta(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct ahead *ahead = ctx;

	(void)i, (void)err;
	if (row) {
		ahead->revision = ahead->stored = row->col[0].i;
		ahead->environment = arena_strdup(&ahead->arena, store_col_text(row, 1));
	}
	return 0;
}

static int take_object(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct ahead *ahead = ctx;
	struct object_entry *entry = &ahead->objects.v[i];

	(void)err;
	if (row)
		object_row_read(&entry->row, &ahead->rows, entry->kind, entry->slug, row, true);
	return 0;
}

static int take_blob(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	(void)err;
	((struct ahead *)ctx)->blobs.v[i].state = row ? BLOB_THERE : BLOB_ABSENT;
	return 0;
}

static int take_lease(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct ahead *ahead = ctx;
	struct lease_entry *entry = &ahead->leases[i];

	(void)err;
	if (row)
		entry->row = (struct ahead_lease){ .name = entry->name,
			.fence = row->col[0].i,
			.holder = arena_strdup(&ahead->arena, store_col_text(row, 1)),
			.taken_ms = row->col[2].i,
			.expires_ms = row->col[3].i };
	return 0;
}

/* Kind and slug of each object that is wanted. */
static struct store_datum *object_keys(struct ahead *ahead)
{
	struct object_entries *objects = &ahead->objects;

	objects->n = unique(objects->v, objects->n, sizeof(*objects->v), compare_objects);
	struct store_datum *keys = arena_alloc(&ahead->rows, 2 * objects->n * sizeof(*keys));
	for (size_t i = 0; i < objects->n; i++) {
		keys[2 * i] = store_text(kinds[objects->v[i].kind].name);
		keys[2 * i + 1] = store_text(objects->v[i].slug);
	}
	return keys;
}

static struct store_datum *blob_hashes(struct ahead *ahead)
{
	struct blob_entries *blobs = &ahead->blobs;

	blobs->n = unique(blobs->v, blobs->n, sizeof(*blobs->v), compare_blobs);
	struct store_datum *hashes = arena_alloc(&ahead->rows, blobs->n * sizeof(*hashes));
	for (size_t i = 0; i < blobs->n; i++)
		hashes[i] = store_blob(blobs->v[i].sha256, SHA256_BYTES);
	return hashes;
}

void ahead_want_others(struct ahead *ahead)
{
	if (!ahead)
		return;
	ahead->objects.n = ahead->blobs.n = 0;
	arena_reset(&ahead->rows);
}

int ahead_ask(struct store_conn *conn, struct mrp_err *err)
{
	struct ahead *ahead = conn->ahead;
	const struct store_datum *keys = object_keys(ahead), *hashes = blob_hashes(ahead);

	if (store_many(conn, SQL_OBJECT_LOAD, keys, 2, ahead->objects.n, take_object, ahead, err) == 0 &&
		store_many(conn, SQL_BLOB_SIZE, hashes, 1, ahead->blobs.n, take_blob, ahead, err) == 0)
		return 0;
	ahead_want_others(ahead);
	return -1;
}

int ahead_begin(struct store_conn *conn, bool wait, struct mrp_err *err)
{
	struct ahead *ahead = conn->ahead;
	const struct store_datum *keys = object_keys(ahead), *hashes = blob_hashes(ahead);
	struct store_datum names[LEASES_MAX];

	for (size_t i = 0; i < ahead->n_leases; i++)
		names[i] = store_text(ahead->leases[i].name);
	const struct store_question questions[] = {
		{ SQL_META_GET, NULL, 0, 1, take_meta, ahead },
		{ SQL_OBJECT_LOAD, keys, 2, ahead->objects.n, take_object, ahead },
		{ SQL_BLOB_SIZE, hashes, 1, ahead->blobs.n, take_blob, ahead },
		{ SQL_LEASE_GET, names, 1, ahead->n_leases, take_lease, ahead },
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
	ahead_want_others(ahead);
	arena_reset(&ahead->arena);
	ahead->n_leases = 0;
	ahead->environment = NULL;
	ahead->revision = ahead->stored = -1;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static struct object_entry *find_object(const struct store_conn *conn, enum kind kind, const char *slug)
{
	const struct object_entry key = { .kind = kind, .slug = slug };
	const struct object_entries *objects = conn->ahead ? &conn->ahead->objects : NULL;

	return objects && objects->n ? bsearch(&key, objects->v, objects->n, sizeof(key), compare_objects) : NULL;
}

const struct object_row *ahead_object(const struct store_conn *conn, enum kind kind, const char *slug)
{
	const struct object_entry *entry = find_object(conn, kind, slug);

	return entry && !entry->stale ? &entry->row : NULL;
}

void ahead_forget_object(struct store_conn *conn, enum kind kind, const char *slug)
{
	struct object_entry *entry = find_object(conn, kind, slug);

	if (entry)
		entry->stale = true;
}

static struct blob_entry *find_blob(const struct store_conn *conn, const uint8_t sha256[SHA256_BYTES])
{
	const struct blob_entries *blobs = conn->ahead ? &conn->ahead->blobs : NULL;
	struct blob_entry key;

	memcpy(key.sha256, sha256, SHA256_BYTES);
	return blobs && blobs->n ? bsearch(&key, blobs->v, blobs->n, sizeof(key), compare_blobs) : NULL;
}

enum ahead_blob ahead_blob(const struct store_conn *conn, const uint8_t sha256[SHA256_BYTES])
{
	const struct blob_entry *entry = find_blob(conn, sha256);

	return entry ? entry->state : BLOB_UNKNOWN;
}

void ahead_forget_blob(struct store_conn *conn, const uint8_t sha256[SHA256_BYTES])
{
	struct blob_entry *entry = find_blob(conn, sha256);

	if (entry)
		entry->state = BLOB_UNKNOWN;
}

const struct ahead_lease *ahead_lease(const struct store_conn *conn, const char *name)
{
	const struct ahead *ahead = conn->ahead;

	for (size_t i = 0; ahead && i < ahead->n_leases; i++) {
		if (streq(ahead->leases[i].name, name))
			return &ahead->leases[i].row;
	}
	return NULL;
}

void ahead_forget_leases(struct store_conn *conn)
{
	if (conn->ahead)
		conn->ahead->n_leases = 0;
}

const char *ahead_environment(const struct store_conn *conn)
{
	return conn->ahead ? conn->ahead->environment : NULL;
}

void ahead_forget_environment(struct store_conn *conn)
{
	if (conn->ahead)
		conn->ahead->environment = NULL;
}

int64_t ahead_revision(const struct store_conn *conn)
{
	return conn->ahead ? conn->ahead->revision : -1;
}

void ahead_set_revision(struct store_conn *conn, int64_t revision)
{
	conn->ahead->revision = revision;
}
