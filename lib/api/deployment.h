/* SPDX-License-Identifier: Apache-2.0 */
/* What a deployment looks like over the API. */
#ifndef MRP_API_DEPLOYMENT_H
#define MRP_API_DEPLOYMENT_H

#include "../model/schema.h"

extern const struct field deployment_fields[], approval_fields[];

#endif
