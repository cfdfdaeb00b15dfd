/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL behind struct store_ops. Writers of all processes take turns by an advisory lock of the transaction, as
 * SQLite's do by its own: what a transaction reads does not change before it ends, so revisions, fences, If-Match and
 * batches need no other locks. Each statement sees what was committed before it began (READ COMMITTED); as commits come
 * one after the other, who sees a revision sees all that was written up to it.
 */
#include <libpq-fe.h>

#include "postgres.h"

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
	pg_read_row(row, s->result, s->at++, 0);
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

/* --- transactions ------------------------------------------------------------------------------------------------- */

/* COMMIT of a transaction that has failed is answered by ROLLBACK, and that is no error to the server. */
static int commit(struct postgres *c, struct mrp_err *err)
{
	PGresult *done;

	if (pg_ready(c, err) < 0) /* the transaction was over before */
		return -1;
	if (pg_send_step(c, PG_COMMIT, err) < 0 || pg_collect(c, &done, 1, err) < 0) {
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
	static const enum pg_step steps[] = {
		[STORE_ROLLBACK] = PG_ROLLBACK,
		[STORE_SAVEPOINT] = PG_SAVEPOINT,
		[STORE_RELEASE] = PG_RELEASE,
		[STORE_RELEASE_UNSEEN] = PG_RELEASE,
		[STORE_ROLLBACK_TO] = PG_ROLLBACK_TO,
	};
	struct postgres *c = of(conn);

	switch (step) {
	case STORE_BEGIN:
	case STORE_TRY_BEGIN:
		return pg_begin_asking(conn, step == STORE_BEGIN, NULL, 0, err);
	case STORE_COMMIT:
		return commit(c, err);
	case STORE_ROLLBACK:
		c->spoilt = false;
		if (c->aborted) { /* with the connection */
			c->aborted = false;
			return 0;
		}
		break;
	case STORE_SAVEPOINT:
		c->sent_before = c->sent;
		break;
	case STORE_RELEASE:
	case STORE_RELEASE_UNSEEN:
	case STORE_ROLLBACK_TO:
		break;
	}
	if (c->spoilt && step != STORE_ROLLBACK)
		return mrp_err_set(err, MRP_EBUSY, "an earlier change of the same transaction failed");
	if (pg_ready(c, err) < 0 || pg_send_step(c, steps[step], err) < 0)
		return -1;
	return step == STORE_SAVEPOINT || step == STORE_RELEASE_UNSEEN ? 0 : pg_collect(c, NULL, 0, err);
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
		pg_read_column(&size, result, 0, 0);
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
	.begin_asking = pg_begin_asking,
	.transaction = pg_transaction,
	.in_transaction = pg_in_transaction,
	.size_bytes = pg_size,
};
