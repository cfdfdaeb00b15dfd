/* SPDX-License-Identifier: Apache-2.0 */
/* What is different between two looks at the same things: the lines that `watch` prints. */
#ifndef MRP_CLIENT_CHANGES_H
#define MRP_CLIENT_CHANGES_H

#include "resource.h"

struct change_style {
	bool json;        /* a JSON object a line */
	const char *time; /* of the second look */
};

/* A line for each thing that came, went or changed (and, for people, one for each of its fields), in the order of
 * `after`, then those that went. Both are arrays of items of `target` and are only looked at. */
void changes_format(struct strbuf *out, const struct change_style *style, const struct target *target,
	const struct value *before, const struct value *after, struct arena *arena);

#endif
