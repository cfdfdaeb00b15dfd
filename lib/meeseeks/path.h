/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where something lies in what a server answers: "nodes", "metadata.name", "interfaces.0.address" (the first of a
 * list), "status.addresses[type=InternalIP].address" (the first object of a list whose member says that). A backslash
 * takes the next character as it is: "labels.example\.net/rack". "" is the whole.
 */
#ifndef MRP_MEESEEKS_PATH_H
#define MRP_MEESEEKS_PATH_H

#include "../value/value.h"

/* MRP_EPARSE when it is no path. */
int path_check(const char *path, struct mrp_err *err);
/* NULL when there is nothing at that place, or the path is none. Borrowed from `v`. */
struct value *path_get(struct value *v, const char *path);

#endif
