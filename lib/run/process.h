/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc says of other processes (proc(5)). */
#ifndef MRP_RUN_PROCESS_H
#define MRP_RUN_PROCESS_H

#include <sys/types.h>

#include "../base/base.h"

struct process {
	pid_t pid, parent, group;
	char state;
	unsigned long long ticks; /* since boot, when it was started */
};

/* `proc_fd` is of /proc. False when it is gone. */
bool process_read(struct process *process, int proc_fd, pid_t pid);
/* The MRPROBER_RUN_ID of a process, "" if it has none or does not let itself be read. Yours to free. */
char *process_mark(int proc_fd, pid_t pid);

#endif
