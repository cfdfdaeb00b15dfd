/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include "../base/text.h"
#include "substitute.h"

/* What holds when neither the prober nor a placement says anything; the tables of fields tell people the same. */
static const struct {
	const char *field, *value;
} defaults[] = {
	{ "interval", "30s" },
	{ "timeout", "10s" },
	{ "retry_interval", NULL }, /* the interval */
	{ "grace", "2s" },
	{ "overlap", "skip" },
	{ "concurrency_group", NULL },
	{ "output", "exit" },
	{ "warning_is", "failure" },
	{ "keep_logs", "failures" },
};

static const char *const substituted[] = { "command", "probe", "env", "heal" };

/* A prober with its placements applied. */
struct merged {
	struct arena *arena;
	const struct value *prober;
	const struct resolve_target *target;
	struct value *definition; /* what an entry has beside id, matrix and error */
	const struct value *matrix;
};

static bool any_glob(const struct value *globs, const char *text)
{
	for (uint32_t i = 0; i < globs->n; i++) {
		if (glob_match(globs->items[i]->s, text))
			return true;
	}
	return false;
}

bool placement_matches(const struct value *placement, const char *cluster, const char *host)
{
	const struct value *clusters = value_get(placement, "clusters"), *hosts = value_get(placement, "hosts");

	return (!clusters || any_glob(clusters, cluster)) && (!hosts || !host || any_glob(hosts, host));
}

bool resolve_match(bool *matched, const struct value *prober, const char *cluster, const char *host)
{
	const struct value *placements = value_get(prober, "placements");
	bool runs = false, enabled = true;

	for (uint32_t i = 0; placements && i < placements->n; i++) {
		const struct value *placement = placements->items[i], *says = value_get(placement, "enabled");

		matched[i] = placement_matches(placement, cluster, host);
		runs |= matched[i];
		if (matched[i] && says)
			enabled = says->b;
	}
	return runs && enabled;
}

static const char *scalar_text(struct arena *arena, const struct value *v)
{
	struct strbuf text = STRBUF_INIT;

	if (!substitute_scalar(&text, v))
		return NULL;
	const char *copy = arena_strndup(arena, text.buf, text.len);
	strbuf_release(&text);
	return copy;
}

static void add_id_text(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f || strchr("%,=[]", *text))
			strbuf_addf(out, "%%%02X", (unsigned char)*text);
		else
			strbuf_addch(out, *text);
	}
}

const char *resolve_id(struct arena *arena, const char *slug, const struct value *matrix)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, slug);
	for (uint32_t i = 0; matrix && i < matrix->n; i++) {
		strbuf_addf(&out, "%c%s=", i ? ',' : '[', matrix->members[i].key);
		add_id_text(&out, matrix->members[i].value->s);
	}
	if (matrix && matrix->n)
		strbuf_addch(&out, ']');
	const char *id = arena_strndup(arena, out.buf, out.len);
	strbuf_release(&out);
	return id;
}

/* id, prober, name, matrix: what every entry begins with. */
static struct value *begin_entry(struct arena *arena, const struct value *prober, const struct value *matrix)
{
	struct value *entry = value_object(arena);
	const char *slug = value_get_string(prober, "slug"), *name = value_get_string(prober, "name");

	value_append(arena, entry, "id", value_string(arena, resolve_id(arena, slug, matrix)));
	value_append(arena, entry, "prober", value_string(arena, slug));
	value_append(arena, entry, "name", value_string(arena, name ? name : slug));
	value_append(arena, entry, "matrix", matrix ? (struct value *)(uintptr_t)matrix : value_object(arena));
	return entry;
}

struct value *resolve_failure(
	struct arena *arena, const struct value *prober, const struct value *matrix, const char *why)
{
	struct value *entry = begin_entry(arena, prober, matrix);

	value_append(arena, entry, "error", value_string(arena, why));
	return entry;
}

static struct value *own_map(struct arena *arena, const struct value *owner, const char *field)
{
	const struct value *map = value_get(owner, field);

	return map ? value_copy_shallow(arena, map) : value_object(arena);
}

