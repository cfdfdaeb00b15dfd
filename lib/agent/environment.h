/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program of a prober finds around it. The one place where that is decided: scheduled runs, heals, `agent once`
 * and `agent shell` all come here, so they cannot differ.
 *
 *	PATH, LANG, HOME     fixed, C.UTF-8, of the user that it runs as; the prober's own `env` may say otherwise
 *	the prober's `env`
 *	MRPROBER_CLUSTER, MRPROBER_HOST, MRPROBER_PROBER (the slug)
 *	MRPROBER_TIMEOUT     in seconds, a decimal number: "5", "0.25"
 *	MRPROBER_RUN_ID      another one for each run
 *
 * Nothing else: the agent's own environment may hold secrets. The working folder is that of the prober's files.
 */
#ifndef MRP_AGENT_ENVIRONMENT_H
#define MRP_AGENT_ENVIRONMENT_H

#include "entry.h"

/* A run_spec with the texts that belong to it. It lives as long as the config. */
struct run_plan {
	struct run_spec spec; /* argv NULL: a built-in check */
	void *memory;
};

enum run_what { RUN_WHAT_COMMAND, RUN_WHAT_HEAL };

/* The entry has no error and an account. */
void run_plan_make(struct run_plan *plan, const struct agent_config *config, const struct entry *entry,
	enum run_what what, const char *run_id);
void run_plan_release(struct run_plan *plan);

#endif
