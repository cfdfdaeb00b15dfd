/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes for agents share. */
#ifndef MRP_API_AGENTS_H
#define MRP_API_AGENTS_H

#include "call.h"

enum { AGENT_HOST_MAX = 253 };

extern const struct field agent_fields[];

/* Characters that need no escaping anywhere: letters, digits and "._:-". */
bool agent_host_valid(const char *host);
/* MRP_EINVALID when they are no names. */
int agent_check_names(const char *cluster, const char *host, struct mrp_err *err);

#endif
