/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run for one cluster, from the lease to the record of how it ended:
 *
 *	evidence, lease -> fetch -> gate -> (initial values) -> (hooks) -> init -> plan -> guards -> apply -> (hooks)
 *	-> record
 *
 * deploy.c tells that story, deploy_prepare.c is what comes before terraform, deploy_terraform.c what terraform is
 * told, deploy_programs.c what the recipe brings, deploy_end.c how it is recorded.
 */
#ifndef MRP_CREATOR_DEPLOY_H
#define MRP_CREATOR_DEPLOY_H

#include "creator.h"

struct deploy_result {
	enum deploy_status status;
	bool changes;  /* the plan had some */
	bool recorded; /* the API knows how it stands */
	int64_t took_ms;
	char *message; /* owned; for people: why it failed, what was done */
};

/* Blocks for as long as it takes. `client` is this thread's own. The result is always set; release its message. */
void deploy_cluster(
	struct creator *creator, struct http_client *client, const char *slug, struct deploy_result *result);

#endif
