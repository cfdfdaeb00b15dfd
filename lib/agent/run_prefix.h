/* SPDX-License-Identifier: Apache-2.0 */
/* What the ids of all runs of one agent process begin with, and by which the next one finds what it has left. */
#ifndef MRP_AGENT_RUN_PREFIX_H
#define MRP_AGENT_RUN_PREFIX_H

#include "../base/err.h"

enum { RUN_PREFIX = 16 };

/* Kill what the runs of the agent before have left, if it was killed itself, and choose another prefix: "<seconds since
 * 1970, hex><six random hex digits>". It is remembered in the folder, which is ours alone. When that cannot be written
 * the log says so, as the next agent will find nothing. Blocks. */
void run_prefix_begin(char out[RUN_PREFIX], const char *folder);

#endif
