/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each entry runs. Its turns are at phase + k * interval of the monotonic clock, where phase is the first 64 bits
 * (big endian) of SHA-256 of "<id>\0<host>", modulo the interval in microseconds: the same after each restart within a
 * boot, and spread evenly over entries and hosts. The clock is passed in, so that tests need not wait.
 *
 * - A turn while the run before goes on is left out and counted (overlap: skip), waits for its end (queue; one at most,
 *   the turn before it is left out then), or is taken all the same (allow).
 * - While an entry fails, its turns are retry_interval after the turn of the run that failed; after a success they are
 *   on the grid again.
 * - A run waits while its concurrency_group is busy, or as many runs go on as may. Lines are first come, first served.
 *   When its next turn comes before it could start, that is an error with the reason `late`, and the next turn takes
 * over its place in the line: in an overload each entry gets its share.
 * - A turn that is noticed a whole interval too late (the machine slept, the agent was stopped) is `late`, too, and the
 *   entry goes on at its next turn. Nothing is made up for.
 *
 * All functions are for one thread. A turn costs O(log n).
 */
#ifndef MRP_AGENT_SCHEDULE_H
#define MRP_AGENT_SCHEDULE_H

#include "state.h"

enum run_kind { RUN_TURN, RUN_HEAL };

/* One run that goes on. Allocated by the executor, maybe as part of something larger. */
struct agent_run {
	/* set before it is started */
	enum run_kind kind;
	struct prober_state *prober;
	const struct entry *entry;   /* as it was then */
	struct agent_config *config; /* a reference: it holds the entry */
	int64_t scheduled_us;
	char id[32]; /* MRPROBER_RUN_ID: "<prefix (run_prefix.h)>-<count, hex>" */

	/* set by the executor before schedule_finished; the verdict's memory is the executor's */
	bool canceled; /* ended by us: the verdict says nothing */
	struct verdict verdict;
	int64_t started_us, ended_us; /* monotonic; started_us 0: it was not started */

	/* the schedule's own */
	struct place_group *group;
	struct agent_run *next, *previous;
};

/* Where runs happen: the real ones are in executor.c. */
struct executor_ops {
	struct agent_run *(*run_new)(void *ctx);
	/* Does not block; schedule_finished is called for it later, never from within. */
	void (*start)(void *ctx, struct agent_run *run);
	/* End it soon; schedule_finished is still called. */
	void (*cancel)(void *ctx, struct agent_run *run);
	int64_t (*wall_ms)(void *ctx); /* since 1970 */
	/* An entry has another status than before. NULL: nobody wants to know. */
	void (*changed)(void *ctx, const struct prober_state *prober);
};

struct schedule_options {
	const struct executor_ops *ops;
	void *ctx;
	struct metrics *metrics;
	const char *host;
	const char *run_prefix; /* of run ids */
	int64_t max_runs;   /* programs at one time */
	int64_t max_probes; /* built-in checks at one time */
};

struct schedule;

struct schedule *schedule_new(const struct schedule_options *options);
/* After all runs have ended (schedule_stop). */
void schedule_free(struct schedule *schedule);

/* Make it run what the config says, by difference: entries that are there already keep their phase, counters and
 * failures in a row, and take a new definition at their next run; what is gone loses its series, and a run of it that
 * goes on ends by itself without being recorded. An entry that has (another) error gets one verdict that says so. Takes
 * the reference. */
void schedule_apply(struct schedule *schedule, struct agent_config *config, int64_t now_us);
/* Take all turns that are due. Returns when to call it again (INT64_MAX: no need to). */
int64_t schedule_take_turns(struct schedule *schedule, int64_t now_us);
/* When the next turn is; it may have moved after any of these calls. */
int64_t schedule_next_us(const struct schedule *schedule);
/* A run has ended. It belongs to the executor again when this returns. */
void schedule_finished(struct schedule *schedule, struct agent_run *run, int64_t now_us);
/* Start nothing any more, end everything. Done when schedule_running() is 0. */
void schedule_stop(struct schedule *schedule);
/* True while programs wait for a place and many run: nobody who starts or ends a few milliseconds later is missed. */
bool schedule_is_overloaded(const struct schedule *schedule);
size_t schedule_running(const struct schedule *schedule); /* heals, too */

/* No turns until then (monotonic; PAUSED_FOREVER); what runs goes on. 0 ends a pause. */
void schedule_pause(struct schedule *schedule, struct prober_state *prober, int64_t until_us, int64_t now_us);

/* All entries, sorted by id; until the next schedule_apply. */
struct prober_state *const *schedule_probers(const struct schedule *schedule, size_t *n);
/* By id; NULL: there is none. */
struct prober_state *schedule_find(const struct schedule *schedule, const char *id);
/* The config that is applied, or NULL. */
const struct agent_config *schedule_config(const struct schedule *schedule);

#endif
