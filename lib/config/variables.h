/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of clusters come in layers, later ones win: values.yaml, the recipe's values.yaml, the environment's file, the
 * cluster. Maps merge key by key, everything else is replaced. A value keeps its place through all of it.
 */
#ifndef MRP_CONFIG_VARIABLES_H
#define MRP_CONFIG_VARIABLES_H

#include "reader.h"

enum layer { LAYER_COMMON, LAYER_RECIPE, LAYER_ENVIRONMENT, LAYER_CLUSTER, LAYER_COUNT };

/* A file of variables as an object; NULL when it is not there (which is a problem unless `optional`) or cannot be used. An
 * empty file is an empty object. */
struct value *variables_read(struct reader *reader, struct arena *arena, const char *path, bool optional);

/* Report each !env and !file in a recipe's values: recipes are stored readable. */
void variables_refuse_secrets(struct reader *reader, const struct value *v, const char *field);

/* All layers in one object; layers may be NULL. */
struct value *variables_merge(struct arena *arena, struct value *const layers[LAYER_COUNT]);

/* True when a value comes from !env or !file, or has one inside. */
bool variables_secret(const struct value *v);

/* The value with everything read that !env and !file name. Parts without secrets are shared. What cannot be read is a
 * problem of `field` at its place, said once. */
struct value *variables_resolve(struct reader *reader, struct arena *arena, struct value *v, const char *field);

#endif
