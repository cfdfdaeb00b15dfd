/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent and the API must agree about: names of hosts, and the frame of /v1/agent-config. */
#ifndef MRP_MODEL_AGENT_H
#define MRP_MODEL_AGENT_H

#include "resolve.h"

enum { AGENT_HOST_MAX = 253 };

/* Characters that need no escaping anywhere: letters, digits and "._:-". */
bool agent_host_valid(const char *host);
/* MRP_EINVALID when they are no names. */
int agent_check_names(const char *cluster, const char *host, struct mrp_err *err);

/* Append what goes before the entries of an agent's config, which follow with commas between them, and what goes after
 * them. The texts need no escaping. */
void agent_config_begin(struct strbuf *out, const struct resolve_target *target, const char *revision);
void agent_config_end(struct strbuf *out);

#endif
