/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-commit [-t SECONDS] DATABASE SLUGS-FILE
 *
 * How many durable commits a second one writer gets from SQLite on this disk: each commit
 * updates one row of 1.5 KB, WAL, synchronous=FULL, one prepared statement, nothing else.
 * It is the floor of a server that promises that an answered write is on disk, and does not
 * let writers share a commit.
 */
#include "floordb.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	double seconds = 2, start, now;
	char row[ROW_BYTES + 1], patch[64];
	sqlite3_stmt *update;
	struct lines slugs;
	long commits = 0;
	sqlite3 *db;
	int opt;

	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't')
			return 64;
		seconds = parse_seconds("-t", optarg);
	}
	if (argc - optind != 2)
		die_usage("usage: floor-commit [-t SECONDS] DATABASE SLUGS-FILE");
	lines_read(&slugs, argv[optind + 1]);
	db = floordb_create(argv[optind], &slugs);
	update = floordb_prepare(db, FLOORDB_UPDATE);

	start = now_seconds();
	do {
		const char *slug = slugs.line[(size_t)commits * 7919 % slugs.n];

		snprintf(patch, sizeof(patch), "{\"n\":%ld}", commits);
		row_format(row, slug, patch);
		if (floordb_update(update, slug, row) != SQLITE_DONE)
			die("cannot update '%s': %s", slug, sqlite3_errmsg(db));
		commits++;
		now = now_seconds();
	} while (now - start < seconds);

	sqlite3_finalize(update);
	sqlite3_close(db);
	lines_release(&slugs);
	printf("commits_per_second=%.0f commits=%ld seconds=%.3f\n", (double)commits / (now - start), commits,
		now - start);
	return 0;
}
