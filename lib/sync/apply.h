/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carry out a plan: contents of files first, then recipes, clusters, probers, then deletes the other way round. Within
 * a step, requests go through the client's window together. Every update and delete says If-Match, so what somebody
 * else has changed since the plan was made is not overwritten.
 *
 * A request that fails does not stop the others, except where they depend on it. Lost connections do no harm: when a
 * request that was sent again is refused with 409 or 412, the object is read and compared.
 */
#ifndef MRP_SYNC_APPLY_H
#define MRP_SYNC_APPLY_H

#include "plan.h"

/* `done` of `total` changes have ended. */
typedef void plan_progress_fn(void *ctx, const char *what, size_t done, size_t total);

/* Notes the result and reason of each change. Returns 0 when all ended well (done or waiting), else -1 with err->code:
 * MRP_EFAILED when some failed or are left, MRP_EINTERRUPTED, or what stopped everything before anything was done
 * (MRP_EPERM, MRP_EREFUSED; MRP_EUNREACHABLE when not even a change could be tried). */
int plan_apply(
	struct plan *plan, struct http_client *client, plan_progress_fn *progress, void *progress_ctx, struct mrp_err *err);

/* The same in one transaction of the API (POST /v1/batch): all of it or nothing. What was not done is PLAN_LEFT, the change
 * that stopped the others PLAN_FAILED. When an answer was lost, what the API holds decides. MRP_EFAILED when it is more than
 * one batch may be. The client's time-outs must fit a request that is as long as all of them together. */
int plan_apply_atomic(
	struct plan *plan, struct http_client *client, plan_progress_fn *progress, void *progress_ctx, struct mrp_err *err);

#endif
