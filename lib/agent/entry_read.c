/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of entries are kept for as long as the agent runs, so only what runs need is: numbers, argument lists, and
 * the text that it all came from. Trees stay in the scratch arena, but for `probe` and `files`.
 */
#include "entry_read.h"

#include "../base/parse.h"
#include "../base/text.h"
#include "../model/kinds.h"
#include "../model/probe_fields.h"
#include "../value/json.h"

enum { SHARED_TEXTS = 1024, ID_MAX = 8192 };

struct entry_reader {
	struct arena *arena;  /* of the result */
	struct arena scratch; /* of one entry */
	struct problems *problems;
	struct strbuf text;
	const struct entry *previous; /* entries of one prober follow each other, and have the same files */
	const char
		*texts[SHARED_TEXTS]; /* those used last, by hash: entries of a matrix say the same again and again */
};

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

static const char *share(struct entry_reader *reader, const char *s)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (const char *c = s; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619;
	const char **place = &reader->texts[hash % SHARED_TEXTS];
	if (!*place || !streq(*place, s))
		*place = arena_strdup(reader->arena, s);
	return *place;
}

static const char *const *read_argv(struct entry_reader *reader, const struct value *list)
{
	if (!list)
		return NULL;
	const char **argv = arena_alloc(reader->arena, ((size_t)list->n + 1) * sizeof(*argv));
	for (uint32_t i = 0; i < list->n; i++)
		argv[i] = share(reader, list->items[i]->s);
	argv[list->n] = NULL;
	return argv;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* Append the texts of a map to `out`, which has room for them. */
static size_t add_texts(struct entry_reader *reader, struct label *out, const struct value *map)
{
	for (uint32_t i = 0; map && i < map->n; i++)
		out[i] = (struct label){ share(reader, map->members[i].key), share(reader, map->members[i].value->s) };
	return map ? map->n : 0;
}

static void read_env(struct entry_reader *reader, struct entry *entry, const struct value *map)
{
	struct label *env = arena_alloc(reader->arena, (map ? map->n : 0) * sizeof(*env));

	entry->n_env = add_texts(reader, env, map);
	entry->env = env;
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
	size_t n = add_texts(reader, all, matrix);
	for (uint32_t i = 0; labels && i < labels->n; i++) {
		const struct member *m = &labels->members[i];

		if (!matrix || !value_get(matrix, m->key))
			all[n++] = (struct label){ share(reader, m->key), share(reader, m->value->s) };
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), compare_labels);
	entry->labels = all;
	entry->n_labels = n;
}

/* What a newer API may say and we do not understand, or NULL. */
static const char *unknown_probe(struct entry_reader *reader, const struct value *probe)
{
	const struct member *type = probe->type == V_OBJECT && probe->n == 1 ? probe->members : NULL;
	const struct field *known = type ? field_find(probe_fields, type->key, FF_API) : NULL;

	if (type && !known)
		return arena_printf(reader->arena, "this agent does not know the probe '%s'", type->key);
	for (uint32_t i = 0; known && type->value->type == V_OBJECT && i < type->value->n; i++) {
		if (!field_find(known->sub, type->value->members[i].key, FF_API))
			return arena_printf(reader->arena, "this agent does not know the option '%s' of the probe '%s'",
				type->value->members[i].key, type->key);
	}
	return NULL;
}

/* The members that the table knows. */
static struct value *without_unknown(struct arena *arena, const struct field *fields, const struct value *v)
{
	struct value *known = value_object(arena);

	for (uint32_t i = 0; i < v->n; i++) {
		if (field_find(fields, v->members[i].key, FF_API))
			value_append(arena, known, v->members[i].key, v->members[i].value);
	}
	return known;
}

/* What the table of probers knows of an entry, in normal form. Its matrix and labels are other things there. */
static struct value *known_members(struct entry_reader *reader, const struct value *v)
{
	struct schema_ctx ctx = { &reader->scratch, reader->problems, FF_API };
	struct value *known = value_object(&reader->scratch);

	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		const struct field *field = field_find(kinds[KIND_PROBER].fields, m->key, FF_API);
		struct value *member = m->value;

		if (!field || member->type == V_NULL || streq(m->key, "labels") || streq(m->key, "matrix"))
			continue;
		if (field->type == F_OBJECT && field->sub != probe_fields && member->type == V_OBJECT)
			member = without_unknown(&reader->scratch, field->sub, member);
		value_append(&reader->scratch, known, m->key, schema_apply_value(&ctx, field, member, m->key));
	}
	return known;
}

static const char *need(struct entry_reader *reader, const struct value *v, const char *field)
{
	const char *text = value_get_string(v, field);

	if (!text)
		problems_add(reader->problems, nowhere, field, "is missing");
	return text;
}

/* Texts that the tables have checked already. */
static int64_t duration(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t ms = 0;

	if (text && parse_duration(&ms, text, &err) < 0)
		mrp_err_clear(&err);
	return ms;
}

static int64_t size_of_text(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t bytes = 0;

	if (text && parse_size(&bytes, text, &err) < 0)
		mrp_err_clear(&err);
	return bytes;
}

static int64_t number(const struct value *object, const char *field)
{
	const struct value *v = value_get(object, field);

	return v && v->type == V_INT ? v->i : 0;
}

