/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that deploy clusters, as they come out of the creator's queue. */
#ifndef MRP_CREATOR_WORK_H
#define MRP_CREATOR_WORK_H

#include "creator.h"

struct figures;
struct work;

/* `figures` (may be NULL) hear of each run. NULL when not all could be started. */
struct work *work_start(struct creator *creator, struct figures *figures, struct mrp_err *err);
/* True when all have ended; false when the time is over before. They end when the queue has nothing more. */
bool work_wait(struct work *work, int64_t timeout_ms);
/* Wait for them and free. NULL is fine. */
void work_end(struct work *work, struct creator_counts *counts);

#endif
