/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API has, as the command line names it: kinds with their columns, and single things with their paths. Where to
 * read next: columns.c (what the tables show), print.h (tables, JSON, YAML).
 */
#ifndef MRP_CLIENT_RESOURCE_H
#define MRP_CLIENT_RESOURCE_H

#include "../model/kinds.h"

/* Adds a cell's text for one thing. `now_ms` is the wall clock. */
typedef void resource_cell_fn(struct strbuf *out, const struct value *item, int64_t now_ms);

struct resource_column {
	const char *heading; /* NULL ends a table */
	resource_cell_fn *cell;
	bool wide;  /* only in wide tables */
	bool right; /* numbers */
};

enum { RESOURCE_PARTS_MAX = 2 };

struct resource {
	const char *name, *plural;
	int kind;           /* enum kind, or -1 */
	const char *path;   /* "/v1/clusters/%s/variables": of the list; NULL: there is none */
	const char *item;   /* path of one */
	const char *parts[RESOURCE_PARTS_MAX]; /* what names one: "slug"; "cluster", "name" */
	int list_parts;     /* how many of them name the list */
	const char *key;    /* the member that holds the last part's value */
	const struct resource_column *columns;
};

/* Ends with a row whose name is NULL. */
extern const struct resource resources[];
extern const struct resource_column recipe_columns[], cluster_columns[], prober_columns[], variable_columns[],
	deployment_columns[], agent_columns[];

/* By singular or plural name; NULL with MRP_EUSAGE and a hint. */
const struct resource *resource_find(const char *name, struct mrp_err *err);

/* One thing, or the list it stands in. */
struct target {
	const struct resource *resource;
	const char *parts[RESOURCE_PARTS_MAX]; /* from the arena; NULL: not given */
	bool one;                              /* the thing itself, not its list */
};

enum target_form {
	TARGET_ONE,     /* every part is needed */
	TARGET_LIST,    /* those of the list */
	TARGET_EITHER, /* one when more is given than a list needs */
};

/* "prober dns", "prober/dns", "variable net-lab zones": MRP_EUSAGE says what is missing. */
int target_parse(struct target *out, struct arena *arena, enum target_form form, int argc, char *const *argv,
	struct mrp_err *err);
/* The path of the thing or the list. */
void target_path(struct strbuf *out, const struct target *target);
/* "prober/dns", "variable/net-lab/zones" */
void target_name(struct strbuf *out, const struct target *target);
/* The same for an item of a list; `list` says the parts that the item does not. */
void resource_item_name(struct strbuf *out, const struct target *list, const struct value *item);

#endif
