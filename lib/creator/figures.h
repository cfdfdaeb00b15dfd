/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The creator's metrics:
 *
 *	mrprober_creator_runs_total{status}          runs that ended so
 *	mrprober_creator_run_duration_seconds        histogram of runs
 *	mrprober_creator_clusters                    clusters that are known
 *	mrprober_creator_running                     runs that go on
 *	mrprober_creator_queue_length                clusters that are due and wait for a worker
 *	mrprober_creator_queue_age_seconds           for how long the longest of them waits
 *	mrprober_creator_leases                      leases held
 *	mrprober_creator_logs_waiting                logs that wait to be sent to object storage
 *	mrprober_creator_last_look_timestamp_seconds when the API was last read
 *	mrprober_creator_look_success                1 when that worked
 */
#ifndef MRP_CREATOR_FIGURES_H
#define MRP_CREATOR_FIGURES_H

#include "../metrics/server.h"
#include "internal.h"

struct figures;

struct figures *figures_new(struct creator *creator);
void figures_free(struct figures *figures);

/* Any thread. */
void figures_run(struct figures *figures, const struct deploy_result *result);
void figures_look(struct figures *figures, bool worked, int64_t now_ms);

/* Borrows the figures. */
struct page_source figures_pages(struct figures *figures);

#endif
