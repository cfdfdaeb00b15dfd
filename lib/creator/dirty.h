/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster is dirty when terraform was killed while it applied: what it was making may be there and in no state, or
 * half made and in the state as good. The API knows that, in the cluster's state, so that every creator does; until it
 * could be told, the file runs/CLUSTER.dirty does. A plan for a dirty cluster replaces what was half made, and is
 * applied only when somebody has approved it.
 */
#ifndef MRP_CREATOR_DIRTY_H
#define MRP_CREATOR_DIRTY_H

#include "../value/value.h"

struct dirty {
	bool is;
	struct strvec half_made; /* addresses of resources that terraform had begun; empty: it is not known which */
};

void dirty_init(struct dirty *dirty);
void dirty_release(struct dirty *dirty);
/* It is now, with these as well. */
void dirty_add(struct dirty *dirty, const struct strvec *half_made);

/* As the API says of the cluster. */
void dirty_of_cluster(struct dirty *dirty, const struct value *cluster);
int dirty_write(const char *path, const struct dirty *dirty, struct mrp_err *err);
/* Adds what the file says; none says nothing. */
int dirty_read(struct dirty *dirty, const char *path, struct mrp_err *err);

/* "a, b", or "what is not known". */
void dirty_format(struct strbuf *out, const struct dirty *dirty);

#endif
