/* SPDX-License-Identifier: Apache-2.0 */
/* Two lists of nodes compared: what the variable holds, and what a source has. */
#ifndef MRP_MEESEEKS_CHANGES_H
#define MRP_MEESEEKS_CHANGES_H

#include "view.h"

struct changes {
	struct strvec added, removed, changed; /* names, sorted */
	size_t before, after;                  /* names in each */
	bool reshaped; /* the names are the same, their order or what else is in the list is not */
};

#define CHANGES_INIT                                                                 \
	{                                                                            \
		.added = STRVEC_INIT, .removed = STRVEC_INIT, .changed = STRVEC_INIT \
	}

/* Sort by name. */
void nodes_sort(struct node_vec *nodes);
/* Leave one of those that are the same. *doubled: one was on two pages. MRP_EREFUSED when two have one name and differ.
 * The nodes are sorted. */
int nodes_unique(struct node_vec *nodes, bool *doubled, struct mrp_err *err);
/* MRP_EREFUSED when a name is none of a host, or two differ by capitals only; says which. */
int nodes_check_names(const struct node_vec *nodes, struct mrp_err *err);
bool nodes_equal(const struct node_vec *a, const struct node_vec *b);
/* The list as the variable is to hold it. */
struct value *nodes_value(const struct node_vec *nodes, struct arena *arena);

/* `current` may be NULL (there is no variable) or anything. `name_key`: of objects in it, or NULL. The nodes are sorted
 * and unique. */
void changes_find(
	struct changes *changes, const struct value *current, const char *name_key, const struct node_vec *nodes);
bool changes_any(const struct changes *changes);
/* MRP_EREFUSED when there is nothing left, or more goes than may. */
int changes_guard(
	const struct changes *changes, const struct mrp_limit *max_removal, bool allow_empty, struct mrp_err *err);
bool changes_equal(const struct changes *a, const struct changes *b);
void changes_clear(struct changes *changes);

#endif
