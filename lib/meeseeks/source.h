/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources of nodes behind one table of functions: compute_admin.c and kubernetes.c ask servers page by page (pages.h),
 * file.c and command.c have a text (text.h).
 *
 * Order: source_open, source_read as often as needed (tokens and connections are kept), source_close.
 */
#ifndef MRP_MEESEEKS_SOURCE_H
#define MRP_MEESEEKS_SOURCE_H

#include "../http/peer.h"
#include "view.h"

/* The nodes as they were read once. */
struct reading {
	const struct view *view;
	struct arena arena;
	struct node_vec nodes;
	int pages;
	bool moved;   /* it is known that the list has changed between its pages */
	bool doubled; /* a node was on two pages: it has probably changed */
};

/* Each item of a list, as one more page. -1: an item is no node. */
int reading_add_list(struct reading *reading, const struct value *list, struct mrp_err *err);
/* The same for the list at its place in `page`. -1 also when there is none. */
int reading_add_page(struct reading *reading, struct value *page, struct mrp_err *err);
void reading_release(struct reading *reading);

struct source;

struct source_ops {
	struct places places;
	/* *state is the source's own. No server is asked yet. MRP_EUSAGE, MRP_EINVALID: the options are wrong. */
	int (*open)(void **state, const struct node_mapping *mapping, const struct http_patience *patience,
		struct mrp_err *err);
	/* All pages, or -1. Blocks. */
	int (*read)(void *state, struct reading *reading, struct mrp_err *err);
	void (*close)(void *state);
};

extern const struct source_ops source_compute_admin, source_kubernetes, source_file, source_command;

const struct source_ops *source_of(enum source_kind kind);

#endif
