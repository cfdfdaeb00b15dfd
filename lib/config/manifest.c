/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include "../base/text.h"
#include "../model/manifest.h"

static const char *const default_required[] = { "ycp_profile", "yc_endpoint" };

/* "preprod:" with nothing after it is an environment with nothing to say. */
static struct value *fill_empty_environments(struct arena *arena, const struct value *root)
{
	struct value *copy = value_copy_shallow(arena, root), *environments = value_get(root, "environments");

	if (!environments || environments->type != V_OBJECT)
		return copy;
	environments = value_copy_shallow(arena, environments);
	for (uint32_t i = 0; i < environments->n; i++) {
		struct member *m = &environments->members[i];

		if (m->value->type == V_NULL)
			m->value = value_object(arena);
	}
	value_set(arena, copy, "environments", environments);
	return copy;
}

static void add_environments(struct manifest *manifest, struct arena *arena, const struct value *environments)
{
	if (!environments || environments->type != V_OBJECT)
		return;
	manifest->environments = arena_zalloc(arena, environments->n * sizeof(*manifest->environments));
	for (uint32_t i = 0; i < environments->n; i++) {
		const struct member *m = &environments->members[i];
		struct environment *environment = &manifest->environments[manifest->n];
		const struct value *values = value_get(m->value, "values");

		if (!slug_valid(m->key, strlen(m->key)))
			continue;
		environment->name = m->key;
		environment->api = value_get_string(m->value, "api");
		environment->values_named =
			values && values->type == V_STRING && valid_relative_path(values->s, values->n);
		environment->values = environment->values_named ? values->s
								: arena_printf(arena, "environments/%s.yaml", m->key);
		if (environment->values_named)
			environment->values_loc = value_loc(values);
		manifest->n++;
	}
}

/* The version comes before everything: another one may mean anything by the rest. */
static bool known_version(struct reader *reader, const struct value *root)
{
	const struct value *version = value_get(root, "mrprober");

	if (!version || version->type != V_INT || version->i == MANIFEST_VERSION)
		return true;
	problems_add(&reader->problems, value_loc(version), "mrprober",
		"this tree has format version %lld, and this program reads version %d; use a newer program",
		(long long)version->i, (int)MANIFEST_VERSION);
	return false;
}

void manifest_read(struct manifest *manifest, struct reader *reader, struct arena *arena)
{
	struct schema_ctx ctx = { .arena = arena, .problems = &reader->problems, .where = FF_CONFIG };
	size_t errors = reader->problems.errors;
	struct value *root = reader_yaml(reader, arena, MANIFEST_NAME, 0, false);

	*manifest = (struct manifest){ .required = value_array(arena) };
	if (root && root->type == V_NULL) {
		problems_add(&reader->problems, value_loc(root), NULL,
			"is empty; it needs 'mrprober: %d' and 'environments'", (int)MANIFEST_VERSION);
		return;
	}
	if (!root || !known_version(reader, root))
		return;
	root = schema_apply(&ctx, manifest_fields, fill_empty_environments(arena, root), "");
	add_environments(manifest, arena, value_get(root, "environments"));
	if (!manifest->n && value_get(root, "environments"))
		problems_add(&reader->problems, value_loc(value_get(root, "environments")), "environments",
			"has none; a tree needs at least one (like 'prod: {}')");
	struct value *required = value_get(root, "required_variables");
	if (reader->problems.errors > errors)
		return; /* what is required cannot be told */
	if (required)
		manifest->required = required;
	for (size_t i = 0; !required && i < ARRAY_SIZE(default_required); i++)
		value_push(arena, manifest->required, value_string(arena, default_required[i]));
	manifest->guards = value_get(root, "guards");
}

const struct environment *manifest_find(const struct manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->n; i++) {
		if (streq(manifest->environments[i].name, name))
			return &manifest->environments[i];
	}
	return NULL;
}

void manifest_list(struct strbuf *out, const struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->n; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", manifest->environments[i].name);
}

const char *manifest_nearest(const struct manifest *manifest, const char *name)
{
	cleanup(freep) const char **names = xmalloc((manifest->n + 1) * sizeof(*names));

	for (size_t i = 0; i < manifest->n; i++)
		names[i] = manifest->environments[i].name;
	return nearest_word(name, names, manifest->n);
}

const struct environment *manifest_choose(const struct manifest *manifest, const char *name, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf list = STRBUF_INIT;
	const struct environment *found = name ? manifest_find(manifest, name) : NULL;

	if (found)
		return found;
	if (!name && manifest->n == 1)
		return &manifest->environments[0];
	manifest_list(&list, manifest);
	if (!name)
		mrp_err_set(err, MRP_EUSAGE, "which environment? the manifest has several (%s); choose one with --environment",
			list.buf);
	else if (manifest_nearest(manifest, name))
		mrp_err_set(err, MRP_EUSAGE, "environment '%s' is not in the manifest, which has %s (did you mean '%s'?)", name,
			list.buf, manifest_nearest(manifest, name));
	else
		mrp_err_set(err, MRP_EUSAGE, "environment '%s' is not in the manifest, which has %s", name, list.buf);
	return NULL;
}
