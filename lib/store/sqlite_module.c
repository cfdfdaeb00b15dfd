/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite behind struct store_ops. The journal is WAL: readers have their own connections, see the last commit and wait
 * for nobody. synchronous=FULL: a commit that returned is on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include "../base/file.h"
#include "sqlite_backup.h"
#include "store.h"

static const char *const step_sql[] = {
	[STORE_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_TRY_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_COMMIT] = "COMMIT",
	[STORE_ROLLBACK] = "ROLLBACK",
	[STORE_SAVEPOINT] = "SAVEPOINT one",
	[STORE_RELEASE] = "RELEASE one",
	[STORE_RELEASE_UNSEEN] = "RELEASE one",
	[STORE_ROLLBACK_TO] = "ROLLBACK TO one",
};

struct sqlite_conn {
	struct store_conn conn;
	sqlite3 *db;
	char *path;
	const struct store_schema *schema;
	sqlite3_stmt **statements;
	sqlite3_stmt *steps[ARRAY_SIZE(step_sql)];
};

extern const struct store_ops sqlite_store_ops;

/* "sqlite:PATH" and "sqlite:///PATH" */
static const char *path_of(const char *url, struct mrp_err *err)
{
	const char *path = url, *rest;

	skip_prefix(url, "sqlite:", &path);
	if (skip_prefix(path, "///", &rest))
		path = rest - 1;
	if (*path && !skip_prefix(path, "//", NULL) && !streq(path, ":memory:"))
		return path;
	mrp_err_set(err, MRP_EUSAGE, "database URL '%s' names no file (use sqlite:PATH)", url);
	return NULL;
}

static int fail(const struct sqlite_conn *c, struct mrp_err *err)
{
	int code = sqlite3_extended_errcode(c->db), system_errno = sqlite3_system_errno(c->db);

	/* over a quota or a size limit, or a failing disk: SQLite does not keep errno */
	if (code == SQLITE_IOERR_WRITE && access(c->path, W_OK) < 0) /* it was writable when it was opened */
		return mrp_err_set(err, MRP_EBUSY, "database '%s' is read-only now", c->path);
	if (code == SQLITE_IOERR_WRITE)
		return mrp_err_set(err, MRP_ENOSPC, "cannot write database '%s': the disk is full or failing", c->path);
	switch (code & 0xff) {
	case SQLITE_FULL:
		return mrp_err_set(err, MRP_ENOSPC, "no room on the disk for database '%s'", c->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return mrp_err_set(err, MRP_EBUSY, "database '%s' is locked by another process", c->path);
	case SQLITE_READONLY:
		return mrp_err_set(err, MRP_EBUSY, "database '%s' is read-only", c->path);
	case SQLITE_NOTADB:
		return mrp_err_set(err, MRP_EFAILED, "'%s' is not an SQLite database", c->path);
	case SQLITE_CORRUPT:
		return mrp_err_set(err, MRP_EFAILED, "database '%s' is damaged: %s", c->path, sqlite3_errmsg(c->db));
	case SQLITE_CANTOPEN:
		return mrp_err_set(err, MRP_EOS, "cannot open database '%s': %s", c->path,
			system_errno ? strerror(system_errno) : sqlite3_errmsg(c->db));
	default:
		return mrp_err_set(err, MRP_EFAILED, "database '%s': %s%s%s", c->path, sqlite3_errmsg(c->db),
			system_errno ? ": " : "", system_errno ? strerror(system_errno) : "");
	}
}

static int exec(const struct sqlite_conn *c, const char *sql, struct mrp_err *err)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(c, err);
}

/* The first column of a query's only row. */
static int ask(int64_t *out, const struct sqlite_conn *c, const char *sql, struct mrp_err *err)
{
	sqlite3_stmt *statement = NULL;
	int r = sqlite3_prepare_v2(c->db, sql, -1, &statement, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement); /* reports the error again, so that fail() sees it */
	return r == SQLITE_ROW ? 0 : fail(c, err);
}

