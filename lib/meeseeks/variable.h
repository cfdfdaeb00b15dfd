/* SPDX-License-Identifier: Apache-2.0 */
/* The variable of a cluster that a mapping keeps: read, and written as owner `meeseeks` only. */
#ifndef MRP_MEESEEKS_VARIABLE_H
#define MRP_MEESEEKS_VARIABLE_H

#include "../http/http.h"
#include "mapping.h"

struct variable {
	struct arena arena;
	struct value *value; /* NULL: there is none */
	int64_t revision;    /* -1: there is none */
};

/* MRP_EREFUSED when it belongs to somebody else, or its value is hidden from us. */
int variable_read(
	struct variable *out, struct http_client *http, const struct node_mapping *mapping, struct mrp_err *err);
/* MRP_EPRECONDITION: somebody has written it since it was read. */
int variable_write(struct http_client *http, const struct node_mapping *mapping, const struct value *list,
	int64_t revision, struct mrp_err *err);
void variable_release(struct variable *variable);
/* Ask the creator to run the cluster now. */
int variable_deploy(struct http_client *http, const struct node_mapping *mapping, struct mrp_err *err);

#endif
