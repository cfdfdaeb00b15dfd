/* SPDX-License-Identifier: Apache-2.0 */
/* Reading from the API what a target names. */
#ifndef MRP_CLIENT_FETCH_H
#define MRP_CLIENT_FETCH_H

#include "../http/api.h"
#include "resource.h"

/* All pages of a list as one array. `query` ("label=team:net") or NULL. Variables get their names as members. */
struct value *fetch_list(struct http_client *http, const struct target *target, const char *query, struct arena *arena,
	struct mrp_err *err);
/* As fetch_list, when it is not what it was: *etag (owned; NULL at first) is that of the answer before, and is replaced.
 * *items is NULL when nothing has changed. Lists of more than one page have no ETag and are read each time. */
int fetch_list_changed(struct value **items, char **etag, struct http_client *http, const struct target *target,
	const char *query, struct arena *arena, struct mrp_err *err);
/* One thing; a variable gets its name as a member. */
struct value *fetch_one(struct http_client *http, const struct target *target, const char *query, struct arena *arena,
	struct mrp_err *err);
/* As fetch_list_changed for one thing. */
int fetch_one_changed(struct value **item, char **etag, struct http_client *http, const struct target *target,
	struct arena *arena, struct mrp_err *err);

#endif
