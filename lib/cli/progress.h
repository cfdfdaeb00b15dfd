/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line on standard error that says how far the work is: "applying: 120/1000 (12%)". Only on a terminal, at most ten
 * times a second, and gone when the work is done.
 */
#ifndef MRP_CLI_PROGRESS_H
#define MRP_CLI_PROGRESS_H

#include "../base/base.h"

struct mrp_progress {
	bool on, shown;
	const char *what; /* borrowed */
	size_t total;     /* 0: not known */
	int64_t next_ms;  /* nothing is drawn before (monotonic clock) */
};

/* `quiet` switches it off. Nothing is drawn for work that takes less than half a second. */
void mrp_progress_start(struct mrp_progress *progress, const char *what, size_t total, bool quiet);
void mrp_progress_update(struct mrp_progress *progress, size_t done);
/* Take the line away: before anything else is printed, and at the end. Later updates draw it again. */
void mrp_progress_clear(struct mrp_progress *progress);

#endif
