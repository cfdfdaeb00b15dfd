/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of the floors: one table of 1.5 KB rows in SQLite, WAL, synchronous=FULL,
 * everything else as SQLite has it. A table with row numbers and an index on the slug: a row
 * then fits its page, where a table WITHOUT ROWID puts each of them on two, which was measured
 * to cost a quarter of the commits and 40% of the reads over HTTP.
 */
#ifndef BENCH_FLOORDB_H
#define BENCH_FLOORDB_H

#include "common.h"

#include <sqlite3.h>

#define FLOORDB_READ "SELECT revision, doc FROM prober WHERE slug = ?1"
#define FLOORDB_PAGE "SELECT slug, doc FROM prober WHERE slug > ?1 ORDER BY slug LIMIT ?2"
#define FLOORDB_UPDATE "UPDATE prober SET revision = revision + 1, doc = ?1 WHERE slug = ?2"

/* Make the file anew with one row per slug. Ends the program when it cannot. */
sqlite3 *floordb_create(const char *path, const struct lines *slugs);

sqlite3_stmt *floordb_prepare(sqlite3 *db, const char *sql);

/* One commit. Returns SQLITE_DONE, or what went wrong. */
int floordb_update(sqlite3_stmt *update, const char *slug, const char *row);

#endif
