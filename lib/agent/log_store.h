/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs have printed, in a ring of files: a run is appended to the newest file, and the oldest file goes when they
 * are larger together than they may be. Each record knows where the one before it of the same prober lies, so memory
 * holds one place a prober. A record that a crash cut short is noticed by its hash, and left out.
 *
 * Blocks on the disk. One thread writes; any thread reads meanwhile.
 */
#ifndef MRP_AGENT_LOG_STORE_H
#define MRP_AGENT_LOG_STORE_H

#include "../base/err.h"
#include "../run/run.h"
#include "../verdict/verdict.h"

/* One run. Texts are borrowed when it is written, and from `text` when it was read. */
struct log_record {
	const char *id;     /* of the entry */
	const char *run_id; /* MRPROBER_RUN_ID */
	const char *message;
	enum verdict_status status;
	enum verdict_reason reason;
	int exit_code, signal_number; /* 0 for what does not apply */
	int64_t started_ms;           /* wall clock, since 1970 */
	int64_t duration_us;
	const char *output[2]; /* by enum run_stream */
	size_t output_len[2];
	bool truncated[2];
	struct strbuf text;
};

struct log_store;

/* The folder is made when it is not there; what an earlier run of the agent has left is found again. `max_bytes` for
 * all files together, at least 1 MiB. */
struct log_store *log_store_open(const char *folder, int64_t max_bytes, struct mrp_err *err);
void log_store_close(struct log_store *store);

/* -1: nothing of it remains (MRP_ENOSPC, MRP_EOS). */
int log_store_put(struct log_store *store, const struct log_record *record, struct mrp_err *err);
/* The run number `back` of the entry, counted from 0, the last one. 1 with *out (release its text), 0 when there are
 * not so many, -1. */
int log_store_get(struct log_record *out, struct log_store *store, const char *id, size_t back, struct mrp_err *err);

#endif
