/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include "../base/text.h"
#include "../value/json.h"
#include "loader.h"
#include "origin.h"
#include "tree.h"

struct explain {
	struct arena *arena;         /* of the result */
	struct value *values;        /* the list that is made */
	struct value *const *layers; /* of variables, for looking below; NULL elsewhere */
	bool sensitive;              /* the variable that we are in */
	struct strbuf path;
};

static struct value *origin_of(struct arena *arena, struct mrp_loc loc)
{
	if (!loc.file)
		return value_null(arena);
	struct value *origin = value_object(arena);
	value_append(arena, origin, "path", value_string(arena, loc.file));
	value_append(arena, origin, "line", value_int(arena, loc.line));
	value_append(arena, origin, "column", value_int(arena, loc.col));
	return origin;
}

/* A value for showing: "***" when it is sensitive. */
static struct value *shown(const struct explain *explain, const struct value *v)
{
	if (explain->sensitive || variables_secret(v))
		return value_string(explain->arena, "***");
	return value_copy(explain->arena, v);
}

/* What a layer has at a path of keys; or what stands in the way there, when that is no map. */
static const struct value *look_up(const struct value *v, const char *const *keys, size_t n)
{
	for (size_t i = 0; v && i < n && v->type == V_OBJECT; i++)
		v = value_get(v, keys[i]);
	return v;
}

static struct value *hidden_values(const struct explain *explain, const char *const *keys, size_t n)
{
	struct value *hidden = value_array(explain->arena);
	bool below = false; /* the uppermost layer that has it is the one that counts */

	for (int i = LAYER_COUNT - 1; explain->layers && i >= 0; i--) {
		const struct value *v = explain->layers[i] ? look_up(explain->layers[i], keys, n) : NULL;

		if (v && below) {
			struct value *entry = value_object(explain->arena);

			value_append(explain->arena, entry, "value", shown(explain, v));
			value_append(explain->arena, entry, "origin", origin_of(explain->arena, value_loc(v)));
			value_push(explain->arena, hidden, entry);
		}
		below |= v != NULL;
	}
	return hidden;
}

static void add_leaf(struct explain *explain, const struct value *v, const char *const *keys, size_t n)
{
	struct arena *arena = explain->arena;
	struct value *entry = value_object(arena);

	value_append(arena, entry, "path", value_string(arena, explain->path.buf));
	value_append(arena, entry, "value", shown(explain, v));
	value_append(arena, entry, "origin", origin_of(arena, value_loc(v)));
	value_append(arena, entry, "sensitive", value_bool(arena, explain->sensitive || variables_secret(v)));
	value_append(arena, entry, "hides", hidden_values(explain, keys, n));
	value_push(arena, explain->values, entry);
}

enum { MAX_KEYS = 80 };

/* Every leaf of a map; lists are leaves, they are replaced as a whole. */
static void add_leaves(struct explain *explain, const struct value *v, const char **keys, size_t n)
{
	size_t len = explain->path.len;

	if (v->type != V_OBJECT || !v->n || n == MAX_KEYS) {
		add_leaf(explain, v, keys, n);
		return;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		keys[n] = v->members[i].key;
		strbuf_addf(&explain->path, "%s%s", len ? "." : "", keys[n]);
		add_leaves(explain, v->members[i].value, keys, n + 1);
		strbuf_setlen(&explain->path, len);
	}
}

static void add_field(struct explain *explain, const char *name, const struct value *v)
{
	const char *keys[MAX_KEYS];

	strbuf_reset(&explain->path);
	strbuf_addstr(&explain->path, name);
	add_leaves(explain, v, keys, 0);
}

static void add_variables(struct explain *explain, struct worker *worker, const struct value *cluster,
	struct value *const layers[LAYER_COUNT])
{
	const struct value *external = value_get(cluster, "external_variables"),
			   *sensitive = value_get(cluster, "sensitive_variables");
	struct value *merged = variables_merge(&worker->arena, layers);
	const char *keys[MAX_KEYS];

	explain->layers = layers;
	for (uint32_t i = 0; i < merged->n; i++) {
		const struct member *m = &merged->members[i];

		if (value_lists(external, m->key))
			continue;
		/* what a lower layer says of a variable is as secret as what the upper one does */
		explain->sensitive = value_lists(sensitive, m->key);
		for (int layer = 0; layer < LAYER_COUNT; layer++) {
			const struct value *v = layers[layer] ? value_get(layers[layer], m->key) : NULL;

			explain->sensitive |= v && variables_secret(v);
		}
		strbuf_reset(&explain->path);
		strbuf_addf(&explain->path, "variables.%s", m->key);
		keys[0] = m->key;
		add_leaves(explain, m->value, keys, 1);
	}
	explain->sensitive = false;
	explain->layers = NULL;
}

