/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one run of a prober says about its target: success, failure, or error (it could not be told), with a reason of a
 * fixed set, a short message and values. Made from a program's exit code and output (verdict_read), or by a built-in
 * probe. Pure functions: no clock, no I/O.
 */
#ifndef MRP_VERDICT_VERDICT_H
#define MRP_VERDICT_VERDICT_H

#include "../base/arena.h"
#include "../base/err.h"

enum verdict_status { VERDICT_SUCCESS, VERDICT_FAILURE, VERDICT_ERROR, VERDICT_STATUSES };

enum verdict_reason {
	REASON_OK,
	REASON_EXIT,    /* an exit code, or a status, that says so */
	REASON_WARNING, /* a warning that counts as what warning_is says */
	REASON_SIGNAL,
	REASON_TIMEOUT,
	REASON_SPAWN,
	REASON_LIMIT,
	REASON_LATE,   /* not run: its turn had passed */
	REASON_OUTPUT, /* the output is not what it should be */
	REASON_CONFIG, /* the prober cannot be run as it is configured */
	VERDICT_REASONS
};

/* "success", "exit": as metrics and reports spell them. */
extern const char *const verdict_status_names[VERDICT_STATUSES];
extern const char *const verdict_reason_names[VERDICT_REASONS];

enum output_format { OUTPUT_EXIT, OUTPUT_NAGIOS, OUTPUT_PROMETHEUS, OUTPUT_JSON };

struct label {
	const char *name, *value;
};

/* A value of perfdata, JSON or a built-in probe: series mrprober_value{metric, unit, ...labels}. */
struct verdict_value {
	const char *metric, *unit; /* unit "" when there is none */
	const struct label *labels;
	size_t n_labels;
	double value; /* finite */
};

enum series_type { SERIES_UNTYPED, SERIES_GAUGE, SERIES_COUNTER, SERIES_HISTOGRAM, SERIES_SUMMARY };

/* A sample of `prometheus` output, under its own name: "foo_bucket" of family "foo". */
struct verdict_sample {
	const char *name;
	const struct label *labels; /* sorted by name */
	size_t n_labels;
	double value; /* may be NaN or infinite */
};

struct verdict_family {
	const char *name, *help; /* help may be NULL */
	enum series_type type;
	const struct verdict_sample *samples;
	size_t n_samples;
};

struct verdict {
	enum verdict_status status;
	enum verdict_reason reason;
	const char *message; /* valid UTF-8, one line, at most VERDICT_MESSAGE_MAX bytes; never NULL */
	const struct verdict_value *values;
	size_t n_values;
	const struct verdict_family *families;
	size_t n_families;
};

enum { VERDICT_MESSAGE_MAX = 1024, VERDICT_SERIES_MAX = 10000 };

/* The verdict of a program that exited by itself with `exit_code` after printing `output` (any bytes). `warning_fails`:
 * warning_is is `failure`. Everything in *out lives in the arena. Output that is not of the format is VERDICT_ERROR
 * with REASON_OUTPUT, without values, and a message that says line and column (and the exit code, when it is not 0).
 * Never fails.
 *
 *	exit        0 is success, else failure; the message is the first line with something in it
 *	nagios      0 success, 1 as `warning_fails` says, 2 failure, others VERDICT_ERROR with REASON_EXIT; performance
 *	            data that make no sense are left out, of equal labels the last one counts
 *	prometheus  exit code as with `exit`, and the series are kept whatever it is; equal series, names that start with
 *	            "mrprober_" and labels of the agent's own are refused
 *	json        the status decides; "unknown" is VERDICT_ERROR with REASON_EXIT, "ok" with an exit code that is not 0
 *	            is REASON_OUTPUT */
void verdict_read(struct verdict *out, struct arena *arena, enum output_format format, bool warning_fails,
	int exit_code, const char *output, size_t len);

/* For everything that is no exit: a signal, a time-out, a limit. */
void verdict_set(struct verdict *out, struct arena *arena, enum verdict_status status, enum verdict_reason reason,
	const char *fmt, ...) PRINTF(5, 6);

#endif
