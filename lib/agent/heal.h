/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to run an entry's heal command: after so many failures in a row (errors say nothing about the target, so they
 * are no reason), not while one runs, not more often than at_most_every, nor more than give_up_after times until a
 * success. Up to a tenth of at_most_every is added to it, another part for each host and try, so that hosts that fail
 * together do not heal together again and again.
 */
#ifndef MRP_AGENT_HEAL_H
#define MRP_AGENT_HEAL_H

#include "state.h"

enum heal_answer {
	HEAL_NO,
	HEAL_NOW,
	HEAL_GIVES_UP, /* as HEAL_NO, for the first time: worth a line in the log */
};

/* After a failure was recorded. */
enum heal_answer heal_ask(
	struct heal_state *heal, const struct entry *entry, int64_t consecutive_failures, int64_t now_us);
/* It was started. `seed` differs between hosts and entries. */
void heal_started(struct heal_state *heal, const struct entry *entry, uint64_t seed, int64_t now_us);
/* A success was recorded: counted anew, but not sooner than at_most_every. */
void heal_recovered(struct heal_state *heal);

#endif
