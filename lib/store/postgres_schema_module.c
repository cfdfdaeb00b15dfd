/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table mrprober_schema says whose the tables beside it are, and of which version. A schema (of PostgreSQL) that
 * has tables but not this one is not ours to fill. Migrations run in one transaction under a lock, so that of two that
 * are started at once the second finds nothing left to do.
 */
#include <inttypes.h>
#include <libpq-fe.h>

#include "postgres.h"

/* The first two columns of the only row; absent: 0. */
static int ask(int64_t out[2], struct postgres *c, const char *sql, struct mrp_err *err)
{
	PGresult *result = PQexec(c->db, sql);
	int r = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : pg_fail(c, result, err);

	for (int i = 0; i < 2 && r == 0; i++)
		out[i] = PQntuples(result) && PQnfields(result) > i && !PQgetisnull(result, 0, i)
			? (int64_t)strtoll(PQgetvalue(result, 0, i), NULL, 10)
			: 0;
	PQclear(result);
	return r;
}

static int exec(struct postgres *c, const char *sql, struct mrp_err *err)
{
	PGresult *result = PQexec(c->db, sql);
	ExecStatusType status = PQresultStatus(result);
	int r = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : pg_fail(c, result, err);

	PQclear(result);
	return r;
}

int pg_schema_check(int64_t *version, struct postgres *c, struct mrp_err *err)
{
	int64_t found[2], row[2] = { 0, 0 };

	/* by the catalogue: a name alone would also find a table further down the search path */
	if (ask(found, c,
		    "SELECT max(oid::bigint) FILTER (WHERE relname = 'mrprober_schema'), count(*) FROM pg_class"
		    " WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
		    " AND relkind IN ('r', 'p', 'v', 'm', 'f')",
		    err) < 0)
		return -1;
	if (found[0] && ask(row, c, "SELECT application_id, version FROM mrprober_schema", err) < 0)
		return -1;
	if (found[1] && row[0] != c->schema->application_id)
		return mrp_err_set(err, MRP_EFAILED, "database '%s' is that of another program", c->label);
	*version = row[1];
	if (*version > (int64_t)c->schema->n_migrations)
		return mrp_err_set(err, MRP_EFAILED,
			"database '%s' has schema version %" PRId64
			", which is newer than the %zu that mrprober " MRP_VERSION " knows",
			c->label, *version, c->schema->n_migrations);
	/* locks belong to a database, which may hold several schemas */
	snprintf(c->lock, sizeof(c->lock), "SELECT pg_advisory_xact_lock(%" PRId32 ", %" PRId32 ")",
		c->schema->application_id, (int32_t)found[0]);
	snprintf(c->try_lock, sizeof(c->try_lock), "SELECT pg_try_advisory_xact_lock(%" PRId32 ", %" PRId32 ")",
		c->schema->application_id, (int32_t)found[0]);
	return 0;
}

static int run_migrations(struct postgres *c, struct mrp_err *err)
{
	int64_t version, target = (int64_t)c->schema->n_migrations;
	cleanup(freep) char *begin = xasprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '60s';"
					       "SELECT pg_advisory_xact_lock(%" PRId32 ", 0)",
		c->schema->application_id);
	cleanup(freep) char *mark = xasprintf(
		"CREATE TABLE IF NOT EXISTS mrprober_schema (application_id bigint NOT NULL, version bigint NOT NULL);"
		"DELETE FROM mrprober_schema; INSERT INTO mrprober_schema VALUES (%" PRId32 ", %" PRId64 ")",
		c->schema->application_id, target);

	if (exec(c, begin, err) < 0 || pg_schema_check(&version, c, err) < 0)
		return -1;
	/* nobody writes now; the lock is another one than that of migrations, as it depends on the table */
	if (version && exec(c, c->lock, err) < 0)
		return -1;
	for (; version < target; version++) {
		const char *sql = c->schema->migrations[version].postgres;

		if (!sql)
			BUG("migration %" PRId64 " has no text for PostgreSQL", version + 1);
		if (exec(c, sql, err) < 0)
			return mrp_err_wrap(err, "cannot migrate to schema version %" PRId64, version + 1);
	}
	return exec(c, mark, err);
}

int pg_schema_migrate(struct postgres *c, struct mrp_err *err)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	if (run_migrations(c, err) == 0 && exec(c, "COMMIT", err) == 0)
		return 0;
	if (c->db)
		exec(c, "ROLLBACK", &ignored);
	mrp_err_clear(&ignored);
	return -1;
}
