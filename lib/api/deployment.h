/* SPDX-License-Identifier: Apache-2.0 */
/* What a deployment looks like over the API, and what it does to its cluster. */
#ifndef MRP_API_DEPLOYMENT_H
#define MRP_API_DEPLOYMENT_H

#include "document.h"

extern const struct field deployment_fields[], approval_fields[], deployed_fields[];

struct deployment {
	int64_t id, revision;
	const char *cluster, *status;
	struct value *current;  /* NULL: new */
	struct value *object;   /* to be written: what the writer may set, then what we say */
	struct value *deployed; /* likewise, and kept elsewhere; NULL: none */
};

/* Write the cluster's state after d->object was written. The response stays that of the deployment. `force`: the
 * terraform state is this creator's now, whoever had it before. */
int deployment_began(struct api_call *call, const struct deployment *d, bool force, struct mrp_err *err);
int deployment_went_on(struct api_call *call, const struct deployment *d, struct mrp_err *err);
/* deployed.c: take it out of the call's body, and check it; write it with the deployment; add it to what is shown. */
#define DEPLOYED "deployed"
int deployed_take(struct deployment *d, struct api_call *call, struct mrp_err *err);
int deployed_store(const struct deployment *d, struct api_call *call, struct mrp_err *err);
int deployed_show(struct value **shown, const struct deployment *d, struct api_call *call, struct mrp_err *err);
int deployment_restate_cluster(struct api_call *call, struct document *doc, struct mrp_err *err);

#endif
