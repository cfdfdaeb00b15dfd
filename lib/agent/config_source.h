/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the agent's config comes from: the API, a file, or a folder of configs. A thread of its own looks for changes,
 * fetches files by their hash, makes a folder of each set of files (agent_entry_folder), and only when everything is
 * there, on the disk, and the config is stored as the last good one, hands it on. Whatever goes wrong, the config
 * before stays. The same thread sends reports to the API (report.h).
 *
 *	agent_source_start ... outcomes and calls of want_report, on its thread ... agent_source_stop
 *
 * Its folder, <state_dir>/agent/<cluster>, belongs to one agent at a time (a lock):
 *	config.json    the last good config, with a checksum
 *	files/<set>/   what runs find in their working folder; 0755 and 0644, whatever the umask
 *	blobs/         contents by hash; the same inodes as in files/
 *
 * Where to read next: config_files.h (sets of files), config_stored.h (the last good config), config_api.c and
 * config_local.c (the two kinds of sources).
 */
#ifndef MRP_AGENT_CONFIG_SOURCE_H
#define MRP_AGENT_CONFIG_SOURCE_H

#include "../http/http.h"
#include "entry.h"
#include "report.h"

enum config_outcome_kind {
	CONFIG_NEW,     /* another config is to be run */
	CONFIG_SAME,    /* the source says that the config is right */
	CONFIG_REFUSED, /* what the source has is no good config, or could not be put on the disk */
	CONFIG_UNKNOWN, /* the source could not be asked */
};

struct config_outcome {
	enum config_outcome_kind kind;
	struct agent_config *config; /* CONFIG_NEW: one reference, the receiver's to drop; else NULL */
	bool last_good;              /* CONFIG_NEW: from the disk; nobody knows yet whether it is still right */
	const char *error;           /* CONFIG_REFUSED, CONFIG_UNKNOWN: why, one line; borrowed for the call */
	uint64_t reloads;            /* all calls of agent_source_reload up to this number are answered by this */
};

struct agent_source_options {
	const char *cluster, *host;
	const char *state_dir;           /* --state-dir */
	const struct http_options *http; /* the API, as the settings say; NULL: `path` */
	const char *path;           /* a file as /v1/agent-config answers (JSON, or YAML of that shape), or a folder
				       with mrprober.yaml */
	const char *environment;    /* of that folder's manifest; NULL: its only one */
	int64_t interval_ms;        /* between two looks; 0: 30 s for the API, 2 s for files */
	int64_t report_interval_ms; /* 0: 30 s */
	/* On the source's thread: a config that nobody else has seen yet; may block. NULL: nothing to do. */
	void (*prepare)(void *ctx, struct agent_config *config);
	/* On the source's thread; must not block: post to the loop. Called once soon after the start (the last good
	 * config, or how the first look ended), then after each look. */
	void (*outcome)(void *ctx, const struct config_outcome *outcome);
	/* A report is due: answer by agent_source_report, at once or later. NULL: no reports. */
	void (*want_report)(void *ctx);
	/* A report was taken by the API, or was not. NULL: nobody wants to know. */
	void (*reported)(void *ctx, bool taken);
	void *ctx;
};

struct agent_source;

/* All strings are copied; the token too. MRP_EUSAGE: names or an address that cannot be; MRP_ELOCKED: another agent has
 * the folder. */
struct agent_source *agent_source_start(const struct agent_source_options *options, struct mrp_err *err);
/* Ends requests that are in flight; takes milliseconds. The callbacks are not called any more. References to configs
 * stay good. NULL is harmless. */
void agent_source_stop(struct agent_source *source);

/* Wait, `seconds` at most, until the first outcome was handed on. */
void agent_source_wait(struct agent_source *source, int seconds);
/* Any thread, never blocking. Look now, and look at files on the disk too (what was damaged is repaired); the number
 * appears in an outcome. */
uint64_t agent_source_reload(struct agent_source *source);
/* Any thread: something worth a report has changed; one comes soon, however often this is said. */
void agent_source_changed(struct agent_source *source);
/* Any thread: the report that want_report asked for; taken. */
void agent_source_report(struct agent_source *source, struct agent_report *report);

struct agent_source_status {
	char *source;       /* "http://127.0.0.1:8080", "unix:/run/x.sock" or the path */
	char *revision;     /* of the config handed on last; NULL: none yet */
	char *error;        /* of the last look; NULL: it was good */
	int64_t checked_ms; /* wall clock, when the last look ended; 0: never */
	int64_t good_ms;    /* when the config was last known to be right; 0: never */
	int64_t failures;   /* looks that failed in a row */
};

/* Any thread. */
void agent_source_status(struct agent_source *source, struct agent_source_status *out);
void agent_source_status_release(struct agent_source_status *status);

#endif
