/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's metrics (names, types and labels are a contract: mrprober-agent(1)). One writer, the scheduler, records
 * what happened; any thread may format a page or walk the samples, without ever making the writer wait longer than it
 * takes to copy one prober.
 */
#ifndef MRP_METRICS_METRICS_H
#define MRP_METRICS_METRICS_H

#include "../verdict/verdict.h"

struct metrics;
struct metrics_prober; /* the series of one entry: a prober with one combination of its matrix */

struct metrics_options {
	const char *cluster, *host, *version;
	bool compat_blackbox; /* probe_success and probe_duration_seconds, too */
};

struct metrics *metrics_new(const struct metrics_options *options);
void metrics_free(struct metrics *metrics);

/* `labels`: the matrix and the prober's labels, without cluster, host, prober; names are valid and differ. Copied.
 * Counters start at 0. */
struct metrics_prober *metrics_prober_add(
	struct metrics *metrics, const char *prober, const struct label *labels, size_t n_labels);
/* Its series are gone from the next page on. */
void metrics_prober_remove(struct metrics *metrics, struct metrics_prober *prober);
/* A run has ended, or could not begin (VERDICT_ERROR with REASON_SPAWN, REASON_CONFIG, REASON_LATE; duration_s < 0: no
 * duration is counted, and the last run stays the one before). After an error mrprober_success, values and families are
 * absent until the next verdict. A label of a program that the prober has too becomes "exported_NAME"; a family that
 * others have with another type is left out, logged and counted. */
void metrics_prober_record(struct metrics *metrics, struct metrics_prober *prober, const struct verdict *verdict,
	double duration_s, int64_t wall_ms, int64_t consecutive_failures);

/* The agent itself. */
enum agent_metric {
	AGENT_RUNNING,               /* gauge: runs that go on now */
	AGENT_QUEUED,                /* gauge: runs that wait for a place */
	AGENT_PROBERS,               /* gauge: entries of the config */
	AGENT_PROBERS_PAUSED,        /* gauge */
	AGENT_SKIPPED_TOTAL,         /* counter: runs left out because the one before goes on */
	AGENT_LATE_TOTAL,            /* counter: runs left out because their turn had passed */
	AGENT_HEALS_TOTAL,           /* counter */
	AGENT_HEAL_FAILURES_TOTAL,   /* counter: heals that did not exit with 0 */
	AGENT_CONFIG_TIMESTAMP,      /* gauge, seconds since 1970: when the config was last known to be right */
	AGENT_CONFIG_RELOAD_SUCCESS, /* gauge 0/1: the last config was good */
	AGENT_CONFIG_RELOADS_TOTAL,  /* counter: configs applied */
	AGENT_LOGS_DROPPED_TOTAL,    /* counter: outputs of runs that were not kept, the queue or the disk being full */
	AGENT_REPORTS_FAILED_TOTAL,  /* counter: reports that the API did not take */
	AGENT_PUSH_SENT_TOTAL,       /* counter: samples pushed */
	AGENT_PUSH_DROPPED_TOTAL,    /* counter: samples dropped, the queue being full or the answer final */
	AGENT_PUSH_FAILED_TOTAL,     /* counter: requests that failed and were tried again */
	AGENT_UPLOADS_TOTAL,         /* counter: outputs of runs that object storage has taken */
	AGENT_UPLOADS_DROPPED_TOTAL, /* counter: outputs that will not get there */
	AGENT_UPLOADS_FAILED_TOTAL,  /* counter: uploads that failed and are tried again */
	AGENT_UPLOADS_WAITING,       /* gauge: outputs that wait on the disk */
	AGENT_METRICS
};

/* Any thread. */
void metrics_agent_add(struct metrics *metrics, enum agent_metric which, int64_t n);
void metrics_agent_set(struct metrics *metrics, enum agent_metric which, double value);
/* mrprober_agent_run_delay_seconds: start minus schedule. */
void metrics_agent_delay(struct metrics *metrics, double seconds);

/* Name and help of each family, prober's and agent's: for the manual page. */
void metrics_each_family(void (*each)(void *ctx, const char *name, const char *help), void *ctx);

enum exposition { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };

/* The page; appended. */
void metrics_format(struct strbuf *out, struct metrics *metrics, enum exposition format);

/* One sample for a push. Everything is borrowed for the call. Histograms come whole; summaries come sample
 * by sample, without a type. */
struct metrics_point {
	const char *family;
	enum series_type type;
	const char *help, *unit;
	const struct label *labels; /* all, cluster and host included */
	size_t n_labels;
	double value;         /* all but histograms */
	const double *bounds; /* histograms: n_bounds upper bounds, n_bounds + 1 counts (not cumulated), sum, count */
	const uint64_t *counts;
	size_t n_bounds;
	double sum;
	uint64_t count;
	int64_t start_ms; /* counters and histograms: since when, wall clock */
};

void metrics_each(struct metrics *metrics, void (*each)(void *ctx, const struct metrics_point *point), void *ctx);

/* Serving pages: a thread with a small HTTP server (/metrics, /healthz, /). */
struct metrics_server;

/* `listen` "127.0.0.1:9314", port 0 picks one. *url gets "http://127.0.0.1:40123", yours to free. */
struct metrics_server *metrics_server_start(
	char **url, struct metrics *metrics, const char *listen, struct mrp_err *err);
void metrics_server_stop(struct metrics_server *server);

#endif
