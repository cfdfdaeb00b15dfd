/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page in pieces, so that nobody needs memory for all of it: 10,000 probers are some 20 MB of text. A page shows the
 * probers that were there when it began, those removed since being left out; each sample is as new as its piece, and a
 * histogram is of one moment.
 */
#ifndef MRP_METRICS_PAGE_H
#define MRP_METRICS_PAGE_H

#include "metrics.h"

struct metrics_page;

struct metrics_page *metrics_page_begin(struct metrics *metrics, enum exposition exposition);
/* Append the next piece, some 64 KiB. False: there was no more, nothing is appended. */
bool metrics_page_next(struct metrics_page *page, struct strbuf *out);
void metrics_page_end(struct metrics_page *page); /* NULL is harmless */

#endif
