/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agents have reported last. A report is answered when it is in memory; a thread writes what has come together to
 * the database every few seconds, so ten thousand agents cost a few transactions a minute. What was not written yet is
 * lost with the process, and comes again with the agent's next report.
 */
#ifndef MRP_API_REPORTS_H
#define MRP_API_REPORTS_H

#include "../store/objects.h"
#include "../store/writer.h"

enum { REPORT_LIFE_MS = 7 * 24 * 3600 * 1000 };

struct report {
	char *cluster, *host;
	int64_t seen_ms;
	char *body;    /* JSON: what GET answers, without cluster, host and last_seen */
	char *summary; /* JSON: what a list has of it */
};

struct reports;

/* The writer is borrowed until reports_stop, which writes what is left. */
struct reports *reports_start(struct writer *writer);
void reports_stop(struct reports *reports);

/* Any thread. Takes the strings of `report`. MRP_EBUSY when too much waits for the database; they are freed then. */
int reports_put(struct reports *reports, struct report *report, struct mrp_err *err);

/* The last report: 1, 0, -1. Strings of `out` are from the arena; summary is not filled in. */
int reports_get(struct report *out, struct reports *reports, struct arena *arena, struct store_conn *db,
	const char *cluster, const char *host, int64_t now_ms, struct mrp_err *err);

/* Called for each in order of cluster and host; false ends it. */
typedef bool reports_each_fn(void *ctx, const struct report *report);

/* At most `max` reports after (cluster, host), of one cluster only when `only` says so; body is not filled in. */
int reports_list(struct reports *reports, struct arena *arena, struct store_conn *db, const char *cluster,
	const char *host, const char *only, int64_t now_ms, int64_t max, reports_each_fn *each, void *ctx,
	struct mrp_err *err);

/* Remove what is too old. Inside a transaction. */
int reports_sweep(struct store_conn *db, int64_t now_ms, struct mrp_err *err);

#endif
