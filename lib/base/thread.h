/* SPDX-License-Identifier: Apache-2.0 */
/* Threads as all folders make them. */
#ifndef MRP_BASE_THREAD_H
#define MRP_BASE_THREAD_H

#include <pthread.h>

#include "err.h"

/* With all signals blocked: they are for the thread that the program began with. `name` is what ps and gdb show, at most
 * 15 characters, or NULL. MRP_EOS. */
int thread_start(pthread_t *thread, const char *name, void *(*body)(void *), void *ctx, struct mrp_err *err);

/* For waits until a time of CLOCK_MONOTONIC. */
void cond_init_monotonic(pthread_cond_t *cond);

#endif
