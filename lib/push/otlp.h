/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP/HTTP (OpenTelemetry protocol 1.x, "OTLP Specification"; messages by opentelemetry-proto v1). Names and labels go
 * as they are; gauges and untyped samples are gauges, counters are cumulative monotonic sums with their start time,
 * histograms are cumulative with explicit bounds. otlp.c reads answers and has what both encodings share, otlp_json.c
 * writes JSON, otlp_module.c has protobuf-c and zlib.
 */
#ifndef MRP_PUSH_OTLP_H
#define MRP_PUSH_OTLP_H

#include "format.h"

enum { OTLP_CUMULATIVE = 2 }; /* AGGREGATION_TEMPORALITY_CUMULATIVE */

/* What an answer's body says: a partial success, or an error's message. */
struct otlp_said {
	int64_t rejected;
	char *message; /* owned, or NULL */
};

/* What the module `otlp` exports as "mrp_otlp". */
struct otlp_ops {
	/* Appended. The points are in order of family. */
	void (*encode)(struct strbuf *out, const struct push_points *points, const struct push_context *context);
	/* -1 when it is no such message. */
	int (*decode_response)(struct otlp_said *out, const void *data, size_t len);
	int (*decode_status)(struct otlp_said *out, const void *data, size_t len);
	/* As one member (RFC 1952); appended. */
	int (*gzip)(struct strbuf *out, const void *data, size_t len, struct mrp_err *err);
};

extern const struct otlp_ops mrp_otlp;

/* Points of one family are one metric: the number of points from `first` on that belong together. */
size_t otlp_metric_len(const struct push_points *points, size_t first);
/* In UCUM, as OTLP wants units: "seconds" is "s". */
const char *otlp_unit(const char *unit);
static inline uint64_t otlp_nano(int64_t ms)
{
	return ms > 0 ? (uint64_t)ms * 1000000 : 0;
}
void otlp_add_json(struct strbuf *out, const struct push_points *points, const struct push_context *context);

#endif
