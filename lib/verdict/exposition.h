/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). What
 * OpenMetrics 1.0 adds is read over: exemplars, # UNIT, # EOF. Time stamps are read over too: the value is from this
 * run.
 */
#ifndef MRP_VERDICT_EXPOSITION_H
#define MRP_VERDICT_EXPOSITION_H

#include "verdict.h"

struct exposition_reader {
	struct arena *arena;
	const char *at, *end, *line_start;
	uint32_t line;     /* that was read last, from 1 */
	const char *error; /* in the arena: "output:3:14: what is wrong" */
};

enum exposition_what { EXPOSITION_HELP, EXPOSITION_TYPE, EXPOSITION_SAMPLE };

struct exposition_line {
	enum exposition_what what;
	const char *name;
	const char *text;             /* help or type */
	struct verdict_sample sample; /* labels sorted, without empty ones */
};

/* The next line that says something. 1; 0 at the end; -1 with reader->error set. */
int exposition_next(struct exposition_line *out, struct exposition_reader *reader);
/* Sets reader->error, the place being `at` within the current line (NULL: the line's start). Returns -1. */
int exposition_error(struct exposition_reader *reader, const char *at, const char *fmt, ...) PRINTF(3, 4);

#endif
