/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken from what a source lists: filters say which nodes, a template says what of each. A field is one of
 *name, zone, state, address and labels, of which a source knows where they lie; one that a mapping says the place of;
 *or else a path itself.
 *
 *	template: name            a list of names
 *	template: {name, zone}    a list of objects
 *	template: {host: name, rack: labels.rack}
 */
#ifndef MRP_MEESEEKS_VIEW_H
#define MRP_MEESEEKS_VIEW_H

#include "mapping.h"

/* Where a source has things. */
struct places {
	const char *list, *name, *zone, *state, *address, *labels;
	const char *(*state_word)(const char *state); /* how people call it; NULL: as it is */
};

struct view;

/* MRP_EUSAGE when the template, a path or a filter is wrong. Borrows both arguments. */
struct view *view_new(const struct node_mapping *mapping, const struct places *places, struct mrp_err *err);
void view_free(struct view *view);
/* Where the list lies in an answer. */
const char *view_list(const struct view *view);
/* The member that holds the name in the objects of a list; NULL: the list is of names. */
const char *view_name_key(const struct view *view);

struct node {
	const char *name;
	struct value *shape; /* as it stands in the list */
	int page;            /* where it was read */
};

VEC_DEFINE(node_vec, struct node)

/* Take what is wanted of an item. 1: *out is filled, from the arena; 0: a filter leaves it out; -1: it is no node. */
int view_take(const struct view *view, struct arena *arena, struct value *item, struct node *out, struct mrp_err *err);

/* RFC 1123: labels of letters, digits and '-', 253 bytes at most. */
bool host_name_valid(const char *name);

#endif
