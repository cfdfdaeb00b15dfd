/* SPDX-License-Identifier: Apache-2.0 */
/* Where candidates of completion come from: sources for the rows of options and commands (see lib/cli/complete.h). */
#ifndef MRP_CMD_COMPLETE_SOURCES_H
#define MRP_CMD_COMPLETE_SOURCES_H

#include "../lib/cli/complete.h"

/* Aliases, and programs mrprober-<name> of PATH. */
void complete_other_commands(struct mrp_complete *c);

mrp_complete_fn complete_contexts;     /* of config.yaml */
mrp_complete_fn complete_environments; /* of the manifest */
mrp_complete_fn complete_settings;     /* names for `config get` */
mrp_complete_fn complete_help;         /* commands, then their subs */

/* Slugs come from the API when it answers in time, else from the configs. */
mrp_complete_fn complete_kinds;          /* recipes, clusters, probers */
mrp_complete_fn complete_kind_then_slug; /* first argument a kind, then slugs of that kind */
mrp_complete_fn complete_clusters;       /* first argument a cluster */
mrp_complete_fn complete_agents;         /* first argument an agent, as cluster/host */

#endif
