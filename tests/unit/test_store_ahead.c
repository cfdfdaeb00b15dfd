/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer asks before its jobs run, and jobs whose statements may fail late. On SQLite nothing is asked and
 * nothing is late, and the outcome is the same but for one thing: what fails late takes its group with it. */
#include "postgres.h"
#include "scratch.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "../../lib/store/writer.h"

static bool on_postgres;

static struct store_conn *must_open(const char *name, unsigned flags)
{
	cleanup(freep) char *file = xasprintf("sqlite:%s/%s", scratch, name);
	const char *url = on_postgres ? postgres_database(name) : file;
	struct mrp_err err = MRP_ERR_INIT;
	const struct store_ops *ops = store_ops_for(url, &err);
	struct store_conn *conn = NULL;

	if (!ops || ops->open(&conn, url, &store_schema, flags, &err) < 0)
		fail_msg("%s", err.msg);
	return conn;
}

static struct object_row row_of(const char *slug, int64_t revision)
{
	return (struct object_row){ .kind = KIND_PROBER,
		.slug = slug,
		.revision = revision,
		.labels = "{}",
		.body = "{}",
		.secret = streq(slug, "secret") ? "{\"secret\":1}" : NULL };
}

static void must_insert(struct store_conn *conn, const char *slug, int64_t revision)
{
	const struct object_row row = row_of(slug, revision);
	struct mrp_err err = MRP_ERR_INIT;

	if (object_insert(conn, &row, &err) < 0)
		fail_msg("%s", err.msg);
}

static int64_t revision_of(struct store_conn *conn, const char *slug)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct arena arena = ARENA_INIT;
	struct object_row row;
	int there = object_info(&row, &arena, conn, KIND_PROBER, slug, &err);

	assert_true(there >= 0);
	arena_release(&arena);
	return there ? row.revision : -1;
}

static int64_t stored_revision(struct store_conn *conn)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t revision;

	assert_int_equal(store_meta(&revision, NULL, conn, &err), 0);
	return revision;
}

static bool blob_is(const struct store_conn *conn, const char *content, enum ahead_blob state)
{
	uint8_t sha256[SHA256_BYTES];

	sha256_of(sha256, content, strlen(content));
	return ahead_blob(conn, sha256) == state;
}

static void want_all(struct ahead *ahead)
{
	static const char *const contents[] = { "uploaded", "missing", "uploaded" };
	uint8_t sha256[SHA256_BYTES];

	ahead_want_object(ahead, KIND_PROBER, "there");
	ahead_want_object(ahead, KIND_PROBER, "absent");
	ahead_want_object(ahead, KIND_CLUSTER, "there");
	ahead_want_object(ahead, KIND_PROBER, "there");
	ahead_want_object(ahead, KIND_PROBER, "secret");
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		sha256_of(sha256, contents[i], strlen(contents[i]));
		ahead_want_blob(ahead, sha256);
	}
	ahead_want_lease(ahead, "mine;fence=1", 4);
	ahead_want_lease(ahead, "mine", 4);
	ahead_want_lease(ahead, "nobody's", 8);
}

static void must_run(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (store_run(conn, statement, args, n, &err) < 0)
		fail_msg("%s", err.msg);
}

static void must_put(struct store_conn *conn, const char *content, int expected)
{
	struct mrp_err err = MRP_ERR_INIT;
	uint8_t sha256[SHA256_BYTES];

	sha256_of(sha256, content, strlen(content));
	assert_int_equal(blob_put(conn, sha256, content, strlen(content), 1000, &err), expected);
}

static void fill(struct store_conn *conn)
{
	must_insert(conn, "there", 1);
	must_insert(conn, "secret", 2);
	must_put(conn, "uploaded", 1);
	must_run(conn, SQL_LEASE_TAKE,
		STORE_ARGS(store_text("mine"), store_int(5), store_text("me"), store_int(10), store_int(20)));
	must_run(conn, SQL_META_SET_ENVIRONMENT, STORE_ARGS(store_text("testing")));
}

