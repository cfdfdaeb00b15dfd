/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of lib/creator. */
#ifndef MRP_CREATOR_INTERNAL_H
#define MRP_CREATOR_INTERNAL_H

#include "clusters.h"
#include "deploy.h"
#include "dirty.h"
#include "evidence.h"
#include "gate.h"
#include "inputs.h"
#include "lease.h"
#include "plan_changes.h"
#include "policy.h"
#include "programs.h"
#include "record.h"
#include "stage_log.h"

struct creator {
	struct creator_options options;
	struct providers providers;
	struct programs *programs;
	struct leases *leases;
	struct clusters *queue;
	struct objects *objects;     /* NULL: plan_only */
	char policy[SHA256_HEX + 1]; /* what recipes may, see policy.h */
	char *named;                 /* the environment; NULL: not known */
	char *prefix;                /* of keys: the environment, or what stands for it */
	char *state_holder;          /* what the API knows as the holder of local terraform states */
	char *folder;                /* STATE_DIR/creator */
	char *id;                    /* of this state folder: who holds what is in it */
	int guard;                   /* guard.h; -1: none */
	char *token;                 /* of this process: what its run ids end with */
	char *name;                  /* "host (id), pid 4711": for people */
	struct strvec environment;   /* that programs get */
	pthread_mutex_t account_lock;
	bool has_account; /* the machine has told so */
	pthread_mutex_t compared_lock;
	bool at_once;           /* clusters were named: they are deployed whether they are due or not */
	struct strvec compared; /* digests of recipes about whose providers terraform agreed with us */
};

struct deploy {
	struct creator *creator;
	struct http_client *client;
	const char *slug;
	const char *stage; /* where it is */
	struct inputs inputs;
	struct cluster_lease *lease;
	struct record record;
	struct evidence evidence, before; /* `before`: of a run that did not end; zeroed when there was none */
	int evidence_lock;                /* -1: not taken */
	char *evidence_path;
	char *run_folder, *recipe_folder, *cli_path, *plan_path;
	struct strvec env;
	struct scan scan;
	struct redact_set *secrets, *more_secrets; /* the second knows those of the plan, too */
	struct stage_log log;                      /* of the stage that goes on */
	struct plan_changes changes;
	char refusal[SHA256_HEX + 1]; /* what the API would be told if this recipe is refused */
	struct dirty mark;            /* what a terraform that was killed has left before */
	struct dirty killed;          /* what this run's has left */
	char *dirty_path;
	char *half_path;          /* what a run that died had begun to make: to be told with a lock that it has left */
	const struct value *plan; /* in plan_arena; NULL: not read yet */
	struct arena plan_arena;
	atomic_bool lost;    /* the lease: nothing is begun any more */
	int64_t deadline_us; /* monotonic */
	bool has_changes;
	bool recovered;    /* a run of before died: it is due, whatever its record says now */
	bool broken;       /* and its terraform was killed */
	bool mark_is_news; /* the API does not know of the mark */
	bool done_elsewhere;
	bool gated;  /* its programs may be run */
	bool locked; /* somebody else has locked the terraform state */
	enum deploy_status status;
	char *message; /* NULL: nothing to say */
};

/* deploy_prepare.c. 1: go on; 0: it ends here (status and message are set); -1: it failed. */
int deploy_fetch(struct deploy *d, struct mrp_err *err);
int deploy_gate(struct deploy *d, struct mrp_err *err);
int deploy_write_workdir(struct deploy *d, struct mrp_err *err);
/* 0 with status DEPLOY_WAITING when required or external ones are missing. */
int deploy_check_variables(struct deploy *d, struct mrp_err *err);
/* Make `secrets` anew, of all variables that there are by now. */
void deploy_renew_secrets(struct deploy *d);
/* Make more_secrets: what is sensitive in the plan, too. */
void deploy_more_secrets(struct deploy *d, const struct value *plan);
/* deploy_terraform.c */
int deploy_init(struct deploy *d, struct mrp_err *err);
int deploy_plan(struct deploy *d, struct mrp_err *err);
int deploy_guard(struct deploy *d, struct mrp_err *err);
int deploy_apply(struct deploy *d, struct mrp_err *err);
/* The lock of a local state is there, which terraform removes when it ends by itself. */
bool deploy_left_lock(struct deploy *d);
/* deploy_programs.c */
int deploy_initial_values(struct deploy *d, struct mrp_err *err);
int deploy_before_plan(struct deploy *d, struct mrp_err *err);
/* Whatever came before; its failure is in err. */
int deploy_after_apply(struct deploy *d, struct mrp_err *err);

/* deploy_end.c: tell the API how it ended. */
void deploy_record_outcome(struct deploy *d);

/* deploy.c, for the others */
typedef int deploy_step_fn(struct deploy *d, struct mrp_err *err);
/* As deploy_cluster, by other steps. */
void deploy_by_steps(struct creator *creator, struct http_client *client, const char *slug,
	deploy_step_fn *const *steps, size_t n, struct deploy_result *result);
/* Begin a stage: in the record, and with a log of its own. */
int deploy_enter(struct deploy *d, const char *stage, struct mrp_err *err);
/* The log only. */
void deploy_enter_quietly(struct deploy *d, const char *stage);
/* End its log and store it. */
void deploy_leave(struct deploy *d);
/* Run a program of this stage: its output into the log. As program_run. */
int deploy_run(struct deploy *d, struct program *program, struct mrp_err *err);
int64_t deploy_time_left_ms(const struct deploy *d);
/* Set the outcome; printf-like. Returns 0. */
int deploy_ends(struct deploy *d, enum deploy_status status, const char *fmt, ...) PRINTF(3, 4);
void deploy_say(const struct deploy *d, enum log_level level, const char *fmt, ...) PRINTF(3, 4);

struct look;
struct look *creator_look(const struct creator *creator, struct mrp_err *err);
void creator_warn_globs(const struct creator *creator, struct look *look);
/* `cluster` may be NULL. */
void creator_say(const struct creator *creator, enum log_level level, const char *cluster, const char *text);

/* paths.c */
/* 32 hex digits that nobody can guess. Yours to free. */
char *random_token(void);
char *creator_path(const struct creator *creator, const char *fmt, ...) PRINTF(2, 3);
/* Everything in it, and it; symbolic links are not followed. */
int remove_tree(const char *path, struct mrp_err *err);

#endif
