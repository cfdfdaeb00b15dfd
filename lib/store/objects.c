/* SPDX-License-Identifier: Apache-2.0 */
#include "ahead.h"

int store_next_revision(int64_t *out, struct store_conn *conn, struct mrp_err *err)
{
	int64_t known = ahead_revision(conn);

	if (known >= 0) {
		*out = known + 1;
		ahead_set_revision(conn, known + 1);
		return 0;
	}
	if (store_number(out, -1, conn, SQL_META_NEXT_REVISION, NULL, 0, err) < 0)
		return -1;
	return *out < 0 ? mrp_err_set(err, MRP_EFAILED, "the database has lost its meta row") : 0;
}

int store_meta(int64_t *revision, struct strbuf *environment, struct store_conn *conn, struct mrp_err *err)
{
	const char *known = ahead_environment(conn);
	struct store_row row;

	if (known && !revision) {
		strbuf_addstr(environment, known);
		return 0;
	}
	int r = store_first(&row, conn, SQL_META_GET, NULL, 0, err);

	if (r <= 0)
		return r < 0 ? -1 : mrp_err_set(err, MRP_EFAILED, "the database has lost its meta row");
	if (revision)
		*revision = MAX(row.col[0].i, ahead_revision(conn)); /* what is only counted here was not written yet */
	if (environment)
		strbuf_addstr(environment, store_col_text(&row, 1));
	store_finish(conn, SQL_META_GET);
	return 0;
}

int store_set_environment(struct store_conn *conn, const char *environment, struct mrp_err *err)
{
	ahead_forget_environment(conn);
	return store_run(conn, SQL_META_SET_ENVIRONMENT, STORE_ARGS(store_text(environment)), err);
}

const struct store_datum *object_row_body(const struct store_row *row, bool secrets)
{
	return &row->col[secrets && row->col[2].type != ST_NULL ? 2 : 1];
}

int object_read(struct strbuf *body, int64_t *revision, struct store_conn *conn, enum kind kind, const char *slug,
	bool secrets, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(
		&row, conn, SQL_OBJECT_GET, STORE_ARGS(store_text(kinds[kind].name), store_text(slug)), err);

	if (r <= 0)
		return r;
	const struct store_datum *text = object_row_body(&row, secrets);
	*revision = row.col[0].i;
	strbuf_add(body, text->p, text->n);
	store_finish(conn, SQL_OBJECT_GET);
	return 1;
}

struct reading {
	char *const *slugs;
	bool secrets, ended;
	object_each_fn *each;
	void *ctx;
};

static int read_one(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct reading *reading = ctx;
	const struct store_datum *body = row ? object_row_body(row, reading->secrets) : NULL;

	if (!row || reading->ended)
		return 0;
	int r = reading->each(reading->ctx, reading->slugs[i], body->p, body->n, err);
	reading->ended = r == 0;
	return r < 0 ? -1 : 0;
}

int object_read_many(struct store_conn *conn, enum kind kind, char *const *slugs, size_t n, bool secrets,
	object_each_fn *each, void *ctx, struct mrp_err *err)
{
	enum { AT_ONCE = 1024 }; /* `each` may end it before the last */
	struct store_datum args[2 * AT_ONCE];
	struct reading reading = { .secrets = secrets, .each = each, .ctx = ctx };

	for (size_t done = 0, now; done < n && !reading.ended; done += now) {
		now = MIN(n - done, (size_t)AT_ONCE);
		for (size_t i = 0; i < now; i++) {
			args[2 * i] = store_text(kinds[kind].name);
			args[2 * i + 1] = store_text(slugs[done + i]);
		}
		reading.slugs = slugs + done;
		if (store_many(conn, SQL_OBJECT_GET, args, 2, now, read_one, &reading, err) < 0)
			return -1;
	}
	return 0;
}

