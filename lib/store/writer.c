/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <stdatomic.h>
#include <time.h>

#include "../base/log.h"
#include "../base/thread.h"

enum { GROUP_MAX = 1024 }; /* jobs in one transaction: bounds how long the first of them waits */

struct writer {
	struct store_conn *conn;
	pthread_t thread;
	atomic_uint_fast64_t commits, jobs;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct write_job *first, **last;
	bool stopping, asleep;
	bool working;        /* somebody uses conn, and what follows */
	bool waits_for_idle; /* the thread has work, but another one is working */
	struct write_job *tick;
	int64_t tick_ms;
	struct timespec next_tick;
};

static void add_ms(struct timespec *t, int64_t ms)
{
	t->tv_sec += ms / 1000;
	t->tv_nsec += ms % 1000 * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
}

static bool tick_due(struct writer *writer)
{
	struct timespec now;

	if (!writer->tick)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec < writer->next_tick.tv_sec ||
		(now.tv_sec == writer->next_tick.tv_sec && now.tv_nsec < writer->next_tick.tv_nsec))
		return false;
	writer->next_tick = now;
	add_ms(&writer->next_tick, writer->tick_ms);
	return true;
}

/* Up to GROUP_MAX jobs as a list; NULL when the writer stops and nothing is left. */
static struct write_job *take_group(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		if (!writer->working && !writer->stopping && tick_due(writer)) {
			writer->working = true;
			pthread_mutex_unlock(&writer->lock);
			writer->tick->next = NULL;
			return writer->tick;
		}
		if (!writer->working && (writer->first || writer->stopping))
			break;
		writer->asleep = true;
		writer->waits_for_idle = writer->working;
		if (writer->tick && !writer->working)
			pthread_cond_timedwait(&writer->more, &writer->lock, &writer->next_tick);
		else
			pthread_cond_wait(&writer->more, &writer->lock);
		writer->asleep = writer->waits_for_idle = false;
	}
	struct write_job *group = writer->first, **end = &writer->first;
	for (int n = 0; *end && n < GROUP_MAX; n++)
		end = &(*end)->next;
	writer->first = *end;
	*end = NULL;
	if (!writer->first)
		writer->last = &writer->first;
	writer->working = group != NULL;
	pthread_mutex_unlock(&writer->lock);
	return group;
}

static void run_job(struct writer *writer, struct write_job *job)
{
	job->failed = job->run(job, writer->conn, &job->err) < 0;
	if (job->failed && job->err.code == MRP_OK)
		BUG("a write failed without an error");
}

/* In a savepoint, so that a failure takes back this job alone. False when the transaction cannot go on: the database
 * may have ended it by itself, as it does on a full disk. */
static bool run_in_savepoint(struct writer *writer, struct write_job *job)
{
	struct store_conn *conn = writer->conn;
	const struct store_ops *ops = conn->ops;
	struct mrp_err err = MRP_ERR_INIT;

	enum store_step release = job->late ? STORE_RELEASE_UNSEEN : STORE_RELEASE;
	int64_t revision = ahead_revision(conn);

	if (ops->transaction(conn, STORE_SAVEPOINT, &job->err) < 0)
		return ops->in_transaction(conn);
	run_job(writer, job);
	/* a database may say only now that one of its statements failed */
	if (!job->failed && ops->transaction(conn, release, &job->err) < 0)
		job->failed = true;
	else if (!job->failed)
		return true;
	if (revision >= 0)
		ahead_set_revision(conn, revision);
	bool good = ops->in_transaction(conn) && ops->transaction(conn, STORE_ROLLBACK_TO, &err) == 0 &&
		ops->transaction(conn, STORE_RELEASE, &err) == 0;
	mrp_err_clear(&err);
	return good;
}

/* Nothing of the group was written: those that thought they had succeeded get `why`. */
static void fail_group(struct write_job *group, const struct mrp_err *why)
{
	for (struct write_job *job = group; job; job = job->next) {
		if (job->err.code == MRP_OK)
			mrp_err_set(&job->err, why->code, "%s", why->msg);
	}
}

/* As STORE_BEGIN or STORE_TRY_BEGIN; what the jobs will ask for first is asked at once, where that saves turns. */
static int begin(struct writer *writer, const struct write_job *group, bool wait, struct mrp_err *err)
{
	struct store_conn *conn = writer->conn;

	if (!ahead_useful(conn))
		return conn->ops->transaction(conn, wait ? STORE_BEGIN : STORE_TRY_BEGIN, err);
	for (const struct write_job *job = group; job; job = job->next) {
		if (job->foresee)
			job->foresee(job, conn->ahead);
	}
	return ahead_begin(conn, wait, err);
}

