/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of entries are kept for as long as the agent runs, so only what runs need is: numbers, argument lists, and
 * the text that it all came from. Trees stay in the scratch arena, but for `probe` and `files`.
 */
#include "entry_read.h"

#include "../base/text.h"
#include "../model/kinds.h"
#include "../value/json.h"

enum { ID_MAX = 8192 };

static const struct mrp_loc nowhere = { 0 };

struct entry_reader *entry_reader_new(struct arena *arena, struct problems *problems)
{
	struct entry_reader *reader = xcalloc(1, sizeof(*reader));

	reader->arena = arena;
	reader->problems = problems;
	strbuf_init(&reader->text);
	return reader;
}

void entry_reader_free(struct entry_reader *reader)
{
	arena_release(&reader->scratch);
	strbuf_release(&reader->text);
	free(reader);
}

const char *entry_share(struct entry_reader *reader, const char *s)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (const char *c = s; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619;
	const char **place = &reader->texts[hash % SHARED_TEXTS];
	if (!*place || !streq(*place, s))
		*place = arena_strdup(reader->arena, s);
	return *place;
}

const char *entry_need(struct entry_reader *reader, const struct value *v, const char *field)
{
	const char *text = value_get_string(v, field);

	if (!text)
		problems_add(reader->problems, nowhere, field, "is missing");
	return text;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* Append the texts of a map to `out`, which has room for them. */
size_t entry_add_texts(struct entry_reader *reader, struct label *out, const struct value *map)
{
	for (uint32_t i = 0; map && i < map->n; i++)
		out[i] = (struct label){ entry_share(reader, map->members[i].key),
			entry_share(reader, map->members[i].value->s) };
	return map ? map->n : 0;
}

/* The names of labels are those of metrics. */
static void check_labels(struct entry_reader *reader, const char *field, const struct value *map)
{
	for (uint32_t i = 0; map && i < map->n; i++) {
		const char *name = map->members[i].key;

		if (map->members[i].value->type != V_STRING)
			problems_add(reader->problems, nowhere, field, "'%s' is %s, not text", name,
				value_type_name(map->members[i].value));
		else if (!valid_identifier(name, strlen(name)))
			problems_add(
				reader->problems, nowhere, field, "'%s' cannot be the name of a metric's label", name);
		else if (label_reserved(name))
			problems_add(
				reader->problems, nowhere, field, "'%s' is a label that metrics use themselves", name);
	}
}

/* Matrix and labels together; of two with one name the matrix's says what runs, so it stays. */
static void read_labels(
	struct entry_reader *reader, struct entry *entry, const struct value *matrix, const struct value *labels)
{
	size_t errors = reader->problems->errors;

	check_labels(reader, "matrix", matrix);
	check_labels(reader, "labels", labels);
	if (reader->problems->errors > errors)
		return;
	struct label *all = arena_alloc(
		reader->arena, ((matrix ? matrix->n : 0) + (size_t)(labels ? labels->n : 0)) * sizeof(*all));
	size_t n = entry_add_texts(reader, all, matrix);
	for (uint32_t i = 0; labels && i < labels->n; i++) {
		const struct member *m = &labels->members[i];

		if (!matrix || !value_get(matrix, m->key))
			all[n++] = (struct label){ entry_share(reader, m->key), entry_share(reader, m->value->s) };
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), compare_labels);
	entry->labels = all;
	entry->n_labels = n;
}

/* id, prober, name, source, digest. */
static void read_identity(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	const char *id = entry_need(reader, v, "id"), *prober = entry_need(reader, v, "prober"),
		   *name = value_get_string(v, "name");

	if (id && (!*id || strlen(id) > ID_MAX))
		problems_add(reader->problems, nowhere, "id", "%s", *id ? "is too long" : "is empty");
	if (prober && !slug_valid(prober, strlen(prober)))
		problems_add(reader->problems, nowhere, "prober", "'%s' is not a slug (a-z, 0-9 and '-', at most 63)",
			prober);
	if (!id || !prober)
		return;
	entry->prober = entry_share(reader, prober);
	entry->id = streq(id, prober) ? entry->prober : arena_strdup(reader->arena, id);
	entry->name = name ? entry_share(reader, name) : entry->prober;
	strbuf_reset(&reader->text);
	json_canonical(&reader->text, v);
	sha256_of(entry->digest, reader->text.buf, reader->text.len);
	entry->source = arena_strndup(reader->arena, reader->text.buf, reader->text.len);
}

static const struct value *map_of(struct entry_reader *reader, const struct value *v, const char *field)
{
	const struct value *map = value_get(v, field);

	if (!map || map->type == V_OBJECT)
		return map;
	problems_add(reader->problems, nowhere, field, "is %s, not a map", value_type_name(map));
	return NULL;
}

static void read_members(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	const struct value *error = value_get(v, "error");

	read_identity(reader, entry, v);
	read_labels(reader, entry, map_of(reader, v, "matrix"), map_of(reader, v, "labels"));
	if (!error)
		entry_read_definition(reader, entry, v);
	else if (error->type == V_STRING)
		entry->error = arena_strdup(reader->arena, error->s);
	else
		problems_add(reader->problems, nowhere, "error", "is %s, not text", value_type_name(error));
}

struct entry *entry_read(struct entry_reader *reader, const struct value *v, uint32_t index)
{
	size_t errors = reader->problems->errors;
	const char *id = v->type == V_OBJECT ? value_get_string(v, "id") : NULL;
	cleanup(freep) char *subject = id ? xasprintf("prober '%s'", id) : xasprintf("probers[%u]", index);
	struct entry *entry = arena_zalloc(reader->arena, sizeof(*entry));

	reader->problems->subject = subject;
	if (v->type == V_OBJECT)
		read_members(reader, entry, v);
	else
		problems_add(reader->problems, nowhere, NULL, "is %s, not an object", value_type_name(v));
	reader->problems->subject = NULL;
	arena_reset(&reader->scratch);
	if (reader->problems->errors > errors)
		return NULL;
	reader->previous = entry;
	return entry;
}
