/* SPDX-License-Identifier: Apache-2.0 */
/* Combining and comparing trees: RFC 7396 patches, layered maps, field by field differences. */
#ifndef MRP_VALUE_MERGE_H
#define MRP_VALUE_MERGE_H

#include "value.h"

/* RFC 7396: the target with the patch applied; `target` may be NULL. Neither input is changed; parts are shared. */
struct value *merge_patch(struct arena *arena, const struct value *target, const struct value *patch);

/* A patch such that merge_patch(before, patch) equals `after`, or NULL when they are equal. Both are objects. A part of
 * `after` that contains null cannot be said in a patch (value_contains_null); the caller looks for such parts first. */
struct value *merge_diff(struct arena *arena, const struct value *before, const struct value *after);

/* Layers: maps merge key by key, everything else (null too) is replaced by the upper. Each value keeps the place it came
 * from. Neither input is changed. */
struct value *layer_merge(struct arena *arena, const struct value *lower, struct value *upper);

/* Called for each place where two trees differ: `path` is like "limits.memory"; before or after is NULL when absent. */
typedef void difference_fn(void *ctx, const char *path, const struct value *before, const struct value *after);
/* Walk both objects in byte order of keys; goes into objects that both sides have down to max_depth levels (at least
 * 1), below that a difference is reported whole. Lists are compared whole. */
void value_differences(
	const struct value *before, const struct value *after, int max_depth, difference_fn *report, void *ctx);

#endif
