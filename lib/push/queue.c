/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_LONGEST_MS = 60000, RETRY_AFTER_MAX_MS = 3600 * 1000, SPREAD_MS = 1000 };

static size_t cost(size_t len)
{
	return len + sizeof(struct push_batch);
}

void push_queue_init(struct push_queue *queue, size_t max_bytes)
{
	*queue = (struct push_queue){ .max_bytes = max_bytes };
	queue->end = &queue->first;
}

uint64_t push_queue_drop_first(struct push_queue *queue)
{
	struct push_batch *batch = queue->first;

	if (!batch)
		return 0;
	uint64_t samples = batch->samples;
	queue->first = batch->next;
	if (!queue->first)
		queue->end = &queue->first;
	queue->bytes -= cost(batch->len);
	free(batch->body);
	free(batch);
	return samples;
}

uint64_t push_queue_add(struct push_queue *queue, void *body, size_t len, uint64_t samples)
{
	uint64_t dropped = 0;

	if (cost(len) > queue->max_bytes) {
		free(body);
		return samples;
	}
	while (queue->bytes + cost(len) > queue->max_bytes)
		dropped += push_queue_drop_first(queue);
	struct push_batch *batch = xcalloc(1, sizeof(*batch));
	batch->body = body;
	batch->len = len;
	batch->samples = samples;
	*queue->end = batch;
	queue->end = &batch->next;
	queue->bytes += cost(len);
	return dropped;
}

uint64_t push_queue_clear(struct push_queue *queue)
{
	uint64_t samples = 0;

	while (queue->first)
		samples += push_queue_drop_first(queue);
	return samples;
}

int64_t push_backoff_ms(int failures, int64_t retry_after_ms, uint64_t chance)
{
	int64_t bound = BACKOFF_FIRST_MS;

	if (retry_after_ms >= 0)
		return MIN(retry_after_ms, RETRY_AFTER_MAX_MS) + (int64_t)(chance % (SPREAD_MS + 1));
	for (int i = 1; i < failures && bound < BACKOFF_LONGEST_MS; i++)
		bound *= 2;
	bound = MIN(bound, BACKOFF_LONGEST_MS);
	return bound / 2 + (int64_t)(chance % (uint64_t)(bound / 2 + 1));
}
