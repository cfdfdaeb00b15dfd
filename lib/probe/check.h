/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check while it runs, for the files of this folder. A type of check is a table of functions; its own struct begins
 * with `struct check`. Everything here happens on the engine's thread.
 *
 *	start() ... values are added, events arrive ... check_end() -> stop() -> the job's done()
 *
 * check_end() and check_error() release the check: return at once after them.
 */
#ifndef MRP_PROBE_CHECK_H
#define MRP_PROBE_CHECK_H

#include "../ev/loop.h"
#include "probe.h"
#include "resolve.h"

struct check;

struct check_type {
	const char *name; /* as in lib/model/probe_fields.c */
	size_t size;      /* of its own struct; comes zeroed */
	/* What all checks of the type share, made before the first of them; both may be NULL. */
	void *(*open)(struct loop *loop, struct mrp_err *err);
	void (*close)(void *shared);
	void (*start)(struct check *check);
	/* Lets go of descriptors, timers and memory, however far start() came. */
	void (*stop)(struct check *check);
	/* Ends the check, its time being over; NULL: check_timed_out is right. */
	void (*timed_out)(struct check *check);
};

VEC_DEFINE(verdict_value_vec, struct verdict_value)

struct check {
	const struct check_type *type;
	struct probe_engine *engine;
	struct loop *loop;
	struct resolver *resolver;
	void *shared; /* what the type's open() made */
	struct probe_job *job;
	const struct value *options; /* of this type, in normal form */
	const char *stage;           /* what it waits for: "no answer within 10s: connecting" */
	const char *warning;         /* in the job's arena; it ends as NAGIOS_WARNING when there is one */
	struct verdict_value_vec values;
	struct strbuf details;

	/* the engine's own */
	struct loop_timer deadline;
	bool slept; /* the deadline was met much too late, and moved once */
	size_t place;
};

extern const struct check_type check_tcp, check_dns, check_icmp, check_disk;
extern const struct check_type mrp_check_http, mrp_check_tls; /* of modules */

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* What the target showed: NAGIOS_OK or NAGIOS_CRITICAL. OK becomes NAGIOS_WARNING when check_warn was called. */
void check_end(struct check *check, enum nagios_code code, const char *fmt, ...) PRINTF(3, 4);
/* It cannot be told: REASON_CONFIG, REASON_SPAWN or REASON_LIMIT. */
void check_error(struct check *check, enum verdict_reason reason, const char *fmt, ...) PRINTF(3, 4);
/* The same for a descriptor that could not be made: errno says whether it is a limit. */
void check_errno(struct check *check, const char *what);
/* The same for a name that has no address: a failure of the target, unless we could not ask. */
void resolve_failed(struct check *check, const struct resolve *resolve);
/* Its time is over. */
void check_timed_out(struct check *check);
/* Good, but: the first one counts. */
void check_warn(struct check *check, const char *fmt, ...) PRINTF(2, 3);

/* --- results ------------------------------------------------------------------------------------------------------ */

/* Series mrprober_value{metric, unit}. Names are literals. */
void check_value(struct check *check, const char *metric, const char *unit, double value);
/* The same with one more label, whose parts are literals. */
void check_labeled(struct check *check, const char *metric, const char *unit, const char *label,
	const char *label_value, double value);
/* A line for people. */
void check_detail(struct check *check, const char *fmt, ...) PRINTF(2, 3);
/* Warns when `took_us` is over the option max_time. */
void check_max_time(struct check *check, const char *what, int64_t took_us);

static inline double seconds(int64_t us)
{
	return (double)us / 1e6;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

/* NULL, false, `absent` when the option is not there. Durations in milliseconds, sizes in bytes. */
const char *option_text(const struct check *check, const char *name);
bool option_bool(const struct check *check, const char *name);
int64_t option_int(const struct check *check, const char *name, int64_t absent);
int64_t option_duration(const struct check *check, const char *name, int64_t absent);
int64_t option_size(const struct check *check, const char *name, int64_t absent);
double option_percent(const struct check *check, const char *name, double absent);
/* ip_version: 4, 6, or 0 for any. */
int option_ip_version(const struct check *check);

#endif
