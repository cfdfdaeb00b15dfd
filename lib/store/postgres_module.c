/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL behind struct store_ops. Writers of all processes take turns by an advisory lock of the transaction, as
 * SQLite's do by its own: what a transaction reads does not change before it ends, so revisions, fences, If-Match and
 * batches need no other locks. Each statement sees what was committed before it began (READ COMMITTED); as commits come
 * one after the other, who sees a revision sees all that was written up to it.
 */
#include <endian.h>
#include <libpq-fe.h>

#include "postgres.h"

enum {
	MANY_PARTS = 128,    /* statements sent before their results are read */
	MANY_IN_ARRAYS = 64, /* elements: few enough that the server works on some while others are taken */
	OID_INT8 = 20,
	OID_INT4 = 23,
	OID_BYTEA = 17,
};

#define BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"

static struct postgres *of(struct store_conn *conn)
{
	return (struct postgres *)conn;
}

static int pg_open(struct store_conn **out, const char *url, const struct store_schema *schema, unsigned flags,
	struct mrp_err *err)
{
	struct postgres *c;

	if (pg_dial(&c, url, schema, flags, err) < 0) {
		err->code = err->code == MRP_EBUSY ? MRP_EFAILED : err->code;
		return -1;
	}
	*out = &c->conn;
	return 0;
}

static void pg_close(struct store_conn *conn)
{
	pg_free(of(conn));
}

static int pg_version(int64_t *out, const char *url, const struct store_schema *schema, struct mrp_err *err)
{
	return pg_dial_version(out, url, schema, err);
}

static void read_column(struct store_datum *out, const PGresult *result, int row, int i)
{
	const char *value = PQgetvalue(result, row, i);
	uint64_t long_number;
	uint32_t number;

	if (PQgetisnull(result, row, i)) {
		*out = store_text(NULL);
		return;
	}
	switch (PQftype(result, i)) {
	case OID_INT8:
		memcpy(&long_number, value, sizeof(long_number));
		*out = store_int((int64_t)be64toh(long_number));
		return;
	case OID_INT4:
		memcpy(&number, value, sizeof(number));
		*out = store_int((int32_t)be32toh(number));
		return;
	case OID_BYTEA:
		*out = store_blob(value, (size_t)PQgetlength(result, row, i));
		return;
	default:
		*out = store_text_n(value, (size_t)PQgetlength(result, row, i));
	}
}

/* Without the first `skip` columns. */
static void read_row(struct store_row *row, const PGresult *result, int at, int skip)
{
	for (int i = skip; i < PQnfields(result); i++)
		read_column(&row->col[i - skip], result, at, i);
}

static int pg_start(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, struct mrp_err *err)
{
	struct postgres *c = of(conn);
	struct pg_statement *s = &c->statements[statement];

	if (s->result)
		BUG("statement '%s' is already running", c->schema->statements[statement].name);
	s->at = 0;
	if (pg_ready(c, err) < 0 || pg_send(c, statement, args, n_args, err) < 0)
		return -1;
	return pg_collect(c, &s->result, 1, err);
}

static int pg_step(struct store_conn *conn, unsigned statement, struct store_row *row, struct mrp_err *err)
{
	struct pg_statement *s = &of(conn)->statements[statement];

	(void)err;
	if (!s->result)
		BUG("statement '%s' is not running", of(conn)->schema->statements[statement].name);
	if (s->at >= PQntuples(s->result))
		return 0;
	read_row(row, s->result, s->at++, 0);
	return 1;
}

static void pg_finish(struct store_conn *conn, unsigned statement)
{
	struct pg_statement *s = &of(conn)->statements[statement];

	PQclear(s->result);
	s->result = NULL;
}

static int pg_run(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, struct mrp_err *err)
{
	struct postgres *c = of(conn);

	if (pg_ready(c, err) < 0 || pg_send(c, statement, args, n_args, err) < 0)
		return -1;
	return c->in_transaction ? 0 : pg_collect(c, NULL, 0, err);
}

/* Many lists of arguments, and who wants their rows. */
struct many {
	size_t n, done;
	store_each_fn *each;
	void *ctx;
};

static int give_first_row(void *ctx, size_t i, PGresult *result, struct mrp_err *err)
{
	bool there = PQntuples(result) > 0;
	struct many *many = ctx;
	struct store_row row;

	(void)i;
	if (there)
		read_row(&row, result, 0, 0);
	if (many->each(many->ctx, many->done++, there ? &row : NULL, err) < 0)
		return -1;
	PQclear(result);
	return 0;
}

/* Rows of one statement for MANY_IN_ARRAYS lists of arguments, in any order; those that have none are not in it. */
static int give_rows(void *ctx, size_t part, PGresult *result, struct mrp_err *err)
{
	int row_of[MANY_IN_ARRAYS];
	struct store_datum index;
	struct many *many = ctx;
	struct store_row row;

	(void)part;
	memset(row_of, -1, sizeof(row_of));
	for (int at = PQntuples(result) - 1; at >= 0; at--) {
		read_column(&index, result, at, 0);
		if (index.i >= 1 && index.i <= MANY_IN_ARRAYS)
			row_of[index.i - 1] = at;
	}
	for (size_t i = 0; i < MANY_IN_ARRAYS && many->done < many->n; i++) {
		if (row_of[i] >= 0)
			read_row(&row, result, row_of[i], 1);
		if (many->each(many->ctx, many->done++, row_of[i] >= 0 ? &row : NULL, err) < 0)
			return -1;
	}
	PQclear(result);
	return 0;
}