void object_row_read(struct object_row *out, struct arena *arena, enum kind kind, const char *slug,
	const struct store_row *row, bool body)
{
	*out = (struct object_row){ .kind = kind,
		.slug = slug,
		.revision = row->col[0].i,
		.managed = row->col[1].i,
		.destroying = row->col[2].i,
		.deployed = row->col[3].i,
		.recipe = row->col[4].type == ST_NULL ? NULL : arena_strdup(arena, row->col[4].p) };
	if (row->col[5].n == SHA256_BYTES)
		memcpy(out->digest, row->col[5].p, SHA256_BYTES);
	if (body)
		out->body = arena_strndup(arena, row->col[6].p, row->col[6].n);
}

static int info_or_load(struct object_row *out, struct arena *arena, struct store_conn *conn, enum sql statement,
	enum kind kind, const char *slug, struct mrp_err *err)
{
	const struct object_row *known = ahead_object(conn, kind, slug);
	struct store_row row;

	if (known && !known->slug)
		return 0;
	if (known) {
		*out = *known;
		out->slug = slug;
		out->recipe = known->recipe ? arena_strdup(arena, known->recipe) : NULL;
		out->body = statement == SQL_OBJECT_LOAD ? arena_strdup(arena, known->body) : NULL;
		return 1;
	}
	int r = store_first(&row, conn, statement, STORE_ARGS(store_text(kinds[kind].name), store_text(slug)), err);
	if (r <= 0)
		return r;
	object_row_read(out, arena, kind, slug, &row, statement == SQL_OBJECT_LOAD);
	store_finish(conn, statement);
	return 1;
}

int object_info(struct object_row *out, struct arena *arena, struct store_conn *conn, enum kind kind, const char *slug,
	struct mrp_err *err)
{
	return info_or_load(out, arena, conn, SQL_OBJECT_INFO, kind, slug, err);
}

int object_load(struct object_row *out, struct arena *arena, struct store_conn *conn, enum kind kind, const char *slug,
	struct mrp_err *err)
{
	return info_or_load(out, arena, conn, SQL_OBJECT_LOAD, kind, slug, err);
}

static int write_row(struct store_conn *conn, enum sql statement, const struct object_row *row, struct mrp_err *err)
{
	ahead_forget_object(conn, row->kind, row->slug);
	return store_run(conn, statement,
		STORE_ARGS(store_text(kinds[row->kind].name), store_text(row->slug), store_int(row->revision),
			store_int(row->managed), store_int(row->destroying), store_int(row->deployed),
			store_text(row->recipe), store_blob(row->digest, SHA256_BYTES), store_text(row->labels),
			store_text(row->body), store_text(row->secret)),
		err);
}

int object_insert(struct store_conn *conn, const struct object_row *row, struct mrp_err *err)
{
	return write_row(conn, SQL_OBJECT_INSERT, row, err);
}

int object_update(struct store_conn *conn, const struct object_row *row, struct mrp_err *err)
{
	return write_row(conn, SQL_OBJECT_UPDATE, row, err);
}

static int free_refs(struct store_conn *conn, const char *kind, const char *slug, int64_t now_s, struct mrp_err *err)
{
	if (store_run(conn, SQL_REF_FREE, STORE_ARGS(store_text(kind), store_text(slug), store_int(now_s)), err) < 0)
		return -1;
	return store_run(conn, SQL_REF_DELETE, STORE_ARGS(store_text(kind), store_text(slug)), err);
}

int object_remove(struct store_conn *conn, enum kind kind, const char *slug, int64_t now_s, struct mrp_err *err)
{
	const char *name = kinds[kind].name;

	ahead_forget_object(conn, kind, slug);
	if (free_refs(conn, name, slug, now_s, err) < 0)
		return -1;
	return store_run(conn, SQL_OBJECT_DELETE, STORE_ARGS(store_text(name), store_text(slug)), err);
}

static int add_ref(struct store_conn *conn, const char *hex, const char *kind, const char *slug, struct mrp_err *err)
{
	uint8_t sha256[SHA256_BYTES];

	if (!sha256_from_hex(sha256, hex))
		BUG("'%s' is no hash", hex);
	return store_run(conn, SQL_REF_INSERT,
		STORE_ARGS(store_blob(sha256, sizeof(sha256)), store_text(kind), store_text(slug)), err);
}

