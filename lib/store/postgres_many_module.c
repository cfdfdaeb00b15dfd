/* SPDX-License-Identifier: Apache-2.0 */
/* Many questions in one turn: one statement for many lists of arguments, and what is asked together with BEGIN. */
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

void pg_read_column(struct store_datum *out, const PGresult *result, int row, int i)
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

void pg_read_row(struct store_row *row, const PGresult *result, int at, int skip)
{
	for (int i = skip; i < PQnfields(result); i++)
		pg_read_column(&row->col[i - skip], result, at, i);
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
		pg_read_row(&row, result, 0, 0);
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
		pg_read_column(&index, result, at, 0);
		if (index.i >= 1 && index.i <= MANY_IN_ARRAYS)
			row_of[index.i - 1] = at;
	}
	for (size_t i = 0; i < MANY_IN_ARRAYS && many->done < many->n; i++) {
		if (row_of[i] >= 0)
			pg_read_row(&row, result, row_of[i], 1);
		if (many->each(many->ctx, many->done++, row_of[i] >= 0 ? &row : NULL, err) < 0)
			return -1;
	}
	PQclear(result);
	return 0;
}

/* Are `n` lists asked for by arrays? The plan for these is dear for one. */
static bool by_arrays(const struct postgres *c, unsigned statement, size_t n)
{
	return n > 1 && c->schema->statements[statement].postgres_many;
}

/* Send the next part, from list `*at` on. */
static int send_part(struct postgres *c, const struct store_question *q, size_t *at, struct mrp_err *err)
{
	bool arrays = by_arrays(c, q->statement, q->n);
	size_t now = MIN(q->n - *at, (size_t)(arrays ? MANY_IN_ARRAYS : 1));
	const struct store_datum *args = q->args + *at * q->n_args;

	*at += now;
	return arrays ? pg_send_arrays(c, q->statement, args, q->n_args, now, err)
		      : pg_send(c, q->statement, args, q->n_args, err);
}

int pg_many(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	store_each_fn *each, void *ctx, struct mrp_err *err)
{
	const struct store_question question = { statement, args, n_args, n, each, ctx };
	struct postgres *c = (struct postgres *)conn;
	struct many many = { .each = each, .ctx = ctx };
	size_t parts = 0;

	while (many.n < n) {
		if (!parts && pg_ready(c, err) < 0)
			return -1;
		if (send_part(c, &question, &many.n, err) < 0)
			return -1;
		if (++parts < MANY_PARTS && many.n < n)
			continue;
		if (pg_collect_each(c, parts, by_arrays(c, statement, n) ? give_rows : give_first_row, &many, err) < 0)
			return -1;
		parts = 0;
	}
	return 0;
}

/* --- with BEGIN --------------------------------------------------------------------------------------------------- */

struct asking {
	struct postgres *c;
	bool wait;
	const struct store_question *question; /* whose answer comes next */
	struct many many;                      /* of it */
};

/* The lock first: when another process has it, what came with it was asked in vain. */
static int take_answer(void *ctx, size_t i, PGresult *result, struct mrp_err *err)
{
	struct asking *asking = ctx;
	const struct store_question *q = asking->question;

	if (!i) {
		bool mine = asking->wait || *PQgetvalue(result, 0, 0); /* a boolean is one byte */

		if (!mine)
			return mrp_err_set(
				err, MRP_EBUSY, "database '%s' is locked by another process", asking->c->label);
		PQclear(result);
		return 0;
	}
	while (asking->many.done == q->n) {
		q = ++asking->question;
		asking->many.done = 0;
	}
	asking->many.n = q->n;
	asking->many.each = q->each;
	asking->many.ctx = q->ctx;
	return (by_arrays(asking->c, q->statement, q->n) ? give_rows : give_first_row)(&asking->many, 0, result, err);
}

static void roll_back(struct postgres *c)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	if (c->db && pg_send_step(c, PG_ROLLBACK, &ignored) == 0)
		pg_collect(c, NULL, 0, &ignored);
	mrp_err_clear(&ignored);
	c->aborted = false;
}

int pg_begin_asking(
	struct store_conn *conn, bool wait, const struct store_question *questions, size_t n, struct mrp_err *err)
{
	struct postgres *c = (struct postgres *)conn;
	struct asking asking = { .c = c, .wait = wait, .question = questions };
	size_t answers = 1;

	c->aborted = c->spoilt = false;
	c->silence_ms = wait ? PG_SILENCE_MS + c->schema->busy_timeout_ms : PG_SILENCE_MS;
	if (pg_ready(c, err) < 0 || pg_send_step(c, PG_BEGIN, err) < 0 ||
		pg_send_step(c, wait ? PG_LOCK : PG_TRY_LOCK, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		for (size_t at = 0; at < questions[i].n; answers++) {
			if (send_part(c, &questions[i], &at, err) < 0)
				return -1;
		}
	}
	if (pg_collect_each(c, answers, take_answer, &asking, err) == 0)
		return 0;
	roll_back(c);
	return -1;
}
