/* SPDX-License-Identifier: Apache-2.0 */
/* What a deployment is made from: a cluster and its recipe as the API has them, and the variables that come of both. */
#ifndef MRP_CREATOR_INPUTS_H
#define MRP_CREATOR_INPUTS_H

#include "../http/api.h"
#include "redact.h"
#include "workdir.h"

VEC_DEFINE(workdir_variable_vec, struct workdir_variable)

struct inputs {
	struct arena arena;
	const struct value *cluster, *recipe;
	struct workdir_variable_vec variables; /* the recipe's values, under them those of the cluster, in this order */
	bool destroy;                          /* the cluster is to go */
	bool plan_only;
	int64_t timeout_ms;
	int64_t max_destroy; /* -1: no limit */
};

void inputs_init(struct inputs *inputs);
void inputs_release(struct inputs *inputs);

/* Both objects, with the values of sensitive variables. Blocks. MRP_ENOTFOUND, ... of the API. */
int inputs_fetch(struct inputs *inputs, struct http_client *client, const char *slug, struct mrp_err *err);

/* Set a variable, for this run. A map is merged into the one that is there. */
void inputs_set(struct inputs *inputs, const char *name, const struct value *value, bool sensitive);
const struct workdir_variable *inputs_variable(const struct inputs *inputs, const char *name);
/* "zones, compute_nodes": required and external variables that have no value; appended. */
void inputs_missing(struct strbuf *names, const struct inputs *inputs);
/* All sensitive values. */
void inputs_add_secrets(struct redact_set *secrets, const struct inputs *inputs);

/* The recipe's files, each checked against its hash, into an empty folder that is ours alone. MRP_EREFUSED: a name that
 * no recipe may have. Blocks. */
int inputs_write_files(
	const struct inputs *inputs, struct http_client *client, const char *folder, struct mrp_err *err);
/* One content by its hash, checked; a file with this mode at `path`, where nothing is. */
int inputs_fetch_blob(
	struct http_client *client, const char *sha256, const char *path, unsigned mode, struct mrp_err *err);

#endif
