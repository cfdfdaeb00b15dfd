/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which entries an engineer has paused, and until when: remembered on the disk, so that a new start of the agent or a
 * config that forgets an entry for a while does not wake it up.
 */
#ifndef MRP_AGENT_PAUSES_H
#define MRP_AGENT_PAUSES_H

#include "../base/err.h"

struct pauses;

/* Read the file; none is as an empty one, a damaged one is said in the log and forgotten. Blocks. */
struct pauses *pauses_open(const char *path);
void pauses_close(struct pauses *pauses); /* NULL is harmless */

/* All of them until then (wall clock; INT64_MAX: until they are resumed; 0: not any more). Nothing has changed when the
 * file cannot be written. Blocks; one thread at a time waits for the disk, readers never. */
int pauses_set(struct pauses *pauses, const struct strvec *ids, int64_t until_ms, struct mrp_err *err);
/* Any thread, with those that have not ended at now_ms. Must not call any of these. */
void pauses_each(
	struct pauses *pauses, int64_t now_ms, void (*each)(void *ctx, const char *id, int64_t until_ms), void *ctx);

#endif
