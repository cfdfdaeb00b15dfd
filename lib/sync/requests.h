/* SPDX-License-Identifier: Apache-2.0 */
/* The requests that a change is made of, whether they go one by one (apply.c) or all in one batch (atomic.c). */
#ifndef MRP_SYNC_REQUESTS_H
#define MRP_SYNC_REQUESTS_H

#include "plan.h"

/* The create, update or delete itself; not for an update that is variables only (no patch). */
void plan_request_main(struct http_request *request, const struct plan_change *change);
/* A variable that is written by itself. */
void plan_request_put(struct http_request *request, const struct plan_change *change, const struct plan_put *put);

#endif
