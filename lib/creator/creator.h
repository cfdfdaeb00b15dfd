/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The creator: it keeps clusters as their recipes and variables say, by running terraform.
 *
 *	creator_new -> creator_once | creator_run (until creator_stop) -> creator_free
 *
 * Where to read next: deploy.h (one run for one cluster), due.h and clusters.h (which cluster, when), lease.h (several
 * creators), evidence.h (runs that died), gate.h (what a recipe may use).
 */
#ifndef MRP_CREATOR_CREATOR_H
#define MRP_CREATOR_CREATOR_H

#include "../base/log.h"
#include "../cloud/objects.h"
#include "../http/http.h"
#include "workdir.h"

enum { TERRAFORM_GRACE_MS = 60000 };

/* What a run has come to. */
enum deploy_status {
	DEPLOY_SKIPPED, /* somebody else works on it */
	DEPLOY_WAITING, /* for variables */
	DEPLOY_NO_CHANGES,
	DEPLOY_APPLIED,
	DEPLOY_PLANNED,
	DEPLOY_DESTROYED,
	DEPLOY_REFUSED,
	DEPLOY_FAILED,
	DEPLOY_INTERRUPTED,
	DEPLOY_STATUSES
};

extern const char *const deploy_status_names[DEPLOY_STATUSES];

/* What it tells its user: a line about a cluster (NULL: none), for a terminal or a log. Any thread. */
typedef void creator_say_fn(void *ctx, enum log_level level, const char *cluster, const char *text);

/* All is borrowed until creator_free. */
struct creator_options {
	const struct http_options *api;
	const char *environment; /* NULL: as the API says */
	const char *state_dir;   /* absolute */
	const char *terraform;   /* the program: a path, or a name in PATH */
	const char *backend;     /* "local", "s3", "http", ... */
	const struct value
		*backend_settings;  /* object; {environment} and {cluster} in texts are replaced; NULL: none */
	const char *providers_file; /* NULL: only what is built into terraform */
	struct cli_config cli;
	bool metadata_account;    /* this machine has a service account that providers can use; false: it is asked */
	const char *metadata_url; /* where; NULL: IAM_METADATA_URL */
	bool allow_programs;
	const char *const *disable; /* globs of slugs */
	size_t n_disable;
	struct objects_options logs;
	int parallel;
	int64_t poll_ms;    /* creator_run: between two looks at the API */
	const char *listen; /* creator_run: where metrics are served, "127.0.0.1:9315"; NULL: nowhere */
	int64_t grace_ms;   /* 0: TERRAFORM_GRACE_MS */
	int64_t lease_ms;   /* 0: LEASE_TTL_MS (lease.h); MRP_EUSAGE below LEASE_GRACES times grace_ms */
	bool plan_only;     /* show what would be done: nothing is recorded, stored or applied */
	bool keep_workdir;
	bool force; /* take over what another creator holds */
	creator_say_fn *say;
	/* plan_only: what `terraform plan` printed, without secrets. NULL: nobody wants to see it. */
	void (*show)(void *ctx, const char *cluster, const char *text, size_t len);
	void *ctx;
};

struct creator;

/* Blocks on the disk. MRP_EUSAGE, MRP_EINVALID for options that make no sense. */
struct creator *creator_new(const struct creator_options *options, struct mrp_err *err);
void creator_free(struct creator *creator);

/* How many runs ended how. */
struct creator_counts {
	int64_t by_status[DEPLOY_STATUSES];
	int64_t changes; /* runs whose plan had some */
};

/* The named clusters, or (n is 0) all that are due; `parallel` at a time. A cluster that is not there is MRP_ENOTFOUND,
 * before anything is done. Blocks until all have ended. */
int creator_once(struct creator *creator, const char *const *slugs, size_t n, struct creator_counts *counts,
	struct mrp_err *err);
/* Block the signals that creator_run hears, before any thread is started. */
void creator_block_signals(void);
/* Until SIGTERM, SIGINT or creator_stop. SIGHUP: look at the API at once. */
int creator_run(struct creator *creator, struct mrp_err *err);
/* End what runs (terraform gets INT and time to finish), start nothing more. Any thread. */
void creator_stop(struct creator *creator);
/* Give a lock of the terraform state back that a dead run has left. Without `force` of the options only when the
 * evidence proves that it is dead: MRP_EREFUSED. *text says what was found and done; yours to free. */
int creator_unlock(struct creator *creator, const char *slug, char **text, struct mrp_err *err);
/* Somebody has looked at what a killed terraform has left (dirty.h), and says that the state is right. *text as above.
 */
int creator_clean(struct creator *creator, const char *slug, char **text, struct mrp_err *err);

#endif
