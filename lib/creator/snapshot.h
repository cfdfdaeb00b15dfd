/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cluster was last deployed by: recipe and variables, kept beside the terraform state. A cluster that is deleted
 * is destroyed by these, whatever has become of its recipe since. Where there are none (another creator deployed it,
 * with a state that all can reach), the API's recipe and variables are the best there is.
 */
#ifndef MRP_CREATOR_SNAPSHOT_H
#define MRP_CREATOR_SNAPSHOT_H

#include "internal.h"

/* Before apply. The file holds secrets: 0600 in a folder of ours. */
int snapshot_write(const struct deploy *d, struct mrp_err *err);
/* Put its recipe and variables in place of those of d->inputs. 0 also when there is none. */
int snapshot_read(struct deploy *d, struct mrp_err *err);
void snapshot_remove(const struct deploy *d);

#endif
