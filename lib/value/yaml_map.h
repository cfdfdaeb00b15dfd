/* SPDX-License-Identifier: Apache-2.0 */
/* Maps as YAML has them: each key once, and `<<` for members of other maps. */
#ifndef MRP_VALUE_YAML_MAP_H
#define MRP_VALUE_YAML_MAP_H

#include "value.h"

/* Report each member whose key an earlier one has, and make its value NULL. Members without a key are left alone. */
void yaml_map_mark_duplicates(struct member *members, size_t n, const char *file, struct problems *problems);

/* Add the members of `from` (a map, or a list of maps of which the earlier win) that `map` does not have. False when
 * `from` is something else. */
bool yaml_map_merge(struct arena *arena, struct value *map, const struct value *from);

#endif
