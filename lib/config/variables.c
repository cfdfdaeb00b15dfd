/* SPDX-License-Identifier: Apache-2.0 */
#include "variables.h"

#include "../base/file.h"
#include "../base/text.h"
#include "../model/manifest.h"
#include "../value/merge.h"
#include "../value/yaml.h"

enum { SECRET_MAX_BYTES = 1 << 20 };

struct value *variables_read(struct reader *reader, struct arena *arena, const char *path, bool optional)
{
	struct schema_ctx ctx = { .arena = arena, .problems = &reader->problems, .where = FF_CONFIG };
	struct value *v = reader_yaml(reader, arena, path, YAML_LOCAL_TAGS, optional);

	if (!v)
		return NULL;
	if (v->type == V_NULL)
		return value_object(arena);
	v = schema_apply_value(&ctx, &values_field, v, "");
	return v->type == V_OBJECT ? v : NULL;
}

void variables_refuse_secrets(struct reader *reader, const struct value *v, const char *field)
{
	if (v->flags & (VF_ENV | VF_FILE))
		problems_add(&reader->problems, value_loc(v), field,
			"'%s' is a secret, and recipes can be read by everyone; put it into values.yaml, an environment's file or the "
			"cluster",
			v->flags & VF_ENV ? "!env" : "!file");
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++)
		variables_refuse_secrets(reader, v->items[i], field);
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++)
		variables_refuse_secrets(reader, v->members[i].value, field ? field : v->members[i].key);
}

struct value *variables_merge(struct arena *arena, struct value *const layers[LAYER_COUNT])
{
	struct value *merged = value_object(arena);

	for (int i = 0; i < LAYER_COUNT; i++) {
		if (layers[i] && layers[i]->type == V_OBJECT)
			merged = layer_merge(arena, merged, layers[i]);
	}
	return merged;
}

bool variables_secret(const struct value *v)
{
	if (v->flags & VF_SECRET)
		return true;
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++) {
		if (variables_secret(v->items[i]))
			return true;
	}
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++) {
		if (variables_secret(v->members[i].value))
			return true;
	}
	return false;
}

/* `name`, written in `file` of the tree, as a path of the tree; false when it leads out of it. */
static bool path_in_tree(struct strbuf *out, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	strbuf_add(out, file, slash ? (size_t)(slash - file) : 0);
	for (const char *part = name; *part;) {
		size_t len = strcspn(part, "/");

		if (len == 2 && part[0] == '.' && part[1] == '.') {
			if (!out->len)
				return false;
			char *last = strrchr(out->buf, '/');
			strbuf_setlen(out, last ? (size_t)(last - out->buf) : 0);
		} else if (len && !(len == 1 && part[0] == '.')) {
			if (out->len)
				strbuf_addch(out, '/');
			strbuf_add(out, part, len);
		}
		part += len + (part[len] == '/');
	}
	return out->len > 0;
}

static int read_secret_file(struct reader *reader, struct strbuf *out, const struct value *v, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;

	if (*v->s == '/')
		return read_file(out, v->s, SECRET_MAX_BYTES, err);
	if (!path_in_tree(&path, v->file + strlen(reader->prefix), v->s))
		return mrp_err_set(err, MRP_EINVALID, "leads out of the tree; write an absolute path");
	return reader->source->ops->read(reader->source, out, NULL, path.buf, SECRET_MAX_BYTES, err);
}

/* The text that a secret stands for, or NULL after a problem. Messages name where it comes from, never what it is. */
static char *read_secret(struct reader *reader, struct arena *arena, const struct value *v, const char *field)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	reader->outside |= v->flags & VF_ENV || *v->s == '/';
	if (v->flags & VF_ENV) {
		const char *env = getenv(v->s);

		if (!env) {
			problems_add(
				&reader->problems, value_loc(v), field, "environment variable '%s' is not set", v->s);
			return NULL;
		}
		strbuf_addstr(&text, env);
	} else if (read_secret_file(reader, &text, v, &err) < 0) {
		problems_add(&reader->problems, value_loc(v), field, "!file '%s': %s", v->s, err.msg);
		mrp_err_clear(&err);
		return NULL;
	} else if (text.len && text.buf[text.len - 1] == '\n') {
		strbuf_setlen(&text, text.len - 1);
		if (text.len && text.buf[text.len - 1] == '\r')
			strbuf_setlen(&text, text.len - 1);
	}
	if (!utf8_valid(text.buf, text.len) || memchr(text.buf, 0, text.len)) {
		problems_add(&reader->problems, value_loc(v), field,
			"%s '%s' does not hold UTF-8 text; encode it (base64)", v->flags & VF_ENV ? "!env" : "!file",
			v->s);
		return NULL;
	}
	return arena_strndup(arena, text.buf, text.len);
}

struct value *variables_resolve(struct reader *reader, struct arena *arena, struct value *v, const char *field)
{
	if ((v->flags & VF_BAD) || !variables_secret(v))
		return v;
	struct value *copy = value_copy_shallow(arena, v);
	if (v->flags & (VF_ENV | VF_FILE)) {
		char *text = read_secret(reader, arena, v, field);

		if (!text) {
			v->flags |= VF_BAD; /* other clusters may have it too: it is said once */
			return v;
		}
		copy->flags = VF_SECRET;
		copy->s = text;
		copy->n = (uint32_t)strlen(text);
		return copy;
	}
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++)
		copy->items[i] = variables_resolve(reader, arena, v->items[i], field);
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++)
		copy->members[i].value = variables_resolve(reader, arena, v->members[i].value, field);
	return copy;
}
