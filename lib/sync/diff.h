/* SPDX-License-Identifier: Apache-2.0 */
/* Two small texts line by line, for people: what a file of a plan is to become. */
#ifndef MRP_SYNC_DIFF_H
#define MRP_SYNC_DIFF_H

#include "../base/strbuf.h"

/* Adds lines "- old", "+ new" and "  both", each made visible, with a little of what is around a change and "..." for what is
 * left out; at most `max_lines`, the last then says how many more there are. False, with nothing added, when one of them is no
 * text or too long to compare. */
bool text_diff(struct strbuf *out, const struct strbuf *before, const struct strbuf *after, size_t max_lines);

#endif
