/* SPDX-License-Identifier: Apache-2.0 */
/* One child from nothing to exec. It shares our memory until then, so starting it costs the same however large we are;
 * and what went wrong in it is simply written down, so a failed exec is never taken for an exit code. */
#ifndef MRP_RUN_SPAWN_H
#define MRP_RUN_SPAWN_H

#include "run.h"

enum spawn_step {
	SPAWN_DONE,
	SPAWN_FORK,
	SPAWN_GROUP,
	SPAWN_CGROUP,
	SPAWN_DESCRIPTORS,
	SPAWN_LIMITS,
	SPAWN_USER,
	SPAWN_PARENT,
	SPAWN_FOLDER,
	SPAWN_SIGNALS,
	SPAWN_EXEC,
};

struct spawn {
	const struct run_spec *spec;
	const char *path;      /* to exec, from within the folder */
	int stdio[3];          /* all above 2 */
	int readers[2];        /* above 2, kept open (at their numbers) by a program that outlives us; -1: none */
	int cgroup_fd;         /* the folder of the run's cgroup; -1: none */
	int64_t address_bytes; /* RLIMIT_AS; 0: as it is */
	int64_t processes;     /* RLIMIT_NPROC; 0: as it is */
	int64_t open_files;    /* RLIMIT_NOFILE, the soft one; 0: as it is */
	bool moves;            /* goes to its cgroup by itself, see spawn_begins_in_cgroup */
	/* spawn_process sets what follows */
	pid_t parent;
	enum spawn_step failed; /* SPAWN_DONE: it has reached exec */
	int error_number;
};

/* All signals are blocked in the calling thread, and stay so. Blocks until exec: 0.1 ms, or 0.5 when processors are
 * busy. Returns the process, the leader of a group; or -1 with `failed` set, and then nothing is left of it. */
pid_t spawn_process(struct spawn *spawn);
/* Tries whether a child can begin in a cgroup, instead of moving there. A filter of system calls may forbid it. And
 * kernels since 6.1.129 kill such a child at once where cgroup.kill was used before, on its cgroup but not on ours or
 * the other way round ("cgroup: fix race between fork and cgroup.kill" compares the wrong two counts). */
bool spawn_begins_in_cgroup(int cgroup_fd);
/* For struct run_result: "fork", "user", ... */
const char *spawn_step_name(enum spawn_step step);

#endif
