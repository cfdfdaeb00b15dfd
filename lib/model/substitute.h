/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${name} in a prober: a name of its matrix, then cluster, host, environment, then a variable of the cluster that is
 * text, a number, true or false. "$${" is a literal "${". Sensitive variables are never put in.
 */
#ifndef MRP_MODEL_SUBSTITUTE_H
#define MRP_MODEL_SUBSTITUTE_H

#include "resolve.h"

struct substitute_names {
	const struct value *matrix; /* name -> text, or NULL */
	const struct resolve_target *target;
};

/* `v` with every text in it replaced, parts without "${" shared; NULL with *why set ("command[1]: ...", no values in it).
 * `path` is where `v` stands. */
struct value *substitute_value(struct arena *arena, struct value *v, const struct substitute_names *names,
	const char *path, const char **why);

/* The list variable that the whole text "${name}" means; NULL with *why set. */
const struct value *substitute_list(const char **name, struct arena *arena, const char *text,
	const struct resolve_target *target, const char **why);

/* Adds the text of a scalar as it is put in: 5, 0.5, true, any text. False for null, lists and maps. */
bool substitute_scalar(struct strbuf *out, const struct value *v);

#endif
