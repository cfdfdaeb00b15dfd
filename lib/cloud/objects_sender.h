/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that sends what is in a spool. */
#ifndef MRP_CLOUD_OBJECTS_SENDER_H
#define MRP_CLOUD_OBJECTS_SENDER_H

#include <pthread.h>

#include "objects.h"
#include "spool.h"

struct objects_sender;

/* The spool must outlive it. */
struct objects_sender *objects_sender_start(
	const struct objects_options *options, struct spool *spool, struct mrp_err *err);
void objects_sender_stop(struct objects_sender *sender, int64_t grace_ms);
/* Something was put, and so many were dropped for it. */
void objects_sender_wake(struct objects_sender *sender, size_t dropped);
bool objects_sender_wait(struct objects_sender *sender, int64_t timeout_ms);

/* Milliseconds until the next try after so many failures in a row: `first_ms`, doubled up to five minutes, half of it
 * by chance; or what the server asked for, at most an hour. `chance` is any number. */
int64_t objects_pause_ms(int64_t first_ms, int failures, int64_t retry_after_ms, uint64_t chance);

#endif
