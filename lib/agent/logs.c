/* SPDX-License-Identifier: Apache-2.0 */
#include "logs.h"

#include <time.h>

#include "../base/log.h"
#include "../base/thread.h"

enum { QUEUE_BYTES = 8 << 20 };

/* A copy of a record, with its texts behind it. */
struct queued {
	struct queued *next;
	struct log_record record;
	size_t bytes;
	char text[];
};

struct logs {
	struct log_store *store;
	struct uploads *uploads;
	struct metrics *metrics;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, written;
	struct queued *first, **last;
	size_t bytes;
	uint64_t put, done; /* records so far */
	bool stopping, complained;
};

static struct queued *copy_record(const struct log_record *record)
{
	const char *texts[5] = { record->id, record->run_id, record->message, record->output[0], record->output[1] };
	size_t lens[5], bytes = 0;

	for (int i = 0; i < 5; i++) {
		lens[i] = i < 3 ? strlen(texts[i]) + 1 : record->output_len[i - 3];
		bytes += lens[i];
	}
	struct queued *queued = xmalloc(sizeof(*queued) + bytes);
	const char *copies[5];
	char *at = queued->text;
	for (int i = 0; i < 5; i++) {
		copies[i] = at;
		if (lens[i])
			memcpy(at, texts[i], lens[i]);
		at += lens[i];
	}
	*queued = (struct queued){ .record = *record, .bytes = sizeof(*queued) + bytes };
	queued->record.id = copies[0];
	queued->record.run_id = copies[1];
	queued->record.message = copies[2];
	queued->record.output[0] = copies[3];
	queued->record.output[1] = copies[4];
	return queued;
}

/* One line when the disk begins to refuse, one when it takes again. */
static void write_one(struct logs *logs, struct queued *queued)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (logs->uploads)
		uploads_put(logs->uploads, &queued->record);
	if (log_store_put(logs->store, &queued->record, &err) == 0) {
		if (logs->complained)
			log_info("output of runs is kept again");
		logs->complained = false;
		return;
	}
	metrics_agent_add(logs->metrics, AGENT_LOGS_DROPPED_TOTAL, 1);
	if (!logs->complained)
		log_warning("output of runs is not kept: %s", err.msg);
	logs->complained = true;
	mrp_err_clear(&err);
}

static void *write_queue(void *arg)
{
	struct logs *logs = arg;

	pthread_mutex_lock(&logs->lock);
	for (;;) {
		while (!logs->first && !logs->stopping)
			pthread_cond_wait(&logs->more, &logs->lock);
		struct queued *queued = logs->first;
		if (!queued)
			break;
		if (!(logs->first = queued->next))
			logs->last = &logs->first;
		logs->bytes -= queued->bytes;
		pthread_mutex_unlock(&logs->lock);
		write_one(logs, queued);
		free(queued);
		pthread_mutex_lock(&logs->lock);
		logs->done++;
		pthread_cond_broadcast(&logs->written);
	}
	pthread_mutex_unlock(&logs->lock);
	return NULL;
}

static void release(struct logs *logs)
{
	log_store_close(logs->store);
	pthread_cond_destroy(&logs->more);
	pthread_cond_destroy(&logs->written);
	pthread_mutex_destroy(&logs->lock);
	free(logs);
}

struct logs *logs_start(struct log_store *store, struct uploads *uploads, struct metrics *metrics, struct mrp_err *err)
{
	struct logs *logs = xcalloc(1, sizeof(*logs));

	logs->store = store;
	logs->uploads = uploads;
	logs->metrics = metrics;
	logs->last = &logs->first;
	pthread_mutex_init(&logs->lock, NULL);
	cond_init_monotonic(&logs->more);
	cond_init_monotonic(&logs->written);
	if (thread_start(&logs->thread, NULL, write_queue, logs, err) == 0)
		return logs;
	release(logs);
	return NULL;
}

void logs_stop(struct logs *logs)
{
	if (!logs)
		return;
	pthread_mutex_lock(&logs->lock);
	logs->stopping = true;
	pthread_cond_broadcast(&logs->more);
	pthread_cond_broadcast(&logs->written);
	pthread_mutex_unlock(&logs->lock);
	pthread_join(logs->thread, NULL);
	release(logs);
}

void logs_put(struct logs *logs, const struct log_record *record)
{
	struct queued *queued = copy_record(record);

	pthread_mutex_lock(&logs->lock);
	/* one that is larger than the queue has its turn when nothing else waits */
	bool fits = (!logs->bytes || logs->bytes + queued->bytes <= QUEUE_BYTES) && !logs->stopping;
	if (fits) {
		*logs->last = queued;
		logs->last = &queued->next;
		logs->bytes += queued->bytes;
		logs->put++;
		pthread_cond_signal(&logs->more);
	}
	pthread_mutex_unlock(&logs->lock);
	if (fits)
		return;
	metrics_agent_add(logs->metrics, AGENT_LOGS_DROPPED_TOTAL, 1);
	free(queued);
}

int logs_get(struct log_record *out, struct logs *logs, const char *id, size_t back, struct mrp_err *err)
{
	pthread_mutex_lock(&logs->lock);
	uint64_t wanted = logs->put;
	while (logs->done < wanted)
		pthread_cond_wait(&logs->written, &logs->lock);
	pthread_mutex_unlock(&logs->lock);
	return log_store_get(out, logs->store, id, back, err);
}

bool logs_wait(struct logs *logs, uint64_t *seen, int64_t timeout_ms)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&logs->lock);
	while (logs->done == *seen && !logs->stopping && r == 0)
		r = pthread_cond_timedwait(&logs->written, &logs->lock, &until);
	bool moved = logs->done != *seen;
	*seen = logs->done;
	pthread_mutex_unlock(&logs->lock);
	return moved;
}