/* Set definition.field from a placement, and note which one. */
static void set_field(struct merged *m, struct value *set_by, const char *field, struct value *v, struct value *index)
{
	value_set(m->arena, m->definition, field, v);
	value_set(m->arena, set_by, field, index);
}

static void set_keys(
	struct merged *m, struct value *set_by, const char *field, const struct value *map, struct value *index)
{
	struct value *target = value_get(m->definition, field);

	for (uint32_t i = 0; i < map->n; i++) {
		value_set(m->arena, target, map->members[i].key, map->members[i].value);
		value_set(m->arena, set_by, arena_printf(m->arena, "%s.%s", field, map->members[i].key), index);
	}
}

static void apply_placement(struct merged *m, struct value *set_by, const struct value *placement, uint32_t number)
{
	static const char *const maps[] = { "env", "labels" };
	struct value *index = value_int(m->arena, number), *v;

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		if ((v = value_get(placement, defaults[i].field)))
			set_field(m, set_by, defaults[i].field, v, index);
	}
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		if ((v = value_get(placement, maps[i])))
			set_keys(m, set_by, maps[i], v, index);
	}
	if ((v = value_get(placement, "matrix"))) {
		m->matrix = v;
		value_set(m->arena, set_by, "matrix", index);
	}
}

static void set_default(struct arena *arena, struct value *object, const char *field, struct value *v)
{
	if (!value_get(object, field))
		value_append(arena, object, field, v);
}

void resolve_fill_in(struct arena *arena, struct value *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		if (defaults[i].value)
			set_default(arena, entry, defaults[i].field, value_string(arena, defaults[i].value));
	}
}

static void fill_in(struct merged *m)
{
	struct arena *arena = m->arena;
	struct value *definition = m->definition, *limits = own_map(arena, m->prober, "limits"),
		     *heal = value_get(m->prober, "heal");

	resolve_fill_in(arena, definition);
	set_default(arena, definition, "retry_interval", value_get(definition, "interval"));
	value_append(arena, definition, "limits", limits);
	if (!heal)
		return;
	heal = value_copy_shallow(arena, heal);
	set_default(arena, heal, "after", value_int(arena, 3));
	set_default(arena, heal, "at_most_every", value_string(arena, "10m"));
	set_default(arena, heal, "give_up_after", value_int(arena, 3));
	set_default(arena, heal, "timeout", value_get(definition, "timeout"));
	value_append(arena, definition, "heal", heal);
}

static void merge(struct merged *m, const bool *matched)
{
	static const char *const kept[] = { "command", "probe", "run_as" };
	const struct value *placements = value_get(m->prober, "placements");
	struct value *set_by = value_object(m->arena), *v;

	m->matrix = value_get(m->prober, "matrix");
	m->definition = value_object(m->arena);
	value_append(m->arena, m->definition, "labels", own_map(m->arena, m->prober, "labels"));
	value_append(m->arena, m->definition, "set_by", set_by);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if ((v = value_get(m->prober, kept[i])))
			value_append(m->arena, m->definition, kept[i], v);
	}
	value_append(m->arena, m->definition, "files", own_map(m->arena, m->prober, "files"));
	value_append(m->arena, m->definition, "env", own_map(m->arena, m->prober, "env"));
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		if ((v = value_get(m->prober, defaults[i].field)))
			value_append(m->arena, m->definition, defaults[i].field, v);
	}
	for (uint32_t i = 0; placements && i < placements->n; i++) {
		if (matched[i])
			apply_placement(m, set_by, placements->items[i], i);
	}
	fill_in(m);
}

struct listed {
	const char *text;
	uint32_t place;
};

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* The texts without those that were there before: they would be the same prober twice. */
static struct value *each_once(struct arena *arena, const char *const *texts, uint32_t n)
{
	cleanup(freep) struct listed *sorted = xmalloc((n + 1) * sizeof(*sorted));
	cleanup(freep) bool *again = xcalloc(n + 1, sizeof(*again));
	struct value *list = value_array(arena);

