/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between receivers: how points become a request's body, where it goes, and what an answer means. No
 * sockets, no clock: the bodies and the answers are bytes.
 */
#ifndef MRP_PUSH_FORMAT_H
#define MRP_PUSH_FORMAT_H

#include "../value/value.h"
#include "push.h"

/* A copy of points that were walked over. */
struct push_points {
	struct arena arena;
	struct metrics_point *v;
	size_t n, alloc;
	size_t samples; /* as Monitoring counts: each bucket of a histogram is one */
};

#define PUSH_POINTS_INIT            \
	{                           \
		.arena = ARENA_INIT \
	}

/* At most so many samples go into one request. */
enum { PUSH_BATCH_SAMPLES = 2000 };

/* What a point counts: 1, or a histogram's buckets, sum and count. */
size_t push_point_samples(const struct metrics_point *point);
void push_points_add(struct push_points *points, const struct metrics_point *point);
void push_points_reset(struct push_points *points);
void push_points_release(struct push_points *points);

/* What a batch is made of, beside its points. */
struct push_context {
	int64_t time_ms;  /* when the points were taken, wall clock */
	const char *host; /* or NULL */
};

struct push_encoded {
	struct strbuf body; /* empty when no sample is left */
	uint64_t samples, dropped;
	const char *why; /* of one that was dropped, a literal; NULL: none was */
};

#define PUSH_ENCODED_INIT           \
	{                           \
		.body = STRBUF_INIT \
	}

enum push_fate {
	PUSH_TAKEN, /* all but `rejected` */
	PUSH_AGAIN, /* not now */
	PUSH_TOKEN, /* not with this token */
	PUSH_FINAL, /* not at all: trying again cannot help */
};

struct push_reply {
	enum push_fate fate;
	uint64_t rejected;
	char *said; /* owned; what the receiver says about it, or NULL */
};

struct push_format {
	const char *name, *content_type;
	bool gzip, token;
	/* Points may be put into another order. MRP_EFAILED when a module cannot be loaded. */
	int (*encode)(struct push_encoded *out, struct push_points *points, const struct push_context *context,
		struct mrp_err *err);
	void (*read)(struct push_reply *out, const struct http_peer_answer *answer, uint64_t samples);
};

extern const struct push_format push_formats[]; /* by enum push_kind */

/* The rows of the table: solomon.c, otlp.c, otlp_json.c. */
int push_solomon_encode(
	struct push_encoded *out, struct push_points *points, const struct push_context *context, struct mrp_err *err);
void push_solomon_read(struct push_reply *out, const struct http_peer_answer *answer, uint64_t samples);
int push_otlp_encode(
	struct push_encoded *out, struct push_points *points, const struct push_context *context, struct mrp_err *err);
int push_otlp_encode_json(
	struct push_encoded *out, struct push_points *points, const struct push_context *context, struct mrp_err *err);
void push_otlp_read(struct push_reply *out, const struct http_peer_answer *answer, uint64_t samples);

/* For the rows: the fate of an answer that is no success; 429 and those of `again` (0 ends them) come again. */
enum push_fate push_fate_of_error(int status, const int *again);
/* "answered 503: said"; `said` may be NULL. Yours to free. */
char *push_said(int status, const char *said);
/* A count in an answer: JSON writes it as a number or as a string. -1 when it is none. */
int64_t push_count(const struct value *json, const char *key);

#endif
