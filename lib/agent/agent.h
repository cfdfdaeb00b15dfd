/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent as a whole: it gets its config from a source, runs what the config says on time, and tells the world by
 * metrics and reports. The thread that calls agent_run becomes the scheduler; all other threads are started and ended
 * here.
 *
 *	agent_new -> agent_run (until SIGTERM or SIGINT) -> agent_free
 *
 * Where to read next: schedule.h (when), executor.h (how), config_source.h (what), agent_config.c (how a config gets
 * from there to here), agent_manager.c (signals, systemd).
 */
#ifndef MRP_AGENT_AGENT_H
#define MRP_AGENT_AGENT_H

#include "account.h"
#include "config_source.h"
#include "executor.h"
#include "uploads.h"

/* All is borrowed until agent_free. */
struct agent_options {
	const char *cluster, *host;
	const char *state_dir;
	const struct http_options *api; /* NULL: `config` */
	const char *config;             /* a file or a folder */
	const char *environment;        /* of that folder; NULL: its only one */
	int64_t config_interval_ms;     /* between two looks; 0: as the source thinks */
	const char *listen;             /* "127.0.0.1:9314"; NULL: no metrics server */
	bool compat_blackbox;
	int64_t max_runs;            /* programs at one time */
	int64_t open_files;          /* the soft limit that programs get; 0: ours */
	int64_t log_bytes;           /* for what runs printed, on the disk; 0: nothing is kept */
	const struct s3_options *s3; /* where that is uploaded to as well; NULL: nowhere */
	int64_t upload_bytes;        /* for what waits to be uploaded, on the disk; 0: as objects.h says */
	const char *upload_prefix;   /* see uploads.h */
	const char *cgroup;          /* delegated to us; "auto": our own; NULL: none */
	struct account_rules accounts;
};

struct agent;

/* Blocks the signals that agent_run wants, so call it before other threads start. Opens the port, takes the state
 * folder. MRP_EUSAGE, MRP_EINVALID: an option is wrong; MRP_ELOCKED: another agent has the state folder. */
struct agent *agent_new(const struct agent_options *options, struct mrp_err *err);
/* Blocks until the agent has been told to stop and all runs have ended: at latest a little after the largest grace. */
int agent_run(struct agent *agent, struct mrp_err *err);
void agent_free(struct agent *agent);

/* Where metrics are served, "http://127.0.0.1:9314"; NULL: nowhere. */
const char *agent_url(const struct agent *agent);
struct metrics *agent_metrics(struct agent *agent);

/* --- for other threads, such as those of the duty socket ---------------------------------------------------------- */

/* What may be looked at and done on the scheduler's thread. */
struct agent_inside {
	struct schedule *schedule;
	struct executor *executor;
	int64_t now_us;
};

/* Have `fn` called on the scheduler's thread, and wait for it. Keep it short, a millisecond say: turns wait meanwhile.
 * MRP_EBUSY when the agent is stopping. Never on the scheduler's own thread. */
int agent_call(
	struct agent *agent, void (*fn)(void *ctx, const struct agent_inside *inside), void *ctx, struct mrp_err *err);
/* An id for a run beside the schedule: unlike all others. On the scheduler's thread. */
void agent_run_id(char out[32], const struct agent_inside *inside);
struct logs *agent_logs(struct agent *agent); /* NULL: nothing is kept */
struct agent_source *agent_source(struct agent *agent);
const struct agent_options *agent_options(const struct agent *agent);
/* Pause these entries until then (wall clock; INT64_MAX: until they are resumed), or resume them (0); it is remembered
 * on the disk. Blocks. */
int agent_pause(struct agent *agent, const struct strvec *ids, int64_t until_ms, struct mrp_err *err);
struct runner *agent_runner(struct agent *agent);
/* Look for another config now and wait for how that ends. MRP_EFAILED with what was wrong. */
int agent_reload(struct agent *agent, struct mrp_err *err);

#endif
