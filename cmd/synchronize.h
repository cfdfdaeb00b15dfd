/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of `mrprober synchronize`: synchronize_plan.c makes the plan, synchronize_apply.c asks and carries it out. */
#ifndef MRP_CMD_SYNCHRONIZE_H
#define MRP_CMD_SYNCHRONIZE_H

#include "../lib/cli/progress.h"
#include "../lib/sync/guards.h"
#include "../lib/sync/saved.h"
#include "cmd.h"

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN };

struct sync_args {
	bool check, yes, prune, force_ownership, validate, atomic;
	int format;
	int64_t parallel, lock_timeout_ms;
	struct strvec only, max_deletes, max_changes;
	const char *explain, *plan_out, *apply_plan, *revision, *changed_since, *state_dir;
};

struct sync_run {
	struct mrp_ctx *ctx;
	const struct sync_args *args;
	const char *path; /* argument, or NULL */
	char *state_dir;  /* owned */
	struct plan_limits max_deletes, max_changes;
	struct problems problems;
	struct config *config;
	struct config_changes *since;
	struct http_options http;
	struct http_client *client;
	struct plan_saved *saved; /* what --apply-plan names, or NULL */
	struct plan *plan;
	struct mrp_progress progress;
	const char *progress_what;
	struct http_traffic traffic; /* of clients that are closed */
	int64_t fence; /* of the lease */
	bool asked;    /* somebody has seen the plan and said yes */
	bool printed;  /* a document is on stdout */
};

/* How the options want configs to be loaded. */
struct config_options sync_config_options(const struct sync_run *run);
/* Load them; mistakes are reported. */
int sync_load(struct sync_run *run, struct mrp_err *err);

/* The plan of this run, with who changed what; what was loaded before is used where it can be. */
int sync_make_plan(struct sync_run *run, struct mrp_err *err);
/* Make the plan again, from the same configs. */
int sync_plan(struct sync_run *run, struct mrp_err *err);
/* What happens inside of files, where the output says it. */
void sync_read_texts(struct sync_run *run);
void sync_print_plan(struct sync_run *run, FILE *to, int format);
/* MRP_EREFUSED when the plan is more than it may be. */
int sync_guard(const struct sync_run *run, struct mrp_err *err);

/* 1: go on. 0: no. */
int sync_confirm(struct sync_run *run, struct mrp_err *err);
/* Carry it out, under the API's lease. Returns the exit code, or -1. */
int sync_apply(struct sync_run *run, struct mrp_err *err);

#endif
