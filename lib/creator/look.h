/* SPDX-License-Identifier: Apache-2.0 */
/* What the API knows about clusters, into the queue: one request when nothing has changed, and what has is read. */
#ifndef MRP_CREATOR_LOOK_H
#define MRP_CREATOR_LOOK_H

#include "../http/api.h"
#include "clusters.h"

struct look;

/* Clusters that one of the globs matches are never due. Borrowed. */
struct look *look_new(const struct http_options *api, const char *policy, const char *const *disable, size_t n_disable,
	struct mrp_err *err);
void look_free(struct look *look);
/* `slugs`: these only, and at once whatever they say of themselves (n 0: all). MRP_ENOTFOUND when one of them is not
 * there. Blocks. */
int look_at_clusters(
	struct look *look, struct clusters *queue, const char *const *slugs, size_t n, struct mrp_err *err);
/* Globs that have matched no cluster so far; each is appended once: "'test*', 'old-?'". */
void look_unused_globs(struct strbuf *out, struct look *look);

#endif