static void explain_fields(struct explain *explain, const struct value *object, const char *slug)
{
	static const char *const elsewhere[] = { "variables", "required_variables" };

	if (!value_get(object, "name"))
		add_field(explain, "name", value_string(explain->arena, slug));
	for (uint32_t i = 0; i < object->n; i++) {
		const struct member *m = &object->members[i];
		bool skip = !m->value->file; /* an empty value that is always there */

		for (size_t k = 0; k < ARRAY_SIZE(elsewhere); k++)
			skip |= streq(m->key, elsewhere[k]);
		if (!skip)
			add_field(explain, m->key, m->value);
	}
}

static struct value *recipe_values(struct worker *worker, const char *slug)
{
	const char *path = arena_printf(&worker->arena, "recipes/%s/values.yaml", slug);

	return variables_read(&worker->reader, &worker->arena, path, true);
}

static void explain_recipe(struct explain *explain, struct worker *worker, const struct value *recipe, const char *slug)
{
	const struct value *own = value_get(recipe, "required_variables"), *values = recipe_values(worker, slug);
	struct value *required = loader_required(&worker->arena, worker->loader, own);
	bool has_own = own && own->file;

	required->file = has_own ? own->file : worker->loader->manifest.required->file;
	required->line = has_own ? own->line : worker->loader->manifest.required->line;
	required->col = has_own ? own->col : worker->loader->manifest.required->col;
	add_field(explain, "required_variables", required);
	if (values && values->n)
		add_field(explain, "values", values);
}

static int explain_cluster(struct explain *explain, struct worker *worker, const struct value *cluster, const char *slug,
	struct mrp_err *err)
{
	const struct loader *loader = worker->loader;
	const struct environment *environment = loader->environment;
	const struct value *environments = value_get(cluster, "environments");
	const char *recipe_slug = value_get_string(cluster, "recipe");
	struct value *layers[LAYER_COUNT];

	if (!environment)
		return 0; /* the manifest is broken, which has been said */
	if (environments && !value_lists(environments, environment->name))
		return mrp_err_set(err, MRP_ENOTFOUND, "cluster '%s' is not in environment '%s'", slug, environment->name);
	struct recipe_info recipe = { .values = recipe_slug ? recipe_values(worker, recipe_slug) : NULL };
	loader_layers(loader, layers, &recipe, (size_t)(environment - loader->manifest.environments));
	layers[LAYER_CLUSTER] = value_get(cluster, "variables");
	add_variables(explain, worker, cluster, layers);
	return 0;
}

/* The path of an object's YAML file. */
static const char *find_object(
	const struct tree_object_vec *list, enum kind kind, const char *slug, struct mrp_err *err)
{
	cleanup(freep) const char **slugs = xmalloc((list->n + 1) * sizeof(*slugs));

	for (size_t i = 0; i < list->n; i++) {
		if (streq(list->v[i].slug, slug))
			return list->v[i].path;
		slugs[i] = list->v[i].slug;
	}
	const char *nearest = nearest_word(slug, slugs, list->n);
	if (nearest)
		mrp_err_set(err, MRP_ENOTFOUND, "no config describes %s '%s' (did you mean '%s'?)", kinds[kind].name, slug, nearest);
	else
		mrp_err_set(err, MRP_ENOTFOUND, "no config describes %s '%s'", kinds[kind].name, slug);
	return NULL;
}

static int explain_object(struct explain *explain, struct worker *worker, enum kind kind, const char *slug, struct mrp_err *err)
{
	cleanup(arena_release) struct arena names_arena = ARENA_INIT;
	struct problems aside = PROBLEMS_INIT, *problems = &worker->reader.problems;
	struct tree_object_vec list = VEC_INIT;
	bool clean;

	/* mistakes of other objects are no business here */
	struct problems kept = *problems;
	*problems = aside;
	tree_list(&list, &worker->reader, &names_arena, kind);
	problems_clear(problems);
	*problems = kept;
	const char *path = find_object(&list, kind, slug, err);
	tree_object_vec_clear(&list);
	if (!path)
		return -1;
	worker_start(worker, kind, slug);
	const struct value *object = worker_read(worker, kind, path, &clean);
	if (!object)
		return 0;
	explain_fields(explain, object, slug);
	if (kind == KIND_RECIPE)
		explain_recipe(explain, worker, object, slug);
	if (kind == KIND_CLUSTER)
		return explain_cluster(explain, worker, object, slug, err);
	return 0;
}

