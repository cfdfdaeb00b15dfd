/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database behind one table of functions: a module (sqlite) gives a `struct store_ops`, everything above it runs
 * named statements of one schema (schema.c) and never sees a database library. Statements are SQL that SQLite and
 * PostgreSQL both understand ($1, $2 ... are arguments); migrations are written for each database.
 *
 * A connection belongs to one thread at a time. Where to read next: schema.h (tables and statements), objects.h (typed
 * access), writer.h (how writes are grouped).
 */
#ifndef MRP_STORE_STORE_H
#define MRP_STORE_STORE_H

#include "../base/err.h"

enum store_type { ST_NULL, ST_INT, ST_TEXT, ST_BLOB };

/* An argument or a column. Text and blobs are borrowed; columns live until the next step of their statement. */
struct store_datum {
	enum store_type type;
	int64_t i;
	const void *p;
	size_t n;
};

enum { STORE_COLUMNS_MAX = 12 };

struct store_row {
	struct store_datum col[STORE_COLUMNS_MAX];
};

struct store_statement {
	const char *name, *sql;
	const char *postgres; /* where the two cannot agree; NULL: as sql */
	/* For store_many in PostgreSQL: arguments are arrays, and the first column says which of their elements, from 1, a
	 * row belongs to; the order of rows does not matter. NULL: sql, sent many times without waiting. */
	const char *postgres_many;
};

/* migrations[i] takes a database from schema version i to i + 1, in one transaction. */
struct store_migration {
	const char *sqlite, *postgres;
};

struct store_schema {
	int32_t application_id; /* marks our files, so that another program's database is not taken for ours */
	const struct store_migration *migrations;
	size_t n_migrations;
	const struct store_statement *statements;
	size_t n_statements;
	int busy_timeout_ms; /* how long to wait for another process that writes */
};

enum store_step {
	STORE_BEGIN,
	STORE_TRY_BEGIN,
	STORE_COMMIT,
	STORE_ROLLBACK,
	STORE_SAVEPOINT,
	STORE_RELEASE,
	STORE_RELEASE_UNSEEN, /* see transaction() */
	STORE_ROLLBACK_TO
};

enum {
	STORE_MIGRATE = 1 << 0, /* create the database when it is not there, bring it to the newest schema */
	STORE_READ = 1 << 1,    /* the connection only reads */
};

/* Row `i` of a store_many: the first row that the i-th list of arguments gave, NULL when there was none. -1 ends it. */
typedef int store_each_fn(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err);

/* A store_many that is asked together with others; no list of arguments may be too many for one turn (10,000 or so). */
struct store_question {
	unsigned statement;
	const struct store_datum *args;
	size_t n_args, n;
	store_each_fn *each;
	void *ctx;
};

struct store_ops;
struct ahead;

/* What each module's connection begins with. */
struct store_conn {
	const struct store_ops *ops;
	struct ahead *ahead; /* ahead.h; NULL: nothing is asked ahead. Whoever sets it frees it. */
};

