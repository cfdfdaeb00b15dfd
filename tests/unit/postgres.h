/* SPDX-License-Identifier: Apache-2.0 */
/* A database of the test's own in the server that tests/run.sh has started (MRP_TEST_POSTGRES). */
#ifndef MRP_TESTS_POSTGRES_H
#define MRP_TESTS_POSTGRES_H

#include <libpq-fe.h>
#include <unistd.h>

#include "unit.h"

#include "../../lib/base/strbuf.h"

/* NULL when there is no server, which is said once. */
static inline const char *postgres_server(void)
{
	static bool said;
	const char *url = getenv("MRP_TEST_POSTGRES");

	if ((!url || !*url) && !said) {
		print_message(
			"[  SKIPPED ] PostgreSQL: there is no server (MRP_TEST_POSTGRES; tests/run.sh starts one)\n");
		said = true;
	}
	return url && *url ? url : NULL;
}

/* The first column of the first row as a number, -1 when there is none. */
static inline long postgres_ask(const char *database, const char *sql)
{
	cleanup(freep) char *url = xasprintf("%s/%s", postgres_server(), database);
	PGconn *db = PQconnectdb(url);
	PGresult *result = PQexec(db, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s: %s", database, sql, PQerrorMessage(db));
	long n = PQntuples(result) && !PQgetisnull(result, 0, 0) ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : -1;
	PQclear(result);
	PQfinish(db);
	return n;
}

/* The URL of the database of this name; it is made, empty, when it is not there. Until the next call. */
static inline const char *postgres_database(const char *name)
{
	static char url[300];
	cleanup(freep) char *there =
		xasprintf("SELECT 1 FROM pg_database WHERE datname = 'unit-%d-%s'", (int)getpid(), name);
	cleanup(freep) char *make = xasprintf("CREATE DATABASE \"unit-%d-%s\" TEMPLATE template0", (int)getpid(), name);

	if (postgres_ask("postgres", there) < 0)
		postgres_ask("postgres", make);
	snprintf(url, sizeof(url), "%s/unit-%d-%s", postgres_server(), (int)getpid(), name);
	return url;
}

static inline int postgres_drop_databases(void **state)
{
	cleanup(freep) char *list =
		xasprintf("SELECT datname FROM pg_database WHERE datname LIKE 'unit-%d-%%'", (int)getpid());
	cleanup(freep) char *url = xasprintf("%s/postgres", postgres_server());
	PGconn *db = PQconnectdb(url);
	PGresult *names = PQexec(db, list);

	(void)state;
	for (int i = 0; i < PQntuples(names); i++) {
		cleanup(freep) char *drop = xasprintf("DROP DATABASE \"%s\" WITH (FORCE)", PQgetvalue(names, i, 0));

		PQclear(PQexec(db, drop));
	}
	PQclear(names);
	PQfinish(db);
	return 0;
}

#endif
