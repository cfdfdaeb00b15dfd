/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of lib/run. One story a file:
 *
 *	runner.c   threads, the queue that they share, who takes what
 *	pace.c     how many short programs at a time
 *	start.c    pipes, spawn, watching          spawn.c   the child between vfork and exec; lookup.c PATH
 *	output.c   reading with a limit
 *	end.c      time-outs, exits, reaping, done()
 *	orphans.c  what a program left behind       cgroup.c  the same, and limits, where a cgroup is ours
 */
#ifndef MRP_RUN_RUNNER_H
#define MRP_RUN_RUNNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "../ev/loop.h"
#include "run.h"

struct runner;
struct run_cgroup;
struct run_cgroups;

enum run_phase {
	PHASE_RUNNING,
	PHASE_TERMINATING, /* was asked to end, has its grace */
	PHASE_KILLED,
	PHASE_DRAINING, /* has exited, but somebody holds its pipes */
	PHASE_REAPING,  /* others of its group are still dying */
};

struct run_state {
	struct run_job *job;
	struct run_state *next;    /* in the queue, later in its bucket of the live ones; runner->lock */
	struct run_thread *thread; /* NULL while it is queued; runner->lock */
	struct loop_message cancel;
	bool cancel_posted, finished; /* runner->lock */

	/* what follows belongs to the thread; orphans.c reads pid, started_us, mark and exited under runner->lock */
	pid_t pid; /* the leader of its group */
	int64_t started_us;
	const char *mark; /* its MRPROBER_RUN_ID in env, or NULL */
	bool exited, reaped;
	bool long_enough; /* to be read while it runs */
	enum run_phase phase;
	int asked;    /* to end, so many times */
	bool decided; /* result.end says why we ended it */
	struct loop_io exit_io, out_io[2];
	struct loop_timer timer; /* of the phase */
	int64_t wait_us;         /* until the next try while draining and reaping */
	int64_t give_up_us;
	struct run_cgroup *cgroup;
	bool young; /* counts for the pace */
	int64_t look_us;
};

enum { PACE_YOUNG = 8, READ_BYTES = 65536 };

struct run_thread {
	struct runner *runner;
	struct loop *loop;
	pthread_t thread;
	bool has_thread;
	struct loop_message take;
	bool woken, full; /* `take` is on its way; waits for the pace. runner->lock */
	size_t live;      /* runner->lock */
	/* Odd while a child exists that is not in the table of the live ones yet. */
	atomic_uint spawning;
	struct loop_timer pace_timer, orphans_timer;
	int64_t orphans_wait_us;
	struct run_state *young[PACE_YOUNG];
	size_t n_young;
	struct strbuf path; /* of the program that is being started */
	char *buffer;       /* READ_BYTES */
};

enum { LIVE_BUCKETS = 1024 };

struct orphans {
	pthread_mutex_t lock;    /* one looks at a time */
	int64_t since_us;        /* children that are older were left to us by who was this process before exec */
	int children_fd;         /* /proc/self/task/PID/children; -1: this kernel has none */
	atomic_llong allowed_us; /* not before: looking costs at most one part in a hundred of a processor */
};

struct runner {
	struct run_thread *threads;
	int n_threads;
	int null_fd;
	int64_t open_files;
	struct run_cgroups *cgroups; /* NULL: rlimits */
	struct orphans orphans;
	pthread_mutex_t lock; /* of what follows, and of what says so above */
	struct run_state *first, **last;
	struct run_state *live[LIVE_BUCKETS]; /* by pid */
};

/* runner.c */
void runner_add_live(struct run_state *run);
void runner_remove_live(struct run_state *run);
/* A run of this thread has ended, or gets along without the processor: take another if the pace kept it from it. */
void runner_take_again(struct run_thread *thread);

/* pace.c */
bool pace_allows(struct run_thread *thread);
void pace_wait(struct run_thread *thread);
void pace_began(struct run_state *run);
void pace_ended(struct run_state *run);

/* start.c */
void run_start(struct run_state *run);

/* output.c */
/* From now on it is read as it comes; once is enough, more does no harm. */
void output_watch(struct run_state *run);
/* Read what is there, without waiting. */
void output_drain(struct run_state *run);
bool output_open(const struct run_state *run);
void output_close(struct run_state *run);

/* end.c */
void run_watch_pidfd(struct run_state *run);
void run_exited(void *ctx, uint32_t events);
void run_timer(void *ctx);
/* TERM now, KILL after its grace. Does nothing when it is ending already. */
void run_terminate(struct run_state *run, enum run_end why, const char *what);
void run_cancel(struct loop_message *message);
/* done(), for one that could not be started or was taken back. */
void run_finish(struct run_state *run);

/* orphans.c */
void orphans_open(struct orphans *orphans);
void orphans_close(struct runner *runner);
/* After a run. `certain`: something was left, look in any case. */
void orphans_look(struct run_thread *thread, bool certain);
void orphans_timer(void *ctx);

#endif
