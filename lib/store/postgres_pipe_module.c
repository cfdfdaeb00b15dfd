/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands go out one behind the other, and their results come back in the same order. pg_collect ends a series by a
 * Sync message: after an error the server leaves out everything up to that, so that both sides agree again on where
 * they are (PostgreSQL's manual: "Pipeline Mode", "Extended Query").
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>

#include "postgres.h"

enum {
	/* that the server may take before it says something: a read has others behind it, a write may wait for a lock
	 */
	READ_SILENCE_MS = 5000,
	WRITE_SILENCE_MS = 15000,
	BINARY = 1,
	OID_BYTEA = 17, /* pg_type.dat of PostgreSQL: these never change */
	OID_INT8 = 20,
	OID_TEXT = 25,
};

static const unsigned oids[] = { [ST_INT] = OID_INT8, [ST_TEXT] = OID_TEXT, [ST_BLOB] = OID_BYTEA };

static int sent(struct postgres *c, int ok, struct mrp_err *err)
{
	if (!ok)
		return pg_lost(c, NULL, err);
	c->sent++;
	return 0;
}

static void check_argument(const struct postgres *c, unsigned statement, size_t i, const struct store_datum *arg)
{
	if (arg->type != ST_NULL && c->statements[statement].types[i] != oids[arg->type])
		BUG("argument %zu of statement '%s' is not of the type that the database wants (%u)", i + 1,
			c->schema->statements[statement].name, c->statements[statement].types[i]);
}

int pg_send(struct postgres *c, unsigned statement, const struct store_datum *args, size_t n_args, struct mrp_err *err)
{
	const char *values[STORE_COLUMNS_MAX];
	int lengths[STORE_COLUMNS_MAX], formats[STORE_COLUMNS_MAX];
	int64_t numbers[STORE_COLUMNS_MAX];
	char name[16];

	if (n_args != c->statements[statement].n_types)
		BUG("statement '%s' takes %zu arguments, not %zu", c->schema->statements[statement].name,
			c->statements[statement].n_types, n_args);
	for (size_t i = 0; i < n_args; i++) {
		check_argument(c, statement, i, &args[i]);
		numbers[i] = (int64_t)htobe64((uint64_t)args[i].i);
		values[i] = args[i].type == ST_NULL ? NULL
			: args[i].type == ST_INT    ? (const char *)&numbers[i]
			: args[i].n                 ? args[i].p
						    : "";
		lengths[i] = args[i].type == ST_INT ? (int)sizeof(numbers[i]) : (int)args[i].n;
		formats[i] = BINARY;
	}
	snprintf(name, sizeof(name), "s%u", statement);
	return sent(c, PQsendQueryPrepared(c->db, name, (int)n_args, values, lengths, formats, BINARY), err);
}

static void add_number(struct strbuf *out, uint32_t n)
{
	n = htobe32(n);
	strbuf_add(out, &n, sizeof(n));
}

/* The binary form of an array with one dimension (array_recv in PostgreSQL's arrayfuncs.c): dimensions, has NULLs, type
 * of the elements, their number, index of the first; then length and bytes of each. */
static void add_array(struct strbuf *out, const struct store_datum *args, size_t step, size_t n)
{
	add_number(out, 1);
	add_number(out, 0);
	add_number(out, oids[args->type]);
	add_number(out, (uint32_t)n);
	add_number(out, 1);
	for (size_t i = 0; i < n; i++) {
		const struct store_datum *arg = &args[i * step];
		int64_t number = (int64_t)htobe64((uint64_t)arg->i);
		bool is_number = arg->type == ST_INT;

		if (arg->type == ST_NULL || arg->type != args->type)
			BUG("an array of different types");
		add_number(out, is_number ? sizeof(number) : (uint32_t)arg->n);
		strbuf_add(out, is_number ? &number : arg->p, is_number ? sizeof(number) : arg->n);
	}
}

int pg_send_arrays(struct postgres *c, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	struct mrp_err *err)
{
	struct strbuf arrays[STORE_COLUMNS_MAX];
	const char *values[STORE_COLUMNS_MAX];
	int lengths[STORE_COLUMNS_MAX], formats[STORE_COLUMNS_MAX];
	char name[16];

	for (size_t i = 0; i < n_args; i++) {
		strbuf_init(&arrays[i]);
		add_array(&arrays[i], args + i, n_args, n);
		values[i] = arrays[i].buf;
		lengths[i] = (int)arrays[i].len;
		formats[i] = BINARY;
	}
	snprintf(name, sizeof(name), "m%u", statement);
	int r = sent(c, PQsendQueryPrepared(c->db, name, (int)n_args, values, lengths, formats, BINARY), err);
	for (size_t i = 0; i < n_args; i++)
		strbuf_release(&arrays[i]);
	return r;
}

int pg_send_text(struct postgres *c, const char *sql, struct mrp_err *err)
{
	return sent(c, PQsendQueryParams(c->db, sql, 0, NULL, NULL, NULL, NULL, BINARY), err);
}

int pg_send_step(struct postgres *c, enum pg_step step, struct mrp_err *err)
{
	char name[16];

	snprintf(name, sizeof(name), "t%u", (unsigned)step);
	return sent(c, PQsendQueryPrepared(c->db, name, 0, NULL, NULL, NULL, BINARY), err);
}

/* Wait until a result can be taken without waiting. What could not be written yet is written meanwhile: both sides may
 * have full buffers. */
static int wait_for_result(struct postgres *c, struct mrp_err *err)
{
	for (;;) {
		int unsent = PQflush(c->db);
		struct pollfd fd = { .fd = PQsocket(c->db), .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };

		if (unsent < 0)
			return pg_lost(c, NULL, err);
		if (!unsent && !PQisBusy(c->db))
			return 0;
		int ready = poll(&fd, 1, c->silence_ms);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			return pg_lost(c, "it does not answer", err);
		if ((fd.revents & ~POLLOUT) && !PQconsumeInput(c->db)) {
			/* what the server said before it went is the better reason, and PQgetResult has it */
			return PQisBusy(c->db) ? pg_lost(c, NULL, err) : 0;
		}
	}
}

static PGresult *next_result(struct postgres *c, struct mrp_err *err)
{
	return wait_for_result(c, err) < 0 ? NULL : PQgetResult(c->db);
}

static bool good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* The result of one command, and the mark that ends it. */
static PGresult *take_result(struct postgres *c, struct mrp_err *err)
{
	PGresult *result = next_result(c, err);

	if (!result) {
		if (c->db)
			pg_lost(c, "an answer is missing", err);
		return NULL;
	}
	if (PQstatus(c->db) == CONNECTION_BAD) {
		pg_fail(c, result, err);
	} else if (good(result) || PQresultStatus(result) == PGRES_FATAL_ERROR ||
		PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
		PGresult *end = next_result(c, err);

		PQclear(end);
		if (c->db && end)
			pg_lost(c, "an answer too many", err);
	}
	if (c->db)
		return result;
	PQclear(result);
	return NULL;
}

static void clear_all(PGresult **results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		PQclear(results[i]);
		results[i] = NULL;
	}
}

