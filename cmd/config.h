/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MRP_CMD_CONFIG_H
#define MRP_CMD_CONFIG_H

#include "cmd.h"

/* The JSON Schema that a name means: a kind ("probers" and "prober" are the same), "manifest", "values", "config". NULL
 * when it means none. */
const struct value *config_find_schema(struct arena *arena, const char *name);

extern const struct mrp_cmd cmd_check_auth; /* a subcommand: check_auth.c */

#endif
