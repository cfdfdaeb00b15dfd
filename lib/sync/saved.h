/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan in a file, to be applied later, exactly as it was shown, or not at all. It holds digests only: what each
 * object was in the API, and what it is to become. Values come from the configs again, and must give the same digests;
 * so a file may lie about in an artifact of CI without giving a secret away.
 *
 * The file is one JSON document that ends with a checksum of everything before it: a file that was cut short or edited
 * is refused before anything in it is believed.
 *
 * Calling order to apply one: plan_saved_read; configs for plan_saved_environment; plan_make with options.saved;
 * plan_saved_check; plan_apply.
 */
#ifndef MRP_SYNC_SAVED_H
#define MRP_SYNC_SAVED_H

#include "plan.h"

/* Replaces `path`, which only its owner may read then. `api_url` says which API the plan is about. MRP_EFAILED when
 * there is a folder, device, socket or FIFO. */
int plan_save(const struct plan *plan, const char *api_url, const char *path, struct mrp_err *err);

/* MRP_EREFUSED when it is damaged, no plan, or of a newer version. Release with plan_saved_free what is in *out then, too;
 * start with NULL in it. */
int plan_saved_read(struct plan_saved **out, const char *path, struct mrp_err *err);
/* The same of a text; `path` is for messages. */
int plan_saved_parse(struct plan_saved **out, const char *path, const char *text, size_t len, struct mrp_err *err);
void plan_saved_free(struct plan_saved *saved);

/* Borrowed. */
const char *plan_saved_environment(const struct plan_saved *saved);
bool plan_saved_force_ownership(const struct plan_saved *saved);
/* Is there a change of this object in it? */
bool plan_saved_has(const struct plan_saved *saved, enum kind kind, const char *slug);
/* MRP_EREFUSED when it was made for another API or environment (`environment` is the one to be applied to). */
int plan_saved_check_target(
	const struct plan_saved *saved, const char *api_url, const char *environment, struct mrp_err *err);
/* Is `plan`, just made for the same objects, this plan? MRP_EREFUSED names the objects that the configs no longer
 * describe as planned, or that have changed in the API. */
int plan_saved_check(const struct plan_saved *saved, const struct plan *plan, struct mrp_err *err);

#endif
