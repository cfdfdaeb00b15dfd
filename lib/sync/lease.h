/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding a lease of the API: taken, renewed by a thread of its own while the caller works, released. It has its own
 * client, because renewing must not wait behind the caller's requests, and releasing must work after Ctrl-C.
 *
 * Writes that carry the fence (sync_lease_fence, http_set_lease) are refused by the API once the lease is lost, so the
 * caller need not look whether it still holds it.
 */
#ifndef MRP_SYNC_LEASE_H
#define MRP_SYNC_LEASE_H

#include "../http/http.h"

struct sync_lease_options {
	const char *name;
	const char *what;     /* for messages: "another synchronize of this API" */
	int64_t ttl_s;        /* how long others wait when this process dies */
	int64_t timeout_ms;   /* wait so long for another holder; 0: not at all */
	bool (*interrupted)(void); /* ends the waiting; NULL: never */
	int interrupt_fd;
	/* Called once when the waiting begins: `text` says for whom. May be NULL. */
	void (*waiting)(void *ctx, const char *text);
	void *ctx;
};

struct sync_lease;

/* MRP_ELOCKED when somebody else has it, and after the waiting still has; MRP_EFAILED when this API has no leases. */
struct sync_lease *sync_lease_take(const struct http_options *http, const struct sync_lease_options *options, struct mrp_err *err);
int64_t sync_lease_fence(const struct sync_lease *lease);
/* Release it and free. When the API cannot be told, the lease ends by itself soon. NULL is fine. */
void sync_lease_release(struct sync_lease *lease);

#endif
