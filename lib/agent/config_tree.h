/* SPDX-License-Identifier: Apache-2.0 */
/* From a folder of configs to what the API would answer an agent. */
#ifndef MRP_AGENT_CONFIG_TREE_H
#define MRP_AGENT_CONFIG_TREE_H

#include "../model/agent.h"

/* Append the answer of /v1/agent-config for the host, made from the tree at `path` alone: values that somebody else
 * writes, and secrets, are not there. MRP_EINVALID: mistakes in the configs, all of them in `problems`; MRP_ENOTFOUND:
 * no manifest, or no such cluster in the environment; MRP_EUSAGE: it is not clear which environment is meant. */
int config_tree_resolve(struct strbuf *out, const char *path, const char *environment, const char *cluster,
	const char *host, struct problems *problems, struct mrp_err *err);

/* The content of a prober's file. */
int config_tree_read(struct strbuf *out, const char *path, const char *prober, const char *file, struct mrp_err *err);

#endif
