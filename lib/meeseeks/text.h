/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of nodes as a text: JSON (it begins with [ or {), YAML (a line of it begins with "- ", "---" or "key:", which
 * no host name can), or a name a line, with # for comments. A list of names or of objects; in an object it is at
 * `nodes`, or where the mapping says.
 */
#ifndef MRP_MEESEEKS_TEXT_H
#define MRP_MEESEEKS_TEXT_H

#include "source.h"

enum { TEXT_MAX_BYTES = 64 << 20 };

/* `name` is what the text is, for messages. One page. */
int text_read(struct reading *reading, const char *text, size_t len, const char *name, struct mrp_err *err);

/* Where things are in a text of nodes that somebody writes. */
#define TEXT_PLACES                                                                                      \
	{                                                                                                \
		.list = "nodes", .name = "name", .zone = "zone", .state = "state", .address = "address", \
		.labels = "labels"                                                                       \
	}

#endif
