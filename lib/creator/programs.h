/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that a deployment runs, one after the other: terraform, and what a recipe brings. A call waits until its
 * program has ended; another thread can end it early, all of them or those of one deployment.
 *
 * terraform is never killed in the middle while that can be helped: INT, time to finish, INT again, time, then KILL of
 * its group. When this process dies, terraform gets INT as well (guard.h), and finishes alone.
 */
#ifndef MRP_CREATOR_PROGRAMS_H
#define MRP_CREATOR_PROGRAMS_H

#include <stdatomic.h>

#include "../run/run.h"

struct programs;

/* `grace_ms`: how long terraform may take after each INT. One a process (run.h). */
struct programs *programs_new(int64_t grace_ms, struct mrp_err *err);
void programs_free(struct programs *programs);

/* What it prints, as it comes; on another thread, but over when the call returns. */
typedef void program_output_fn(void *ctx, const char *data, size_t len);

struct program {
	const char *const *argv; /* argv[0] as in run.h */
	const char *const *env;
	const char *folder;
	const void *owner; /* whom programs_cancel() means */
	const atomic_bool
		*stop; /* set before programs_cancel(): nothing of this owner is started any more. NULL: none */
	int64_t timeout_ms;
	bool gentle;      /* terraform: ended as above; else TERM and soon KILL */
	bool keep_stdout; /* what is a document: into `out` alone; only stderr goes to `output` */
	program_output_fn *output;
	void *ctx;
	/* results */
	struct strbuf out;
	bool truncated; /* it printed more than is kept */
	bool killed;    /* by a signal that it could not hear: ours when it did not end when asked to, or anybody's */
	bool stopped;   /* it was told to end: by a time-out, or by programs_cancel or programs_stop */
};

/* Its exit code. -1 when it did not exit by itself: MRP_EFAILED (cannot be started, ended by a signal, over its time),
 * MRP_EINTERRUPTED (told to end by another thread; what it made of that is in `killed`). */
int program_run(struct programs *programs, struct program *program, struct mrp_err *err);
/* Overwrites what was kept: it may hold secrets. */
void program_release(struct program *program);

/* Any thread: end what this owner runs now. */
void programs_cancel(struct programs *programs, const void *owner);
/* End what everybody runs, and start nothing more. */
void programs_stop(struct programs *programs);
bool programs_stopped(struct programs *programs);

#endif
