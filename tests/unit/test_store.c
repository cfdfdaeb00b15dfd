/* SPDX-License-Identifier: Apache-2.0 */
/* The database behind struct store_ops, SQLite and PostgreSQL alike: arguments, migrations, locks, group commit; and
 * what only files can do: what is refused and how, a full disk. */
#include <sys/stat.h>

#include "postgres.h"
#include "scratch.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "../../lib/base/file.h"
#include "../../lib/store/objects.h"
#include "../../lib/store/writer.h"

enum { T_INSERT, T_GET, T_COUNT, T_BLOB, T_REVERSED, T_AFTER, T_GET_MANY, T_STATEMENTS };

static bool on_postgres; /* which of the two is tested now */

static const struct store_statement statements[T_STATEMENTS] = {
	[T_INSERT] = { "insert", "INSERT INTO t (k, v) VALUES ($1, $2)" },
	[T_GET] = { "get", "SELECT v FROM t WHERE k = $1" },
	[T_COUNT] = { "count", "SELECT count(*) FROM t" },
	[T_BLOB] = { "blob", "SELECT CAST($1 AS BLOB), NULL, 7, 'text'", "SELECT CAST($1 AS bytea), NULL, 7, 'text'" },
	[T_REVERSED] = { "reversed", "SELECT CAST($2 AS BIGINT) - CAST($1 AS BIGINT)" },
	/* in PostgreSQL by arrays */
	[T_GET_MANY] = { "get_many", "SELECT v FROM t WHERE k = $1",
		.postgres_many = "SELECT i, v FROM unnest($1::text[]) WITH ORDINALITY AS list (a, i) JOIN t ON k = a ORDER BY i DESC" },
	[T_AFTER] = { "after", "SELECT k FROM t WHERE k > $1 ORDER BY k" },
};

static const struct store_migration migrations[] = {
	{ "CREATE TABLE t (k TEXT UNIQUE, v INTEGER)", "CREATE TABLE t (k text COLLATE \"C\" UNIQUE, v bigint)" },
	{ "INSERT INTO t VALUES ('from-migration-2', 2)", "INSERT INTO t VALUES ('from-migration-2', 2)" },
	{ "INSERT INTO no_such_table VALUES (1)", "INSERT INTO no_such_table VALUES (1)" },
};

static struct store_schema schema(size_t version)
{
	return (struct store_schema){ .application_id = 0x1234,
		.migrations = migrations,
		.n_migrations = version,
		.statements = statements,
		.n_statements = T_STATEMENTS,
		.busy_timeout_ms = 50 };
}

static const char *url_of(const char *name)
{
	static char url[200];

	if (on_postgres)
		return postgres_database(name);
	snprintf(url, sizeof(url), "sqlite:%s/%s", scratch, name);
	return url;
}

static const char *path_of(const char *name)
{
	return url_of(name) + strlen("sqlite:");
}

static struct store_conn *must_open(const char *name, const struct store_schema *s, unsigned flags)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct store_conn *conn = NULL;
	const struct store_ops *ops = store_ops_for(url_of(name), &err);

	if (!ops || ops->open(&conn, url_of(name), s, flags, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	return conn;
}

static void assert_refused(
	const char *name, const struct store_schema *s, unsigned flags, enum mrp_errcode code, const char *part)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct store_conn *conn;
	const struct store_ops *ops = store_ops_for(url_of(name), &err);

	assert_non_null(ops);
	if (ops->open(&conn, url_of(name), s, flags, &err) == 0)
		fail_msg("'%s' was opened", name);
	if (err.code != code || !strstr(err.msg, part))
		fail_msg("'%s': error %d, '%s'; wanted %d with '%s'", name, err.code, err.msg, code, part);
	mrp_err_clear(&err);
}

static int64_t number(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t i;

	if (store_number(&i, -1, conn, statement, args, n, &err) < 0)
		fail_msg("%s", err.msg);
	return i;
}

static void write_text(const char *path, const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (replace_file(path, text, strlen(text), 0600, &err) < 0)
		fail_msg("%s", err.msg);
}