static void sqlite_close(struct store_conn *conn)
{
	struct sqlite_conn *c = (struct sqlite_conn *)conn;

	if (!c)
		return;
	for (size_t i = 0; c->statements && i < c->schema->n_statements; i++)
		sqlite3_finalize(c->statements[i]);
	for (size_t i = 0; i < ARRAY_SIZE(c->steps); i++)
		sqlite3_finalize(c->steps[i]);
	sqlite3_close(c->db);
	free(c->statements);
	free(c->path);
	free(c);
}

static void closep(struct sqlite_conn **c)
{
	sqlite_close((struct store_conn *)*c);
}

/* The file holds secrets of clusters: nobody but its owner reads it. SQLite gives its side files the same mode. */
static int create_file(const char *path, struct mrp_err *err)
{
	cleanup(fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd >= 0)
		return 0;
	mrp_err_errno(err,
		errno == EACCES || errno == EROFS ? "cannot write database '%s'" : "cannot open database '%s'", path);
	err->code = MRP_EOS; /* an unusable database, whatever makes it so */
	return -1;
}

static int connect_file(
	struct sqlite_conn **out, const char *url, const struct store_schema *schema, struct mrp_err *err)
{
	cleanup(closep) struct sqlite_conn *c = xcalloc(1, sizeof(*c));
	const char *path = path_of(url, err);

	if (!path)
		return -1;
	c->conn.ops = &sqlite_store_ops;
	c->schema = schema;
	c->path = xstrdup(path);
	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return fail(c, err);
	sqlite3_busy_timeout(c->db, schema->busy_timeout_ms);
	*out = steal(&c);
	return 0;
}

/* What is in the file: ours, none yet (version 0), or nothing we may touch. */
static int check_file(int64_t *version, const struct sqlite_conn *c, struct mrp_err *err)
{
	int64_t id, tables;

	if (ask(version, c, "PRAGMA user_version", err) < 0 || ask(&id, c, "PRAGMA application_id", err) < 0 ||
		ask(&tables, c, "SELECT count(*) FROM sqlite_schema", err) < 0)
		return -1;
	if (*version > (int64_t)c->schema->n_migrations)
		return mrp_err_set(err, MRP_EFAILED,
			"database '%s' has schema version %" PRId64
			", which is newer than the %zu that mrprober " MRP_VERSION " knows",
			c->path, *version, c->schema->n_migrations);
	if (id != c->schema->application_id && (tables || *version || id))
		return mrp_err_set(err, MRP_EFAILED, "'%s' is an SQLite database of another program", c->path);
	return 0;
}

/* A copy of the database as it was, beside it, before an older schema is changed. */
static int keep_copy(const struct sqlite_conn *c, int64_t version, struct mrp_err *err)
{
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	cleanup(freep) char *copy = xasprintf("%s.v%" PRId64 "-%s.bak", c->path, version, when);
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", copy);
	if (create_file(copy, err) < 0) {
		sqlite3_free(sql);
		return -1;
	}
	int r = exec(c, sql, err);
	sqlite3_free(sql);
	if (r < 0) {
		unlink(copy);
		return mrp_err_wrap(err, "cannot keep a copy '%s' before migrating", copy);
	}
	return 0;
}