/* `begun`: the transaction has begun already. */
static void run_group(struct writer *writer, struct write_job *group, bool begun)
{
	const struct store_ops *ops = writer->conn->ops;
	struct mrp_err err = MRP_ERR_INIT, ignored = MRP_ERR_INIT;
	bool whole = begun || begin(writer, group, true, &err) == 0;

	for (struct write_job *job = group; job; job = job->next) {
		mrp_err_clear(&job->err);
		job->failed = false;
	}
	if (whole && !group->next) { /* alone, so the transaction is its savepoint */
		run_job(writer, group);
		whole = !group->failed;
	}
	for (struct write_job *job = group; job && whole && group->next; job = job->next) {
		whole = run_in_savepoint(writer, job);
		if (!whole)
			mrp_err_set(&err, job->err.code, "%s", job->err.msg);
	}
	if (whole)
		whole = ahead_finish(writer->conn, &err) == 0 &&
			ops->transaction(writer->conn, STORE_COMMIT, &err) == 0;
	if (!whole) {
		if (ops->in_transaction(writer->conn))
			ops->transaction(writer->conn, STORE_ROLLBACK, &ignored);
		fail_group(group, &err);
	}
	ahead_end(writer->conn);
	mrp_err_clear(&err);
	mrp_err_clear(&ignored);
}

static void stop_working(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->working = false;
	bool wake = writer->waits_for_idle;
	pthread_mutex_unlock(&writer->lock);
	if (wake)
		pthread_cond_signal(&writer->more);
}

static void answer_group(struct writer *writer, struct write_job *group)
{
	uint64_t n = 0;

	for (struct write_job *job = group, *next; job; job = next, n++) {
		next = job->next; /* done() may free the job */
		if (job == writer->tick && job->err.code)
			log_warning("periodic clean-up: %s", job->err.msg);
		if (job->done)
			job->done(job);
	}
	atomic_fetch_add(&writer->commits, 1);
	atomic_fetch_add(&writer->jobs, n);
	stop_working(writer);
}

static void *writer_loop(void *arg)
{
	struct writer *writer = arg;

	for (struct write_job *group; (group = take_group(writer));) {
		run_group(writer, group, false);
		answer_group(writer, group);
	}
	return NULL;
}

struct writer *writer_start(struct store_conn *conn, struct write_job *tick, int64_t tick_ms)
{
	struct writer *writer = xcalloc(1, sizeof(*writer));

	writer->conn = conn;
	writer->tick = tick;
	writer->tick_ms = tick_ms;
	writer->last = &writer->first;
	clock_gettime(CLOCK_MONOTONIC, &writer->next_tick);
	pthread_mutex_init(&writer->lock, NULL);
	cond_init_monotonic(&writer->more);
	if (pthread_create(&writer->thread, NULL, writer_loop, writer))
		BUG("cannot start a thread");
	return writer;
}

void writer_submit(struct writer *writer, struct write_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&writer->lock);
	if (writer->stopping)
		BUG("a write was submitted after the writer was stopped");
	*writer->last = job;
	writer->last = &job->next;
	bool wake = writer->asleep && !writer->waits_for_idle;
	pthread_mutex_unlock(&writer->lock);
	if (wake) /* without the lock, which it would only have to wait for */
		pthread_cond_signal(&writer->more);
}

bool writer_run_here(struct writer *writer, struct write_job *job)
{
	struct mrp_err err = MRP_ERR_INIT;

	pthread_mutex_lock(&writer->lock);
	bool idle = !writer->working && !writer->first && !writer->stopping;
	if (idle)
		writer->working = true;
	pthread_mutex_unlock(&writer->lock);
	if (!idle)
		return false;
	/* waiting for another process is the writer's own business */
	job->next = NULL;
	if (begin(writer, job, false, &err) < 0) {
		mrp_err_clear(&err);
		stop_working(writer);
		return false;
	}
	run_group(writer, job, true);
	answer_group(writer, job);
	return true;
}

struct waiting_job {
	struct write_job job;
	struct write_job *inner;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
};

static int run_inner(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	struct write_job *inner = ((struct waiting_job *)job)->inner;

	return inner->run(inner, conn, err);
}

static void inner_done(struct write_job *job)
{
	struct waiting_job *waiting = (struct waiting_job *)job;

	pthread_mutex_lock(&waiting->lock);
	waiting->done = true;
	pthread_cond_signal(&waiting->answered);
	pthread_mutex_unlock(&waiting->lock);
}

int writer_run(struct writer *writer, struct write_job *job, struct mrp_err *err)
{
	struct waiting_job waiting = { .job = { .run = run_inner, .done = inner_done },
		.inner = job,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.answered = PTHREAD_COND_INITIALIZER };

	writer_submit(writer, &waiting.job);
	pthread_mutex_lock(&waiting.lock);
	while (!waiting.done)
		pthread_cond_wait(&waiting.answered, &waiting.lock);
	pthread_mutex_unlock(&waiting.lock);
	job->failed = waiting.job.failed;
	return waiting.job.err.code == MRP_OK ? 0 : mrp_err_move(err, &waiting.job.err);
}

void writer_stop(struct writer *writer)
{
	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->more);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	pthread_cond_destroy(&writer->more);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

struct writer_counts writer_counts(struct writer *writer)
{
	return (struct writer_counts){ atomic_load(&writer->commits), atomic_load(&writer->jobs) };
}