static void check_answers(struct store_conn *conn)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct arena arena = ARENA_INIT;
	struct object_row row;

	assert_int_equal(ahead_object(conn, KIND_PROBER, "there")->revision, 1);
	assert_null(ahead_object(conn, KIND_PROBER, "absent")->slug);
	assert_null(ahead_object(conn, KIND_CLUSTER, "there")->slug);
	assert_null(ahead_object(conn, KIND_PROBER, "never-asked"));
	assert_int_equal(object_load(&row, &arena, conn, KIND_PROBER, "secret", &err), 1);
	assert_string_equal(row.body, "{\"secret\":1}");
	assert_int_equal(object_info(&row, &arena, conn, KIND_PROBER, "absent", &err), 0);
	assert_true(blob_is(conn, "uploaded", BLOB_THERE) && blob_is(conn, "missing", BLOB_ABSENT));
	assert_true(blob_is(conn, "never asked", BLOB_UNKNOWN));
	assert_int_equal(ahead_lease(conn, "mine")->fence, 5);
	assert_string_equal(ahead_lease(conn, "mine")->holder, "me");
	assert_null(ahead_lease(conn, "nobody's")->name);
	assert_null(ahead_lease(conn, "never-asked"));
	assert_string_equal(ahead_environment(conn), "testing");
	arena_release(&arena);
}

static void check_no_answers(struct store_conn *conn)
{
	assert_null(ahead_object(conn, KIND_PROBER, "there"));
	assert_null(ahead_object(conn, KIND_PROBER, "absent"));
	assert_true(blob_is(conn, "uploaded", BLOB_UNKNOWN));
	assert_null(ahead_lease(conn, "mine"));
	assert_null(ahead_environment(conn));
	assert_int_equal(ahead_revision(conn), -1);
}

/* What the transaction changes is asked again. */
static void check_changes(struct store_conn *conn)
{
	struct object_row row = row_of("there", 7);
	struct mrp_err err = MRP_ERR_INIT;

	assert_int_equal(object_update(conn, &row, &err), 0);
	must_insert(conn, "absent", 8);
	assert_int_equal(object_remove(conn, KIND_PROBER, "secret", 1, &err), 0);
	assert_null(ahead_object(conn, KIND_PROBER, "there"));
	assert_int_equal(revision_of(conn, "there"), 7);
	assert_int_equal(revision_of(conn, "absent"), 8);
	assert_int_equal(revision_of(conn, "secret"), -1);
	must_put(conn, "uploaded", 0);
	must_put(conn, "missing", 1);
	assert_true(blob_is(conn, "missing", BLOB_UNKNOWN));
	must_put(conn, "missing", 0);
	assert_int_equal(store_set_environment(conn, "other", &err), 0);
	cleanup(strbuf_release) struct strbuf environment = STRBUF_INIT;
	assert_int_equal(store_meta(NULL, &environment, conn, &err), 0);
	assert_string_equal(environment.buf, "other");
}

static void test_answers(void **state)
{
	struct store_conn *conn = must_open("answers", STORE_MIGRATE), *other = must_open("answers", 0);
	struct ahead *ahead = ahead_new();
	struct mrp_err err = MRP_ERR_INIT;
	int64_t revision;

	(void)state;
	fill(conn);
	conn->ahead = ahead;
	assert_int_equal(ahead_useful(conn), on_postgres);
	check_no_answers(conn);
	if (!on_postgres)
		goto out;

	want_all(ahead);
	assert_int_equal(ahead_begin(conn, true, &err), 0);
	check_answers(conn);
	check_changes(conn);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(store_next_revision(&revision, conn, &err), 0);
		assert_int_equal(revision, i);
	}
	assert_int_equal(stored_revision(conn), 2);
	assert_int_equal(stored_revision(other), 0);
	assert_int_equal(ahead_finish(conn, &err), 0);
	assert_int_equal(conn->ops->transaction(conn, STORE_COMMIT, &err), 0);
	ahead_end(conn);
	assert_int_equal(stored_revision(other), 2);
	check_no_answers(conn);

	/* no lock, no transaction, no answers */
	assert_int_equal(other->ops->transaction(other, STORE_BEGIN, &err), 0);
	want_all(ahead);
	assert_int_equal(ahead_begin(conn, false, &err), -1);
	assert_int_equal(err.code, MRP_EBUSY);
	assert_non_null(strstr(err.msg, "locked by another process"));
	assert_false(conn->ops->in_transaction(conn));
	check_no_answers(conn);
	assert_int_equal(other->ops->transaction(other, STORE_ROLLBACK, &err), 0);
	assert_int_equal(ahead_begin(conn, false, &err), 0);
	assert_int_equal(ahead_revision(conn), 2);
	assert_int_equal(conn->ops->transaction(conn, STORE_ROLLBACK, &err), 0);
