/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes for agents share. */
#ifndef MRP_API_AGENTS_H
#define MRP_API_AGENTS_H

#include "../model/agent.h"
#include "call.h"

extern const struct field agent_fields[];

#endif