static int set_refs(struct store_conn *conn, const char *kind, const char *slug, const struct value *object,
	int64_t now_s, struct mrp_err *err)
{
	const struct value *files = value_get(object, "files");
	const char *initial = value_get_string(object, "initial_values");

	if (free_refs(conn, kind, slug, now_s, err) < 0)
		return -1;
	for (uint32_t i = 0; files && i < files->n; i++) {
		if (add_ref(conn, value_get_string(files->members[i].value, "sha256"), kind, slug, err) < 0)
			return -1;
	}
	return initial ? add_ref(conn, initial, kind, slug, err) : 0;
}

int object_set_refs(struct store_conn *conn, enum kind kind, const char *slug, const struct value *object,
	int64_t now_s, struct mrp_err *err)
{
	return set_refs(conn, kinds[kind].name, slug, object, now_s, err);
}

/* --- what clusters were deployed by --- */

#define DEPLOYED "deployed"

int deployed_put(struct store_conn *conn, const char *cluster, int64_t deployment, const struct value *recipe,
	const char *body, size_t len, int64_t now_s, struct mrp_err *err)
{
	if (set_refs(conn, DEPLOYED, cluster, recipe, now_s, err) < 0)
		return -1;
	return store_run(conn, SQL_DEPLOYED_PUT,
		STORE_ARGS(store_text(cluster), store_int(deployment), store_text_n(body, len)), err);
}

int deployed_get(
	struct strbuf *body, struct store_conn *conn, const char *cluster, int64_t deployment, struct mrp_err *err)
{
	struct store_row row;
	int there =
		store_first(&row, conn, SQL_DEPLOYED_GET, STORE_ARGS(store_text(cluster), store_int(deployment)), err);

	if (there <= 0)
		return there;
	strbuf_add(body, row.col[0].p, row.col[0].n);
	store_finish(conn, SQL_DEPLOYED_GET);
	return 1;
}

int deployed_remove(struct store_conn *conn, const char *cluster, int64_t now_s, struct mrp_err *err)
{
	if (free_refs(conn, DEPLOYED, cluster, now_s, err) < 0)
		return -1;
	return store_run(conn, SQL_DEPLOYED_DELETE, STORE_ARGS(store_text(cluster)), err);
}

/* The blobs that an object names, and where. */
struct named_blobs {
	size_t n;
	const char **hex, **file; /* file NULL: initial_values */
	uint8_t *sha256;
	struct problems *problems;
};

/* Left out when it is known to be there. */
static void name_blob(struct named_blobs *blobs, const struct store_conn *conn, const char *file, const char *hex)
{
	uint8_t *sha256 = blobs->sha256 + blobs->n * SHA256_BYTES;

	if (!sha256_from_hex(sha256, hex))
		BUG("'%s' is no hash", hex);
	if (ahead_blob(conn, sha256) == BLOB_THERE)
		return;
	blobs->file[blobs->n] = file;
	blobs->hex[blobs->n++] = hex;
}

static int check_blob(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct named_blobs *blobs = ctx;
	cleanup(freep) char *field = blobs->file[i] ? xasprintf("files.%s", blobs->file[i]) : xstrdup("initial_values");

	(void)err;
	if (!row)
		problems_add(blobs->problems, (struct mrp_loc){ 0 }, field, "blob '%s' is not here; upload it first",
			blobs->hex[i]);
	return 0;
}

/* One row of `statement` for each hash, with `more` (may be NULL) as a second argument. */
static int ask_blobs(struct store_conn *conn, enum sql statement, const uint8_t *hashes, size_t n,
	const struct store_datum *more, store_each_fn *each, void *ctx, struct mrp_err *err)
{
	size_t n_args = more ? 2 : 1;
	cleanup(freep) struct store_datum *args = xcalloc(n * n_args + 1, sizeof(*args));

	for (size_t i = 0; i < n; i++) {
		args[i * n_args] = store_blob(hashes + i * SHA256_BYTES, SHA256_BYTES);
		if (more)
			args[i * n_args + 1] = *more;
	}
	return store_many(conn, statement, args, n_args, n, each, ctx, err);
}

