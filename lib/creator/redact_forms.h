/* SPDX-License-Identifier: Apache-2.0 */
/* How a secret looks where it passes through: the texts that are to be found. */
#ifndef MRP_CREATOR_REDACT_FORMS_H
#define MRP_CREATOR_REDACT_FORMS_H

#include "../base/strbuf.h"

/* Calls `each` with the secret as it is and in each other spelling, some of them twice, some too short to be told from
 * any text. A secret of several lines comes line by line, too. */
void redact_each_form(const char *secret, size_t len, void (*each)(void *ctx, const char *form, size_t len), void *ctx);

#endif
