/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of a runner have left that was killed itself, and so could not end them. */
#ifndef MRP_RUN_LEFTOVERS_H
#define MRP_RUN_LEFTOVERS_H

#include "../base/base.h"

/* Kill all processes with a MRPROBER_RUN_ID that begins with `prefix`, until there is none that could start another
 * one. To be called before there are runs with that prefix. Blocks: about 5 us for each process of the machine. Returns
 * how many were killed. */
size_t leftovers_kill(const char *prefix);

#endif