static void test_urls(void **state)
{
	static const char *const bad[] = { "", "sqlite", "mysql://x", "postgres", "postgresql", "/tmp/x.sqlite" };
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_null(store_ops_for(bad[i], &err));
		assert_int_equal(err.code, MRP_EUSAGE);
	}
	/* a password in a URL stays out of messages */
	assert_null(store_ops_for("mysql://user:hunter2@host/db", &err));
	assert_null(strstr(err.msg, "hunter2"));
	mrp_err_clear(&err);
	struct store_schema s = schema(1);
	struct store_conn *conn;
	const struct store_ops *ops = store_ops_for("sqlite:x", &err);
	assert_int_equal(ops->open(&conn, "sqlite:", &s, STORE_MIGRATE, &err), -1);
	assert_int_equal(err.code, MRP_EUSAGE);
	assert_int_equal(ops->open(&conn, "sqlite::memory:", &s, STORE_MIGRATE, &err), -1);
	assert_int_equal(err.code, MRP_EUSAGE);
	mrp_err_clear(&err);
}

static void test_arguments_and_columns(void **state)
{
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("args", &s, STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;
	struct store_row row;

	(void)state;
	/* $2 is the second argument wherever it stands */
	assert_int_equal(number(conn, T_REVERSED, STORE_ARGS(store_int(1), store_int(10))), 9);
	assert_int_equal(store_first(&row, conn, T_BLOB, STORE_ARGS(store_blob("a\0b", 3)), &err), 1);
	assert_int_equal(row.col[0].type, ST_BLOB);
	assert_int_equal(row.col[0].n, 3);
	assert_memory_equal(row.col[0].p, "a\0b", 3);
	assert_int_equal(row.col[1].type, ST_NULL);
	assert_string_equal(store_col_text(&row, 1), "");
	assert_int_equal(row.col[2].i, 7);
	assert_string_equal(store_col_text(&row, 3), "text");
	store_finish(conn, T_BLOB);
	/* an empty blob is not NULL */
	assert_int_equal(store_first(&row, conn, T_BLOB, STORE_ARGS(store_blob(NULL, 0)), &err), 1);
	assert_int_equal(row.col[0].type, ST_BLOB);
	assert_int_equal(row.col[0].n, 0);
	store_finish(conn, T_BLOB);
	conn->ops->close(conn);
}

/* Text is ordered by its bytes, whatever the database's own order is. */
static void test_order(void **state)
{
	static const char *const sorted[] = { "A", "B", "a", "a-a", "a0", "aa", "b", "\xc3\xa4" };
	static const size_t mixed[] = { 3, 0, 7, 5, 2, 6, 1, 4 };
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("order", &s, STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;
	struct store_row row;
	size_t i = 1;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(mixed); k++)
		assert_int_equal(store_run(conn, T_INSERT, STORE_ARGS(store_text(sorted[mixed[k]]), store_text(NULL)), &err), 0);
	assert_int_equal(store_start(conn, T_AFTER, STORE_ARGS(store_text("A")), &err), 0);
	while (store_step(conn, T_AFTER, &row, &err) == 1)
		assert_string_equal(store_col_text(&row, 0), sorted[i++]);
	store_finish(conn, T_AFTER);
	assert_int_equal(i, ARRAY_SIZE(sorted));
	conn->ops->close(conn);
}

struct seen {
	size_t n, absent;
	int64_t sum;
};

static int see(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct seen *seen = ctx;

	assert_int_equal(i, seen->n++);
	seen->absent += !row;
	seen->sum += row ? row->col[0].i : 0;
	return i == 290 ? mrp_err_set(err, MRP_ERANGE, "far enough") : 0;
}

static void check_many(unsigned statement, const char *name)
{
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open(name, &s, STORE_MIGRATE);
	struct store_datum args[600];
	struct mrp_err err = MRP_ERR_INIT;
	struct seen seen = { 0 };
	char keys[300][8];

	for (size_t i = 0; i < 300; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		args[2 * i] = store_text(keys[i]);
		args[2 * i + 1] = store_int((int64_t)i);
	}
	assert_int_equal(conn->ops->transaction(conn, STORE_BEGIN, &err), 0);
	for (size_t i = 0; i < 300; i += 2)
		assert_int_equal(store_run(conn, T_INSERT, &args[2 * i], 2, &err), 0);
	assert_int_equal(conn->ops->transaction(conn, STORE_COMMIT, &err), 0);
	for (size_t i = 0; i < 300; i++)
		args[i] = store_text(keys[i]);
	assert_int_equal(store_many(conn, statement, args, 1, 290, see, &seen, &err), 0);
	assert_int_equal(seen.n, 290);
	assert_int_equal(seen.absent, 145);
	assert_int_equal(seen.sum, 144 * 145);
	seen = (struct seen){ 0 };
	assert_int_equal(store_many(conn, statement, args, 1, 300, see, &seen, &err), -1);
	assert_int_equal(err.code, MRP_ERANGE);
	assert_int_equal(seen.n, 291);
	assert_int_equal(store_many(conn, statement, args, 1, 0, see, &seen, &err), 0);
	assert_int_equal(number(conn, T_GET, STORE_ARGS(store_text("k4"))), 4); /* nothing is left over */
	conn->ops->close(conn);
	mrp_err_clear(&err);
}

static void test_many(void **state)
{
	(void)state;
	check_many(T_GET, "many");
	check_many(T_GET_MANY, "many-arrays");
}

static void test_mode(void **state)
{
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("mode", &s, STORE_MIGRATE);
	struct stat st;

	(void)state;
	conn->ops->close(conn);
	assert_int_equal(stat(path_of("mode"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600); /* it will hold secrets */
}

/* What `ps` may show of a URL. */
static void test_hidden_passwords(void **state)
{
	static const struct { const char *url, *shown; } cases[] = {
		{ "sqlite:a:b@c", "sqlite:a:b@c" },
		{ "", "" },
		{ "postgresql://", "postgresql://" },
		{ "postgresql://h:5432/d", "postgresql://h:5432/d" },
		{ "postgresql://u@h:5432/d", "postgresql://u@h:5432/d" },
		{ "postgresql://u:p@h:5432/d", "postgresql://u:x@h:5432/d" },
		{ "postgres://u:pw@:/d@h/x", "postgres://u:xxxxxx@h/x" },
		{ "postgresql:///d?password=pw&user=u", "postgresql:///d?password=xx&user=u" },
		{ "postgresql://u@h/d?a=b&sslpassword=p@w", "postgresql://u@h/d?a=b&sslpassword=xxx" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(freep) char *url = xstrdup(cases[i].url);

		store_url_hide(url);
		if (!streq(url, cases[i].shown))
			fail_msg("'%s': '%s' instead of '%s'", cases[i].url, url, cases[i].shown);
	}
}

static void test_refused_files(void **state)
{
	struct store_schema s1 = schema(1), s2 = schema(2), other = schema(2);
	struct store_conn *conn = must_open("newer", &s2, STORE_MIGRATE);

	(void)state;
	write_text(path_of("text"),
		"this is no database, just a text that is longer than a header of one hundred bytes "
		"would be, so that it is read as one\n");
	assert_refused("text", &s1, STORE_MIGRATE, MRP_EFAILED, "is not an SQLite database");
	assert_refused("no-folder/db", &s1, STORE_MIGRATE, MRP_EOS, "No such file or directory");
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	assert_refused("folder", &s1, STORE_MIGRATE, MRP_EOS, "directory");
	conn->ops->close(conn);
	assert_refused("newer", &s1, STORE_MIGRATE, MRP_EFAILED, "newer than the 1");
	other.application_id = 0x999;
	assert_refused("newer", &other, STORE_MIGRATE, MRP_EFAILED, "of another program");
}

static void test_migrations(void **state)
{
	struct store_schema s1 = schema(1), s2 = schema(2), broken = schema(3);
	struct mrp_err err = MRP_ERR_INIT;
	int64_t version;

	(void)state;
	struct store_conn *conn = must_open("old", &s1, STORE_MIGRATE);
	assert_int_equal(store_run(conn, T_INSERT, STORE_ARGS(store_text("kept"), store_int(1)), &err), 0);
	conn->ops->close(conn);

	/* only with STORE_MIGRATE */
	assert_refused("old", &s2, 0, MRP_EFAILED, "api migrate");
	conn = must_open("old", &s2, STORE_MIGRATE);
	assert_int_equal(number(conn, T_GET, STORE_ARGS(store_text("kept"))), 1);
	assert_int_equal(number(conn, T_GET, STORE_ARGS(store_text("from-migration-2"))), 2);
	assert_int_equal(conn->ops->version(&version, url_of("old"), &s2, &err), 0);
	assert_int_equal(version, 2);
	conn->ops->close(conn);

	/* a migration that fails changes nothing */
	assert_refused("old", &broken, STORE_MIGRATE, MRP_EFAILED, "cannot migrate to schema version 3");
	conn = must_open("old", &s2, 0);
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 2);
	conn->ops->close(conn);
}

static int n_copies;
static char copy_name[300];

static int count_copies(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	if (strstr(path, "/copied.v1-") && ends_with(path, ".bak")) {
		n_copies++;
		snprintf(copy_name, sizeof(copy_name), "%s", path + strlen(scratch) + 1);
	}
	return 0;
}

static void test_migration_keeps_a_copy(void **state)
{
	struct store_schema s1 = schema(1), s2 = schema(2);
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	struct store_conn *conn = must_open("copied", &s1, STORE_MIGRATE);
	assert_int_equal(store_run(conn, T_INSERT, STORE_ARGS(store_text("old"), store_int(5)), &err), 0);
	conn->ops->close(conn);
	nftw(scratch, count_copies, 16, FTW_PHYS);
	assert_int_equal(n_copies, 0); /* a new database needs none */
	conn = must_open("copied", &s2, STORE_MIGRATE);
	conn->ops->close(conn);
	nftw(scratch, count_copies, 16, FTW_PHYS);
	assert_int_equal(n_copies, 1);
	conn = must_open(copy_name, &s1, 0);
	assert_int_equal(number(conn, T_GET, STORE_ARGS(store_text("old"))), 5);
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 1);
	conn->ops->close(conn);
}

static void test_locked(void **state)
{
	struct store_schema s = schema(1);
	struct store_conn *one = must_open("locked", &s, STORE_MIGRATE), *two = must_open("locked", &s, 0);
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_int_equal(one->ops->transaction(one, STORE_BEGIN, &err), 0);
	assert_int_equal(two->ops->transaction(two, STORE_BEGIN, &err), -1);
	assert_int_equal(err.code, MRP_EBUSY);
	assert_non_null(strstr(err.msg, "locked by another process"));
	assert_int_equal(number(two, T_COUNT, NULL, 0), 0); /* reads go on */
	assert_int_equal(one->ops->transaction(one, STORE_COMMIT, &err), 0);
	assert_int_equal(two->ops->transaction(two, STORE_BEGIN, &err), 0);
	assert_int_equal(two->ops->transaction(two, STORE_ROLLBACK, &err), 0);
	two->ops->close(two);
	one->ops->close(one);
	mrp_err_clear(&err);
}

static void test_readers_do_not_write(void **state)
{
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("reader", &s, STORE_MIGRATE), *reader = must_open("reader", &s, STORE_READ);
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_int_equal(store_run(reader, T_INSERT, STORE_ARGS(store_text("a"), store_int(1)), &err), -1);
	assert_int_equal(err.code, MRP_EBUSY);
	assert_int_equal(store_run(conn, T_INSERT, STORE_ARGS(store_text("a"), store_int(1)), &err), 0);
	assert_int_equal(number(reader, T_COUNT, NULL, 0), 1);
	reader->ops->close(reader);
	conn->ops->close(conn);
	mrp_err_clear(&err);
}

/* The writer */

struct test_job {
	struct write_job job;
	const char *key;
	pthread_mutex_t *wait_for; /* taken while the job runs */
	bool fail, done;
};

static int run_test_job(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	struct test_job *t = (struct test_job *)job;

	if (t->wait_for) {
		pthread_mutex_lock(t->wait_for);
		pthread_mutex_unlock(t->wait_for);
	}
	if (store_run(conn, T_INSERT, STORE_ARGS(store_text(t->key), store_int(1)), err) < 0)
		return -1;
	return t->fail ? mrp_err_set(err, MRP_EINVALID, "no") : 0;
}

static void test_job_done(struct write_job *job)
{
	((struct test_job *)job)->done = true;
}

static void test_group_commit(void **state)
{
	static const char *const keys[] = { "a", "b", "bad", "c", "a" /* there already */, "d" };
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("group", &s, STORE_MIGRATE);
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	struct test_job jobs[ARRAY_SIZE(keys)] = { 0 };
	struct test_job first = {
		.job = { .run = run_test_job, .done = test_job_done }, .key = "first", .wait_for = &gate
	};

	(void)state;
	struct writer *writer = writer_start(conn, NULL, 0);
	pthread_mutex_lock(&gate);
	writer_submit(writer, &first.job);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		jobs[i] = (struct test_job){ .job = { .run = run_test_job, .done = test_job_done },
			.key = keys[i],
			.fail = streq(keys[i], "bad") };
		writer_submit(writer, &jobs[i].job);
	}
	pthread_mutex_unlock(&gate);
	struct test_job last = { .job = { .run = run_test_job }, .key = "last" };
	struct mrp_err err = MRP_ERR_INIT;
	assert_int_equal(writer_run(writer, &last.job, &err), 0);
	struct writer_counts counts = writer_counts(writer);
	assert_true(counts.commits <= 3); /* the first alone or not, the others together */
	writer_stop(writer);
	assert_true(first.done);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		bool bad = i == 2 || i == 4;

		assert_true(jobs[i].done);
		assert_int_equal(jobs[i].job.err.code != MRP_OK, bad);
		assert_int_equal(jobs[i].job.failed, bad);
		mrp_err_clear(&jobs[i].job.err);
	}
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 6); /* first a b c d last */
	assert_int_equal(number(conn, T_GET, STORE_ARGS(store_text("bad"))), -1);
	conn->ops->close(conn);
}

