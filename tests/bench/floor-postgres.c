/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-postgres [-t SECONDS] read|commit URL SLUGS-FILE
 *
 * What one connection to PostgreSQL does in a second when each statement waits for its answer, as a straightforward
 * program over libpq has it (PQexecPrepared): `read` one row of 1.5 KB by its slug; `commit` an update of one, by a
 * transaction of its own. Makes its table, `floor`, anew.
 */
#include "common.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void must(PGconn *db, PGresult *result, ExecStatusType wanted)
{
	if (PQresultStatus(result) != wanted)
		die("%s", PQerrorMessage(db));
	PQclear(result);
}

static void fill(PGconn *db, const struct lines *slugs)
{
	char row[ROW_BYTES + 1];

	must(db, PQexec(db, "SET client_min_messages = error; DROP TABLE IF EXISTS floor;"
			    "CREATE TABLE floor (slug text COLLATE \"C\" NOT NULL UNIQUE, revision bigint NOT NULL, doc text NOT NULL)"),
		PGRES_COMMAND_OK);
	must(db, PQprepare(db, "insert", "INSERT INTO floor VALUES ($1, 1, $2)", 0, NULL), PGRES_COMMAND_OK);
	must(db, PQexec(db, "BEGIN"), PGRES_COMMAND_OK);
	for (size_t i = 0; i < slugs->n; i++) {
		const char *values[] = { slugs->line[i], row };

		row_format(row, slugs->line[i], NULL);
		must(db, PQexecPrepared(db, "insert", 2, values, NULL, NULL, 0), PGRES_COMMAND_OK);
	}
	must(db, PQexec(db, "COMMIT"), PGRES_COMMAND_OK);
	must(db, PQexec(db, "VACUUM ANALYZE floor"), PGRES_COMMAND_OK);
	must(db, PQprepare(db, "read", "SELECT revision, doc FROM floor WHERE slug = $1", 0, NULL), PGRES_COMMAND_OK);
	must(db, PQprepare(db, "commit", "UPDATE floor SET revision = revision + 1, doc = $2 WHERE slug = $1", 0, NULL),
		PGRES_COMMAND_OK);
}

static void once(PGconn *db, int write, const char *slug, long n)
{
	char row[ROW_BYTES + 1], patch[64];
	const char *values[] = { slug, row };

	if (!write) {
		PGresult *result = PQexecPrepared(db, "read", 1, values, NULL, NULL, 1);

		if (PQntuples(result) != 1)
			die("no row for '%s': %s", slug, PQerrorMessage(db));
		PQclear(result);
		return;
	}
	snprintf(patch, sizeof(patch), "{\"n\":%ld}", n);
	row_format(row, slug, patch);
	must(db, PQexecPrepared(db, "commit", 2, values, NULL, NULL, 1), PGRES_COMMAND_OK);
}

int main(int argc, char **argv)
{
	double seconds = 2, start, now;
	struct lines slugs;
	long n = 0;
	int opt;

	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't')
			return 64;
		seconds = parse_seconds("-t", optarg);
	}
	if (argc - optind != 3)
		die_usage("usage: floor-postgres [-t SECONDS] read|commit URL SLUGS-FILE");
	int write = strcmp(argv[optind], "commit") == 0;
	lines_read(&slugs, argv[optind + 2]);
	PGconn *db = PQconnectdb(argv[optind + 1]);
	if (PQstatus(db) != CONNECTION_OK)
		die("%s", PQerrorMessage(db));
	fill(db, &slugs);

	start = now_seconds();
	do {
		once(db, write, slugs.line[(size_t)n * 7919 % slugs.n], n);
		n++;
		now = now_seconds();
	} while (now - start < seconds);

	PQfinish(db);
	lines_release(&slugs);
	printf("per_second=%.0f n=%ld seconds=%.3f\n", (double)n / (now - start), n, now - start);
	return 0;
}
