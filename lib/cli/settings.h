/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that resolve settings share; everybody else uses context.h. */
#ifndef MRP_CLI_SETTINGS_H
#define MRP_CLI_SETTINGS_H

#include "context.h"

/* Take the value unless an origin at least as high has given one. NULL offers nothing. Strings live as long as ctx. */
void setting_offer(
	struct mrp_ctx *ctx, enum mrp_setting_id id, const char *value, enum mrp_origin origin, const char *where);
/* Act on colour, quiet and verbose again, after another layer. */
int settings_apply(struct mrp_ctx *ctx, struct mrp_err *err);

#endif
