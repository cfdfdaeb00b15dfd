/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a config tree that are no objects: the manifest and the files of variables. */
#ifndef MRP_MODEL_MANIFEST_H
#define MRP_MODEL_MANIFEST_H

#include "schema.h"

enum { MANIFEST_VERSION = 1 };

extern const struct field manifest_fields[];
extern const struct field values_field; /* a whole values.yaml */

/* "5" or "10%" */
bool valid_guard(const char *text, size_t len);

#endif
