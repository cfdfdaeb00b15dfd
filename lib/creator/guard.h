/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small process that outlives this one when it is killed: it interrupts the programs that were going on, once. A
 * second interrupt would make terraform give up with what it is making half made, so PR_SET_PDEATHSIG, which may come
 * several times, is no way to do that.
 */
#ifndef MRP_CREATOR_GUARD_H
#define MRP_CREATOR_GUARD_H

#include "../base/err.h"

/* For programs whose MRPROBER_RUN_ID ends with "-TOKEN". Returns a descriptor that is kept open as long as this process
 * lives. Before there are other threads. */
int guard_start(const char *token, struct mrp_err *err);
/* Nothing is going on any more. -1 is fine. */
void guard_end(int fd);

#endif