static int explain_in(struct explain *explain, struct loader *loader, const struct config_options *options, enum kind kind,
	const char *slug, const char **environment, struct problems *problems, struct mrp_err *err)
{
	cleanup(arena_release) struct arena manifest_arena = ARENA_INIT;
	struct config_options own = *options;
	struct worker worker;

	/* only clusters differ between environments */
	own.all_environments = kind != KIND_CLUSTER;
	worker_init(&worker, loader);
	int result = loader_prepare(loader, &worker, &manifest_arena, &own, err);
	if (loader->environment)
		*environment = arena_strdup(explain->arena, loader->environment->name);
	if (result == 0)
		result = explain_object(explain, &worker, kind, slug, err);
	for (size_t i = 0; i < worker.reader.problems.list.n; i++)
		problem_vec_push(&problems->list, worker.reader.problems.list.v[i]);
	problems->errors += worker.reader.problems.errors;
	worker.reader.problems.list.n = 0;
	problems_sort(problems);
	arena_release(&worker.results);
	worker_release(&worker);
	return result;
}

int config_explain(struct value **out, struct arena *arena, const struct config_options *options, enum kind kind,
	const char *slug, struct problems *problems, struct mrp_err *err)
{
	cleanup(config_origin_release) struct config_origin origin;

	if (config_origin_open(&origin, options, err) < 0)
		return -1;
	struct loader loader = { .source = origin.source, .prefix = origin.prefix };
	struct explain explain = { .arena = arena, .values = value_array(arena), .path = STRBUF_INIT };
	const char *environment = NULL;
	int result = explain_in(&explain, &loader, options, kind, slug, &environment, problems, err);
	struct value *all = value_object(arena);
	value_append(arena, all, "format_version", value_int(arena, 1));
	value_append(arena, all, "kind", value_string(arena, kinds[kind].name));
	value_append(arena, all, "slug", value_string(arena, slug));
	value_append(arena, all, "environment",
		environment ? value_string(arena, environment) : value_null(arena));
	value_append(arena, all, "values", explain.values);
	*out = all;
	strbuf_release(&explain.path);
	loader_release(&loader);
	return result;
}

enum { MAX_SHOWN = 72 };

static void add_padded(struct strbuf *out, const char *text, size_t width)
{
	size_t columns = utf8_columns(text, strlen(text));

	strbuf_add_visible(out, text, strlen(text));
	strbuf_addchars(out, ' ', columns < width ? width - columns : 0);
}

/* The value on one line, cut when it is long. */
static void value_text(struct strbuf *out, const struct value *v)
{
	json_compact(out, v);
	if (out->len <= MAX_SHOWN)
		return;
	size_t len = MAX_SHOWN - 3;
	while (len && ((unsigned char)out->buf[len] & 0xc0) == 0x80)
		len--;
	strbuf_setlen(out, len);
	strbuf_addstr(out, "...");
}

static void add_origin(struct strbuf *out, const struct value *origin)
{
	struct strbuf place = STRBUF_INIT;

	if (origin->type != V_OBJECT) {
		strbuf_addstr(out, "default");
		return;
	}
	mrp_loc_format(&place, (struct mrp_loc){ value_get_string(origin, "path"), (uint32_t)value_get(origin, "line")->i, 0 });
	strbuf_add_visible(out, place.buf, place.len);
	strbuf_release(&place);
}

static void add_line(struct strbuf *out, const char *path, size_t path_width, const char *before, const struct value *entry)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	add_padded(out, path, path_width + 2);
	strbuf_addstr(out, before);
	value_text(&text, value_get(entry, "value"));
	add_padded(out, text.buf, 32 - strlen(before));
	strbuf_addstr(out, "  ");
	add_origin(out, value_get(entry, "origin"));
	strbuf_addch(out, '\n');
}

void config_explain_format(struct strbuf *out, const struct value *explanation)
{
	const struct value *values = value_get(explanation, "values");
	const char *environment = value_get_string(explanation, "environment");
	size_t width = 0;

	strbuf_addf(out, "%s '%s'", value_get_string(explanation, "kind"), value_get_string(explanation, "slug"));
	if (environment)
		strbuf_addf(out, " in environment '%s'", environment);
	strbuf_addch(out, '\n');
	value_for_each(entry, values) {
		const char *path = value_get_string(entry, "path");

		width = MAX(width, utf8_columns(path, strlen(path)));
	}
	value_for_each(entry, values) {
		add_line(out, value_get_string(entry, "path"), width, "", entry);
		value_for_each(hidden, value_get(entry, "hides")) {
			add_line(out, "", width, "hides ", hidden);
		}
	}
}
