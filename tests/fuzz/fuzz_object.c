/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as the body of a recipe, cluster and prober: problems, or a normal form that stays as it is. */
#include "../../lib/model/kinds.h"

#include "../../lib/value/json.h"
#include "../../lib/value/merge.h"
#include "fuzz.h"

static void check_kind(struct arena *arena, enum kind kind, const struct value *body)
{
	cleanup(problems_clear) struct problems problems = PROBLEMS_INIT;
	const char *slug = body->type == V_OBJECT ? value_get_string(body, "slug") : NULL;
	struct value *object = object_from_api(arena, kind, body, slug ? slug : "a", &problems);

	for (size_t i = 0; i < problems.list.n; i++)
		MUST(problems.list.v[i].msg && *problems.list.v[i].msg);
	if (problems.errors)
		return;
	struct value *again = object_from_api(arena, kind, object, slug ? slug : "a", &problems);
	MUST(!problems.errors);
	MUST(value_equal(object, again));

	uint8_t one[SHA256_BYTES], two[SHA256_BYTES];
	object_digest(one, kind, object);
	object_digest(two, kind, again);
	MUST(memcmp(one, two, sizeof(one)) == 0);

	/* a patch from nothing gives the object, unless it holds null, which no patch can say */
	struct value *patch = merge_diff(arena, value_object(arena), object);
	MUST(patch);
	if (!value_contains_null(object))
		MUST(value_equal(merge_patch(arena, value_object(arena), patch), object));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	struct value *body = json_parse(&arena, (const char *)data, size, "body", &err);

	for (int kind = 0; body && kind < KIND_COUNT; kind++)
		check_kind(&arena, (enum kind)kind, body);
	return 0;
}
