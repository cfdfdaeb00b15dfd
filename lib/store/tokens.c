/* SPDX-License-Identifier: Apache-2.0 */
#include "tokens.h"

#include <inttypes.h>

const char *const token_role_names[TOKEN_ROLES] = {
	[TOKEN_VIEWER] = "viewer",
	[TOKEN_AGENT] = "agent",
	[TOKEN_MEESEEKS] = "meeseeks",
	[TOKEN_CREATOR] = "creator",
	[TOKEN_EDITOR] = "editor",
	[TOKEN_ADMIN] = "admin",
};

enum token_status token_status_at(const struct token_row *row, int64_t now_s)
{
	if (row->revoked_s)
		return TOKEN_REVOKED;
	return row->expires_s && now_s >= row->expires_s ? TOKEN_EXPIRED : TOKEN_ACTIVE;
}

int token_meta_get(struct token_meta *out, struct store_conn *conn, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(&row, conn, SQL_TOKEN_META, NULL, 0, err);

	if (r <= 0)
		return r < 0 ? -1 : mrp_err_set(err, MRP_EFAILED, "the database has no row 'meta'");
	*out = (struct token_meta){ .generation = row.col[0].i, .any = row.col[1].type != ST_NULL };
	bool usable = !out->any || row.col[1].n == TOKEN_KEY_BYTES;
	if (out->any && usable)
		memcpy(out->key, row.col[1].p, TOKEN_KEY_BYTES);
	store_finish(conn, SQL_TOKEN_META);
	return usable ? 0 : mrp_err_set(err, MRP_EFAILED, "the database's key for tokens is damaged");
}

static int read_row(struct token_row *out, const struct store_row *row, struct mrp_err *err)
{
	const char *role = store_col_text(row, 2);
	int i = 0;

	while (i < TOKEN_ROLES && !streq(token_role_names[i], role))
		i++;
	if (i == TOKEN_ROLES || row->col[5].n != SHA256_BYTES)
		return mrp_err_set(err, MRP_EFAILED, "token %" PRId64 " in the database is damaged", row->col[0].i);
	*out = (struct token_row){
		.id = row->col[0].i,
		.name = store_col_text(row, 1),
		.role = (enum token_role)i,
		.cluster = store_col_text(row, 3),
		.variables = store_col_text(row, 4),
		.created_s = row->col[6].i,
		.expires_s = row->col[7].i,
		.revoked_s = row->col[8].i,
		.last_used_s = row->col[9].i,
	};
	memcpy(out->hash, row->col[5].p, SHA256_BYTES);
	return 0;
}

int token_each(struct store_conn *conn, int (*each)(void *ctx, const struct token_row *row), void *ctx,
	struct mrp_err *err)
{
	struct token_row token;
	struct store_row row;
	int r = store_start(conn, SQL_TOKEN_LIST, NULL, 0, err);

	while (r >= 0 && (r = store_step(conn, SQL_TOKEN_LIST, &row, err)) > 0) {
		if (read_row(&token, &row, err) < 0 || each(ctx, &token) < 0)
			r = -1;
	}
	store_finish(conn, SQL_TOKEN_LIST);
	return r;
}

int token_key_set(
	uint8_t out[TOKEN_KEY_BYTES], struct store_conn *conn, const uint8_t fresh[TOKEN_KEY_BYTES], struct mrp_err *err)
{
	struct token_meta meta;

	if (store_run(conn, SQL_TOKEN_KEY, STORE_ARGS(store_blob(fresh, TOKEN_KEY_BYTES)), err) < 0 ||
		token_meta_get(&meta, conn, err) < 0)
		return -1;
	memcpy(out, meta.key, TOKEN_KEY_BYTES);
	return 0;
}

static int move_generation(struct store_conn *conn, struct mrp_err *err)
{
	return store_run(conn, SQL_TOKEN_GENERATION, NULL, 0, err);
}

int token_insert(int64_t *id, struct store_conn *conn, const struct token_row *row, struct mrp_err *err)
{
	if (store_number(id, -1, conn, SQL_TOKEN_INSERT,
		    STORE_ARGS(store_text(row->name), store_text(token_role_names[row->role]), store_text(row->cluster),
			    store_text(row->variables), store_blob(row->hash, SHA256_BYTES), store_int(row->created_s),
			    store_int(row->expires_s)),
		    err) < 0)
		return -1;
	return move_generation(conn, err);
}

int token_revoke(struct store_conn *conn, int64_t id, int64_t now_s, struct mrp_err *err)
{
	int64_t revoked;

	if (store_number(&revoked, -1, conn, SQL_TOKEN_REVOKED_AT, STORE_ARGS(store_int(id)), err) < 0)
		return -1;
	if (revoked < 0)
		return mrp_err_set(err, MRP_ENOTFOUND, "token '%" PRId64 "' is not there", id);
	if (revoked)
		return 0;
	if (store_run(conn, SQL_TOKEN_REVOKE, STORE_ARGS(store_int(id), store_int(now_s)), err) < 0 ||
		move_generation(conn, err) < 0)
		return -1;
	return 1;
}

int token_used(struct store_conn *conn, int64_t id, int64_t now_s, struct mrp_err *err)
{
	return store_run(conn, SQL_TOKEN_USED, STORE_ARGS(store_int(id), store_int(now_s)), err);
}
