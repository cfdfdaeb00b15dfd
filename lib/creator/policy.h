/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a creator allows recipes, as a digest: a cluster that was refused by it is due again when that has changed, by
 * an option or a line of the providers file. The API keeps by which policies a recipe was refused, so that creators
 * with different ones do not take turns.
 */
#ifndef MRP_CREATOR_POLICY_H
#define MRP_CREATOR_POLICY_H

#include "../base/hash.h"
#include "../value/value.h"

/* providers_file: NULL when there is none. Reads it. */
int policy_digest(char out[SHA256_HEX + 1], const char *providers_file, bool allow_programs, struct mrp_err *err);
/* "This policy refused this recipe": by its revision. */
void policy_refusal(char out[SHA256_HEX + 1], const char *policy, int64_t recipe_revision);
/* The cluster was refused by policies, and this is none of them. */
bool policy_is_new(const struct value *cluster, const char *refusal);

#endif
