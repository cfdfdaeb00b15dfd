/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit. All writes go through one connection, and as a rule through one thread: what is queued when it gets to
 * work runs in one transaction, each job in a savepoint of its own so that one that fails takes back only itself; one
 * COMMIT (one fsync) then answers all. What arrives meanwhile is the next group, so nobody waits for company.
 */
#ifndef MRP_STORE_WRITER_H
#define MRP_STORE_WRITER_H

#include "ahead.h"

struct write_job {
	/* On the writer's thread, inside the transaction. -1 takes back what it did. */
	int (*run)(struct write_job *job, struct store_conn *conn, struct mrp_err *err);
	/* On the writer's thread, after the commit. job->err.code is MRP_OK when what it did is on disk; else `ran`
	 * says whether run() itself failed or the commit did. The job is the caller's again. */
	void (*done)(struct write_job *job);
	/* What run() will ask for, so that the writer can ask for all jobs at once. NULL: nothing that is known. */
	void (*foresee)(const struct write_job *job, struct ahead *ahead);
	/* The database may say late, after other jobs ran, that one of its statements failed, which takes the group
	 * back. For jobs whose statements fail only for reasons that all jobs have. */
	bool late;
	struct mrp_err err;
	bool failed; /* run() returned -1, or would have if the database had not been late to say so */
	struct write_job *next;
};

struct writer;

struct writer_counts {
	uint64_t commits, jobs;
};

/* The connection is borrowed until writer_stop. `tick` (may be NULL) is run like a job at start and every tick_ms; its
 * done may be NULL. */
struct writer *writer_start(struct store_conn *conn, struct write_job *tick, int64_t tick_ms);
/* Any thread. The job must stay until done is called. */
void writer_submit(struct writer *writer, struct write_job *job);
/* Run the job on the caller's thread, when the writer has nothing else to do: saves two switches of threads for a
 * caller that would only wait. False: it or another process is writing, and nothing was done. */
bool writer_run_here(struct writer *writer, struct write_job *job);
/* Submit and wait; -1 with err set when it is not on disk. */
int writer_run(struct writer *writer, struct write_job *job, struct mrp_err *err);
/* Finishes what is queued, then ends the thread. Nothing may be submitted any more. NULL is fine. */
void writer_stop(struct writer *writer);
struct writer_counts writer_counts(struct writer *writer);

#endif
