/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running programs: threads that start them (vfork semantics, so the size of this process does not matter), read what
 * they print up to a limit, end them in time, and leave nothing behind. A thread owns the programs that it started:
 * vfork blocks until exec, so whoever measures time must not do it himself.
 *
 *	runner_new -> runner_submit(job) ... job->done(job) on one of the threads -> runner_free
 *
 * What a program gets: a process group of its own, /dev/null as stdin, two pipes, no other descriptor,
 * signals at their defaults and none blocked, the environment of its job and nothing of ours, no core dumps. It is
 * killed when its thread here dies. It may gain rights by setuid files and file capabilities, as ping does.
 *
 * When it has exited, the rest of its group is killed at once, and so is what left the group:
 * - with a cgroup: all that is in it, before done();
 * - else what became our child when its parent ended, as we are a child subreaper. Where the kernel lists children
 *   (CONFIG_PROC_CHILDREN, as Debian's does) that is before done() too, unless looking would take more than a hundredth
 *   of a processor; else within a second. One that has also removed MRPROBER_RUN_ID from its environment goes when no
 *   run is left that is older than it.
 *
 * Limits:
 * - with a cgroup that has the controllers memory, pids and cpu: of all processes of a run together; going over memory
 *   ends the run, a refused fork makes a failure a RUN_LIMIT;
 * - else memory is RLIMIT_AS of each process: allocation fails there, and what the program makes of that is an ordinary
 *   end; processes is RLIMIT_NPROC, for which the kernel counts all processes of the user, so 1024 are added for the
 *   others: enough to stop a fork bomb of a user who is not root, but no limit of one run; cpus is not limited.
 */
#ifndef MRP_RUN_RUN_H
#define MRP_RUN_RUN_H

#include <sys/types.h>

#include "../base/err.h"

struct run_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary */
	size_t n_groups;
};

struct run_limits {
	int64_t memory_bytes; /* of the processes together (cgroup) or of each (RLIMIT_AS); 0: none */
	double cpus;          /* cgroup only; 0: none */
	int64_t processes;    /* at one time; 0: none */
};

/* What to run. Everything is borrowed until the job is done. */
struct run_spec {
	const char *name;        /* for the cgroup and messages: a slug or an id */
	const char *const *argv; /* NULL-terminated; argv[0] with a '/' is relative to the folder, else looked for in
				    PATH of env (relative entries: to the folder) */
	const char *const *env;  /* NULL-terminated "NAME=VALUE"; all that the program gets */
	const char *folder;      /* working folder, entered with the user's rights; NULL: ours */
	const struct run_user *user; /* NULL: ours */
	struct run_limits limits;
	int64_t timeout_ms; /* above 0; then end_signal to the group */
	int64_t grace_ms;   /* then KILL */
	int end_signal;     /* how it is asked to end; 0: SIGTERM */
	int end_tries;      /* times that it is asked, with a grace after each; 0: once */
	/* For programs whose death in the middle costs more than what is left behind: nothing happens to them when we
	 * die, and they keep the reading ends of their own two pipes, so that they can go on writing (up to 256 KiB
	 * each; then they wait). To ignore SIGPIPE would not do: programs in Go end by it all the same, when it comes
	 * of stdout or stderr. Nor would another PR_SET_PDEATHSIG: it comes once for each thread of ours that becomes
	 * their parent before it dies, too. */
	bool outlives;
	size_t max_output_bytes; /* of stdout, and as much of stderr; what is over it is read and thrown away */
	bool output_is_limit;    /* a program that prints more is ended: RUN_LIMIT */
};

enum run_end {
	RUN_EXITED,   /* exit_code */
	RUN_SIGNALED, /* signal_number; nobody here sent it */
	RUN_TIMEOUT,  /* over timeout_ms, ended by us, whatever it made of TERM (exit_code, signal_number) */
	RUN_LIMIT,    /* memory, processes or output; `what` says which */
	RUN_SPAWN,    /* could not be started: `what` is the step, error_number why */
	RUN_CANCELED, /* by runner_cancel */
};

enum run_stream { RUN_STDOUT, RUN_STDERR };

struct run_result {
	enum run_end end;
	int exit_code, signal_number, error_number;
	/* A literal, or NULL. RUN_LIMIT: "memory", "processes", "output". RUN_SPAWN: "program" (not found in PATH),
	 * "exec", "interpreter" (of a script, or the loader; the program is there), "folder", "user", "limits",
	 * "cgroup", "descriptors" (too many open files), "fork" (too many processes), or "group", "parent",
	 * "signals", "wait", which nobody should ever see. */
	const char *what;
	bool killed;             /* it had outlived its grace */
	struct strbuf output[2]; /* by enum run_stream; any bytes */
	bool truncated[2];
	int64_t started_us, ended_us; /* monotonic: just before vfork; when the exit was seen */
	int64_t user_us, system_us;   /* of the program and the children it waited for */
	int64_t max_rss_kib;
};

struct run_job {
	/* set by the caller; the struct lives until done() is called */
	struct run_spec spec;
	/* On the runner's thread, last call about this job: keep it short (parse the output, post the outcome). The
	 * result may be taken over; release it with run_result_release. */
	void (*done)(struct run_job *job);
	/* On the runner's thread, as output arrives; NULL: only in the result, and a program that fills its pipe in
	 * the first 10 ms may wait for the end of these. */
	void (*output)(struct run_job *job, enum run_stream stream, const char *data, size_t len);
	/* On the runner's thread, just before it is started; NULL: nobody wants to know. */
	void (*started)(struct run_job *job);

	struct run_result result;
	struct run_state *state; /* the runner's own */
};

struct runner_options {
	int threads;        /* 0: as many as processors, at most 4 */
	const char *cgroup; /* a cgroup v2 folder delegated to us, for folders of our own beneath; NULL: rlimits only */
	/* The soft limit of open files that programs get; 0: ours. Ours may be so high that a program which closes or
	 * counts all that it could have open takes its time, and one that uses select(2) breaks. */
	int64_t open_files;
};

struct runner;

void run_result_release(struct run_result *result);

/* Makes this process a child subreaper; SIGCHLD must not be ignored, and is reset if it is; a thread that does not
 * block it is woken up by each end of a program. One runner a process. As long as there is a runner, nobody else in
 * this process may start children: they would be taken for what a program has left behind. */
struct runner *runner_new(const struct runner_options *options, struct mrp_err *err);
/* After all jobs are done (runner_cancel_all, then wait for them). */
void runner_free(struct runner *runner);
/* The rlimits (setrlimit(2)) that stand for `limits` where no cgroup does; 0: none. */
void runner_rlimits(
	const struct runner *runner, const struct run_limits *limits, int64_t *address_bytes, int64_t *processes);
/* Any thread. Does not block; done() is called in any case, also when it cannot be started. */
void runner_submit(struct runner *runner, struct run_job *job);
/* End it as a time-out would (TERM, grace, KILL), or before it was started; done() is called with RUN_CANCELED. Any
 * thread, as long as the struct is there: nothing happens when done() is being called or was. */
void runner_cancel(struct runner *runner, struct run_job *job);

#endif