out:
	conn->ops->close(conn);
	other->ops->close(other);
	ahead_free(ahead);
	mrp_err_clear(&err);
}

/* Each has an answer of its own, and those of very many are not asked for. */
static void test_many_answers(void **state)
{
	enum { N = 1000, WANTED = 64 /* of the first; of the others the answer is not known */ };
	struct store_conn *conn = must_open("many-answers", STORE_MIGRATE);
	struct ahead *ahead = ahead_new();
	struct mrp_err err = MRP_ERR_INIT;
	static char slugs[N][16];

	(void)state;
	assert_int_equal(conn->ops->transaction(conn, STORE_BEGIN, &err), 0);
	for (size_t i = 0; i < N; i++) {
		snprintf(slugs[i], sizeof(slugs[i]), "p%zu", i * 7919 % N);
		ahead_want_object(ahead, KIND_PROBER, slugs[i]);
		if (i % 3)
			must_insert(conn, slugs[i], (int64_t)i);
	}
	assert_int_equal(conn->ops->transaction(conn, STORE_COMMIT, &err), 0);
	conn->ahead = ahead;
	if (ahead_useful(conn)) {
		assert_int_equal(ahead_begin(conn, true, &err), 0);
		for (size_t i = 0; i < N; i++) {
			const struct object_row *row = ahead_object(conn, KIND_PROBER, slugs[i]);

			assert_int_equal(row != NULL, i < WANTED);
			if (row) {
				assert_int_equal(row->slug != NULL, i % 3 != 0);
				assert_int_equal(row->revision, i % 3 ? i : 0);
			}
		}
		assert_int_equal(conn->ops->transaction(conn, STORE_ROLLBACK, &err), 0);
		ahead_end(conn);
	}
	conn->ops->close(conn);
	ahead_free(ahead);
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

enum job_flags {
	FORESEEN = 1 << 0, /* it may be told late */
	CLASHES = 1 << 1,  /* its insert breaks the database's rules */
	FAILS = 1 << 2,    /* by itself, after it has written */
	READS = 1 << 3,    /* something that was not asked ahead */
};

struct group_job {
	struct write_job job;
	char slug[16];
	unsigned flags;
	pthread_mutex_t *gate; /* taken while the job runs */
	atomic_bool running;
	int64_t revision;
};

static int run_group_job(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	struct group_job *g = (struct group_job *)job;
	struct store_row row;

	atomic_store(&g->running, true);
	if (g->gate) {
		pthread_mutex_lock(g->gate);
		pthread_mutex_unlock(g->gate);
	}
	if (g->flags & READS) {
		int r = store_first(&row, conn, SQL_OBJECT_COUNTS, NULL, 0, err);

		if (r < 0)
			return -1;
		store_finish(conn, SQL_OBJECT_COUNTS);
	}
	if (store_next_revision(&g->revision, conn, err) < 0)
		return -1;
	const struct object_row object = row_of(g->flags & CLASHES ? "first" : g->slug, g->revision);
	if (object_insert(conn, &object, err) < 0)
		return -1;
	return g->flags & FAILS ? mrp_err_set(err, MRP_EINVALID, "no") : 0;
}

static void foresee_slug(const struct write_job *job, struct ahead *ahead)
{
	ahead_want_object(ahead, KIND_PROBER, ((const struct group_job *)job)->slug);
}

enum { JOBS_MAX = 5, F = FORESEEN };

static const struct group_row {
	unsigned jobs[JOBS_MAX]; /* 0 ends them; a job without flags is 16 */
	bool lost;               /* on PostgreSQL all of them fail */
} rows[] = {
	{ { F, F, F } },
	{ { F, F | FAILS, F } },
	{ { F, F | FAILS, 16, F | READS } },
	{ { F | READS, 16, F | FAILS | READS, F } },
	{ { F, CLASHES, F, 16 } },
	{ { F, 16 | FAILS, CLASHES | READS, F } },
	{ { F, F | CLASHES, F }, true },
	{ { F, F | CLASHES, F | FAILS, F }, true },
	{ { F, F | CLASHES, F | FAILS | READS, F }, true },
	{ { F, F | CLASHES, F | READS, F }, true },
	{ { F, F | CLASHES, 16, F }, true },
	{ { F, F | CLASHES, 16 | READS }, true },
	{ { F, F | CLASHES, CLASHES, F }, true },
	{ { F, F, F | CLASHES }, true },
	{ { F, F | CLASHES | READS }, true },
};

static void set_up_job(struct group_job *g, size_t i, unsigned flags)
{
	memset(g, 0, sizeof(*g));
	snprintf(g->slug, sizeof(g->slug), "job-%zu", i);
	g->flags = flags;
	g->job.run = run_group_job;
	g->job.foresee = flags & FORESEEN ? foresee_slug : NULL;
	g->job.late = flags & FORESEEN;
}

/* The jobs as one group: they wait behind one that runs until all of them are there. */
static void run_as_group(struct writer *writer, struct group_job *jobs, size_t n)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	struct group_job first, last;
	struct mrp_err err = MRP_ERR_INIT;

	set_up_job(&first, 0, FORESEEN);
	snprintf(first.slug, sizeof(first.slug), "first");
	first.gate = &gate;
	pthread_mutex_lock(&gate);
	writer_submit(writer, &first.job);
	while (!atomic_load(&first.running))
		sched_yield();
	for (size_t i = 0; i < n; i++)
		writer_submit(writer, &jobs[i].job);
	pthread_mutex_unlock(&gate);
	set_up_job(&last, 99, 0);
	if (writer_run(writer, &last.job, &err) < 0) /* perhaps in the same group, and then it may be lost with it */
		mrp_err_clear(&err);
	set_up_job(&last, 98, 0);
	if (writer_run(writer, &last.job, &err) < 0) /* nothing is left behind */
		fail_msg("%s", err.msg);
	mrp_err_clear(&first.job.err);
}

