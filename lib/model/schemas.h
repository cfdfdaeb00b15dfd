/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schemas of the files of a config tree, for editors. */
#ifndef MRP_MODEL_SCHEMAS_H
#define MRP_MODEL_SCHEMAS_H

#include "schema.h"

extern const char *const schema_page_names[]; /* "manifest", "values", "recipe", ...; NULL ends it */

/* The JSON Schema (draft 2020-12) of one kind of file, from the table that the loader uses; NULL for another name. */
struct value *schema_page(struct arena *arena, const char *name);

#endif
