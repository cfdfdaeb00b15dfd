/* SPDX-License-Identifier: Apache-2.0 */
#include "config_file.h"

#include "../base/file.h"
#include "../base/text.h"
#include "../model/resolve.h"
#include "../value/json.h"
#include "../value/yaml.h"
#include "config_stored.h"
#include "entry.h"

/* Absent, or a map of texts; what else it may be is said when the entry is read. */
static bool is_matrix(const struct value *matrix)
{
	if (matrix && matrix->type != V_OBJECT)
		return false;
	for (uint32_t i = 0; matrix && i < matrix->n; i++) {
		if (matrix->members[i].value->type != V_STRING)
			return false;
	}
	return true;
}

/* Keys of a later version may be there, and are passed over; one that looks like a key that is absent is a slip. */
static void check_keys(const struct value *entry, struct problems *problems)
{
	const struct field *fields = kinds[KIND_PROBER].fields;
	const char *words[64];
	size_t n = 0;

	for (const struct field *field = fields; field->name && n < ARRAY_SIZE(words); field++) {
		if ((field->flags & FF_API) && !value_get(entry, field->name))
			words[n++] = field->name;
	}
	for (uint32_t i = 0; i < entry->n; i++) {
		const struct member *m = &entry->members[i];
		const char *nearest = field_find(fields, m->key, FF_API) ? NULL : nearest_word(m->key, words, n);

		if (nearest && !streq(m->key, "id") && !streq(m->key, "prober"))
			problems_add(problems, value_loc(m->value), m->key, "unknown key (did you mean '%s'?)", nearest);
	}
}

/* What a file written by hand may leave out: of an entry, all but what to run and the prober's name. */
static void fill_in_entry(struct arena *arena, struct value *entry, struct problems *problems)
{
	const char *prober = value_get_string(entry, "prober");
	const struct value *matrix = value_get(entry, "matrix");

	problems->subject = prober ? arena_printf(arena, "prober '%s'", prober) : NULL;
	check_keys(entry, problems);
	problems->subject = NULL;
	if (prober && !value_get(entry, "id") && is_matrix(matrix))
		value_append(arena, entry, "id", value_string(arena, resolve_id(arena, prober, matrix)));
	if (prober && !value_get(entry, "name"))
		value_append(arena, entry, "name", value_string(arena, prober));
	if (!value_get(entry, "error"))
		resolve_fill_in(arena, entry);
}

static void fill_in(
	struct arena *arena, struct value *config, const char *cluster, const char *host, struct problems *problems)
{
	const struct {
		const char *key, *text;
	} names[] = { { "cluster", cluster }, { "host", host } };
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	char hex[SHA256_HEX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!value_get(config, names[i].key))
			value_append(
				arena, config, names[i].key, value_string(arena, arena_strdup(arena, names[i].text)));
	}
	const struct value *probers = value_get(config, "probers");
	for (uint32_t i = 0; probers && probers->type == V_ARRAY && i < probers->n; i++) {
		if (probers->items[i]->type == V_OBJECT)
			fill_in_entry(arena, probers->items[i], problems);
	}
	if (value_get(config, "config_revision"))
		return;
	json_canonical(&text, config);
	sha256_hex_of(hex, text.buf, text.len);
	value_append(arena, config, "config_revision", value_string_n(arena, hex, SHA256_HEX / 2));
}

int config_file_read(struct strbuf *out, const char *path, const char *cluster, const char *host,
	struct problems *problems, struct mrp_err *err)
{
	bool yaml = ends_with(path, ".yaml") || ends_with(path, ".yml");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *config;

	if (read_file(&text, path, yaml ? YAML_MAX_BYTES : CONFIG_MAX, err) < 0)
		return -1;
	config = yaml ? value_from_yaml(&arena, text.buf, text.len, path, 0, problems)
		      : json_parse(&arena, text.buf, text.len, path, err);
	if (problems->errors)
		return mrp_err_set(err, MRP_EINVALID, "'%s' is not YAML that can be used", path);
	if (!config)
		return -1;
	if (config->type != V_OBJECT)
		return mrp_err_set(
			err, MRP_EINVALID, "'%s' is %s, not an agent's config", path, value_type_name(config));
	fill_in(&arena, config, cluster, host, problems);
	if (problems->errors)
		return mrp_err_set(err, MRP_EINVALID, "'%s' cannot be used", path);
	json_compact(out, config);
	return 0;
}