static void test_writing_at_once(void **state)
{
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("at-once", &s, STORE_MIGRATE), *other = must_open("at-once", &s, 0);
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	struct writer *writer = writer_start(conn, NULL, 0);
	struct test_job good = { .job = { .run = run_test_job, .done = test_job_done }, .key = "good" };
	while (!writer_run_here(writer, &good.job)) /* the thread may still be starting */
		sched_yield();
	assert_true(good.done);
	assert_int_equal(good.job.err.code, MRP_OK);
	assert_int_equal(number(other, T_GET, STORE_ARGS(store_text("good"))), 1);
	struct test_job bad = { .job = { .run = run_test_job, .done = test_job_done }, .key = "bad", .fail = true };
	assert_true(writer_run_here(writer, &bad.job));
	assert_true(bad.done && bad.job.failed);
	assert_int_equal(bad.job.err.code, MRP_EINVALID);
	assert_int_equal(number(other, T_GET, STORE_ARGS(store_text("bad"))), -1);

	/* not while another process writes: the job is untouched then */
	struct test_job late = { .job = { .run = run_test_job, .done = test_job_done }, .key = "late" };
	assert_int_equal(other->ops->transaction(other, STORE_BEGIN, &err), 0);
	assert_false(writer_run_here(writer, &late.job));
	assert_false(late.done);
	assert_int_equal(other->ops->transaction(other, STORE_ROLLBACK, &err), 0);

	/* nor while the writer itself works */
	struct test_job slow = {
		.job = { .run = run_test_job, .done = test_job_done }, .key = "slow", .wait_for = &gate
	};
	pthread_mutex_lock(&gate);
	writer_submit(writer, &slow.job);
	assert_false(writer_run_here(writer, &late.job));
	pthread_mutex_unlock(&gate);
	assert_int_equal(writer_run(writer, &late.job, &err), 0);
	writer_stop(writer);
	assert_true(slow.done);
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 3);
	mrp_err_clear(&bad.job.err);
	other->ops->close(other);
	conn->ops->close(conn);
}

