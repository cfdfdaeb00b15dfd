/* SPDX-License-Identifier: Apache-2.0 */
/* Completion of what the configs in this folder or above describe. */
#ifndef MRP_CMD_COMPLETE_CONFIGS_H
#define MRP_CMD_COMPLETE_CONFIGS_H

#include "../lib/cli/complete.h"

/* "probers=", for a limit of one kind */
mrp_complete_fn complete_kind_limits;
/* "prober/dns-resolve" */
mrp_complete_fn complete_config_objects;

#endif
