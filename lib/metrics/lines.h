/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a page. */
#ifndef MRP_METRICS_LINES_H
#define MRP_METRICS_LINES_H

#include "internal.h"

/* Numbers as text; at most NUMBER_MAX bytes, no NUL; they return where it ends. */
enum { NUMBER_MAX = 32 };
char *put_uint(char *p, uint64_t n);
char *put_decimal(char *p, uint64_t n, unsigned digits); /* n / 10^digits, up to 9 digits */
char *put_double(char *p, double d);                     /* reads back equal */

/* The nearest whole number; `d` is not below 0. llround() would be the only reason to load libm. */
static inline uint64_t nearest(double d)
{
	return (uint64_t)(d + 0.5);
}

/* A label's value, a help text: what must be escaped is. */
void add_escaped(struct strbuf *out, const char *s, bool quotes);

/* HELP, TYPE and, in OpenMetrics, UNIT. */
void add_head(struct strbuf *out, enum exposition exposition, const struct family_info *info);

/* `p` NULL: a sample of the agent itself. Names are ours, so they are short. */
void add_uint(
	struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, const char *name, uint64_t n);
void add_decimal(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, const char *name,
	uint64_t n, unsigned digits);
void add_run_count(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, int status, int reason,
	uint64_t n);

struct histogram_lines {
	const char *bucket, *sum, *count; /* names */
	const char *const *bounds;
	size_t n;
};
void add_histogram(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p,
	const struct histogram_lines *h, const uint64_t *counts, uint64_t sum_ns);

/* With a name, labels and a value of any length: start, labels, end. */
void add_sample_start(struct strbuf *out, const struct metrics *m, const struct metrics_prober *p, const char *name);
void add_more_label(struct strbuf *out, const char *name, const char *value);
void add_sample_end(struct strbuf *out, const struct label *labels, size_t n_labels, double value);

#endif
