/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that take clusters from the queue and deploy them, each with a client of its own. */
#include "internal.h"

#include <errno.h>
#include <signal.h>

#include "../base/clock.h"
#include "../base/thread.h"
#include "figures.h"
#include "look.h"
#include "work.h"

enum { MAX_WORKERS = 64, THREAD_STACK = 1 << 20 };

struct work {
	struct creator *creator;
	pthread_mutex_t lock;
	struct creator_counts counts;
	pthread_t threads[MAX_WORKERS];
	struct http_client *clients[MAX_WORKERS];
	int n;
	int next;    /* client that the next thread takes */
	int working; /* threads that have not ended */
	pthread_cond_t ended;
	struct figures *figures; /* NULL: nobody counts */
};

static enum log_level level_of(const struct deploy_result *result)
{
	switch (result->status) {
	case DEPLOY_FAILED:
	case DEPLOY_REFUSED:
	case DEPLOY_INTERRUPTED:
		return LOG_ERROR;
	case DEPLOY_WAITING:
		return LOG_WARNING;
	case DEPLOY_NO_CHANGES:
		return LOG_DEBUG;
	case DEPLOY_SKIPPED:
		return result->recorded ? LOG_DEBUG : LOG_INFO;
	default:
		return LOG_INFO;
	}
}

static void tell(const struct creator *creator, const char *slug, const struct deploy_result *result)
{
	cleanup(freep) char *text = xasprintf("%s%s%s", deploy_status_names[result->status],
		result->message ? ": " : "", result->message ? result->message : "");

	creator_say(creator, level_of(result), slug, text);
}

static void *work_thread(void *arg)
{
	struct work *work = arg;
	struct creator *creator = work->creator;
	char slug[CLUSTER_SLUG];

	pthread_mutex_lock(&work->lock);
	struct http_client *client = work->clients[work->next++];
	pthread_mutex_unlock(&work->lock);
	while (clusters_take(slug, creator->queue, time_now_ms)) {
		struct deploy_result result;

		deploy_cluster(creator, client, slug, &result);
		tell(creator, slug, &result);
		pthread_mutex_lock(&work->lock);
		work->counts.by_status[result.status]++;
		work->counts.changes += result.changes;
		pthread_mutex_unlock(&work->lock);
		if (work->figures)
			figures_run(work->figures, &result);
		clusters_done(creator->queue, slug, time_now_ms(),
			result.recorded                           ? RUN_RECORDED
				: result.status == DEPLOY_SKIPPED ? RUN_SKIPPED
								  : RUN_UNKNOWN);
		free(result.message);
	}
	pthread_mutex_lock(&work->lock);
	work->working--;
	pthread_cond_broadcast(&work->ended);
	pthread_mutex_unlock(&work->lock);
	return NULL;
}

/* Signals are for the thread that waits for them. */
static int start(struct work *work, struct mrp_err *err)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int n = MIN(work->creator->options.parallel, MAX_WORKERS); r == 0 && work->n < n;) {
		work->clients[work->n] = http_open(work->creator->options.api, err);
		if (!work->clients[work->n])
			break;
		pthread_mutex_lock(&work->lock);
		r = pthread_create(&work->threads[work->n], &attr, work_thread, work);
		if (r == 0) {
			work->n++;
			work->working++;
		} else {
			http_close(work->clients[work->n]);
		}
		pthread_mutex_unlock(&work->lock);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	errno = r;
	if (r)
		mrp_err_errno(err, "cannot start a thread");
	return err->code == MRP_OK ? 0 : -1;
}

struct work *work_start(struct creator *creator, struct figures *figures, struct mrp_err *err)
{
	struct work *work = xcalloc(1, sizeof(*work));
	struct creator_counts ignored;

	work->creator = creator;
	work->figures = figures;
	pthread_mutex_init(&work->lock, NULL);
	cond_init_monotonic(&work->ended);
	if (start(work, err) == 0)
		return work;
	clusters_close(creator->queue);
	work_end(work, &ignored);
	return NULL;
}

bool work_wait(struct work *work, int64_t timeout_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout_ms / 1000;
	pthread_mutex_lock(&work->lock);
	while (work->working && pthread_cond_timedwait(&work->ended, &work->lock, &at) == 0)
		;
	bool all = !work->working;
	pthread_mutex_unlock(&work->lock);
	return all;
}

void work_end(struct work *work, struct creator_counts *counts)
{
	*counts = (struct creator_counts){ 0 };
	if (!work)
		return;
	for (int i = 0; i < work->n; i++)
		pthread_join(work->threads[i], NULL);
	for (int i = 0; i < work->n; i++)
		http_close(work->clients[i]);
	*counts = work->counts;
	pthread_cond_destroy(&work->ended);
	pthread_mutex_destroy(&work->lock);
	free(work);
}

struct look *creator_look(const struct creator *creator, struct mrp_err *err)
{
	return look_new(
		creator->options.api, creator->policy, creator->options.disable, creator->options.n_disable, err);
}

void creator_say(const struct creator *creator, enum log_level level, const char *cluster, const char *text)
{
	if (creator->options.say)
		creator->options.say(creator->options.ctx, level, cluster, text);
}

void creator_warn_globs(const struct creator *creator, struct look *look)
{
	cleanup(strbuf_release) struct strbuf names = STRBUF_INIT;

	look_unused_globs(&names, look);
	if (!names.len)
		return;
	cleanup(freep) char *text = xasprintf("nothing to disable: no cluster is called %s", names.buf);
	creator_say(creator, LOG_WARNING, NULL, text);
}

int creator_once(
	struct creator *creator, const char *const *slugs, size_t n, struct creator_counts *counts, struct mrp_err *err)
{
	struct look *look = creator_look(creator, err);
	struct work *work = NULL;
	int r = look ? 0 : -1;

	creator->at_once = n > 0;
	if (r == 0)
		r = look_at_clusters(look, creator->queue, slugs, n, err);
	if (r == 0 && n == 0)
		creator_warn_globs(creator, look);
	if (r == 0) {
		clusters_finish(creator->queue);
		work = work_start(creator, NULL, err);
		r = work ? 0 : -1;
	}
	work_end(work, counts);
	look_free(look);
	return r;
}
