/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmark programs share: a clock, numbers from the command line, lists of
 * slugs, medians, and the 1.5 KB row that every database floor reads and writes.
 *
 * These are small programs that run once, so a failure ends the program with a message.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic time in seconds. */
double now_seconds(void);

/* Print "<program>: <message>" on stderr and exit 1. */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same, for wrong usage: exit 64. */
void die_usage(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Zeroed memory for `n` items; never NULL. */
void *xcalloc(size_t n, size_t size);

/* Room for `n` items; the old content is kept. Never NULL. */
void *xreallocarray(void *old, size_t n, size_t size);

/* A whole number within [min, max], or a usage error that names `what`. */
long parse_long(const char *what, const char *text, long min, long max);

/* Seconds such as "2" or "0.5", not negative, or a usage error that names `what`. */
double parse_seconds(const char *what, const char *text);

/* Sorts `values` and returns the element at `quantile` (0..1); 0 when there are none. */
double quantile(double *values, size_t n, double quantile);

/* The lines of a file, without their ends; empty lines are left out. */
struct lines {
	char **line;
	size_t n;
	char *text; /* what `line` points into */
};

void lines_read(struct lines *lines, const char *path);
void lines_release(struct lines *lines);

/* Size of a row, about that of a prober as JSON. */
#define ROW_BYTES 1500

/*
 * Write a JSON object of exactly ROW_BYTES bytes and a NUL into `row`. `patch` is a JSON
 * text to put in, so that two writes of one row differ; it is left out when it is too long.
 */
void row_format(char row[ROW_BYTES + 1], const char *slug, const char *patch);

/* Highest resident size of this process so far, in KiB. */
long peak_rss_kib(void);

#endif
