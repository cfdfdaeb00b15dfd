/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the module `postgres` share. A connection is always in libpq's pipeline mode and non-blocking: what
 * is sent waits in `sent` until pg_collect reads all its results, and a server that says nothing for too long is given
 * up rather than waited for. A connection that was lost comes back by itself, dialled on a thread of its own, so that
 * callers get MRP_EBUSY at once and not after a timeout.
 *
 * Where to read next: postgres_module.c (the table), postgres_connect_module.c, postgres_pipe_module.c (one turn),
 * postgres_many_module.c (much in one turn).
 */
#ifndef MRP_STORE_POSTGRES_H
#define MRP_STORE_POSTGRES_H

#include "store.h"

struct pg_conn;   /* libpq's PGconn */
struct pg_result; /* libpq's PGresult */
struct redial;

/* How long a server may say nothing; who asks may have others behind him. A transaction may wait for a lock besides. */
enum { PG_SILENCE_MS = 5000 };

struct pg_statement {
	unsigned *types; /* of the arguments: OIDs */
	size_t n_types;
	struct pg_result *result; /* while it runs */
	int at;                   /* the next row of it */
};

struct postgres {
	struct store_conn conn;
	struct pg_conn *db; /* NULL: lost */
	char *url;          /* may hold a password: never in a message */
	char *label;        /* "postgresql://host:5432/name", for messages */
	const struct store_schema *schema;
	unsigned flags;
	char lock[100], try_lock[100]; /* SQL that takes the write lock until the transaction ends */
	struct pg_statement *statements;
	int silence_ms;     /* that the server may take now */
	size_t sent;        /* commands whose results were not read yet */
	size_t sent_before; /* those of them that came before the last savepoint */
	bool spoilt; /* one of these failed, so that going back to the savepoint would not mend the transaction */
	bool in_transaction;
	bool dialling; /* not handed out yet: nothing to dial again */
	bool aborted;  /* the connection was lost inside a transaction: nothing but a new one may follow */
	struct redial *redial;
};

extern const struct store_ops postgres_store_ops;

/* connect: a new connection, checked and prepared, or with STORE_MIGRATE brought to the newest schema before. */
int pg_dial(
	struct postgres **out, const char *url, const struct store_schema *schema, unsigned flags, struct mrp_err *err);
/* The same, but only to look at the schema: its version, 0 when there is none. */
int pg_dial_version(int64_t *version, const char *url, const struct store_schema *schema, struct mrp_err *err);
void pg_free(struct postgres *c);

/* schema. On a connection that is not in pipeline mode yet. */
int pg_schema_check(int64_t *version, struct postgres *c, struct mrp_err *err);
int pg_schema_migrate(struct postgres *c, struct mrp_err *err);

/* error: -1 with err set. `result` NULL: what the connection says. */
int pg_fail(struct postgres *c, const struct pg_result *result, struct mrp_err *err);
/* One line of libpq's text; yours to free. */
char *pg_one_line(const char *text);
/* Give the connection up and dial again; `why` NULL: what libpq says. */
int pg_lost(struct postgres *c, const char *why, struct mrp_err *err);

/* pipe */
int pg_send(struct postgres *c, unsigned statement, const struct store_datum *args, size_t n_args, struct mrp_err *err);
/* The statement's postgres_many, for `n` lists of arguments; none of them NULL. */
int pg_send_arrays(struct postgres *c, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	struct mrp_err *err);
int pg_send_text(struct postgres *c, const char *sql, struct mrp_err *err);
/* What every transaction sends is prepared: to parse it took the server as long as to do it. */
enum pg_step {
	PG_BEGIN,
	PG_LOCK,
	PG_TRY_LOCK,
	PG_COMMIT,
	PG_ROLLBACK,
	PG_SAVEPOINT,
	PG_RELEASE,
	PG_ROLLBACK_TO,
	PG_STEPS
};
int pg_send_step(struct postgres *c, enum pg_step step, struct mrp_err *err);
int pg_prepare_all(struct postgres *c, struct mrp_err *err);
/* Wait for everything that was sent. The last `n` results are yours; the others only have to be good. When one is bad,
 * there are none, and what was sent after it has not been done. */
int pg_collect(struct postgres *c, struct pg_result **results, size_t n, struct mrp_err *err);
/* The same, but each of the last `n` is handed over as it comes, while the server works on the next; `take` has to
 * clear it, unless it returns -1 with err set. None comes after a bad one. */
typedef int pg_take_fn(void *ctx, size_t i, struct pg_result *result, struct mrp_err *err);
int pg_collect_each(struct postgres *c, size_t n, pg_take_fn *take, void *ctx, struct mrp_err *err);
/* many */
void pg_read_column(struct store_datum *out, const struct pg_result *result, int row, int i);
/* Without the first `skip` columns. */
void pg_read_row(struct store_row *row, const struct pg_result *result, int at, int skip);
int pg_many(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	store_each_fn *each, void *ctx, struct mrp_err *err);
int pg_begin_asking(
	struct store_conn *conn, bool wait, const struct store_question *questions, size_t n, struct mrp_err *err);

/* Is there a connection that answers, as far as can be known without asking? */
int pg_ready(struct postgres *c, struct mrp_err *err);

/* redial: start, when it is not running. */
void pg_redial(struct postgres *c, const char *why);
/* Take over what was dialled. -1: not yet. The first attempt is waited for for a moment. */
int pg_redialled(struct postgres *c, struct mrp_err *err);
void pg_redial_stop(struct postgres *c);

#endif