static void test_group(const struct group_row *row, size_t number)
{
	cleanup(freep) char *name = xasprintf("group-%zu", number);
	struct store_conn *conn = must_open(name, STORE_MIGRATE);
	struct group_job jobs[JOBS_MAX];
	size_t n = 0;

	for (; n < JOBS_MAX && row->jobs[n]; n++)
		set_up_job(&jobs[n], n, row->jobs[n]);
	conn->ahead = ahead_new();
	struct writer *writer = writer_start(conn, NULL, 0);
	run_as_group(writer, jobs, n);
	writer_stop(writer);
	ahead_free(conn->ahead);
	conn->ahead = NULL;
	for (size_t i = 0; i < n; i++) {
		bool bad = jobs[i].flags & (CLASHES | FAILS), lost = row->lost && on_postgres;

		if ((jobs[i].job.err.code != MRP_OK) != (bad || lost))
			fail_msg("row %zu, job %zu: %s", number, i,
				jobs[i].job.err.msg ? jobs[i].job.err.msg : "no error");
		/* answered is written, and not answered is not */
		if (!(jobs[i].flags & CLASHES))
			assert_int_equal(revision_of(conn, jobs[i].slug), bad || lost ? -1 : jobs[i].revision);
		assert_true(stored_revision(conn) >= (bad || lost ? 1 : jobs[i].revision));
		mrp_err_clear(&jobs[i].job.err);
	}
	assert_int_equal(revision_of(conn, "first"), 1);
	conn->ops->close(conn);
}

static void test_groups(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		test_group(&rows[i], i);
}

static int use_postgres(void **state)
{
	(void)state;
	on_postgres = true;
	return 0;
}

#define BOTH cmocka_unit_test(test_answers), cmocka_unit_test(test_many_answers), cmocka_unit_test(test_groups)

int main(void)
{
	const struct CMUnitTest sqlite[] = { BOTH };
	const struct CMUnitTest postgres[] = { BOTH };
	int failed = cmocka_run_group_tests(sqlite, scratch_make, scratch_remove);

	if (postgres_server())
		failed += cmocka_run_group_tests(postgres, use_postgres, postgres_drop_databases);
	return failed;
}