static int migrate(const struct sqlite_conn *c, int64_t version, struct mrp_err *err)
{
	int64_t target = (int64_t)c->schema->n_migrations;
	cleanup(freep) char *mark =
		xasprintf("PRAGMA user_version = %" PRId64 "; PRAGMA application_id = %" PRId32 "; COMMIT", target,
			c->schema->application_id);

	if (version == target)
		return 0;
	if (version > 0 && keep_copy(c, version, err) < 0)
		return -1;
	if (exec(c, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	/* another process may have been faster */
	if (check_file(&version, c, err) < 0)
		goto rollback;
	for (; version < target; version++) {
		if (exec(c, c->schema->migrations[version].sqlite, err) < 0) {
			mrp_err_wrap(err, "cannot migrate to schema version %" PRId64, version + 1);
			goto rollback;
		}
	}
	if (exec(c, mark, err) == 0)
		return 0;
rollback:
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int prepare_one(
	struct sqlite_conn *c, sqlite3_stmt **out, const char *name, const char *sql, struct mrp_err *err)
{
	cleanup(freep) char *text = xstrdup(sql);

	/* SQLite would number $1, $2 by their first appearance; ?1, ?2 mean what PostgreSQL means by $1, $2 */
	for (char *p = text; *p; p++) {
		if (*p == '$' && p[1] >= '1' && p[1] <= '9')
			*p = '?';
	}
	if (sqlite3_prepare_v3(c->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK)
		return 0;
	fail(c, err);
	return mrp_err_wrap(err, "statement '%s'", name);
}

static int prepare_all(struct sqlite_conn *c, struct mrp_err *err)
{
	c->statements = xcalloc(c->schema->n_statements, sizeof(*c->statements));
	for (size_t i = 0; i < c->schema->n_statements; i++) {
		const struct store_statement *statement = &c->schema->statements[i];

		if (!statement->sql)
			BUG("statement %zu has no text", i);
		if (prepare_one(c, &c->statements[i], statement->name, statement->sql, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(step_sql); i++) {
		if (prepare_one(c, &c->steps[i], step_sql[i], step_sql[i], err) < 0)
			return -1;
	}
	return 0;
}

static int set_up(struct sqlite_conn *c, unsigned flags, struct mrp_err *err)
{
	int64_t version;

	if (check_file(&version, c, err) < 0)
		return -1;
	if (sqlite3_db_readonly(c->db, "main") == 1)
		return mrp_err_set(err, MRP_EFAILED, "database '%s' is read-only", c->path);
	if (exec(c,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
		    "PRAGMA cache_size = -32768; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 4000",
		    err) < 0)
		return -1;
	if ((flags & STORE_MIGRATE) && migrate(c, version, err) < 0)
		return -1;
	if (!(flags & STORE_MIGRATE) && version != (int64_t)c->schema->n_migrations)
		return mrp_err_set(err, MRP_EFAILED,
			"database '%s' has schema version %" PRId64 " instead of %zu: run 'mrprober "
			"api migrate'",
			c->path, version, c->schema->n_migrations);
	if (prepare_all(c, err) < 0)
		return -1;
	return flags & STORE_READ ? exec(c, "PRAGMA query_only = 1", err) : 0;
}

static int sqlite_open(struct store_conn **out, const char *url, const struct store_schema *schema, unsigned flags,
	struct mrp_err *err)
{
	cleanup(closep) struct sqlite_conn *c = NULL;
	const char *path = path_of(url, err);

	if (!path || ((flags & STORE_MIGRATE) && create_file(path, err) < 0))
		return -1;
	if (connect_file(&c, url, schema, err) < 0 || set_up(c, flags, err) < 0) {
		bool locked = c && err->code == MRP_EBUSY && (sqlite3_errcode(c->db) & 0xff) == SQLITE_BUSY;

		err->code = locked ? MRP_ELOCKED : err->code == MRP_EBUSY ? MRP_EFAILED : err->code;
		return -1;
	}
	*out = &steal(&c)->conn;
	return 0;
}

static int sqlite_version(int64_t *out, const char *url, const struct store_schema *schema, struct mrp_err *err)
{
	cleanup(closep) struct sqlite_conn *c = NULL;
	const char *path = path_of(url, err);

	if (!path)
		return -1;
	*out = 0;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	return connect_file(&c, url, schema, err) < 0 || check_file(out, c, err) < 0 ? -1 : 0;
}

static int bind_one(sqlite3_stmt *statement, int i, const struct store_datum *arg)
{
	switch (arg->type) {
	case ST_NULL:
		return sqlite3_bind_null(statement, i);
	case ST_INT:
		return sqlite3_bind_int64(statement, i, arg->i);
	case ST_TEXT:
		return sqlite3_bind_text64(statement, i, arg->p, arg->n, SQLITE_STATIC, SQLITE_UTF8);
	case ST_BLOB: /* a NULL pointer would bind NULL, and an empty blob is not that */
		return sqlite3_bind_blob64(statement, i, arg->n ? arg->p : "", arg->n, SQLITE_STATIC);
	}
	BUG("argument of type %d", (int)arg->type);
}

static int sqlite_start(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, struct mrp_err *err)
{
	struct sqlite_conn *c = (struct sqlite_conn *)conn;
	sqlite3_stmt *s = c->statements[statement];

	if (sqlite3_stmt_busy(s))
		BUG("statement '%s' is already running", c->schema->statements[statement].name);
	if ((int)n_args != sqlite3_bind_parameter_count(s))
		BUG("statement '%s' takes %d arguments, not %zu", c->schema->statements[statement].name,
			sqlite3_bind_parameter_count(s), n_args);
	for (size_t i = 0; i < n_args; i++) {
		if (bind_one(s, (int)i + 1, &args[i]) != SQLITE_OK)
			return fail(c, err);
	}
	return 0;
}

static void read_column(struct store_datum *out, sqlite3_stmt *s, int i)
{
	switch (sqlite3_column_type(s, i)) {
	case SQLITE_INTEGER:
		*out = store_int(sqlite3_column_int64(s, i));
		return;
	case SQLITE_NULL:
		*out = store_text(NULL);
		return;
	case SQLITE_BLOB:
		out->type = ST_BLOB;
		out->p = sqlite3_column_blob(s, i);
		break;
	default:
		out->type = ST_TEXT;
		out->p = sqlite3_column_text(s, i);
	}
	out->n = (size_t)sqlite3_column_bytes(s, i);
}

static int sqlite_step_row(struct store_conn *conn, unsigned statement, struct store_row *row, struct mrp_err *err)
{
	struct sqlite_conn *c = (struct sqlite_conn *)conn;
	sqlite3_stmt *s = c->statements[statement];
	int r = sqlite3_step(s);

	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return fail(c, err);
	int n = sqlite3_column_count(s);
	if (n > STORE_COLUMNS_MAX)
		BUG("statement '%s' has %d columns", c->schema->statements[statement].name, n);
	for (int i = 0; i < n; i++)
		read_column(&row->col[i], s, i);
	return 1;
}

static void sqlite_finish(struct store_conn *conn, unsigned statement)
{
	sqlite3_stmt *s = ((struct sqlite_conn *)conn)->statements[statement];

	sqlite3_reset(s);
	sqlite3_clear_bindings(s); /* arguments are borrowed */
}

static int sqlite_transaction(struct store_conn *conn, enum store_step step, struct mrp_err *err)
{
	struct sqlite_conn *c = (struct sqlite_conn *)conn;

	if (step == STORE_TRY_BEGIN)
		sqlite3_busy_timeout(c->db, 0);
	int r = sqlite3_step(c->steps[step]);

	if (r != SQLITE_DONE)
		fail(c, err);
	sqlite3_reset(c->steps[step]);
	if (step == STORE_TRY_BEGIN)
		sqlite3_busy_timeout(c->db, c->schema->busy_timeout_ms);
	return r == SQLITE_DONE ? 0 : -1;
}

static bool sqlite_in_transaction(struct store_conn *conn)
{
	return !sqlite3_get_autocommit(((struct sqlite_conn *)conn)->db);
}

static int64_t sqlite_size(struct store_conn *conn)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t pages = 0, page = 0;
	int r = ask(&pages, (struct sqlite_conn *)conn, "PRAGMA page_count", &err);

	if (r == 0)
		r = ask(&page, (struct sqlite_conn *)conn, "PRAGMA page_size", &err);
	mrp_err_clear(&err);
	return r < 0 ? -1 : pages * page;
}

static int sqlite_backup(int64_t *bytes, const char *url, const struct store_schema *schema, const char *path, bool force,
	bool (*stop)(void), struct mrp_err *err)
{
	cleanup(closep) struct sqlite_conn *c = NULL;
	const char *source = path_of(url, err);
	int64_t version;

	if (!source)
		return -1;
	if (access(source, F_OK) < 0)
		return mrp_err_errno(err, "cannot open database '%s'", source);
	if (connect_file(&c, url, schema, err) < 0 || check_file(&version, c, err) < 0)
		return -1;
	if (!version)
		return mrp_err_set(err, MRP_EFAILED, "database '%s' is empty", source);
	return sqlite_backup_to(bytes, c->db, path, force, stop, err);
}

const struct store_ops sqlite_store_ops = {
	.scheme = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.version = sqlite_version,
	.start = sqlite_start,
	.step = sqlite_step_row,
	.finish = sqlite_finish,
	.transaction = sqlite_transaction,
	.in_transaction = sqlite_in_transaction,
	.size_bytes = sqlite_size,
	.backup = sqlite_backup,
};
