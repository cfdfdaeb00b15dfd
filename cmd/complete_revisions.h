/* SPDX-License-Identifier: Apache-2.0 */
/* Completion of branches and tags of the git repository here. */
#ifndef MRP_CMD_COMPLETE_REVISIONS_H
#define MRP_CMD_COMPLETE_REVISIONS_H

#include "../lib/cli/complete.h"

mrp_complete_fn complete_revisions;

#endif
