/* SPDX-License-Identifier: Apache-2.0 */
/* What processes take: proc(5). */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	double cpu_seconds; /* when it was found; its own, without its children's */
	unsigned long long started;
};

struct processes {
	struct process *v;
	size_t n;
};

/* `root` and all that descend from it at this moment. */
void processes_of(struct processes *out, pid_t root);
/* What those that are still there have used since then; the others are dropped, with what they used. */
double processes_used_seconds(struct processes *processes);
/* Proportional set size (smaps_rollup) of them together. */
double processes_pss_mib(const struct processes *processes);

#endif
