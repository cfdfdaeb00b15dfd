/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built-in checks: http, tcp, dns, icmp, tls, disk. One thread with an event loop runs all of them without blocking
 * (disk has threads of its own, as files cannot be waited for); the same code is `mrprober probe TYPE`. Time is taken
 * where the network is: from the first packet to the last, not from a place in a queue.
 *
 * Options are those of the tables in lib/model/probe_fields.c, in normal form: {"http": {"url": ...}}.
 */
#ifndef MRP_PROBE_PROBE_H
#define MRP_PROBE_PROBE_H

#include "../value/value.h"
#include "../verdict/verdict.h"

struct probe_engine;

/* Exit codes of a plugin (monitoring plugins development guidelines). */
enum nagios_code { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

struct probe_job {
	/* set by the caller; the struct and what it points to live until done() is called */
	const struct value *probe;
	int64_t timeout_ms; /* for all of it: VERDICT_FAILURE with REASON_TIMEOUT when it is over */
	bool warning_fails;
	/* On the engine's thread, last call about this job: keep it short. */
	void (*done)(struct probe_job *job);

	/* the result */
	struct arena arena; /* holds the verdict; the caller zeroes it before (ARENA_INIT) and releases it after */
	struct verdict verdict;
	enum nagios_code nagios_code; /* before warning_is */
	const char *details;          /* in the arena; more lines for people, "" when there are none */
	int64_t started_us, ended_us; /* monotonic */

	uint64_t number; /* the engine's own: which job a cancellation is about */
};

struct probe_engine *probe_engine_new(struct mrp_err *err);
/* After all jobs are done. */
void probe_engine_free(struct probe_engine *engine);
/* Any thread; does not block; done() is called in any case. A probe that cannot be made as configured (no such CA file,
 * no right to send ICMP) is VERDICT_ERROR with REASON_CONFIG, REASON_SPAWN or REASON_LIMIT; a target that does not
 * answer VERDICT_FAILURE with REASON_EXIT. */
void probe_submit(struct probe_engine *engine, struct probe_job *job);
/* Any thread that knows the job is not done yet. The verdict is VERDICT_ERROR with REASON_SIGNAL then, unless the job
 * was done at the same moment. */
void probe_cancel(struct probe_engine *engine, struct probe_job *job);

#endif
