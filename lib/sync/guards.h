/* SPDX-License-Identifier: Apache-2.0 */
/* Guards: a plan that deletes or changes suspiciously much is refused before anything is done. */
#ifndef MRP_SYNC_GUARDS_H
#define MRP_SYNC_GUARDS_H

#include "plan.h"

/* What an option says, given once or several times. */
struct plan_limits {
	struct mrp_limit all; /* a number: of all kinds without one of their own together; a share: of each of them */
	struct mrp_limit kinds[KIND_COUNT];
};

/* Add "5", "10%", "probers=5" or "prober=10%"; later ones win. MRP_EPARSE, MRP_ERANGE. */
int plan_limits_add(struct plan_limits *limits, const char *text, struct mrp_err *err);
bool plan_limits_set(const struct plan_limits *limits);

/* MRP_EREFUSED says all that is too much, by whom, and what to pass on the command line to have it. What is not limited
 * here is by the guards of the manifest, then by the default. */
int plan_guard(const struct plan *plan, const struct plan_limits *max_deletes, const struct plan_limits *max_changes,
	struct mrp_err *err);

#endif
