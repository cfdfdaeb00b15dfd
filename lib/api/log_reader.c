/* SPDX-License-Identifier: Apache-2.0 */
#include "log_reader.h"

#include <errno.h>
#include <pthread.h>

enum { LOG_MAX = 64 << 20, TIMEOUT_MS = 10000, WAITING_MAX = 32 };

struct log_reader {
	struct s3 *s3; /* of the thread */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct write_job *first, **last; /* api_calls, by their jobs, which are free meanwhile */
	int waiting;
	bool running, stopping;
};

struct log_reader *log_reader_new(const struct s3_options *s3, struct mrp_err *err)
{
	struct s3_options own = *s3;

	own.timeout_ms = TIMEOUT_MS;
	struct s3 *bucket = s3_open(&own, err);
	if (!bucket)
		return NULL;
	struct log_reader *reader = xcalloc(1, sizeof(*reader));
	reader->s3 = bucket;
	reader->last = &reader->first;
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->changed, NULL);
	return reader;
}

void log_reader_free(struct log_reader *reader)
{
	if (!reader)
		return;
	pthread_mutex_lock(&reader->lock);
	reader->stopping = true;
	pthread_cond_signal(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
	if (reader->running)
		pthread_join(reader->thread, NULL);
	pthread_cond_destroy(&reader->changed);
	pthread_mutex_destroy(&reader->lock);
	s3_close(reader->s3);
	free(reader);
}

static void answer(struct log_reader *reader, struct api_call *call)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (s3_get(&call->response.body, reader->s3, call->log_key, LOG_MAX, &err) == 0) {
		call->response.status = 200;
		call->response.content_type = "text/plain; charset=utf-8";
	} else {
		if (err.code != MRP_ENOTFOUND) /* the bucket's trouble, and not that of who asks */
			call->status = 502;
		api_problem(call, &err);
	}
	call->done(call->done_ctx);
}

static void *run(void *arg)
{
	struct log_reader *reader = arg;

	pthread_mutex_lock(&reader->lock);
	for (;;) {
		struct write_job *job = reader->first;

		if (!job && reader->stopping)
			break;
		if (!job) {
			pthread_cond_wait(&reader->changed, &reader->lock);
			continue;
		}
		reader->first = job->next;
		if (!reader->first)
			reader->last = &reader->first;
		reader->waiting--;
		pthread_mutex_unlock(&reader->lock);
		answer(reader, (struct api_call *)job);
		pthread_mutex_lock(&reader->lock);
	}
	pthread_mutex_unlock(&reader->lock);
	return NULL;
}

/* Under the lock. False when it cannot be taken now. */
static bool enqueue(struct log_reader *reader, struct write_job *job)
{
	if (reader->waiting >= WAITING_MAX)
		return false;
	if (!reader->running && pthread_create(&reader->thread, NULL, run, reader) != 0)
		return false;
	reader->running = true;
	job->next = NULL;
	*reader->last = job;
	reader->last = &job->next;
	reader->waiting++;
	pthread_cond_signal(&reader->changed);
	return true;
}

void log_reader_submit(struct log_reader *reader, struct api_call *call)
{
	struct mrp_err err = MRP_ERR_INIT;

	pthread_mutex_lock(&reader->lock);
	bool taken = enqueue(reader, &call->job);
	pthread_mutex_unlock(&reader->lock);
	if (taken)
		return;
	api_fail(call, &err, 503, "too many logs are being read");
	api_problem(call, &err);
	call->done(call->done_ctx);
}
