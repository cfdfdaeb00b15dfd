/* SPDX-License-Identifier: Apache-2.0 */
#include "providers.h"

#include "../base/file.h"
#include "json_places.h"
#include "version.h"

enum { MAX_BYTES = 1 << 20 };

void providers_release(struct providers *providers)
{
	allowed_provider_vec_clear(&providers->allowed);
	arena_release(&providers->arena);
	*providers = (struct providers){ 0 };
}

const struct allowed_provider *providers_by_source(const struct providers *providers, const char *source)
{
	for (size_t i = 0; i < providers->allowed.n; i++) {
		if (streq(providers->allowed.v[i].source, source))
			return &providers->allowed.v[i];
	}
	return NULL;
}

const struct allowed_provider *providers_by_name(const struct providers *providers, const char *name)
{
	for (size_t i = 0; i < providers->allowed.n; i++) {
		if (streq(providers->allowed.v[i].name, name))
			return &providers->allowed.v[i];
	}
	return NULL;
}

/* "5.1.0", also written as "= 5.1.0" */
static const char *exact_version(const char *text)
{
	if (*text == '=')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static int add_provider(struct providers *providers, const struct member *m, struct mrp_err *err)
{
	const struct value *v = m->value;
	const char *text = v->type == V_OBJECT ? value_get_string(v, "source") : NULL;
	const char *version = v->type == V_OBJECT ? value_get_string(v, "version") : NULL;
	struct allowed_provider provider = { .name = m->key };

	if (v->type != V_OBJECT)
		return mrp_err_at(err, MRP_EINVALID, value_loc(v),
			"provider '%s': an object with 'source' and 'version' is expected", m->key);
	for (uint32_t i = 0; i < v->n; i++) {
		const char *key = v->members[i].key;

		if (!streq(key, "source") && !streq(key, "version") && !streq(key, "//"))
			return mrp_err_at(err, MRP_EINVALID, member_loc(v, &v->members[i]),
				"provider '%s': '%s' is not known", m->key, key);
	}
	if (!version || !version_valid(exact_version(version)))
		return mrp_err_at(err, MRP_EINVALID, value_loc(v),
			"provider '%s': 'version' must be an exact version (like 1.2.3)", m->key);
	provider.version = exact_version(version);
	provider.source = provider_source(&providers->arena, text ? text : m->key, err);
	if (!provider.source) {
		cleanup(mrp_err_clear) struct mrp_err inner = MRP_ERR_INIT;

		mrp_err_move(&inner, err);
		return mrp_err_at(err, MRP_EINVALID, value_loc(v), "provider '%s': %s", m->key, inner.msg);
	}
	if (providers_by_source(providers, provider.source))
		return mrp_err_at(err, MRP_EINVALID, value_loc(v), "provider '%s': '%s' is listed twice", m->key,
			provider.source);
	allowed_provider_vec_push(&providers->allowed, provider);
	return 0;
}

static int unknown_key(const struct value *object, const struct member *m, struct mrp_err *err)
{
	return mrp_err_at(
		err, MRP_EINVALID, member_loc(object, m), "'%s' has no place in a list of allowed providers", m->key);
}

static int expect_object(const struct member *m, struct mrp_err *err)
{
	if (m->value->type == V_OBJECT)
		return 0;
	return mrp_err_at(err, MRP_EINVALID, value_loc(m->value), "'%s': an object is expected, not %s", m->key,
		value_type_name(m->value));
}

static int read_terraform(struct providers *providers, const struct value *terraform, struct mrp_err *err)
{
	for (uint32_t i = 0; i < terraform->n; i++) {
		const struct member *m = &terraform->members[i];

		if (streq(m->key, "//") || streq(m->key, "required_version"))
			continue;
		if (!streq(m->key, "required_providers"))
			return unknown_key(terraform, m, err);
		if (expect_object(m, err) < 0)
			return -1;
		for (uint32_t k = 0; k < m->value->n; k++) {
			if (!streq(m->value->members[k].key, "//") &&
				add_provider(providers, &m->value->members[k], err) < 0)
				return -1;
		}
	}
	return 0;
}

int providers_parse(struct providers *providers, const char *text, size_t len, const char *name, struct mrp_err *err)
{
	*providers = (struct providers){ 0 };
	const struct value *root =
		json_parse_placed(&providers->arena, text, len, arena_strdup(&providers->arena, name), err);

	if (!root)
		return -1;
	if (root->type != V_OBJECT)
		return mrp_err_at(
			err, MRP_EINVALID, value_loc(root), "an object is expected, not %s", value_type_name(root));
	for (uint32_t i = 0; i < root->n; i++) {
		const struct member *m = &root->members[i];

		if (streq(m->key, "//"))
			continue;
		if (!streq(m->key, "terraform") && !streq(m->key, "provider") && !streq(m->key, "variable"))
			return unknown_key(root, m, err);
		if (expect_object(m, err) < 0)
			return -1;
		if (streq(m->key, "terraform") && read_terraform(providers, m->value, err) < 0)
			return -1;
		if (streq(m->key, "provider"))
			providers->configured = m->value;
		if (streq(m->key, "variable"))
			providers->variables = m->value;
	}
	for (uint32_t i = 0; providers->configured && i < providers->configured->n; i++) {
		const struct member *m = &providers->configured->members[i];

		if (!streq(m->key, "//") && !providers_by_name(providers, m->key))
			return mrp_err_at(err, MRP_EINVALID, member_loc(providers->configured, m),
				"provider '%s' is configured, but not in 'required_providers'", m->key);
	}
	return 0;
}

int providers_load(struct providers *providers, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	*providers = (struct providers){ 0 };
	if (read_file(&text, path, MAX_BYTES, err) < 0)
		return -1;
	return providers_parse(providers, text.buf, text.len, path, err);
}
