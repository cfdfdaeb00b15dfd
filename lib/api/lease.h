/* SPDX-License-Identifier: Apache-2.0 */
/* What a lease looks like over the API. */
#ifndef MRP_API_LEASE_H
#define MRP_API_LEASE_H

#include "../model/schema.h"

extern const struct field lease_fields[], lease_take_fields[], lease_renew_fields[];

#endif
