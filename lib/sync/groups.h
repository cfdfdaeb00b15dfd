/* SPDX-License-Identifier: Apache-2.0 */
/* Updates that do the same to many objects of a kind, so that a report shows them once. */
#ifndef MRP_SYNC_GROUPS_H
#define MRP_SYNC_GROUPS_H

#include "plan.h"

#define GROUP_END SIZE_MAX

enum { GROUP_FROM = 4 }; /* fewer are shown one by one, with their places */

/* One for each change of the plan. */
struct plan_grouped {
	size_t members;    /* of the group that begins here; 0: this change begins none */
	size_t next;       /* the next member, in the plan's order; GROUP_END */
	bool shown_before; /* it belongs to a group that began earlier */
};

struct plan_groups {
	struct plan_grouped *v;
};

void plan_group(struct plan_groups *groups, const struct plan *plan);
void plan_groups_release(struct plan_groups *groups);

#endif
