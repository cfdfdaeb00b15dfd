/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of agent_source: its thread (config_source.c), its folder (config_folder.c), one look (config_look.c) and how
 * it ended (config_tell.c), reports (config_reports.c). */
#ifndef MRP_AGENT_CONFIG_INTERNAL_H
#define MRP_AGENT_CONFIG_INTERNAL_H

#include <pthread.h>

#include "config_backend.h"
#include "config_stored.h"

/* How a look ended, remembered. */
struct said {
	enum config_outcome_kind kind;
	enum mrp_errcode code;
	char *about; /* ETag of the config that it is about, or NULL */
	char *error; /* NULL: none */
};

struct agent_source {
	struct agent_source_options options; /* strings are owned, but for http */
	struct config_backend *backend;
	struct config_files *files;
	char *stored_path;
	int lock_fd, wake_fd, stop_fd;
	pthread_t thread;

	/* the thread's own */
	struct config_vec used; /* configs handed on that others still use; the last one is current */
	char *etag;             /* of the current one; NULL: it had none */
	bool again;             /* what was found could not be used, for reasons that may pass */
	struct said found;      /* of the last look that found something: what "unchanged" means */
	struct said last;       /* of the last look: the log and others know it already */
	uint64_t reloads_done;
	int64_t backoff; /* looks in a row after which waiting longer makes sense */
	int64_t look_due_us, told_us;
	int64_t report_failures, report_due_us, report_sent_us;
	enum mrp_errcode report_said;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t first_told;
	bool told, changed, stop;
	uint64_t reloads; /* asked for */
	struct agent_report *report;
	struct agent_source_status status;
};

/* How a look ended, on its way to everybody who wants to know. */
struct look_ending {
	enum config_outcome_kind kind;
	struct agent_config *config; /* CONFIG_NEW: handed on */
	bool last_good;
	enum mrp_errcode code;
	const char *error, *about;
	const struct problems *problems;
	uint64_t reloads;
};

void said_release(struct said *said);
void said_set(struct said *said, const struct look_ending *ending);
bool outcome_is_good(enum config_outcome_kind kind);
/* Is that something else than what everybody knows from the last look? */
bool ending_is_news(const struct said *last, const struct look_ending *ending);
/* To the log, the status and the receiver of outcomes. A config that it has becomes the current one. */
void source_tell(struct agent_source *source, const struct look_ending *ending);

/* Around `ms`, so that agents that were started together do not stay together. */
int64_t jittered_us(int64_t ms);
int64_t wall_ms(void);
/* The config handed on last, or NULL. */
struct agent_config *source_config(const struct agent_source *source);

/* Make and lock <state_dir>/agent/<cluster>, remove what a killed process has left there. */
int source_open_folder(struct agent_source *source, const char *state_dir, struct mrp_err *err);
/* The last good config of the disk, if there is one for this source, becomes the current one. */
void source_load_stored(struct agent_source *source);
/* Look once, say how it ended, set when the next look is due. */
void source_look(struct agent_source *source);

/* Ask for a report when one is due, send what was handed over. */
void source_send_reports(struct agent_source *source);

#endif
