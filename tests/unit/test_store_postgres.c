/* SPDX-License-Identifier: Apache-2.0 */
/* What only PostgreSQL does: failures that are told late, connections that are lost, URLs with passwords. */
#include "postgres.h"

#include <pthread.h>
#include <sched.h>

#include "../../lib/base/log.h"
#include "../../lib/store/store.h"

enum { T_INSERT, T_GET, T_COUNT, T_SHOW, T_STATEMENTS };

static const struct store_statement statements[T_STATEMENTS] = {
	[T_INSERT] = { "insert", "INSERT INTO t (k, v) VALUES ($1, $2)" },
	[T_GET] = { "get", "SELECT v FROM t WHERE k = $1" },
	[T_COUNT] = { "count", "SELECT count(*) FROM t" },
	[T_SHOW] = { "show", "SELECT current_setting($1)" },
};

static const struct store_migration migrations[] = {
	{ .postgres = "CREATE TABLE t (k text UNIQUE, v bigint)" },
};

static const struct store_schema schema = { .application_id = 0x1234,
	.migrations = migrations,
	.n_migrations = ARRAY_SIZE(migrations),
	.statements = statements,
	.n_statements = T_STATEMENTS,
	.busy_timeout_ms = 50 };

static struct store_conn *must_open(const char *name, unsigned flags)
{
	struct mrp_err err = MRP_ERR_INIT;
	const char *url = postgres_database(name);
	struct store_conn *conn = NULL;
	const struct store_ops *ops = store_ops_for(url, &err);

	if (!ops || ops->open(&conn, url, &schema, flags, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	return conn;
}

static int64_t number(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t i;

	if (store_number(&i, -1, conn, statement, args, n, &err) < 0)
		fail_msg("%s", err.msg);
	return i;
}

static int insert(struct store_conn *conn, const char *key, struct mrp_err *err)
{
	return store_run(conn, T_INSERT, STORE_ARGS(store_text(key), store_int(1)), err);
}

static void end_sessions(const char *name)
{
	cleanup(freep) char *sql = xasprintf("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
					     " WHERE datname = 'unit-%d-%s' AND application_name = 'mrprober'",
		(int)getpid(), name);

	assert_true(postgres_ask("postgres", sql) > 0);
}

#define OPS(conn, step) (conn)->ops->transaction((conn), STORE_##step, &err)

static void test_bad_urls(void **state)
{
	static const char *const bad[] = { "postgresql:", "postgresql:name", "postgres:/x",
		"postgresql://u:hunter2@h@h/d", "postgresql://u:hun/hunter2@h/d", "postgresql://u:hunter2%zz@h/d",
		"postgresql://u@h/d?no=hunter2", "postgresql://[::1:hunter2/d" };
	struct mrp_err err = MRP_ERR_INIT;
	struct store_conn *conn;
	int64_t version;

	(void)state;
	const struct store_ops *ops = store_ops_for("postgres://x", &err);
	assert_non_null(ops);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (ops->open(&conn, bad[i], &schema, 0, &err) == 0 || err.code != MRP_EUSAGE ||
			strstr(err.msg, "hunter2"))
			fail_msg("'%s': error %d, '%s'", bad[i], err.code, err.msg);
		assert_int_equal(ops->version(&version, bad[i], &schema, &err), -1);
	}
	mrp_err_clear(&err);
}

/* A statement that is only sent fails at the latest when the transaction ends, and nothing of it is done then. */
static void test_told_late(void **state)
{
	struct store_conn *conn = must_open("late", STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_int_equal(OPS(conn, BEGIN), 0);
	assert_int_equal(insert(conn, "a", &err), 0);
	assert_int_equal(insert(conn, "a", &err), 0);
	assert_int_equal(insert(conn, "b", &err), 0);
	assert_int_equal(OPS(conn, COMMIT), -1);
	assert_int_equal(err.code, MRP_EFAILED);
	assert_non_null(strstr(err.msg, "duplicate key"));
	assert_true(conn->ops->in_transaction(conn));
	assert_int_equal(OPS(conn, COMMIT), -1); /* the server would call this good */
	assert_false(conn->ops->in_transaction(conn));
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 0);

	/* by the next question already */
	int64_t n;
	assert_int_equal(OPS(conn, BEGIN), 0);
	assert_int_equal(insert(conn, "a", &err), 0);
	assert_int_equal(OPS(conn, SAVEPOINT), 0);
	assert_int_equal(insert(conn, "a", &err), 0);
	assert_int_equal(store_number(&n, -1, conn, T_COUNT, NULL, 0, &err), -1);
	assert_non_null(strstr(err.msg, "duplicate key"));
	assert_int_equal(OPS(conn, ROLLBACK_TO), 0);
	assert_int_equal(OPS(conn, RELEASE), 0);
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 1);
	assert_int_equal(OPS(conn, COMMIT), 0);

