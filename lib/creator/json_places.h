/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MRP_CREATOR_JSON_PLACES_H
#define MRP_CREATOR_JSON_PLACES_H

#include "../value/json.h"

/* As json_parse, and every value and member knows its line and column, as those from YAML do. */
struct value *json_parse_placed(
	struct arena *arena, const char *text, size_t len, const char *file, struct mrp_err *err);

#endif
