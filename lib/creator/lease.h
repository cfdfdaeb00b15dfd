/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leases of all clusters that this creator deploys at the moment, renewed by one thread. One that cannot be renewed
 * is given up while there is still time to end terraform before anybody else may begin: `lost` is called then, by a
 * thread that does nothing else, so that no call to the API which hangs can delay it.
 */
#ifndef MRP_CREATOR_LEASE_H
#define MRP_CREATOR_LEASE_H

#include "../http/http.h"

enum {
	LEASE_TTL_MS = 300000,
	LEASE_RENEWALS = 10, /* in the life of one */
	LEASE_GRACES = 5,    /* of terraform, at least, in the life of one: it is given up in the middle of it */
};

struct leases;
struct cluster_lease;

/* On a thread of the leases; once. */
typedef void cluster_lease_lost_fn(void *owner);

/* ttl_ms: their life after each renewal, whole seconds. */
struct leases *leases_new(
	const struct http_options *api, int64_t ttl_ms, cluster_lease_lost_fn *lost, struct mrp_err *err);
/* After all were released. */
void leases_free(struct leases *leases);

/* "cluster.SLUG" for `holder`, who takes it from itself when it has it already. MRP_ELOCKED names who else has it.
 * Blocks. */
struct cluster_lease *cluster_lease_take(
	struct leases *leases, const char *slug, const char *holder, void *owner, struct mrp_err *err);
const char *cluster_lease_name(const struct cluster_lease *lease);
int64_t cluster_lease_fence(const struct cluster_lease *lease);
bool cluster_lease_is_lost(struct cluster_lease *lease);
/* Give it back and free; when the API cannot be told, it ends by itself. NULL is fine. */
void cluster_lease_release(struct cluster_lease *lease);
/* How many are held. */
size_t leases_held(struct leases *leases);

#endif
