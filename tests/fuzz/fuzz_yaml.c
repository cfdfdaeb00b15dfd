/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML: whatever the bytes are, there is a tree or a problem; a tree without problems is one that JSON and YAML can say
 * again and that then reads back equal; checking it as an object of each kind does not fail either.
 */
#include "fuzz.h"

#include "../../lib/model/kinds.h"
#include "../../lib/model/manifest.h"
#include "../../lib/value/json.h"
#include "../../lib/value/yaml.h"
#include "../../lib/value/yaml_write.h"

static void check_round_trips(struct arena *arena, const struct value *v)
{
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT, yaml = STRBUF_INIT;
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	json_canonical(&json, v);
	struct value *again = json_parse(arena, json.buf, json.len, "json", &err);
	MUST(again && value_equal(v, again));
	value_to_yaml(&yaml, v);
	again = value_from_yaml(arena, yaml.buf, yaml.len, "again", YAML_LOCAL_TAGS, &problems);
	MUST(again && !problems.errors && value_equal(v, again));
	problems_clear(&problems);
}

static void check_as_objects(struct arena *arena, const struct value *v)
{
	struct problems problems = PROBLEMS_INIT;
	struct schema_ctx ctx = { .arena = arena, .problems = &problems, .where = FF_CONFIG };

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		size_t errors = problems.errors;
		const struct value *object = schema_apply(&ctx, kinds[kind].fields, v, "");

		if (problems.errors == errors)
			kinds[kind].check(&ctx, object);
	}
	schema_apply(&ctx, manifest_fields, v, "");
	problems_sort(&problems);
	problems_clear(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct problems problems = PROBLEMS_INIT;
	struct strbuf text = STRBUF_INIT;
	struct value *v = value_from_yaml(&arena, (const char *)data, size, "input", YAML_LOCAL_TAGS, &problems);

	MUST(v || problems.errors);
	for (size_t i = 0; i < problems.list.n; i++) {
		problem_format(&text, &problems.list.v[i]);
		MUST(!memchr(text.buf, '\n', text.len));
	}
	if (v && !problems.errors) {
		check_round_trips(&arena, v);
		check_as_objects(&arena, v);
	}
	strbuf_release(&text);
	problems_clear(&problems);
	return 0;
}