	for (uint32_t i = 0; i < n; i++)
		sorted[i] = (struct listed){ texts[i], i };
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare_listed);
	for (uint32_t i = 1; i < n; i++)
		again[sorted[i].place] = streq(sorted[i].text, sorted[i - 1].text);
	for (uint32_t i = 0; i < n; i++) {
		if (!again[i])
			value_push(arena, list, value_string(arena, texts[i]));
	}
	return list;
}

/* The values of one name of the matrix as texts, each once: a list as it is, or the list variable that "${name}" means.
 * NULL with *why set. */
static struct value *axis(struct merged *m, const char *name, const struct value *v, const char **why)
{
	const char *variable = NULL;

	if (v->type == V_STRING) {
		v = substitute_list(&variable, m->arena, v->s, m->target, why);
		if (!v) {
			*why = arena_printf(m->arena, "matrix.%s: %s", name, *why);
			return NULL;
		}
	}
	const char **texts = arena_alloc(m->arena, ((size_t)v->n + 1) * sizeof(*texts));
	for (uint32_t i = 0; i < v->n; i++) {
		texts[i] = scalar_text(m->arena, v->items[i]);
		if (texts[i])
			continue;
		*why = arena_printf(m->arena, "matrix.%s: item %u of '%s' is %s, not text, a number, true or false", name, i + 1,
			variable ? variable : name, value_type_name(v->items[i]));
		return NULL;
	}
	return each_once(m->arena, texts, v->n);
}

/* name -> texts, sorted by name: the order of keys in a file is no part of an identity. */
static struct value *axes(struct merged *m, uint64_t *runs, const char **why)
{
	struct value *all = value_object(m->arena);

	*runs = 1;
	for (uint32_t i = 0; m->matrix && i < m->matrix->n; i++) {
		const struct member *member = &m->matrix->members[i];
		struct value *texts = axis(m, member->key, member->value, why);

		if (!texts)
			return NULL;
		value_append(m->arena, all, member->key, texts);
		*runs = MIN(*runs * texts->n, (uint64_t)RESOLVE_RUNS_MAX + 1);
	}
	if (*runs > RESOLVE_RUNS_MAX) {
		*why = arena_printf(m->arena, "matrix: has more than %d combinations", (int)RESOLVE_RUNS_MAX);
		return NULL;
	}
	value_sort(all);
	return all;
}

static struct value *one_run(struct merged *m, const struct value *matrix)
{
	const struct substitute_names names = { .matrix = matrix, .target = m->target };
	struct value *entry = begin_entry(m->arena, m->prober, matrix);
	const char *why = NULL;

	for (uint32_t i = 0; i < m->definition->n; i++) {
		const struct member *member = &m->definition->members[i];
		struct value *v = member->value;

		for (size_t k = 0; k < ARRAY_SIZE(substituted) && !why; k++) {
			if (streq(member->key, substituted[k]))
				v = substitute_value(m->arena, v, &names, member->key, &why);
		}
		if (why)
			return resolve_failure(m->arena, m->prober, matrix, why);
		value_append(m->arena, entry, member->key, v);
	}
	return entry;
}

/* Combination number `run`, counted so that the last name moves fastest. */
static struct value *combination(struct arena *arena, const struct value *all, uint64_t run)
{
	struct value *matrix = value_object(arena);

	for (uint32_t i = all->n; i > 0; i--) {
		const struct value *texts = all->members[i - 1].value;

		value_append(arena, matrix, all->members[i - 1].key, texts->items[run % texts->n]);
		run /= texts->n;
	}
	value_sort(matrix);
	return matrix;
}

void resolve_prober(struct arena *arena, struct value *entries, const struct value *prober, const bool *matched,
	const struct resolve_target *target)
{
	struct merged m = { .arena = arena, .prober = prober, .target = target };
	const char *why = NULL;
	uint64_t runs;

	merge(&m, matched);
	const struct value *all = axes(&m, &runs, &why);
	if (!all) {
		value_push(arena, entries, resolve_failure(arena, prober, NULL, why));
		return;
	}
	for (uint64_t run = 0; run < runs; run++)
		value_push(arena, entries, one_run(&m, combination(arena, all, run)));
}
