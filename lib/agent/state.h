/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent knows about one entry while it runs: its schedule, how its last run ended, its heals. Changed by the
 * scheduler's thread alone, which is also the one that reads it (status, explain and reports are made there).
 */
#ifndef MRP_AGENT_STATE_H
#define MRP_AGENT_STATE_H

#include "../ev/loop.h"
#include "../metrics/metrics.h"
#include "entry.h"

struct place_group;

/* How the last run ended, or why there was none. */
struct last_run {
	bool known; /* false: nothing has been recorded yet */
	enum verdict_status status;
	enum verdict_reason reason;
	char *message;       /* owned; never NULL when known */
	char run_id[32];     /* MRPROBER_RUN_ID; "" when it did not run */
	int64_t wall_ms;     /* when it ended, since 1970 */
	int64_t duration_us; /* -1: it did not run */
};

/* See heal.h. */
struct heal_state {
	int64_t tries;   /* since the last success */
	int64_t next_us; /* monotonic: not before */
	bool running;
	bool given_up; /* said in the log already */
};

/* What a run that is due waits for. */
enum waiting {
	WAITING_NOT,
	WAITING_SELF,  /* overlap: queue, and the run before goes on */
	WAITING_GROUP, /* another prober of its concurrency_group */
	WAITING_PLACE, /* too many runs go on; it holds its group already */
};

enum { PAUSED_FOREVER = -1 };

struct prober_state {
	const struct entry *entry;   /* of the config that is applied now */
	struct agent_config *config; /* a reference: it holds the entry */
	struct metrics_prober *series;
	uint64_t hash; /* see schedule.h: the phase comes from it */

	/* schedule; monotonic microseconds */
	struct loop_timer turn;  /* due_us: its next turn; place 0: it has none (entry->error) */
	int64_t turn_us;         /* its last turn */
	int64_t paused_until_us; /* 0: not paused; PAUSED_FOREVER */
	int running;             /* runs that go on; heals are not counted */
	enum waiting waiting;
	int64_t waiting_us;                   /* the turn of the run that waits */
	struct prober_state *next, *previous; /* in the line where it waits */
	struct place_group *group;            /* of its entry, or NULL */
	bool removed;                         /* the config has it no more; gone when its last run has ended */

	/* results */
	int64_t consecutive_failures; /* errors do not change it */
	uint64_t runs[VERDICT_STATUSES], skipped;
	struct last_run last;
	struct heal_state heal;
};

static inline bool prober_paused(const struct prober_state *prober, int64_t now_us)
{
	return prober->paused_until_us == PAUSED_FOREVER || prober->paused_until_us > now_us;
}

#endif
