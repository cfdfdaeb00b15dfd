/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry runs, when, and within which bounds: texts that the tables of lib/model have checked, as numbers. */
#include "../base/parse.h"
#include "../model/kinds.h"
#include "../model/probe_fields.h"
#include "../value/json.h"
#include "entry_read.h"

static const struct mrp_loc nowhere = { 0 };

static const char *const *read_argv(struct entry_reader *reader, const struct value *list)
{
	if (!list)
		return NULL;
	const char **argv = arena_alloc(reader->arena, ((size_t)list->n + 1) * sizeof(*argv));
	for (uint32_t i = 0; i < list->n; i++)
		argv[i] = entry_share(reader, list->items[i]->s);
	argv[list->n] = NULL;
	return argv;
}

static void read_env(struct entry_reader *reader, struct entry *entry, const struct value *map)
{
	struct label *env = arena_alloc(reader->arena, (map ? map->n : 0) * sizeof(*env));

	entry->n_env = entry_add_texts(reader, env, map);
	entry->env = env;
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
	const char *text = entry_need(reader, v, field);

	for (int i = 0; text && row->words[i]; i++) {
		if (streq(row->words[i], text))
			return i;
	}
	return 0;
}

static void read_schedule(struct entry_reader *reader, struct entry *entry, const struct value *v)
{
	const char *group = value_get_string(v, "concurrency_group"), *retry = value_get_string(v, "retry_interval");

	entry->interval_ms = duration(entry_need(reader, v, "interval"));
	entry->timeout_ms = duration(entry_need(reader, v, "timeout"));
	entry->grace_ms = duration(entry_need(reader, v, "grace"));
	entry->retry_interval_ms = retry ? duration(retry) : entry->interval_ms;
	entry->overlap = (enum overlap)word(reader, v, "overlap");
	entry->output = (enum output_format)word(reader, v, "output");
	entry->keep_logs = (enum keep_logs)word(reader, v, "keep_logs");
	entry->warning_fails = word(reader, v, "warning_is") == 1;
	entry->concurrency_group = group ? entry_share(reader, group) : NULL;
}

static void read_limits(struct entry *entry, const struct value *limits)
{
	const struct value *cpu = limits ? value_get(limits, "cpu") : NULL;
	const char *output = limits ? value_get_string(limits, "output") : NULL;

	entry->max_output_bytes = output ? (size_t)size_of_text(output) : 64 * 1024;
	entry->output_is_limited = output;
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
	entry->run_as = run_as ? entry_share(reader, run_as) : NULL;
	read_env(reader, entry, value_get(v, "env"));
	read_files(reader, entry, value_get(v, "files"));
}

void entry_read_definition(struct entry_reader *reader, struct entry *entry, const struct value *v)
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