struct store_ops {
	const char *scheme; /* "sqlite" in "sqlite:./mrprober.sqlite" */
	/* Other processes, perhaps of another version, may use the database now: its schema changes only when a person asks
	 * for it, not because a service starts. */
	bool shared;
	/* Open a database and check it: MRP_ELOCKED when another process holds it, else MRP_EFAILED or MRP_EOS with a
	 * message that names the database. The schema must outlive the connection. */
	int (*open)(struct store_conn **out, const char *url, const struct store_schema *schema, unsigned flags,
		struct mrp_err *err);
	void (*close)(struct store_conn *conn);
	/* The schema version of the database at `url`; 0 when there is none yet. Changes nothing. */
	int (*version)(int64_t *out, const char *url, const struct store_schema *schema, struct mrp_err *err);
	/* Start a statement; then step until it returns 0. At most one run of a statement goes on at a time. */
	int (*start)(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args,
		struct mrp_err *err);
	/* 1 with a row, 0 at the end, -1 on error: MRP_ENOSPC, MRP_EBUSY (locked, read-only or unreachable now),
	 * MRP_EFAILED. */
	int (*step)(struct store_conn *conn, unsigned statement, struct store_row *row, struct mrp_err *err);
	/* End a statement, also before its last row. Harmless when it is not running. */
	void (*finish)(struct store_conn *conn, unsigned statement);
	/* Run a statement whose rows do not matter. Inside a transaction it may only be sent: that it failed is then said by
	 * a later call of the same transaction, at the latest by STORE_RELEASE or STORE_COMMIT. NULL: start, step, finish. */
	int (*run)(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args,
		struct mrp_err *err);
	/* What store_many does. NULL: one after the other. */
	int (*many)(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
		store_each_fn *each, void *ctx, struct mrp_err *err);
	/* STORE_BEGIN takes the write lock, waiting for other processes for some seconds. STORE_TRY_BEGIN does not
	 * wait: MRP_EBUSY. When STORE_COMMIT fails because the connection was lost, nobody knows whether it was done.
	 * STORE_RELEASE_UNSEEN is STORE_RELEASE, but it may only be sent: that a statement of the savepoint failed is then
	 * said by a later call, after which nothing can be saved of the transaction. */
	int (*transaction)(struct store_conn *conn, enum store_step step, struct mrp_err *err);
	/* STORE_BEGIN (`wait`) or STORE_TRY_BEGIN and questions, all in one turn. NULL: it would save nothing. */
	int (*begin_asking)(struct store_conn *conn, bool wait, const struct store_question *questions, size_t n,
		struct mrp_err *err);
	/* False too when an error made the database end the transaction by itself. */
	bool (*in_transaction)(struct store_conn *conn);
	int64_t (*size_bytes)(struct store_conn *conn);
	/* Copy the database at `url` to a new file, while others use it; `*bytes` is its size. Never replaces a file without
	 * `force` (MRP_EEXISTS). `stop` is asked now and then, and may end it: MRP_EINTERRUPTED. NULL: the database has a
	 * tool of its own for that. */
	int (*backup)(int64_t *bytes, const char *url, const struct store_schema *schema, const char *path, bool force,
		bool (*stop)(void), struct mrp_err *err);
};

/* The module for the URL's scheme. NULL with MRP_EUSAGE when there is none. */
const struct store_ops *store_ops_for(const char *url, struct mrp_err *err);

/* Overwrite the password in a URL, as far as one can be made out, so that `ps` does not show it. */
void store_url_hide(char *url);

/* How a service opens a database that it may have to make. */
static inline unsigned store_service_flags(const struct store_ops *ops)
{
	return ops->shared ? 0 : STORE_MIGRATE;
}

static inline struct store_datum store_int(int64_t i)
{
	return (struct store_datum){ ST_INT, i, NULL, 0 };
}

static inline struct store_datum store_blob(const void *p, size_t n)
{
	return (struct store_datum){ ST_BLOB, 0, p, n };
}

static inline struct store_datum store_text_n(const char *s, size_t n)
{
	return (struct store_datum){ ST_TEXT, 0, s, n };
}

/* NULL becomes SQL's NULL. */
static inline struct store_datum store_text(const char *s)
{
	return (struct store_datum){ s ? ST_TEXT : ST_NULL, 0, s, s ? strlen(s) : 0 };
}

#define STORE_ARGS(...)                                \
	((const struct store_datum[]){ __VA_ARGS__ }), \
		(sizeof((const struct store_datum[]){ __VA_ARGS__ }) / sizeof(struct store_datum))

static inline int store_start(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n, struct mrp_err *err)
{
	return conn->ops->start(conn, statement, args, n, err);
}

static inline int store_step(struct store_conn *conn, unsigned statement, struct store_row *row, struct mrp_err *err)
{
	return conn->ops->step(conn, statement, row, err);
}

static inline void store_finish(struct store_conn *conn, unsigned statement)
{
	conn->ops->finish(conn, statement);
}

/* Run a statement whose rows, if any, do not matter. */
int store_run(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n, struct mrp_err *err);
/* The first row: 1, 0 when there is none, -1. After 1 the caller ends the statement by store_finish, when it has taken
 * what it wants from `row`. */
int store_first(struct store_row *row, struct store_conn *conn, unsigned statement, const struct store_datum *args,
	size_t n, struct mrp_err *err);
/* The whole number in the first column of the first row, or `absent` when there is no row. */
int store_number(int64_t *out, int64_t absent, struct store_conn *conn, unsigned statement,
	const struct store_datum *args, size_t n, struct mrp_err *err);

/* Run a statement once for each of `n` lists of `n_args` arguments, which stand one behind the other; `each` gets the
 * first row of each. Asking for many at once saves waiting for one answer before the next question. `each` must not use
 * the connection. */
int store_many(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	store_each_fn *each, void *ctx, struct mrp_err *err);

/* A column's text, "" for NULL; always NUL-terminated. */
static inline const char *store_col_text(const struct store_row *row, int i)
{
	return row->col[i].type == ST_NULL ? "" : (const char *)row->col[i].p;
}

#endif
