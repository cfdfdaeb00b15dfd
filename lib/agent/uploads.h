/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs have printed, to object storage: the same records as in the logs, an object each,
 *
 *	PREFIX/agent/CLUSTER/HOST/PROBER/TIME-RUN_ID.log
 *
 * with TIME when the run began, as 20261128T061500.123Z, so that names sort by it. Whoever puts waits for the disk
 *only; lib/cloud/objects.h has the rest. What looks like a token or a key is replaced: the bucket has other readers
 *than the host.
 */
#ifndef MRP_AGENT_UPLOADS_H
#define MRP_AGENT_UPLOADS_H

#include "../cloud/objects.h"
#include "../metrics/metrics.h"
#include "log_store.h"

struct uploads_options {
	const struct s3_options *s3;
	const char *folder; /* for what waits */
	int64_t max_bytes;  /* of it; 0: as objects.h says */
	const char *prefix, *cluster, *host;
	struct metrics *metrics; /* must outlive the uploads */
};

struct uploads;

/* Asks no server. All is copied. */
struct uploads *uploads_start(const struct uploads_options *options, struct mrp_err *err);
/* Sends what waits for at most `grace_ms`; the rest goes when the agent runs again. NULL is harmless. */
void uploads_stop(struct uploads *uploads, int64_t grace_ms);
/* One thread at a time. A run that cannot be put is counted as dropped, and logged. */
void uploads_put(struct uploads *uploads, const struct log_record *record);
/* "bucket 'logs' at https://..." */
const char *uploads_description(const struct uploads *uploads);

/* The key of a record and what is stored; appended. */
void uploads_add_key(struct strbuf *out, const struct uploads_options *options, const struct log_record *record);
void uploads_add_text(struct strbuf *out, const struct uploads_options *options, const struct log_record *record);

#endif
