/* SPDX-License-Identifier: Apache-2.0 */
#include "disk_pool.h"

#include <pthread.h>
#include <signal.h>

enum { QUEUE_MAX = 1000, STACK_BYTES = 256 << 10 };

enum work_state { WORK_QUEUED, WORK_RUNNING, WORK_POSTED };

struct disk_work {
	struct loop_message message;
	struct disk_pool *pool;
	char *path;
	size_t size;
	enum work_state state;
	bool abandoned;
	struct disk_result result;
	void (*done)(void *ctx, const struct disk_result *result);
	void *ctx;
	struct disk_work *next; /* of all, oldest first */
};

/* Freed by the last one that leaves: the engine, or a thread that was left behind. */
struct disk_pool {
	pthread_mutex_t lock;
	pthread_cond_t work_there, thread_gone;
	struct loop *loop;
	struct disk_work *works;
	size_t threads, idle, queued, hanging;
	bool closing;
};

static void free_work(struct disk_work *work)
{
	struct disk_work **at = &work->pool->works;

	while (*at != work)
		at = &(*at)->next;
	*at = work->next;
	free(work->path);
	free(work);
}

static void free_pool(struct disk_pool *pool)
{
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work_there);
	pthread_cond_destroy(&pool->thread_gone);
	free(pool);
}

/* On the loop's thread. */
static void deliver(struct loop_message *message)
{
	struct disk_work *work = (struct disk_work *)message;
	struct disk_pool *pool = work->pool;
	struct disk_result result = work->result;
	void (*done)(void *ctx, const struct disk_result *result) = work->done;
	void *ctx = work->ctx;

	pthread_mutex_lock(&pool->lock);
	bool abandoned = work->abandoned;
	free_work(work);
	pthread_mutex_unlock(&pool->lock);
	if (!abandoned)
		done(ctx, &result);
}

static struct disk_work *first_queued(struct disk_pool *pool)
{
	struct disk_work *work = pool->works;

	while (work && work->state != WORK_QUEUED)
		work = work->next;
	return work;
}

/* With the lock held, which is open while the disk is waited for. */
static void do_work(struct disk_pool *pool, struct disk_work *work)
{
	work->state = WORK_RUNNING;
	pool->queued--;
	pthread_mutex_unlock(&pool->lock);
	disk_measure(&work->result, work->path, work->size);
	pthread_mutex_lock(&pool->lock);
	if (work->abandoned) {
		pool->hanging--;
		free_work(work);
		return;
	}
	work->state = WORK_POSTED;
	work->message.deliver = deliver;
	loop_post(pool->loop, &work->message);
}

static void *run(void *ctx)
{
	struct disk_pool *pool = ctx;

	pthread_setname_np(pthread_self(), "disk");
	pthread_mutex_lock(&pool->lock);
	while (!pool->closing) {
		struct disk_work *work = first_queued(pool);

		if (work) {
			do_work(pool, work);
			continue;
		}
		pool->idle++;
		pthread_cond_wait(&pool->work_there, &pool->lock);
		pool->idle--;
	}
	bool last = --pool->threads == 0 && !pool->loop;
	pthread_cond_signal(&pool->thread_gone);
	pthread_mutex_unlock(&pool->lock);
	if (last)
		free_pool(pool);
	return NULL;
}

struct disk_pool *disk_pool_new(struct loop *loop)
{
	struct disk_pool *pool = xcalloc(1, sizeof(*pool));

	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work_there, NULL);
	pthread_cond_init(&pool->thread_gone, NULL);
	pool->loop = loop;
	return pool;
}

void disk_pool_free(struct disk_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->work_there);
	while (pool->threads > pool->hanging)
		pthread_cond_wait(&pool->thread_gone, &pool->lock);
	for (struct disk_work *work = pool->works, *next; work; work = next) {
		next = work->next;
		if (work->state == WORK_POSTED) /* the loop has stopped before it was delivered */
			free_work(work);
	}
	pool->loop = NULL; /* from now on the last thread frees */
	bool last = !pool->threads;
	pthread_mutex_unlock(&pool->lock);
	if (last)
		free_pool(pool);
}

/* One more, when all are busy and there may be more. -1: there is none at all. */
static int need_thread(struct disk_pool *pool)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;

	if (pool->idle > pool->queued || pool->threads == DISK_THREADS)
		return 0;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, &attr, run, pool) == 0)
		pool->threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return pool->threads ? 0 : -1;
}

static bool hangs(const struct disk_pool *pool, const char *path)
{
	for (const struct disk_work *work = pool->works; work; work = work->next) {
		if (work->abandoned && work->state == WORK_RUNNING && streq(work->path, path))
			return true;
	}
	return false;
}

static void append(struct disk_pool *pool, struct disk_work *work)
{
	struct disk_work **at = &pool->works;

	while (*at)
		at = &(*at)->next;
	*at = work;
	pool->queued++;
}

enum disk_submit disk_submit(struct disk_work **out, struct disk_pool *pool, const char *path, size_t size,
	void (*done)(void *ctx, const struct disk_result *result), void *ctx)
{
	enum disk_submit result = DISK_SUBMITTED;

	*out = NULL;
	pthread_mutex_lock(&pool->lock);
	if (hangs(pool, path))
		result = DISK_HANGS;
	else if (pool->queued >= QUEUE_MAX)
		result = DISK_FULL_QUEUE;
	else if (need_thread(pool) < 0)
		result = DISK_NO_THREAD;
	if (result == DISK_SUBMITTED) {
		struct disk_work *work = xcalloc(1, sizeof(*work));

		work->pool = pool;
		work->path = xstrdup(path);
		work->size = size;
		work->done = done;
		work->ctx = ctx;
		append(pool, work);
		pthread_cond_signal(&pool->work_there);
		*out = work;
	}
	pthread_mutex_unlock(&pool->lock);
	return result;
}

bool disk_running(struct disk_work *work)
{
	pthread_mutex_lock(&work->pool->lock);
	bool running = work->state != WORK_QUEUED;
	pthread_mutex_unlock(&work->pool->lock);
	return running;
}

void disk_abandon(struct disk_work *work)
{
	struct disk_pool *pool = work->pool;

	pthread_mutex_lock(&pool->lock);
	work->abandoned = true;
	if (work->state == WORK_QUEUED) {
		pool->queued--;
		free_work(work);
	} else if (work->state == WORK_RUNNING) {
		pool->hanging++;
	}
	pthread_mutex_unlock(&pool->lock);
}