	/* outside a transaction at once */
	assert_int_equal(insert(conn, "a", &err), -1);
	conn->ops->close(conn);
	mrp_err_clear(&err);
}

static void test_lost_while_idle(void **state)
{
	struct store_conn *conn = must_open("idle", STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;

	(void)state;
	assert_int_equal(insert(conn, "a", &err), 0);
	end_sessions("idle");
	while (store_number(&n, -1, conn, T_COUNT, NULL, 0, &err) < 0) { /* mostly it succeeds the first time */
		assert_int_equal(err.code, MRP_EBUSY);
		sched_yield();
	}
	assert_int_equal(n, 1);
	conn->ops->close(conn);
	mrp_err_clear(&err);
}

/* What was begun is over with the connection: nothing of it is done outside a transaction by mistake. */
static void test_lost_in_transaction(void **state)
{
	struct store_conn *conn = must_open("begun", STORE_MIGRATE), *other = must_open("begun2", STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;

	(void)state;
	assert_int_equal(OPS(conn, BEGIN), 0);
	assert_int_equal(insert(conn, "a", &err), 0);
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 1);
	end_sessions("begun");
	assert_int_equal(store_number(&n, -1, conn, T_COUNT, NULL, 0, &err), -1);
	assert_int_equal(err.code, MRP_EBUSY);
	assert_false(conn->ops->in_transaction(conn));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(insert(conn, "b", &err), -1);
		assert_int_equal(err.code, MRP_EBUSY);
	}
	assert_int_equal(OPS(conn, COMMIT), -1);
	assert_int_equal(err.code, MRP_EBUSY);
	while (OPS(conn, BEGIN) < 0)
		sched_yield();
	assert_int_equal(number(conn, T_COUNT, NULL, 0), 0);
	assert_int_equal(OPS(conn, ROLLBACK), 0);
	other->ops->close(other);
	conn->ops->close(conn);
	mrp_err_clear(&err);
}

/* A database whose defaults would let an answered commit be lost does not get its way. */
static void test_settings(void **state)
{
	struct store_conn *conn = must_open("settings", STORE_MIGRATE);
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *sql =
		xasprintf("ALTER DATABASE \"unit-%d-settings\" SET synchronous_commit = off", (int)getpid());
	struct store_row row;

	(void)state;
	conn->ops->close(conn);
	postgres_ask("postgres", sql);
	conn = must_open("settings", 0);
	assert_int_equal(store_first(&row, conn, T_SHOW, STORE_ARGS(store_text("synchronous_commit")), &err), 1);
	assert_string_equal(store_col_text(&row, 0), "on");
	store_finish(conn, T_SHOW);
	assert_true(conn->ops->size_bytes(conn) > 1000000);
	conn->ops->close(conn);
}

static void test_refused_databases(void **state)
{
	static const struct {
		const char *name, *sql, *part;
	} cases[] = {
		{ "r1", "CREATE TABLE albums (title text)", "another program" },
		{ "r2", "CREATE TABLE mrprober_schema AS SELECT 1 AS application_id, 1 AS version", "another program" },
		{ "r3", "CREATE TABLE mrprober_schema AS SELECT 4660 AS application_id, 7 AS version",
			"newer than the 1" },
		{ "r4", "CREATE TABLE mrprober_schema (x int)", "application_id" },
	};
	struct mrp_err err = MRP_ERR_INIT;
	struct store_conn *conn;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *url = postgres_database(cases[i].name);
		cleanup(freep) char *name = xasprintf("unit-%d-%s", (int)getpid(), cases[i].name);

		postgres_ask(name, cases[i].sql);
		const struct store_ops *ops = store_ops_for(url, &err);
		if (ops->open(&conn, url, &schema, STORE_MIGRATE, &err) == 0)
			fail_msg("%s was opened", cases[i].sql);
		if (err.code != MRP_EFAILED || !strstr(err.msg, cases[i].part))
			fail_msg("%s: error %d: %s", cases[i].sql, err.code, err.msg);
		assert_int_equal(postgres_ask(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 1);
	}
	mrp_err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_told_late),
		cmocka_unit_test(test_lost_while_idle),
		cmocka_unit_test(test_lost_in_transaction),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_refused_databases),
	};

	log_set_level(LOG_ERROR);
	if (!postgres_server())
		return 77;
	return cmocka_run_group_tests(tests, NULL, postgres_drop_databases);
}
