/* SPDX-License-Identifier: Apache-2.0 */
/* What the files agent*.c share. */
#ifndef MRP_AGENT_AGENT_INTERNAL_H
#define MRP_AGENT_AGENT_INTERNAL_H

#include <pthread.h>
#include <signal.h>

#include "agent.h"
#include "pauses.h"

struct agent {
	struct agent_options options;
	struct loop *loop;
	struct metrics *metrics;
	struct metrics_server *server;
	char *url;
	struct runner *runner;
	struct probe_engine *probes;
	struct uploads *uploads;
	struct logs *logs;
	struct executor *executor;
	struct schedule *schedule;
	struct agent_source *source;
	struct pauses *pauses;

	/* agent.c */
	struct loop_timer turn;    /* the next one */
	struct loop_timer give_up; /* on runs that do not end */
	struct loop_message drained;
	bool stopping, stuck;

	/* agent_manager.c */
	struct loop_io signals;
	int signal_fd;
	struct loop_timer watchdog, status;
	int64_t watchdog_us;
	bool ready;            /* told the service manager so */
	uint64_t reload_asked; /* SIGHUP: it is to hear when this one is done; 0: none */

	/* agent_config.c */
	char *config_error; /* of the last look; NULL: it was good */

	/* agent_call.c: for other threads */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;      /* nobody is answered any more */
	uint64_t reloads; /* the last one that is done */
	char *reload_error;
};

/* agent.c */
void agent_rearm(struct agent *agent);
void agent_stop(struct agent *agent, const char *why);

/* agent_manager.c */
int agent_manager_start(struct agent *agent, struct mrp_err *err);
/* An outcome is there, so the agent works as well as it can; `reloads` as in struct config_outcome. */
void agent_manager_config(struct agent *agent, uint64_t reloads);
void agent_block_signals(sigset_t *set);

/* agent_config.c */
int agent_config_start(struct agent *agent, struct mrp_err *err);
void agent_config_changed(struct agent *agent);

/* agent_pause.c */
/* After a config was applied: what is new may be paused. */
void agent_pauses_apply(struct agent *agent);

/* agent_call.c */
void agent_calls_init(struct agent *agent);
/* Nobody can ask from now on. Those who have asked already are refused by the loop. */
void agent_calls_close(struct agent *agent);
void agent_calls_release(struct agent *agent);
/* Reloads up to this number are done. */
void agent_calls_reloaded(struct agent *agent, uint64_t reloads, const char *error);

#endif
