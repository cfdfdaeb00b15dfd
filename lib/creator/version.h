/* SPDX-License-Identifier: Apache-2.0 */
/* Versions and constraints of providers.
 * https://developer.hashicorp.com/terraform/language/expressions/version-constraints */
#ifndef MRP_CREATOR_VERSION_H
#define MRP_CREATOR_VERSION_H

#include "../base/err.h"

/* An exact version: three numbers, perhaps -prerelease and +build. */
bool version_valid(const char *text);
/* Does "~> 5.0, != 5.3.1" admit this version? MRP_EPARSE when it is no constraint. A prerelease is admitted only where
 * it is named. */
int constraint_admits(bool *admits, const char *constraint, const char *version, struct mrp_err *err);

#endif