int object_check_blobs(
	struct store_conn *conn, const struct value *object, struct problems *problems, struct mrp_err *err)
{
	const struct value *files = value_get(object, "files");
	const char *initial = value_get_string(object, "initial_values");
	size_t max = (files ? files->n : 0) + 1;
	cleanup(freep) const char **hex = xcalloc(max, sizeof(*hex)), **file = xcalloc(max, sizeof(*file));
	cleanup(freep) uint8_t *sha256 = xcalloc(max, SHA256_BYTES);
	struct named_blobs blobs = { .hex = hex, .file = file, .sha256 = sha256, .problems = problems };

	for (uint32_t i = 0; files && i < files->n; i++)
		name_blob(&blobs, conn, files->members[i].key, value_get_string(files->members[i].value, "sha256"));
	if (initial)
		name_blob(&blobs, conn, NULL, initial);
	return ask_blobs(conn, SQL_BLOB_SIZE, sha256, blobs.n, NULL, check_blob, &blobs, err);
}

int recipe_users(
	struct strvec *live, size_t *destroying, struct store_conn *conn, const char *recipe, struct mrp_err *err)
{
	struct store_row row;
	int r = store_start(conn, SQL_RECIPE_CLUSTERS, STORE_ARGS(store_text(recipe)), err);

	*destroying = 0;
	while (r >= 0 && (r = store_step(conn, SQL_RECIPE_CLUSTERS, &row, err)) > 0) {
		if (row.col[1].i)
			(*destroying)++;
		else
			strvec_push(live, store_col_text(&row, 0));
	}
	store_finish(conn, SQL_RECIPE_CLUSTERS);
	return r;
}

int blob_put(struct store_conn *conn, const uint8_t sha256[SHA256_BYTES], const void *data, size_t len, int64_t now_s,
	struct mrp_err *err)
{
	struct store_datum name = store_blob(sha256, SHA256_BYTES);
	enum ahead_blob known = ahead_blob(conn, sha256);
	int64_t there = 0;

	if (known == BLOB_THERE)
		return store_run(conn, SQL_BLOB_TOUCH, STORE_ARGS(name, store_int(now_s)), err);
	if (known == BLOB_UNKNOWN &&
		store_number(&there, 0, conn, SQL_BLOB_TOUCH, STORE_ARGS(name, store_int(now_s)), err) < 0)
		return -1;
	if (there)
		return 0;
	ahead_forget_blob(conn, sha256);
	return store_run(conn, SQL_BLOB_INSERT, STORE_ARGS(name, store_int(now_s), store_blob(data, len)), err) < 0 ? -1
														    : 1;
}

int blob_get(struct strbuf *content, int64_t *size, struct store_conn *conn, const uint8_t sha256[SHA256_BYTES],
	struct mrp_err *err)
{
	enum sql statement = content ? SQL_BLOB_GET : SQL_BLOB_SIZE;
	struct store_row row;
	int r = store_first(&row, conn, statement, STORE_ARGS(store_blob(sha256, SHA256_BYTES)), err);

	if (r <= 0)
		return r;
	*size = content ? (int64_t)row.col[0].n : row.col[0].i;
	if (content)
		strbuf_add(content, row.col[0].p, row.col[0].n);
	store_finish(conn, statement);
	return 1;
}

static int note_usable(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	(void)err;
	((bool *)ctx)[i] = row;
	return 0;
}

int blobs_usable(
	bool *usable, struct store_conn *conn, const uint8_t *hashes, size_t n, int64_t now_s, struct mrp_err *err)
{
	struct store_datum oldest = store_int(now_s - BLOB_LIFE_S + BLOB_MARGIN_S);

	return ask_blobs(conn, SQL_BLOB_USABLE, hashes, n, &oldest, note_usable, usable, err);
}

int blob_sweep(int64_t *removed, struct store_conn *conn, int64_t now_s, int64_t max, struct mrp_err *err)
{
	struct store_row row;
	int r = store_start(conn, SQL_BLOB_SWEEP, STORE_ARGS(store_int(now_s - BLOB_LIFE_S), store_int(max)), err);

	*removed = 0;
	while (r >= 0 && (r = store_step(conn, SQL_BLOB_SWEEP, &row, err)) > 0)
		(*removed)++;
	store_finish(conn, SQL_BLOB_SWEEP);
	return r;
}
