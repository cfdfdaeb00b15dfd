/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait to be sent, bounded in bytes, and how long they wait after a failure. One thread; no clock. */
#ifndef MRP_PUSH_QUEUE_H
#define MRP_PUSH_QUEUE_H

#include "../base/base.h"

struct push_batch {
	struct push_batch *next;
	void *body; /* owned */
	size_t len;
	uint64_t samples;
};

struct push_queue {
	struct push_batch *first, **end;
	size_t bytes, max_bytes; /* with what a batch costs beside its body */
};

void push_queue_init(struct push_queue *queue, size_t max_bytes);
/* Append a body, which becomes the queue's. The oldest batches make room, and one that is larger than the bound is
 * itself left out. Returns the samples that were dropped for it. */
uint64_t push_queue_add(struct push_queue *queue, void *body, size_t len, uint64_t samples);
/* Remove the first batch, if any. Returns its samples. */
uint64_t push_queue_drop_first(struct push_queue *queue);
/* Remove all. Returns their samples. */
uint64_t push_queue_clear(struct push_queue *queue);

/* Milliseconds to wait after this many failures in a row: 1 s, doubled up to a minute, half of it by chance; or what
 * the server asked for (`retry_after_ms`, -1: it did not; at most an hour) and up to a second more. `chance` is any
 * number. */
int64_t push_backoff_ms(int failures, int64_t retry_after_ms, uint64_t chance);

#endif
