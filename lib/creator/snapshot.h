/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cluster was last deployed by: recipe and variables, kept by the API, with the contents of the recipe's files.
 * A cluster that is deleted is destroyed by these, whatever has become of its recipe since, and by whichever creator.
 */
#ifndef MRP_CREATOR_SNAPSHOT_H
#define MRP_CREATOR_SNAPSHOT_H

#include "internal.h"

/* What the deployment's record says before apply; of the arena of d->inputs. */
const struct value *snapshot_of(struct deploy *d);
/* Put its recipe and variables in place of those of d->inputs. 0 also when there is none. */
int snapshot_read(struct deploy *d, struct mrp_err *err);

#endif
