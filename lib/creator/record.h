/* SPDX-License-Identifier: Apache-2.0 */
/* The deployment in the API that says how a run goes. Every write carries the fence of the cluster's lease. */
#ifndef MRP_CREATOR_RECORD_H
#define MRP_CREATOR_RECORD_H

#include "../http/api.h"
#include "dirty.h"
#include "plan_changes.h"

struct record {
	struct http_client *client;
	const char *slug;
	const char *creator;      /* for people */
	const char *state_holder; /* NULL: the terraform state is where all can reach it */
	int64_t id;               /* 0: nothing is recorded */
	struct arena arena;
	struct value *logs; /* stage -> where */
	/* Told once more at the end. */
	const char *plan_digest;
	const char *refused_by;      /* policy.h; NULL: by none */
	int64_t approved_deployment; /* 0: none */
	int64_t exit_code;           /* of the last program; -2: none has run */
	const struct plan_changes *changes;
	const struct value *deployed; /* what is applied, with secrets: told once. NULL: nothing new */
	/* NULL: nothing new about that. Not `is`: the state is to be believed again. */
	const struct dirty *dirty;
};

void record_init(struct record *record, struct http_client *client, const char *slug);
void record_release(struct record *record);

/* `force`: take over a terraform state that another creator had. MRP_EEXISTS: another creator holds the state. */
int record_begin(struct record *record, const char *stage, bool force, struct mrp_err *err);
int record_stage(struct record *record, const char *stage, struct mrp_err *err);
/* `message` may be NULL. When nothing was recorded yet, the whole run is recorded at once. */
int record_end(struct record *record, const char *status, const char *stage, const char *message, struct mrp_err *err);
void record_add_log(struct record *record, const char *stage, const char *location);

/* What is known of runs that died. */
struct record_dead {
	const char *why;
	int64_t deployment;         /* whose logs these are; 0: there are none */
	const struct value *logs;   /* stage -> where */
	const struct dirty *broken; /* is: terraform was killed, so that an apply has left something half made */
	bool dirty;                 /* set: that is so */
};

/* End the records of runs that died: what is 'running' while we have the lease. Returns how many, or -1. */
int record_end_dead(struct record *record, struct record_dead *dead, struct mrp_err *err);
/* The refused deployment whose plan this is and that somebody approved; 0: there is none. */
int record_find_approval(int64_t *id, struct record *record, const char *plan_digest, struct mrp_err *err);

#endif
