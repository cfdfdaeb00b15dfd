/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a cluster is due, by what the API says about it; nothing here asks the clock or the API. A cluster is due
 *
 *	asked for    at once, before all others
 *	changed      at once: it was never deployed, or it or its recipe was written after the last run began; being
 *	             deleted is such a change, too
 *	deploying    at once: whoever has its lease is left alone, and a run that died is noticed so
 *	failed       30 s after the end of the last run, doubling up to 30 min, when nothing of the above is true
 *	else         `deploy.interval` after the beginning of the last run: drift is found so
 *
 * and never while it is disabled, waits for variables, or was refused and nothing of it has changed, nor of what the
 * creator allows (policy.h).
 */
#ifndef MRP_CREATOR_DUE_H
#define MRP_CREATOR_DUE_H

#include "../value/value.h"

enum { DUE_RETRY_MS = 30000, DUE_RETRY_MAX_MS = 1800000, DUE_INTERVAL_MS = 900000, DUE_TIMEOUT_MS = 1800000 };

#define DUE_NEVER INT64_MAX

struct due {
	int64_t at_ms; /* since 1970; DUE_NEVER */
	bool asked;    /* somebody waits for it */
};

/* `cluster` as GET answers it; recipe_ms: when its recipe was written (0: not known); `refusal`: of this creator's
 * policy and that recipe. */
struct due due_of(const struct value *cluster, int64_t recipe_ms, const char *refusal);
/* Milliseconds to wait after so many failures in a row. */
int64_t due_backoff_ms(int64_t failures);

/* A duration of `cluster.deploy`, or what it is when absent. */
int64_t deploy_duration(const struct value *cluster, const char *name, int64_t absent_ms);
bool deploy_enabled(const struct value *cluster);
/* The text of `cluster.state.status`, "pending" when there is none. */
const char *cluster_status_of(const struct value *cluster);

#endif