static int pg_many(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	store_each_fn *each, void *ctx, struct mrp_err *err)
{
	struct postgres *c = of(conn);
	bool arrays = c->schema->statements[statement].postgres_many;
	size_t step = arrays ? MANY_IN_ARRAYS : 1, parts = 0;
	struct many many = { .each = each, .ctx = ctx };

	for (size_t at = 0; at < n;) {
		if (!parts && pg_ready(c, err) < 0)
			return -1;
		size_t now = MIN(n - at, step);
		if ((arrays ? pg_send_arrays(c, statement, args + at * n_args, n_args, now, err)
			    : pg_send(c, statement, args + at * n_args, n_args, err)) < 0)
			return -1;
		at += now;
		if (++parts < MANY_PARTS && at < n)
			continue;
		many.n = at;
		if (pg_collect_each(c, parts, arrays ? give_rows : give_first_row, &many, err) < 0)
			return -1;
		parts = 0;
	}
	return 0;
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

static void roll_back(struct postgres *c)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	if (c->db && pg_send_text(c, "ROLLBACK", &ignored) == 0)
		pg_collect(c, NULL, 0, &ignored);
	mrp_err_clear(&ignored);
}

static int begin(struct postgres *c, bool wait, struct mrp_err *err)
{
	PGresult *locked;

	c->aborted = false;
	c->silence_ms = wait ? PG_SILENCE_MS + c->schema->busy_timeout_ms : PG_SILENCE_MS;
	if (pg_ready(c, err) < 0 || pg_send_text(c, BEGIN, err) < 0 ||
		pg_send_text(c, wait ? c->lock : c->try_lock, err) < 0)
		return -1;
	if (pg_collect(c, &locked, 1, err) < 0) {
		roll_back(c);
		c->aborted = false;
		return -1;
	}
	bool mine = wait || *PQgetvalue(locked, 0, 0); /* a boolean is one byte */
	PQclear(locked);
	if (mine)
		return 0;
	roll_back(c);
	return mrp_err_set(err, MRP_EBUSY, "database '%s' is locked by another process", c->label);
}

/* COMMIT of a transaction that has failed is answered by ROLLBACK, and that is no error to the server. */
static int commit(struct postgres *c, struct mrp_err *err)
{
	PGresult *done;

	if (pg_ready(c, err) < 0) /* the transaction was over before */
		return -1;
	if (pg_send_text(c, "COMMIT", err) < 0 || pg_collect(c, &done, 1, err) < 0) {
		if (c->db)
			return -1;
		c->aborted = false;
		return mrp_err_wrap(err, "it is not known whether the change was made");
	}
	bool good = streq(PQcmdStatus(done), "COMMIT");
	PQclear(done);
	return good ? 0 : mrp_err_set(err, MRP_EFAILED, "database '%s' took the change back", c->label);
}

static int pg_transaction(struct store_conn *conn, enum store_step step, struct mrp_err *err)
{
	static const char *const texts[] = {
		[STORE_ROLLBACK] = "ROLLBACK",
		[STORE_SAVEPOINT] = "SAVEPOINT one",
		[STORE_RELEASE] = "RELEASE one",
		[STORE_ROLLBACK_TO] = "ROLLBACK TO one",
	};
	struct postgres *c = of(conn);

	switch (step) {
	case STORE_BEGIN:
	case STORE_TRY_BEGIN:
		return begin(c, step == STORE_BEGIN, err);
	case STORE_COMMIT:
		return commit(c, err);
	case STORE_ROLLBACK:
		if (c->aborted) { /* with the connection */
			c->aborted = false;
			return 0;
		}
		break;
	case STORE_SAVEPOINT:
	case STORE_RELEASE:
	case STORE_ROLLBACK_TO:
		break;
	}
	if (pg_ready(c, err) < 0 || pg_send_text(c, texts[step], err) < 0)
		return -1;
	return step == STORE_SAVEPOINT ? 0 : pg_collect(c, NULL, 0, err);
}

static bool pg_in_transaction(struct store_conn *conn)
{
	return of(conn)->in_transaction;
}

static int64_t pg_size(struct store_conn *conn)
{
	struct postgres *c = of(conn);
	struct mrp_err err = MRP_ERR_INIT;
	struct store_datum size = store_int(-1);
	PGresult *result;

	if (pg_ready(c, &err) == 0 && pg_send_text(c, "SELECT pg_database_size(current_database())", &err) == 0 &&
		pg_collect(c, &result, 1, &err) == 0) {
		read_column(&size, result, 0, 0);
		PQclear(result);
	}
	mrp_err_clear(&err);
	return size.i;
}

const struct store_ops postgres_store_ops = {
	.scheme = "postgresql",
	.shared = true,
	.open = pg_open,
	.close = pg_close,
	.version = pg_version,
	.start = pg_start,
	.step = pg_step,
	.finish = pg_finish,
	.run = pg_run,
	.many = pg_many,
	.transaction = pg_transaction,
	.in_transaction = pg_in_transaction,
	.size_bytes = pg_size,
};
