/* SPDX-License-Identifier: Apache-2.0 */
/* What terraform was making when it was killed, by what `terraform apply -no-color` printed until then. */
#ifndef MRP_CREATOR_HALF_MADE_H
#define MRP_CREATOR_HALF_MADE_H

#include "../base/vec.h"

/* Addresses of resources that were begun and did not end go to `half`, those that ended to `whole` (in the order in
 * which they began, each once; appended). What programs of the recipe print is not taken for terraform's own. */
void half_made_of(struct strvec *half, struct strvec *whole, const char *log, size_t len);

#endif
