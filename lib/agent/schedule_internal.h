/* SPDX-License-Identifier: Apache-2.0 */
/* What the files schedule*.c share: schedule.c takes turns and records what came of them, schedule_places.c says who
 * has to wait, schedule_apply.c brings in a config. */
#ifndef MRP_AGENT_SCHEDULE_INTERNAL_H
#define MRP_AGENT_SCHEDULE_INTERNAL_H

#include "../ev/timers.h"
#include "run_prefix.h"
#include "schedule.h"

VEC_DEFINE(prober_vec, struct prober_state *)

/* First come, first served. */
struct line {
	struct prober_state *first, *last;
};

/* A concurrency_group: one run at a time. */
struct place_group {
	char *name;
	size_t references; /* probers and runs */
	bool busy;
	struct line line;
};

VEC_DEFINE(group_vec, struct place_group *)

/* Programs take memory and processors, built-in checks next to nothing: each kind has places of its own. */
enum place_kind { PLACE_PROGRAM, PLACE_PROBE, PLACE_KINDS };

struct places {
	int64_t taken, max;
	struct line line;
};

struct schedule {
	const struct executor_ops *ops;
	void *ctx;
	struct metrics *metrics;
	char *host;
	struct agent_config *config;
	struct prober_vec probers; /* sorted by id */
	struct timers turns;
	struct group_vec groups; /* sorted by name */
	struct places places[PLACE_KINDS];
	struct agent_run *runs; /* that go on */
	size_t running, heals, waiting, paused;
	bool stopping;
	char run_prefix[RUN_PREFIX];
	uint64_t count;
};

/* schedule.c */
struct agent_run *schedule_new_run(
	struct schedule *schedule, struct prober_state *prober, enum run_kind kind, int64_t scheduled_us);
void schedule_start(struct schedule *schedule, struct prober_state *prober, int64_t turn_us);
/* A verdict without a run. */
void schedule_record_error(
	struct schedule *schedule, struct prober_state *prober, enum verdict_reason reason, const char *message);
/* The first turn on the grid after that time. */
int64_t schedule_grid_after(const struct prober_state *prober, int64_t us);

/* schedule_heal.c */
/* After a failure was recorded. */
void schedule_consider_heal(struct schedule *schedule, struct prober_state *prober, int64_t now_us);
void schedule_heal_ended(struct schedule *schedule, const struct agent_run *run);

/* schedule_places.c */
struct place_group *group_get(struct schedule *schedule, const char *name);
void group_unref(struct schedule *schedule, struct place_group *group); /* NULL is harmless */
/* Start the run, or let it wait for its group or a place. */
void places_ask(struct schedule *schedule, struct prober_state *prober, int64_t turn_us);
/* Let it wait for the end of its own run. */
void places_wait_self(struct schedule *schedule, struct prober_state *prober, int64_t turn_us);
/* Nothing waits any more. The turn of what did. */
int64_t places_leave(struct schedule *schedule, struct prober_state *prober);
/* The run has ended: whoever waits for its places may start. */
void places_release(struct schedule *schedule, struct agent_run *run);
enum place_kind place_kind_of(const struct entry *entry);

/* schedule_apply.c */
void prober_state_free(struct schedule *schedule, struct prober_state *prober);

#endif
