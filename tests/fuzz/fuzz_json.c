/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: a value or an error; the canonical text of a value is a fixed point, and reads back equal. */
#include "fuzz.h"

#include "../../lib/value/json.h"
#include "../../lib/value/merge.h"

static void check_patches(struct arena *arena, const struct value *v)
{
	const struct value *before = value_object(arena);

	if (v->type != V_OBJECT || value_contains_null(v))
		return;
	const struct value *patch = merge_diff(arena, before, v);
	MUST(value_equal(patch ? merge_patch(arena, before, patch) : before, v));
	patch = merge_diff(arena, v, before);
	MUST(value_equal(patch ? merge_patch(arena, v, patch) : v, before));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, again = STRBUF_INIT, pretty = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, (const char *)data, size, "input", &err);

	if (!v) {
		MUST(err.code == MRP_EPARSE && err.msg);
		mrp_err_clear(&err);
		return 0;
	}
	json_canonical(&text, v);
	struct value *back = json_parse(&arena, text.buf, text.len, "canonical", &err);
	MUST(back && value_equal(v, back));
	json_canonical(&again, back);
	MUST(text.len == again.len && memcmp(text.buf, again.buf, text.len) == 0);
	json_pretty(&pretty, v);
	back = json_parse(&arena, pretty.buf, pretty.len, "pretty", &err);
	MUST(back && value_equal(v, back));
	check_patches(&arena, v);
	return 0;
}
