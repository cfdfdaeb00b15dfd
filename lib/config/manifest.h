/* SPDX-License-Identifier: Apache-2.0 */
/* mrprober.yaml, read: which environments there are, what every cluster must have, guards. */
#ifndef MRP_CONFIG_MANIFEST_H
#define MRP_CONFIG_MANIFEST_H

#include "reader.h"

#define MANIFEST_NAME "mrprober.yaml"

struct environment {
	const char *name;
	const char *api;       /* address, or NULL */
	const char *values;    /* path of its file of variables */
	bool values_named;     /* the manifest names that file, so it must be there */
	struct mrp_loc values_loc; /* where it does */
};

struct manifest {
	struct environment *environments; /* as in the file */
	size_t n;
	struct value *required;           /* a list of texts */
	const struct value *guards;       /* or NULL */
};

/* Read the manifest of the tree; everything is in the arena. Mistakes are problems of the reader; then as much as could be
 * understood is there. */
void manifest_read(struct manifest *manifest, struct reader *reader, struct arena *arena);

/* NULL when it has no such environment. */
const struct environment *manifest_find(const struct manifest *manifest, const char *name);

/* The environment by name, or the only one when name is NULL; else NULL with MRP_EUSAGE, saying which there are. */
const struct environment *manifest_choose(const struct manifest *manifest, const char *name, struct mrp_err *err);

/* "did you mean" for a name that is no environment, or NULL. */
const char *manifest_nearest(const struct manifest *manifest, const char *name);

/* Adds "prod, preprod". */
void manifest_list(struct strbuf *out, const struct manifest *manifest);

#endif
