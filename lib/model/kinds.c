/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds.h"

#include "../value/json.h"
#include "tables.h"

const struct field item_string = { "", F_STRING, FF_BOTH, NULL, .max = 131072 };
const struct field item_identifier = { "", F_PATTERN, FF_BOTH, NULL, .valid = valid_identifier, .form = IDENTIFIER_FORM,
	.pattern = IDENTIFIER_PATTERN };
const struct field item_glob = { "", F_STRING, FF_BOTH, NULL, .min = 1, .max = 4096 };
const struct field item_label = { "", F_STRING, FF_BOTH, NULL, .max = 1024 };
const struct field item_any = { "", F_ANY, FF_BOTH, NULL };

static const char *const file_modes[] = { "0644", "0755", NULL };

static const struct field file_fields[] = {
	{ "sha256", F_PATTERN, FF_API | FF_REQUIRED, "names the blob", .valid = valid_sha256,
		.form = "a SHA-256 in lower-case hex", .pattern = "^[0-9a-f]{64}$" },
	{ "mode", F_ENUM, FF_API | FF_REQUIRED, "0755 when its owner may execute it", .words = file_modes },
	END_FIELDS
};

const struct field item_file = { "", F_OBJECT, FF_BOTH, NULL, .sub = file_fields };

const struct field source_fields[] = {
	{ "path", F_STRING, FF_API, "of the file, from the folder of the manifest", .max = 4096 },
	{ "line", F_INT, FF_API, "of the object in that file", .max = INT32_MAX },
	{ "revision", F_STRING, FF_API, "commit; ends in -dirty when the file differs from it", .max = 256 },
	{ "author", F_STRING, FF_API, "of the last commit of the object's files", .max = 1024 },
	{ "committed_at", F_STRING, FF_API, "RFC 3339", .max = 64 },
	END_FIELDS
};

const struct kind_info kinds[KIND_COUNT] = {
	[KIND_RECIPE] = { "recipe", "recipes", recipe_fields, recipe_check },
	[KIND_CLUSTER] = { "cluster", "clusters", cluster_fields, cluster_check },
	[KIND_PROBER] = { "prober", "probers", prober_fields, prober_check },
};

int kind_from_name(const char *name)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (streq(name, kinds[kind].name) || streq(name, kinds[kind].plural))
			return kind;
	}
	return -1;
}

static void fill_variables(struct arena *arena, struct value *cluster)
{
	struct value *variables = value_copy_shallow(arena, value_get(cluster, "variables"));

	for (uint32_t i = 0; i < variables->n; i++) {
		struct value *entry = value_copy_shallow(arena, variables->members[i].value);

		if (!value_get(entry, "owner"))
			value_append(arena, entry, "owner", value_string(arena, "manual"));
		if (!value_get(entry, "sensitive"))
			value_append(arena, entry, "sensitive", value_bool(arena, false));
		variables->members[i].value = entry;
	}
	value_set(arena, cluster, "variables", variables);
}

struct value *object_from_api(
	struct arena *arena, enum kind kind, const struct value *body, const char *slug, struct problems *problems)
{
	struct schema_ctx ctx = { .arena = arena, .problems = problems, .where = FF_API };
	size_t errors = problems->errors;
	struct value *object = schema_apply(&ctx, kinds[kind].fields, body, "");
	const char *body_slug = value_get_string(object, "slug");

	if (body_slug && !streq(body_slug, slug))
		problems_add(problems, (struct mrp_loc){ 0 }, "slug", "is '%s' and cannot be changed to '%s'", slug, body_slug);
	value_set(arena, object, "slug", value_string(arena, slug));
	if (!value_get(object, "name"))
		value_append(arena, object, "name", value_string(arena, slug));
	if (!value_get(object, "managed"))
		value_append(arena, object, "managed", value_bool(arena, false));
	kinds[kind].check(&ctx, object);
	if (kind == KIND_CLUSTER && problems->errors == errors)
		fill_variables(arena, object);
	return object;
}

static struct value *own_variables(struct arena *arena, const struct value *variables)
{
	struct value *own = value_object(arena);

	for (uint32_t i = 0; i < variables->n; i++) {
		const struct member *m = &variables->members[i];
		const char *owner = value_get_string(m->value, "owner");

		if (!owner || !streq(owner, "synchronize"))
			continue;
		struct value *entry = value_copy_shallow(arena, m->value);
		value_set(arena, entry, "updated_at", NULL);
		value_set(arena, entry, "revision", NULL);
		value_append(arena, own, m->key, entry);
	}
	return own;
}

struct value *object_manageable(struct arena *arena, enum kind kind, const struct value *object)
{
	struct value *part = value_object(arena);

	for (uint32_t i = 0; i < object->n; i++) {
		const struct member *m = &object->members[i];

		if (streq(m->key, "managed") || streq(m->key, "source") || !field_find(kinds[kind].fields, m->key, FF_API))
			continue;
		bool variables = kind == KIND_CLUSTER && streq(m->key, "variables");
		value_append(arena, part, m->key, variables ? own_variables(arena, m->value) : m->value);
	}
	return part;
}

void object_digest(uint8_t out[SHA256_BYTES], enum kind kind, const struct value *object)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	json_canonical(&text, object_manageable(&arena, kind, object));
	sha256_of(out, text.buf, text.len);
}

/* The lines begin with the kind's name, so their order is that of the names, then of the slugs. */
static int compare_entries(const void *a, const void *b)
{
	const struct digest_entry *x = a, *y = b;

	if (x->kind != y->kind)
		return strcmp(kinds[x->kind].name, kinds[y->kind].name);
	return strcmp(x->slug, y->slug);
}

void root_digest(uint8_t out[SHA256_BYTES], struct digest_entry *entries, size_t n)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
	struct sha256_ctx ctx;
	char hex[SHA256_HEX + 1];

	if (n > 1)
		qsort(entries, n, sizeof(*entries), compare_entries);
	sha256_init(&ctx);
	for (size_t i = 0; i < n; i++) {
		sha256_to_hex(hex, entries[i].digest);
		strbuf_reset(&line);
		strbuf_addf(&line, "%s/%s %s\n", kinds[entries[i].kind].name, entries[i].slug, hex);
		sha256_update(&ctx, line.len, (const uint8_t *)line.buf);
	}
	sha256_digest(&ctx, SHA256_BYTES, out);
}

bool cluster_hides(const struct value *cluster, const char *name, const struct value *entry)
{
	const struct value *flag = value_get(entry, "sensitive");

	return (flag && flag->type == V_BOOL && flag->b) || value_lists(value_get(cluster, "sensitive_variables"), name);
}
