/* SPDX-License-Identifier: Apache-2.0 */
/* A whole config: read, checked, sorted. One entry of it is read by entry_read.c. */
#include "entry.h"

#include <inttypes.h>

#include "../value/json.h"
#include "account.h"
#include "entry_read.h"

struct agent_config *agent_config_ref(struct agent_config *config)
{
	atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
	return config;
}

void agent_config_unref(struct agent_config *config)
{
	if (!config || atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) > 1)
		return;
	account_list_free(config->owners);
	entry_vec_clear(&config->entries);
	struct arena arena = config->arena; /* the config lives in it */
	arena_release(&arena);
}

void agent_entry_folder(struct strbuf *out, const struct entry *entry)
{
	strbuf_addf(out, "%s-%016" PRIx64, entry->prober, entry->files_hash);
}

static const char *keep(struct agent_config *config, const char *s)
{
	return s ? arena_strdup(&config->arena, s) : NULL;
}

/* The names at the top: whose config this is. */
static void read_head(struct agent_config *config, const struct value *top, const char *cluster, const char *host,
	struct problems *problems)
{
	const struct {
		const char *field, *want;
	} names[] = { { "cluster", cluster }, { "host", host } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *text = value_get_string(top, names[i].field);

		if (!text)
			problems_add(problems, value_loc(top), names[i].field, "is missing");
		else if (!streq(text, names[i].want))
			problems_add(
				problems, value_loc(top), names[i].field, "is '%s', not '%s'", text, names[i].want);
	}
	config->cluster = keep(config, cluster);
	config->host = keep(config, host);
	config->environment = keep(config, value_get_string(top, "environment"));
	config->revision = keep(config, value_get_string(top, "config_revision"));
	if (!config->revision)
		problems_add(problems, value_loc(top), "config_revision", "is missing");
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp((*(struct entry *const *)a)->id, (*(struct entry *const *)b)->id);
}

static void sort_entries(struct agent_config *config, struct problems *problems)
{
	struct entry_vec *entries = &config->entries;

	if (entries->n)
		qsort(entries->v, entries->n, sizeof(*entries->v), compare_entries);
	for (size_t i = 1; i < entries->n; i++) {
		if (streq(entries->v[i - 1]->id, entries->v[i]->id))
			problems_add(problems, (struct mrp_loc){ 0 }, "id", "'%s' is there twice", entries->v[i]->id);
	}
}

static void read_entries(struct agent_config *config, const struct value *top, struct problems *problems)
{
	const struct value *list = value_get(top, "probers");
	struct entry_reader *reader = entry_reader_new(&config->arena, problems);

	if (!list || list->type != V_ARRAY)
		problems_add(problems, value_loc(top), "probers", "%s", list ? "is not a list" : "is missing");
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		struct entry *entry = entry_read(reader, list->items[i], i);

		if (entry)
			entry_vec_push(&config->entries, entry);
	}
	entry_reader_free(reader);
	sort_entries(config, problems);
}

static int refuse(const struct problems *problems, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf first = STRBUF_INIT;

	problems_format_first(&first, problems);
	return mrp_err_set(err, MRP_EINVALID, "the config is refused: %s", first.buf);
}

int agent_config_parse(struct agent_config **out, const char *json, size_t len, const char *cluster, const char *host,
	struct problems *problems, struct mrp_err *err)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	struct arena arena = ARENA_INIT;
	size_t before = problems->errors;
	const struct value *top = json_parse(&scratch, json, len, "the agent's config", err);

	if (!top)
		return -1;
	if (top->type != V_OBJECT)
		return mrp_err_set(err, MRP_EINVALID, "the agent's config is %s, not an object", value_type_name(top));
	struct agent_config *config = arena_zalloc(&arena, sizeof(*config));
	config->arena = arena;
	atomic_init(&config->references, 1);
	read_head(config, top, cluster, host, problems);
	read_entries(config, top, problems);
	if (problems->errors > before) {
		agent_config_unref(config);
		return refuse(problems, err);
	}
	*out = config;
	return 0;
}
