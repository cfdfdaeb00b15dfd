/* SPDX-License-Identifier: Apache-2.0 */
#include "reads.h"

#include <pthread.h>

#include "../base/text.h"

enum { AT_ONCE = 64 }; /* one statement of the store, and a bound for the memory of its answer */

struct reads {
	struct store_conn *conn;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct write_job *first, **last; /* calls, linked by their jobs */
	bool stopping, asleep;
};

struct group {
	struct api_call *calls[AT_ONCE];
	size_t n, answered;
};

static void take_group(struct group *group, struct reads *reads)
{
	*group = (struct group){ .n = 0 };
	pthread_mutex_lock(&reads->lock);
	while (!reads->first && !reads->stopping) {
		reads->asleep = true;
		pthread_cond_wait(&reads->more, &reads->lock);
		reads->asleep = false;
	}
	for (; reads->first && group->n < AT_ONCE; reads->first = reads->first->next)
		group->calls[group->n++] = (struct api_call *)reads->first;
	if (!reads->first)
		reads->last = &reads->first;
	pthread_mutex_unlock(&reads->lock);
}

static int answer(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	struct group *group = ctx;
	struct mrp_err own = MRP_ERR_INIT;

	(void)err;
	if (object_answer(group->calls[i], row, &own) < 0)
		api_problem(group->calls[i], &own);
	group->answered = i + 1;
	return 0;
}

static void run_group(struct reads *reads, struct group *group)
{
	struct store_datum args[2 * AT_ONCE];
	struct mrp_err err = MRP_ERR_INIT;

	for (size_t i = 0; i < group->n; i++) {
		args[2 * i] = store_text(kinds[group->calls[i]->route->kind].name);
		args[2 * i + 1] = store_text(group->calls[i]->args[0]);
	}
	if (store_many(reads->conn, SQL_OBJECT_GET, args, 2, group->n, answer, group, &err) < 0) {
		for (size_t i = group->answered; i < group->n; i++) {
			struct mrp_err own = MRP_ERR_INIT;

			mrp_err_set(&own, err.code, "%s", err.msg);
			api_problem(group->calls[i], &own);
		}
	}
	mrp_err_clear(&err);
	for (size_t i = 0; i < group->n; i++)
		group->calls[i]->done(group->calls[i]->done_ctx); /* may free the call */
}

static void *loop(void *arg)
{
	struct reads *reads = arg;
	struct group group;

	for (take_group(&group, reads); group.n; take_group(&group, reads))
		run_group(reads, &group);
	return NULL;
}

struct reads *reads_start(const struct store_ops *store, const char *url, struct mrp_err *err)
{
	struct reads *reads = xcalloc(1, sizeof(*reads));

	if (store->open(&reads->conn, url, &store_schema, STORE_READ, err) < 0) {
		free(reads);
		return NULL;
	}
	reads->last = &reads->first;
	pthread_mutex_init(&reads->lock, NULL);
	pthread_cond_init(&reads->more, NULL);
	if (pthread_create(&reads->thread, NULL, loop, reads))
		BUG("cannot start a thread");
	return reads;
}

/* An environment has to be looked up, and a slug that is none could be more than the database can take. */
bool reads_fit(const struct api_call *call)
{
	return call->route->handle == object_get && !call->request.headers[HDR_ENVIRONMENT] &&
		slug_valid(call->args[0], strlen(call->args[0]));
}

void reads_submit(struct reads *reads, struct api_call *call)
{
	struct write_job *link = &call->job;

	link->next = NULL;
	pthread_mutex_lock(&reads->lock);
	*reads->last = link;
	reads->last = &link->next;
	bool wake = reads->asleep;
	pthread_mutex_unlock(&reads->lock);
	if (wake)
		pthread_cond_signal(&reads->more);
}

void reads_stop(struct reads *reads)
{
	if (!reads)
		return;
	pthread_mutex_lock(&reads->lock);
	reads->stopping = true;
	pthread_cond_signal(&reads->more);
	pthread_mutex_unlock(&reads->lock);
	pthread_join(reads->thread, NULL);
	pthread_cond_destroy(&reads->more);
	pthread_mutex_destroy(&reads->lock);
	reads->conn->ops->close(reads->conn);
	free(reads);
}
