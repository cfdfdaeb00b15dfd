/* SPDX-License-Identifier: Apache-2.0 */
/* The database of the floors; see floordb.h. */
#include "floordb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("'%s': %s", sql, sqlite3_errmsg(db));
}

sqlite3_stmt *floordb_prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		die("'%s': %s", sql, sqlite3_errmsg(db));
	return stmt;
}

static void remove_old(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[4096];
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		if ((size_t)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]) >= sizeof(name))
			die("'%s' is too long", path);
		if (unlink(name) < 0 && errno != ENOENT)
			die("cannot remove '%s': %s", name, strerror(errno));
	}
}

sqlite3 *floordb_create(const char *path, const struct lines *slugs)
{
	char row[ROW_BYTES + 1];
	sqlite3_stmt *insert;
	sqlite3 *db;
	size_t i;

	remove_old(path);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die("cannot open '%s': %s", path, sqlite3_errmsg(db));
	exec(db, "PRAGMA journal_mode = WAL");
	exec(db, "PRAGMA synchronous = FULL");
	exec(db,
		"CREATE TABLE prober (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, "
		"revision INTEGER NOT NULL, doc TEXT NOT NULL)");
	exec(db, "BEGIN");
	insert = floordb_prepare(db, "INSERT INTO prober (slug, revision, doc) VALUES (?1, 1, ?2)");
	for (i = 0; i < slugs->n; i++) {
		row_format(row, slugs->line[i], NULL);
		sqlite3_bind_text(insert, 1, slugs->line[i], -1, SQLITE_STATIC);
		sqlite3_bind_text(insert, 2, row, ROW_BYTES, SQLITE_STATIC);
		if (sqlite3_step(insert) != SQLITE_DONE)
			die("cannot insert '%s': %s", slugs->line[i], sqlite3_errmsg(db));
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
	exec(db, "COMMIT");
	exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	return db;
}

int floordb_update(sqlite3_stmt *update, const char *slug, const char *row)
{
	int rc;

	sqlite3_bind_text(update, 1, row, ROW_BYTES, SQLITE_STATIC);
	sqlite3_bind_text(update, 2, slug, -1, SQLITE_STATIC);
	rc = sqlite3_step(update);
	sqlite3_reset(update);
	return rc;
}