static int take_sync(struct postgres *c, struct mrp_err *err)
{
	PGresult *result = next_result(c, err);
	bool synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;

	PQclear(result);
	if (!c->db)
		return -1;
	if (!synced)
		return pg_lost(c, NULL, err);
	PGTransactionStatusType status = PQtransactionStatus(c->db);
	if (status == PQTRANS_IDLE || status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
		c->in_transaction = status != PQTRANS_IDLE;
	return 0;
}

int pg_collect_each(struct postgres *c, size_t n, pg_take_fn *take, void *ctx, struct mrp_err *err)
{
	struct mrp_err first = MRP_ERR_INIT;
	size_t n_sent = c->sent, n_before = c->sent_before;

	if (!PQpipelineSync(c->db))
		return pg_lost(c, NULL, err);
	c->sent = c->sent_before = 0;
	for (size_t i = 0; i < n_sent && c->db; i++) {
		PGresult *result = take_result(c, &first);

		if (result && !good(result) && !first.code) {
			c->spoilt = c->spoilt || i < n_before;
			pg_fail(c, result, &first);
		}
		if (result && !first.code && i + n >= n_sent && take(ctx, i + n - n_sent, result, &first) == 0)
			continue;
		PQclear(result);
	}
	if (c->db && take_sync(c, &first) == 0 && !first.code)
		return 0;
	return mrp_err_move(err, &first);
}

static int keep(void *ctx, size_t i, PGresult *result, struct mrp_err *err)
{
	(void)err;
	((PGresult **)ctx)[i] = result;
	return 0;
}

int pg_collect(struct postgres *c, PGresult **results, size_t n, struct mrp_err *err)
{
	if (n)
		memset(results, 0, n * sizeof(*results));
	if (pg_collect_each(c, n, keep, results, err) == 0)
		return 0;
	clear_all(results, n);
	return -1;
}

static int keep_types(struct pg_statement *statement, const PGresult *described)
{
	statement->n_types = (size_t)PQnparams(described);
	statement->types = xcalloc(statement->n_types + 1, sizeof(*statement->types));
	for (size_t i = 0; i < statement->n_types; i++)
		statement->types[i] = PQparamtype(described, (int)i);
	return statement->n_types <= STORE_COLUMNS_MAX && PQnfields(described) <= STORE_COLUMNS_MAX ? 0 : -1;
}

static int prepare_steps(struct postgres *c, struct mrp_err *err)
{
	const char *const texts[PG_STEPS] = {
		[PG_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED",
		[PG_LOCK] = c->lock,
		[PG_TRY_LOCK] = c->try_lock,
		[PG_COMMIT] = "COMMIT",
		[PG_ROLLBACK] = "ROLLBACK",
		[PG_SAVEPOINT] = "SAVEPOINT one",
		[PG_RELEASE] = "RELEASE one",
		[PG_ROLLBACK_TO] = "ROLLBACK TO one",
	};
	char name[16];

	for (unsigned i = 0; i < PG_STEPS; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		if (sent(c, PQsendPrepare(c->db, name, texts[i], 0, NULL), err) < 0)
			return -1;
	}
	return pg_collect(c, NULL, 0, err);
}

int pg_prepare_all(struct postgres *c, struct mrp_err *err)
{
	size_t n = c->schema->n_statements;
	cleanup(freep) PGresult **results = xcalloc(3 * n, sizeof(PGresult *));
	char name[24];

	c->statements = xcalloc(n, sizeof(*c->statements));
	for (size_t i = 0; i < n; i++) {
		const struct store_statement *statement = &c->schema->statements[i];

		if (!statement->sql)
			BUG("statement %zu has no text", i);
		snprintf(name, sizeof(name), "s%zu", i);
		const char *sql = statement->postgres ? statement->postgres : statement->sql;
		if (sent(c, PQsendPrepare(c->db, name, sql, 0, NULL), err) < 0 ||
			sent(c, PQsendDescribePrepared(c->db, name), err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (!c->schema->statements[i].postgres_many)
			continue;
		snprintf(name, sizeof(name), "m%zu", i);
		if (sent(c, PQsendPrepare(c->db, name, c->schema->statements[i].postgres_many, 0, NULL), err) < 0)
			return -1;
	}
	if (pg_collect(c, results, c->sent, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (keep_types(&c->statements[i], results[2 * i + 1]) < 0)
			BUG("statement '%s' has too many columns", c->schema->statements[i].name);
	}
	clear_all(results, 3 * n);
	return prepare_steps(c, err);
}

/* Has the server closed an idle connection? It says nothing by itself otherwise, or only little. */
static bool closed(struct postgres *c)
{
	for (int i = 0; i < 4; i++) {
		struct pollfd fd = { .fd = PQsocket(c->db), .events = POLLIN };

		if (poll(&fd, 1, 0) <= 0)
			return false;
		if (!PQconsumeInput(c->db) || PQstatus(c->db) == CONNECTION_BAD)
			return true;
		PQisBusy(c->db); /* reads what has come */
	}
	return false;
}

int pg_ready(struct postgres *c, struct mrp_err *err)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	if (c->aborted)
		return mrp_err_set(err, MRP_EBUSY, "the transaction ended when database '%s' was lost", c->label);
	if (c->db && !c->in_transaction && !c->sent && closed(c))
		pg_lost(c, NULL, &ignored);
	mrp_err_clear(&ignored);
	return c->db ? 0 : pg_redialled(c, err);
}
