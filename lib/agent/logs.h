/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping what runs have printed without anybody waiting for the disk: a thread writes what is put into its queue
 * (log_store.h says how it lies there). When the disk is slower than the runs, runs are dropped and counted.
 */
#ifndef MRP_AGENT_LOGS_H
#define MRP_AGENT_LOGS_H

#include "../metrics/metrics.h"
#include "log_store.h"
#include "uploads.h"

struct logs;

/* The store becomes this one's; what goes there goes to the uploads (NULL: none), too. Runs that are not kept, the
 * queue or the disk being full, are counted in the metrics. Both must outlive the logs. NULL when no thread can be had.
 */
struct logs *logs_start(struct log_store *store, struct uploads *uploads, struct metrics *metrics, struct mrp_err *err);
/* What is queued is written first. */
void logs_stop(struct logs *logs);
/* Any thread; copies; does not block on the disk. */
void logs_put(struct logs *logs, const struct log_record *record);
/* As log_store_get, and what is queued counts: blocks until what was put before is written. */
int logs_get(struct log_record *out, struct logs *logs, const char *id, size_t back, struct mrp_err *err);
/* Wait until a run of the entry (NULL: of any) was put since the caller looked: `*seen`, 0 at first, is a count that
 * moves; false when the time is over or the logs are being stopped. */
bool logs_wait(struct logs *logs, uint64_t *seen, int64_t timeout_ms);

#endif
