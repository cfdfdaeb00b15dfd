/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file in which programs write down when they were started, whoever starts them: a slot for each, with the last
 * times in a ring. `tick` writes, `ticks` makes and reads it.
 */
#ifndef BENCH_TICKS_H
#define BENCH_TICKS_H

#include <stdint.h>

enum { TICKS_KEPT = 63 };

/* 512 bytes, so a run touches one page. */
struct tick_slot {
	uint64_t count;
	uint64_t at_ns[TICKS_KEPT]; /* CLOCK_MONOTONIC; the n-th one is at n % TICKS_KEPT */
};

#endif