/* The index of the field's word; the words stand in the order of their enum. */
static int word(struct entry_reader *reader, const struct value *v, const char *field)
{
	const struct field *row = field_find(kinds[KIND_PROBER].fields, field, FF_API);
	const char *text = need(reader, v, field);

	for (int i = 0; text && row->words[i]; i++) {
		if (streq(row->words[i], text))
			return i;
	}
	return 0;
}

static void read_schedule(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	const char *group = value_get_string(v, "concurrency_group"), *retry = value_get_string(v, "retry_interval");

	entry->interval_ms = duration(need(reader, v, "interval"));
	entry->timeout_ms = duration(need(reader, v, "timeout"));
	entry->grace_ms = duration(need(reader, v, "grace"));
	entry->retry_interval_ms = retry ? duration(retry) : entry->interval_ms;
	entry->overlap = (enum overlap)word(reader, v, "overlap");
	entry->output = (enum output_format)word(reader, v, "output");
	entry->keep_logs = (enum keep_logs)word(reader, v, "keep_logs");
	entry->warning_fails = word(reader, v, "warning_is") == 1;
	entry->concurrency_group = group ? share(reader, group) : NULL;
}

static void read_limits(struct entry *entry, const struct value *limits)
{
	const struct value *cpu = limits ? value_get(limits, "cpu") : NULL;
	const char *output = limits ? value_get_string(limits, "output") : NULL;

	entry->max_output_bytes = output ? (size_t)size_of_text(output) : 64 * 1024;
	if (!limits)
		return;
	entry->limits.memory_bytes = size_of_text(value_get_string(limits, "memory"));
	entry->limits.processes = number(limits, "processes");
	if (cpu)
		entry->limits.cpus = cpu->type == V_INT ? (double)cpu->i : cpu->r;
}

static void read_heal(struct entry_reader *reader, struct entry *entry, const struct value *heal)
{
	if (!heal)
		return;
	const char *every = value_get_string(heal, "at_most_every"), *timeout = value_get_string(heal, "timeout");
	const struct value *after = value_get(heal, "after"), *give_up = value_get(heal, "give_up_after");

	entry->heal = (struct entry_heal){
		.argv = read_argv(reader, value_get(heal, "command")),
		.after = after ? after->i : 3,
		.give_up_after = give_up ? give_up->i : 3,
		.at_most_every_ms = every ? duration(every) : 10 * 60 * 1000,
		.timeout_ms = timeout ? duration(timeout) : entry->timeout_ms,
	};
}

static void read_files(struct entry_reader *reader, struct entry *entry, const struct value *files)
{
	const struct entry *previous = reader->previous;
	uint8_t digest[SHA256_BYTES];

	if (!files)
		files = value_object(&reader->scratch);
	if (previous && previous->files && value_equal(previous->files, files)) {
		entry->files = previous->files;
		entry->files_hash = previous->files_hash;
		return;
	}
	strbuf_reset(&reader->text);
	json_canonical(&reader->text, files);
	sha256_of(digest, reader->text.buf, reader->text.len);
	entry->files = value_copy(reader->arena, files);
	for (int i = 0; i < 8; i++)
		entry->files_hash = entry->files_hash << 8 | digest[i];
}

static void read_what(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	const struct value *command = value_get(v, "command"), *probe = value_get(v, "probe");
	const char *run_as = value_get_string(v, "run_as");

	if (!command == !probe)
		problems_add(reader->problems, nowhere, NULL, "needs either command or probe");
	entry->argv = read_argv(reader, command);
	entry->probe = probe ? value_copy(reader->arena, probe) : NULL;
	entry->run_as = run_as ? share(reader, run_as) : NULL;
	read_env(reader, entry, value_get(v, "env"));
	read_files(reader, entry, value_get(v, "files"));
}

static void read_definition(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	size_t errors = reader->problems->errors;
	const struct value *probe = value_get(v, "probe");

	entry->error = probe ? unknown_probe(reader, probe) : NULL;
	if (entry->error)
		return;
	const struct value *known = known_members(reader, v);
	if (reader->problems->errors > errors)
		return; /* values may be of any type */
	read_schedule(reader, entry, known);
	read_limits(entry, value_get(known, "limits"));
	read_heal(reader, entry, value_get(known, "heal"));
	read_what(reader, entry, known);
}

/* id, prober, name, source, digest. */
static void read_identity(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	const char *id = need(reader, v, "id"), *prober = need(reader, v, "prober"),
		   *name = value_get_string(v, "name");

	if (id && (!*id || strlen(id) > ID_MAX))
		problems_add(reader->problems, nowhere, "id", "%s", *id ? "is too long" : "is empty");
	if (prober && !slug_valid(prober, strlen(prober)))
		problems_add(reader->problems, nowhere, "prober", "'%s' is not a slug (a-z, 0-9 and '-', at most 63)",
			prober);
	if (!id || !prober)
		return;
	entry->prober = share(reader, prober);
	entry->id = streq(id, prober) ? entry->prober : arena_strdup(reader->arena, id);
	entry->name = name ? share(reader, name) : entry->prober;
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
		read_definition(reader, entry, v);
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
