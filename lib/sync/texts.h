/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan can show of files beyond their digests: a few small texts, compared line by line. */
#ifndef MRP_SYNC_TEXTS_H
#define MRP_SYNC_TEXTS_H

#include "plan.h"

/* Fills in `diff` of the fields that are changed files: the first few, where both sides are small texts. The old contents are
 * fetched from the API at `http` with short answers only. What cannot be had is left out: this decides nothing. */
void plan_read_texts(struct plan *plan, const struct http_options *http);

#endif
