/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_backup.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"

enum {
	PAGES_AT_ONCE = 2048, /* between two looks at whether to stop */
	RETRY_MS = 50,
	RETRIES_MAX = 200,
};

/* The new file under its first name. */
struct draft {
	char *path; /* NULL when it has its last name */
	sqlite3 *db;
};

static void draft_release(struct draft *draft)
{
	sqlite3_close(draft->db);
	if (draft->path) {
		cleanup(freep) char *journal = xasprintf("%s-journal", draft->path);

		unlink(journal);
		unlink(draft->path);
	}
	free(draft->path);
}

static int fail(struct mrp_err *err, sqlite3 *db, const char *what, const char *path)
{
	int code = sqlite3_errcode(db) & 0xff;

	if (code == SQLITE_FULL || sqlite3_extended_errcode(db) == SQLITE_IOERR_WRITE)
		return mrp_err_set(err, MRP_ENOSPC, "%s '%s': no room on the disk", what, path);
	return mrp_err_set(err, MRP_EFAILED, "%s '%s': %s", what, path, sqlite3_errmsg(db));
}

static int run(sqlite3 *db, const char *sql, const char *what, const char *path, struct mrp_err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(err, db, what, path);
}

static int create_draft(struct draft *draft, const char *path, struct mrp_err *err)
{
	draft->path = xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(draft->path, O_CLOEXEC); /* mode 0600 */

	if (fd < 0) {
		freep(&draft->path);
		return mrp_err_errno(err, "cannot create backup '%s'", path);
	}
	close(fd);
	if (sqlite3_open_v2(draft->path, &draft->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail(err, draft->db, "cannot open backup", draft->path);
	return 0;
}

/* Page by page. `from` is in a transaction, so that what others write meanwhile does not make it begin again. */
static int copy_pages(
	struct draft *draft, sqlite3 *from, const char *path, bool (*stop)(void), struct mrp_err *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(draft->db, "main", from, "main");
	int r = SQLITE_OK, retries = 0;

	if (!backup)
		return fail(err, draft->db, "cannot write backup", path);
	while (r == SQLITE_OK || ((r == SQLITE_BUSY || r == SQLITE_LOCKED) && retries++ < RETRIES_MAX)) {
		if (stop && stop())
			break;
		if (r != SQLITE_OK)
			sqlite3_sleep(RETRY_MS);
		r = sqlite3_backup_step(backup, PAGES_AT_ONCE);
	}
	sqlite3_backup_finish(backup); /* leaves the error in draft->db */
	if (r == SQLITE_DONE)
		return 0;
	if (r == SQLITE_OK || ((r == SQLITE_BUSY || r == SQLITE_LOCKED) && retries <= RETRIES_MAX))
		return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted");
	return fail(err, draft->db, "cannot write backup", path);
}

static int on_check(void *ctx, int n, char **columns, char **names)
{
	struct strbuf *said = ctx;

	(void)names;
	if (n && columns[0])
		strbuf_addf(said, "%s%s", said->len ? "; " : "", columns[0]);
	return 0;
}

/* Opened anew, as somebody who needs the copy would. */
static int verify(const char *draft_path, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf said = STRBUF_INIT;
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(draft_path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_exec(db, "PRAGMA integrity_check(10)", on_check, &said, NULL);
	if (r != SQLITE_OK)
		fail(err, db, "cannot verify backup", path);
	else if (!streq(said.buf, "ok"))
		r = mrp_err_set(err, MRP_EFAILED, "backup '%s' is damaged: %s", path, said.buf);
	sqlite3_close(db);
	return r == SQLITE_OK ? 0 : -1;
}

static int sync_folder_of(const char *path, struct mrp_err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup(freep) char *folder = slash ? xstrndup(path, MAX((size_t)(slash - path), 1)) : xstrdup(".");
	cleanup(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? mrp_err_errno(err, "cannot sync folder '%s'", folder) : 0;
}

/* On the disk first, then its name. */
static int publish(int64_t *bytes, struct draft *draft, const char *path, bool force, struct mrp_err *err)
{
	cleanup(fd_closep) int fd = open(draft->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		return mrp_err_errno(err, "cannot write backup '%s'", path);
	if (renameat2(AT_FDCWD, draft->path, AT_FDCWD, path, force ? 0 : RENAME_NOREPLACE) < 0) {
		if (errno == EEXIST)
			return mrp_err_set(err, MRP_EEXISTS, "'%s' is already there (--force replaces it)", path);
		return mrp_err_errno(err, "cannot create backup '%s'", path);
	}
	freep(&draft->path);
	*bytes = st.st_size;
	return sync_folder_of(path, err);
}

static int check_target(sqlite3 *from, const char *path, bool force, struct mrp_err *err)
{
	cleanup(freep) char *wal = xasprintf("%s-wal", path);
	struct stat target, source;

	if (stat(sqlite3_db_filename(from, "main"), &source) == 0 && stat(path, &target) == 0 &&
		source.st_dev == target.st_dev && source.st_ino == target.st_ino)
		return mrp_err_set(err, MRP_EREFUSED, "'%s' is the database itself", path);
	if (access(wal, F_OK) == 0)
		return mrp_err_set(err, MRP_EREFUSED, "'%s' is a database in use: '%s' belongs to it", path, wal);
	if (lstat(path, &target) < 0)
		return 0;
	if (!force)
		return mrp_err_set(err, MRP_EEXISTS, "'%s' is already there (--force replaces it)", path);
	return S_ISREG(target.st_mode) ? 0 : mrp_err_set(err, MRP_EREFUSED, "'%s' is no regular file", path);
}

int sqlite_backup_to(
	int64_t *bytes, sqlite3 *from, const char *path, bool force, bool (*stop)(void), struct mrp_err *err)
{
	cleanup(draft_release) struct draft draft = { NULL, NULL };

	if (check_target(from, path, force, err) < 0 || create_draft(&draft, path, err) < 0)
		return -1;
	/* reading anything fixes what this transaction sees */
	if (run(from, "BEGIN; SELECT count(*) FROM sqlite_schema", "cannot read database",
		    sqlite3_db_filename(from, "main"), err) < 0)
		return -1;
	int r = copy_pages(&draft, from, path, stop, err);
	sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
	/* without a write-ahead log: one file is easier to keep, and to read from a place that cannot be written */
	if (r < 0 || run(draft.db, "PRAGMA journal_mode = DELETE", "cannot write backup", path, err) < 0)
		return -1;
	sqlite3_close(draft.db);
	draft.db = NULL;
	return verify(draft.path, path, err) < 0 || publish(bytes, &draft, path, force, err) < 0 ? -1 : 0;
}
