/* SPDX-License-Identifier: Apache-2.0 */
/* The timers of a loop as a heap with four children a node: half as deep as a binary one, and four neighbours are in
 * one or two cache lines. A timer knows its place, so setting and clearing need no search. */
#ifndef MRP_EV_TIMERS_H
#define MRP_EV_TIMERS_H

#include "loop.h"

/* The time stands beside the pointer: comparing follows none. */
struct timer_place {
	int64_t due_us;
	struct loop_timer *timer;
};

VEC_DEFINE(timer_vec, struct timer_place)

struct timers {
	struct timer_vec heap; /* v[0] is unused once there is one: places count from 1 */
};

void timers_release(struct timers *timers);
void timers_set(struct timers *timers, struct loop_timer *timer, int64_t due_us);
void timers_clear(struct timers *timers, struct loop_timer *timer);
size_t timers_count(const struct timers *timers);
/* The one that is due first, or NULL. */
struct loop_timer *timers_first(const struct timers *timers);

#endif
