/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plan would do, counted from `terraform show -json` of it. That text holds every secret in clear: it is parsed
 * in memory, and only numbers, a digest and the secrets to hide (redact.h) are taken from it.
 * https://developer.hashicorp.com/terraform/internals/json-format
 */
#ifndef MRP_CREATOR_PLAN_CHANGES_H
#define MRP_CREATOR_PLAN_CHANGES_H

#include "../base/hash.h"
#include "redact.h"

struct plan_changes {
	int64_t added, changed, destroyed; /* resources; one that is replaced is added and destroyed */
	bool outputs;                      /* some output changes */
	char digest[SHA256_HEX + 1];       /* of what is to be changed, and how; secrets are left out of it */
};

/* MRP_EINVALID when this is no plan that we understand. */
int plan_changes_of(struct plan_changes *out, struct arena *arena, const struct value *plan,
	const struct redact_set *secrets, struct mrp_err *err);
/* Add what the plan marks as sensitive, before and after, of resources and outputs. */
void plan_changes_add_secrets(struct redact_set *secrets, const struct value *plan);

/* "2 to add, 0 to change, 1 to destroy" */
void plan_changes_format(struct strbuf *out, const struct plan_changes *changes);

#endif
