/* SPDX-License-Identifier: Apache-2.0 */
#include "objects.h"

int store_next_revision(int64_t *out, struct store_conn *conn, struct mrp_err *err)
{
	if (store_run(conn, SQL_META_NEXT_REVISION, NULL, 0, err) < 0 ||
		store_number(out, -1, conn, SQL_META_REVISION, NULL, 0, err) < 0)
		return -1;
	return *out < 0 ? mrp_err_set(err, MRP_EFAILED, "the database has lost its meta row") : 0;
}

int store_meta(int64_t *revision, struct strbuf *environment, struct store_conn *conn, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(&row, conn, SQL_META_GET, NULL, 0, err);

	if (r <= 0)
		return r < 0 ? -1 : mrp_err_set(err, MRP_EFAILED, "the database has lost its meta row");
	if (revision)
		*revision = row.col[0].i;
	if (environment)
		strbuf_addstr(environment, store_col_text(&row, 1));
	store_finish(conn, SQL_META_GET);
	return 0;
}

int store_set_environment(struct store_conn *conn, const char *environment, struct mrp_err *err)
{
	return store_run(conn, SQL_META_SET_ENVIRONMENT, STORE_ARGS(store_text(environment)), err);
}

int object_read(struct strbuf *body, int64_t *revision, struct store_conn *conn, enum kind kind, const char *slug,
	bool secrets, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(
		&row, conn, SQL_OBJECT_GET, STORE_ARGS(store_text(kinds[kind].name), store_text(slug)), err);

	if (r <= 0)
		return r;
	const struct store_datum *text = &row.col[secrets && row.col[2].type != ST_NULL ? 2 : 1];
	*revision = row.col[0].i;
	strbuf_add(body, text->p, text->n);
	store_finish(conn, SQL_OBJECT_GET);
	return 1;
}

static int info_or_load(struct object_row *out, struct arena *arena, struct store_conn *conn, enum sql statement,
	enum kind kind, const char *slug, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(&row, conn, statement, STORE_ARGS(store_text(kinds[kind].name), store_text(slug)), err);

	if (r <= 0)
		return r;
	*out = (struct object_row){ .kind = kind,
		.slug = slug,
		.revision = row.col[0].i,
		.managed = row.col[1].i,
		.destroying = row.col[2].i,
		.deployed = row.col[3].i,
		.recipe = row.col[4].type == ST_NULL ? NULL : arena_strdup(arena, row.col[4].p) };
	if (row.col[5].n == SHA256_BYTES)
		memcpy(out->digest, row.col[5].p, SHA256_BYTES);
	if (statement == SQL_OBJECT_LOAD)
		out->body = arena_strndup(arena, row.col[6].p, row.col[6].n);
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

static int free_refs(struct store_conn *conn, enum kind kind, const char *slug, int64_t now_s, struct mrp_err *err)
{
	const char *name = kinds[kind].name;

	if (store_run(conn, SQL_REF_FREE, STORE_ARGS(store_text(name), store_text(slug), store_int(now_s)), err) < 0)
		return -1;
	return store_run(conn, SQL_REF_DELETE, STORE_ARGS(store_text(name), store_text(slug)), err);
}

int object_remove(struct store_conn *conn, enum kind kind, const char *slug, int64_t now_s, struct mrp_err *err)
{
	if (free_refs(conn, kind, slug, now_s, err) < 0)
		return -1;
	return store_run(conn, SQL_OBJECT_DELETE, STORE_ARGS(store_text(kinds[kind].name), store_text(slug)), err);
}

static int add_ref(struct store_conn *conn, const char *hex, enum kind kind, const char *slug, struct mrp_err *err)
{
	uint8_t sha256[SHA256_BYTES];

	if (!sha256_from_hex(sha256, hex))
		BUG("'%s' is no hash", hex);
	return store_run(conn, SQL_REF_INSERT,
		STORE_ARGS(store_blob(sha256, sizeof(sha256)), store_text(kinds[kind].name), store_text(slug)), err);
}

int object_set_refs(struct store_conn *conn, enum kind kind, const char *slug, const struct value *object,
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

static int check_blob(
	struct store_conn *conn, const char *field, const char *hex, struct problems *problems, struct mrp_err *err)
{
	uint8_t sha256[SHA256_BYTES];
	int64_t size;

	if (!sha256_from_hex(sha256, hex))
		BUG("'%s' is no hash", hex);
	int there = blob_get(NULL, &size, conn, sha256, err);
	if (there == 0)
		problems_add(problems, (struct mrp_loc){ 0 }, field, "blob '%s' is not here; upload it first", hex);
	return there < 0 ? -1 : 0;
}

int object_check_blobs(
	struct store_conn *conn, const struct value *object, struct problems *problems, struct mrp_err *err)
{
	const struct value *files = value_get(object, "files");
	const char *initial = value_get_string(object, "initial_values");

	for (uint32_t i = 0; files && i < files->n; i++) {
		const struct member *m = &files->members[i];
		cleanup(freep) char *field = xasprintf("files.%s", m->key);

		if (check_blob(conn, field, value_get_string(m->value, "sha256"), problems, err) < 0)
			return -1;
	}
	return initial ? check_blob(conn, "initial_values", initial, problems, err) : 0;
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
	int64_t there;

	if (store_number(&there, 0, conn, SQL_BLOB_TOUCH, STORE_ARGS(name, store_int(now_s)), err) < 0)
		return -1;
	if (there)
		return 0;
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

int blob_usable(struct store_conn *conn, const uint8_t sha256[SHA256_BYTES], int64_t now_s, struct mrp_err *err)
{
	int64_t usable;
	int64_t oldest = now_s - BLOB_LIFE_S + BLOB_MARGIN_S;

	if (store_number(&usable, 0, conn, SQL_BLOB_USABLE,
		    STORE_ARGS(store_blob(sha256, SHA256_BYTES), store_int(oldest)), err) < 0)
		return -1;
	return usable != 0;
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
