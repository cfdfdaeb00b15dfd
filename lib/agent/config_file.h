/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A config in a file, JSON or YAML by its name: what /v1/agent-config answers, or what somebody has written by hand,
 * who may leave out whatever has a default.
 */
#ifndef MRP_AGENT_CONFIG_FILE_H
#define MRP_AGENT_CONFIG_FILE_H

#include "../base/err.h"

/* Append it, complete, as JSON. -1: with what is wrong in *problems, or *err alone. Blocks on the disk. */
int config_file_read(struct strbuf *out, const char *path, const char *cluster, const char *host,
	struct problems *problems, struct mrp_err *err);

#endif