static void test_tick(void **state)
{
	struct store_schema s = schema(1);
	struct store_conn *conn = must_open("tick", &s, STORE_MIGRATE);
	struct test_job tick = { .job = { .run = run_test_job, .done = test_job_done }, .key = "tick" };
	struct test_job other = { .job = { .run = run_test_job }, .key = "other" };
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	struct writer *writer = writer_start(conn, &tick.job, 3600000);
	assert_int_equal(writer_run(writer, &other.job, &err), 0);
	writer_stop(writer);
	assert_true(tick.done);
	assert_int_equal(number(conn, T_GET, STORE_ARGS(store_text("tick"))), 1);
	conn->ops->close(conn);
}

static int run_fill(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	static char content[400000];
	uint8_t hash[SHA256_BYTES];

	(void)job;
	content[0]++;
	sha256_of(hash, content, sizeof(content));
	return blob_put(conn, hash, content, sizeof(content), 0, err) < 0 ? -1 : 0;
}

/* A file size limit stands for a full disk: write(2) fails in the same places. */
static void test_full_disk(void **state)
{
	struct store_conn *conn = must_open("full", &store_schema, STORE_MIGRATE);
	struct store_conn *reader = must_open("full", &store_schema, STORE_READ);
	struct rlimit before, small;
	struct write_job job = { .run = run_fill };
	struct mrp_err err = MRP_ERR_INIT;
	int64_t revision;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	struct writer *writer = writer_start(conn, NULL, 0);
	assert_int_equal(writer_run(writer, &job, &err), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 500000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = writer_run(writer, &job, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(r, -1);
	if (err.code != MRP_ENOSPC)
		fail_msg("error %d: %s", err.code, err.msg);
	assert_int_equal(store_meta(&revision, NULL, reader, &err), 0); /* reads go on */
	assert_int_equal(writer_run(writer, &job, &err), 0);            /* and so do writes when there is room again */
	writer_stop(writer);
	reader->ops->close(reader);
	conn->ops->close(conn);
	mrp_err_clear(&err);
}

static bool usable(struct store_conn *conn, const uint8_t sha256[SHA256_BYTES], int64_t now_s)
{
	struct mrp_err err = MRP_ERR_INIT;
	bool is;

	assert_int_equal(blobs_usable(&is, conn, sha256, 1, now_s, &err), 0);
	return is;
}

static void test_blob_life(void **state)
{
	struct store_conn *conn = must_open("blobs", &store_schema, STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;
	struct arena arena = ARENA_INIT;
	uint8_t used[SHA256_BYTES], idle[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	int64_t removed, size, day = BLOB_LIFE_S, start = 1000000;

	(void)state;
	sha256_of(used, "used", 4);
	sha256_of(idle, "idle", 4);
	sha256_to_hex(hex, used);
	assert_int_equal(blob_put(conn, used, "used", 4, start, &err), 1);
	assert_int_equal(blob_put(conn, idle, "idle", 4, start, &err), 1);
	assert_int_equal(blob_put(conn, idle, "idle", 4, start, &err), 0);
	struct value *object = value_object(&arena);
	value_set(&arena, object, "initial_values", value_string(&arena, hex));
	assert_int_equal(object_set_refs(conn, KIND_RECIPE, "r", object, start, &err), 0);

	assert_int_equal(blob_sweep(&removed, conn, start + day - 1, 100, &err), 0);
	assert_int_equal(removed, 0);
	assert_true(usable(conn, idle, start + 10));
	assert_false(usable(conn, idle, start + day - 10)); /* too late to build on it */
	assert_true(usable(conn, used, start + 10 * day));
	assert_int_equal(blob_sweep(&removed, conn, start + day + 1, 100, &err), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(blob_get(NULL, &size, conn, idle, &err), 0);
	assert_int_equal(blob_get(NULL, &size, conn, used, &err), 1);
	assert_int_equal(size, 4);
	/* its day begins when the last reference goes */
	assert_int_equal(object_remove(conn, KIND_RECIPE, "r", start + 5 * day, &err), 0);
	assert_int_equal(blob_sweep(&removed, conn, start + 6 * day - 1, 100, &err), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(blob_sweep(&removed, conn, start + 6 * day + 1, 100, &err), 0);
	assert_int_equal(removed, 1);
	conn->ops->close(conn);
	arena_release(&arena);
}

static int use_postgres(void **state)
{
	(void)state;
	on_postgres = true;
	return 0;
}

#define BOTH                                                                                                           \
	cmocka_unit_test(test_arguments_and_columns), cmocka_unit_test(test_order), cmocka_unit_test(test_many),       \
		cmocka_unit_test(test_migrations), cmocka_unit_test(test_locked),                                      \
		cmocka_unit_test(test_readers_do_not_write), cmocka_unit_test(test_group_commit),                      \
		cmocka_unit_test(test_writing_at_once), cmocka_unit_test(test_tick), cmocka_unit_test(test_blob_life)

int main(void)
{
	const struct CMUnitTest sqlite[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_hidden_passwords),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_migration_keeps_a_copy),
		cmocka_unit_test(test_full_disk),
		BOTH,
	};
	const struct CMUnitTest postgres[] = { BOTH };
	int failed = cmocka_run_group_tests(sqlite, scratch_make, scratch_remove);

	if (postgres_server())
		failed += cmocka_run_group_tests(postgres, use_postgres, postgres_drop_databases);
	return failed;
}
