/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where runs of the schedule really happen: programs in the runner, built-in checks in the probe engine. Their threads
 * make a verdict of what came out, hand the output to the logs, and post the run back to the scheduler's loop.
 */
#ifndef MRP_AGENT_EXECUTOR_H
#define MRP_AGENT_EXECUTOR_H

#include "../probe/probe.h"
#include "logs.h"
#include "schedule.h"

struct executor_options {
	struct loop *loop; /* of the scheduler */
	struct runner *runner;
	struct probe_engine *probes;
	struct logs *logs; /* NULL: nothing is kept */
	/* On the loop's thread: a run of the schedule has ended, or (NULL) one beside it. It is gone when this returns.
	 */
	void (*finished)(void *ctx, struct agent_run *run);
	/* On the loop's thread: an entry has another status. */
	void (*changed)(void *ctx, const struct prober_state *prober);
	void *ctx;
};

struct executor;

struct executor *executor_new(const struct executor_options *options);
/* After all runs have ended, and their messages were delivered. */
void executor_free(struct executor *executor);

extern const struct executor_ops executor_ops; /* ctx: the executor */

/* A run beside the schedule, for somebody who waits for it. It counts nowhere. The struct lives until done(). */
struct extra_run {
	/* Any thread. NULL: nobody wants to see it before the end. */
	void (*output)(struct extra_run *extra, enum run_stream stream, const char *data, size_t len);
	/* Any thread, last call. The record is borrowed. */
	void (*done)(struct extra_run *extra, const struct log_record *record);
};

/* On the loop's thread. The entry is one without an error; `prober` holds it. */
void executor_run_extra(
	struct executor *executor, struct extra_run *extra, const struct prober_state *prober, const char *run_id);
/* On the loop's thread; done() comes as always. Harmless when it was called already. */
void executor_cancel_extra(struct executor *executor, struct extra_run *extra);
/* Runs beside the schedule that go on; on the loop's thread. */
size_t executor_extras(const struct executor *executor);
void executor_cancel_extras(struct executor *executor);

#endif
