/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of an exported tree say. The field tables drive it: a field is written when a config may set it and it
 * is not what an absent field means, so a field that is added to a table is exported without a change here.
 */
#include "export.h"

#include "../base/text.h"
#include "../value/merge.h"
#include "../value/yaml_write.h"

struct maker {
	struct export_plan *plan;
	const struct value *recipes; /* slug -> recipe, of those that are exported */
	struct value *env_names;     /* those that are taken */
	const struct value *required; /* names that the manifest requires of every recipe */
	enum kind kind;              /* of the object at hand */
	const char *slug;
};

/* The file of a folder that describes it, and what else of the folder is no file of the object. */
static const char *const own_files[KIND_COUNT][4] = {
	[KIND_RECIPE] = { "recipe.yaml", "values.yaml", "initial_values" },
	[KIND_CLUSTER] = { "cluster.yaml" },
	[KIND_PROBER] = { "prober.yaml" },
};

static const struct mrp_loc nowhere = { 0 };

static void add_text(struct maker *m, const char *path, const struct strbuf *text)
{
	struct arena *arena = &m->plan->arena;
	struct export_file file = { .path = path, .text = arena_strndup(arena, text->buf, text->len), .len = text->len };

	export_file_vec_push(&m->plan->files, file);
}

static void add_yaml(struct maker *m, const char *path, const struct value *v)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	value_to_yaml(&text, v);
	add_text(m, path, &text);
}

static void add_blob(struct maker *m, const char *name, const char *sha256, bool executable)
{
	struct arena *arena = &m->plan->arena;
	struct export_file file = {
		.path = arena_printf(arena, "%s/%s/%s", kinds[m->kind].plural, m->slug, name),
		.sha256 = arena_strdup(arena, sha256),
		.executable = executable,
	};

	export_file_vec_push(&m->plan->files, file);
}

/* Names that loading a tree leaves out wherever they stand, or at its top. */
static bool is_reserved(enum kind kind, const char *path)
{
	for (const char *const *own = own_files[kind]; *own; own++) {
		if (streq(path, *own))
			return true;
	}
	for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
		size_t len = strcspn(part, "/");

		if ((len == 4 && strncmp(part, ".git", 4) == 0) || (len == 10 && strncmp(part, ".terraform", 10) == 0))
			return true;
	}
	return false;
}

/* A file's path is the API's word: it is checked here, whatever the API should have refused. */
static void add_files(struct maker *m, const struct value *files)
{
	for (uint32_t i = 0; files && files->type == V_OBJECT && i < files->n; i++) {
		const struct member *file = &files->members[i];
		const char *sha256 = value_get_string(file->value, "sha256"), *mode = value_get_string(file->value, "mode");

		if (!valid_relative_path(file->key, strlen(file->key)) || !sha256 || !sha256_from_hex(NULL, sha256))
			problems_add(&m->plan->notes, nowhere, "files", "'%s' is no path and hash to write to", file->key);
		else if (is_reserved(m->kind, file->key))
			problems_add(&m->plan->notes, nowhere, "files",
				"'%s' has a meaning of its own in a config tree, so it cannot be a file of the %s", file->key,
				kinds[m->kind].name);
		else
			add_blob(m, file->key, sha256, mode && streq(mode, "0755"));
	}
}

static bool is_empty(const struct value *v)
{
	switch (v->type) {
	case V_NULL:
		return true;
	case V_STRING:
	case V_ARRAY:
	case V_OBJECT:
		return !v->n;
	default:
		return false;
	}
}

static struct value *in_table_order(struct arena *arena, const struct field *field, struct value *v);

/* The members that the table has, in its order, which is the one people expect ("name" first), then any others. */
static struct value *order_members(struct arena *arena, const struct field *table, const struct value *v)
{
	struct value *ordered = value_object(arena);

	for (const struct field *field = table; field->name; field++) {
		struct value *member = (field->flags & FF_CONFIG) ? value_get(v, field->name) : NULL;

		if (member && !value_get(ordered, field->name))
			value_append(arena, ordered, field->name, in_table_order(arena, field, member));
	}
	for (uint32_t i = 0; i < v->n; i++) {
		if (!value_get(ordered, v->members[i].key))
			value_append(arena, ordered, v->members[i].key, v->members[i].value);
	}
	return ordered;
}

static struct value *in_table_order(struct arena *arena, const struct field *field, struct value *v)
{
	struct value *list;

	if (field->type == F_OBJECT && v->type == V_OBJECT)
		return order_members(arena, field->sub, v);
	if (field->type != F_LIST || v->type != V_ARRAY)
		return v;
	list = value_array(arena);
	value_for_each(item, v)
		value_push(arena, list, in_table_order(arena, field->sub, item));
	return list;
}

/* The fields that a config of this kind says as the API does. */
static struct value *config_fields(struct maker *m, const struct value *object)
{
	struct value *config = value_object(&m->plan->arena);

	for (const struct field *field = kinds[m->kind].fields; field->name; field++) {
		struct value *v = value_get(object, field->name);

		if ((field->flags & FF_BOTH) != FF_BOTH || !v || v->type == V_NULL)
			continue;
		if ((field->flags & FF_ALWAYS) && is_empty(v))
			continue;
		if (streq(field->name, "name") && v->type == V_STRING && streq(v->s, m->slug))
			continue;
		value_append(&m->plan->arena, config, field->name, in_table_order(&m->plan->arena, field, v));
	}
	return config;
}

/* "net-lab" and "db_password" -> "NET_LAB_DB_PASSWORD", with a number when that is taken. */
static const char *env_name(struct maker *m, const char *name)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	size_t len;

	if (m->slug[0] >= '0' && m->slug[0] <= '9')
		strbuf_addstr(&text, "CLUSTER_");
	strbuf_addf(&text, "%s_%s", m->slug, name);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.buf[i];

		if (c >= 'a' && c <= 'z')
			text.buf[i] = (char)(c - 'a' + 'A');
		else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			text.buf[i] = '_';
	}
	len = text.len;
	for (int n = 2; value_get(m->env_names, text.buf); n++) {
		strbuf_setlen(&text, len);
		strbuf_addf(&text, "_%d", n);
	}
	const char *env = arena_strndup(&m->plan->arena, text.buf, text.len);
	value_append(&m->plan->arena, m->env_names, env, value_null(&m->plan->arena));
	return env;
}

/* `!env NAME` in place of a text. `path` is the variable's name and the keys below it. */
static struct value *secret_text(struct maker *m, const char *path, const struct value *v)
{
	struct arena *arena = &m->plan->arena;
	const char *env = env_name(m, path);
	struct value *tagged = value_string(arena, env);
	struct export_secret secret = {
		.env = env,
		.cluster = arena_strdup(arena, m->slug),
		.name = arena_strdup(arena, path),
		.text = v ? arena_strndup(arena, v->s, v->n) : NULL,
	};

	tagged->flags |= VF_SECRET | VF_ENV;
	export_secret_vec_push(&m->plan->secrets, secret);
	return tagged;
}

/* A tree like `v` whose texts are read from the environment. *lossy is set when something in it is no text: that would
 * have to be written down, so it is read from the environment too and comes back as a text. */
static struct value *secret_tree(struct maker *m, const char *path, const struct value *v, bool *lossy)
{
	struct arena *arena = &m->plan->arena;
	struct value *copy;

	if (!v || v->type == V_STRING)
		return secret_text(m, path, v);
	if (v->type == V_ARRAY) {
		copy = value_array(arena);
		for (uint32_t i = 0; i < v->n; i++)
			value_push(arena, copy, secret_tree(m, arena_printf(arena, "%s_%u", path, i), v->items[i], lossy));
		return copy;
	}
	if (v->type == V_OBJECT) {
		copy = value_object(arena);
		for (uint32_t i = 0; i < v->n; i++) {
			const char *key = v->members[i].key;

			value_append(arena, copy, key,
				secret_tree(m, arena_printf(arena, "%s_%s", path, key), v->members[i].value, lossy));
		}
		return copy;
	}
	*lossy = true;
	return secret_text(m, path, NULL);
}

static bool listed(const struct value *list, const char *name)
{
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		if (list->items[i]->type == V_STRING && streq(list->items[i]->s, name))
			return true;
	}
	return false;
}

/* Say so when the recipe's values, which merge under the cluster's, would come back into this variable. */
static void check_layers(struct maker *m, const char *name, struct value *below, struct value *v)
{
	if (below && !value_equal(layer_merge(&m->plan->arena, below, v), v))
		problems_warn(&m->plan->notes, nowhere, "variables",
			"'%s' lacks keys that the recipe's values have, so synchronizing adds them", name);
}

static struct value *config_variables(struct maker *m, const struct value *cluster, const struct value *values)
{
	const struct value *variables = value_get(cluster, "variables"), *managed = value_get(cluster, "managed"),
			   *sensitive = value_get(cluster, "sensitive_variables"),
			   *external = value_get(cluster, "external_variables");
	bool by_hand = !managed || managed->type != V_BOOL || !managed->b;
	struct value *config = value_object(&m->plan->arena);

	for (uint32_t i = 0; variables && variables->type == V_OBJECT && i < variables->n; i++) {
		const char *name = variables->members[i].key;
		const struct value *entry = variables->members[i].value, *flag = value_get(entry, "sensitive");
		const char *owner = value_get_string(entry, "owner");
		struct value *v = value_get(entry, "value"), *below = values ? value_get(values, name) : NULL;
		bool lossy = false;

		if (listed(external, name))
			continue;
		/* a cluster made by hand has nothing but manual variables, and is to become a config */
		if (!owner || (!streq(owner, "synchronize") && !(by_hand && streq(owner, "manual")))) {
			if (below)
				problems_warn(&m->plan->notes, nowhere, "variables",
					"'%s' is written by '%s' and a value of the recipe too, so synchronizing shows it", name,
					owner ? owner : "nobody");
			continue;
		}
		if ((flag && flag->type == V_BOOL && flag->b) || listed(sensitive, name) || !v)
			v = secret_tree(m, name, v, &lossy);
		else if (below && value_equal(below, v))
			continue; /* the recipe's layer says it */
		else
			check_layers(m, name, below, v);
		if (lossy)
			problems_warn(&m->plan->notes, nowhere, "variables",
				"'%s' is sensitive and not only text, which the environment cannot hold", name);
		value_append(&m->plan->arena, config, name, v);
	}
	return config;
}

/* Values of the recipe that the cluster does not have at all. */
static void check_missing(struct maker *m, const struct value *cluster, const struct value *values)
{
	const struct value *variables = value_get(cluster, "variables");

	for (uint32_t i = 0; values && values->type == V_OBJECT && i < values->n; i++) {
		const char *name = values->members[i].key;

		if (!value_get(variables, name) && !listed(value_get(cluster, "external_variables"), name))
			problems_warn(&m->plan->notes, nowhere, "variables",
				"'%s' is a value of the recipe that the cluster does not have, so synchronizing adds it", name);
	}
}

/* The manifest's names go before the recipe's own. */
static void split_required(struct maker *m, struct value *config)
{
	const struct value *all = value_get(config, "required_variables");
	struct value *own = value_array(&m->plan->arena);

	for (uint32_t i = m->required->n; all && i < all->n; i++)
		value_push(&m->plan->arena, own, all->items[i]);
	if (all)
		value_set(&m->plan->arena, config, "required_variables", own->n ? own : NULL);
}

static void add_recipe(struct maker *m, const struct value *recipe, struct value *config)
{
	const struct value *values = value_get(recipe, "values");
	const char *initial = value_get_string(recipe, "initial_values");

	split_required(m, config);
	if (values && values->type == V_OBJECT && values->n)
		add_yaml(m, arena_printf(&m->plan->arena, "recipes/%s/values.yaml", m->slug), values);
	if (initial && sha256_from_hex(NULL, initial))
		add_blob(m, "initial_values", initial, true);
	add_files(m, value_get(recipe, "files"));
}

static void add_cluster(struct maker *m, const struct value *cluster, struct value *config)
{
	const char *slug = value_get_string(cluster, "recipe");
	const struct value *recipe = slug ? value_get(m->recipes, slug) : NULL, *values = NULL;

	if (!recipe)
		problems_warn(&m->plan->notes, nowhere, "recipe", "'%s' is not among the recipes that are exported",
			slug ? slug : "");
	else
		values = value_get(recipe, "values");
	struct value *variables = config_variables(m, cluster, values);
	if (variables->n)
		value_append(&m->plan->arena, config, "variables", variables);
	check_missing(m, cluster, values);
}

static void add_prober(struct maker *m, const struct value *prober, struct value *config)
{
	(void)config;
	add_files(m, value_get(prober, "files"));
}

static void (*const add_kind[KIND_COUNT])(struct maker *, const struct value *, struct value *) = {
	[KIND_RECIPE] = add_recipe,
	[KIND_CLUSTER] = add_cluster,
	[KIND_PROBER] = add_prober,
};

/* The API may be of another version, or none at all: an object that this version would not store is not exported, as a
 * field that it does not know would be lost. */
static void add_checked(struct maker *m, const struct value *object)
{
	struct arena *arena = &m->plan->arena;
	size_t errors = m->plan->notes.errors;
	struct value *normal = object_from_api(arena, m->kind, object, m->slug, &m->plan->notes), *config;

	if (m->plan->notes.errors > errors)
		return;
	config = config_fields(m, normal);
	add_kind[m->kind](m, normal, config);
	add_yaml(m, arena_printf(arena, "%s/%s/%s", kinds[m->kind].plural, m->slug, own_files[m->kind][0]), config);
}

static void add_object(struct maker *m, const struct value *object)
{
	cleanup(strbuf_release) struct strbuf subject = STRBUF_INIT;
	const char *slug = value_get_string(object, "slug");

	strbuf_addf(&subject, "%s '%s'", kinds[m->kind].name, slug ? slug : "");
	m->plan->notes.subject = subject.buf;
	if (!slug || !slug_valid(slug, strlen(slug))) {
		problems_add(&m->plan->notes, nowhere, "slug", "is none, so it cannot name a folder");
	} else {
		m->slug = slug;
		add_checked(m, object);
	}
	m->plan->notes.subject = NULL;
}

/* The names that every recipe's list begins with: the manifest says them once. */
static struct value *common_required(struct arena *arena, const struct value *recipes)
{
	struct value *common = value_array(arena);
	const struct value *first = recipes->n ? value_get(recipes->items[0], "required_variables") : NULL;

	for (uint32_t i = 0; first && first->type == V_ARRAY && i < first->n; i++) {
		for (uint32_t k = 1; k < recipes->n; k++) {
			const struct value *other = value_get(recipes->items[k], "required_variables");

			if (!other || other->type != V_ARRAY || i >= other->n || !value_equal(other->items[i], first->items[i]))
				return common;
		}
		value_push(arena, common, first->items[i]);
	}
	return common;
}

static void add_manifest(struct maker *m, const struct export_input *input)
{
	struct arena *arena = &m->plan->arena;
	struct value *manifest = value_object(arena), *environments = value_object(arena), *environment = value_object(arena);

	if (input->api_url)
		value_append(arena, environment, "api", value_string(arena, input->api_url));
	value_append(arena, environments, arena_strdup(arena, input->environment), environment);
	value_append(arena, manifest, "mrprober", value_int(arena, 1));
	value_append(arena, manifest, "environments", environments);
	value_append(arena, manifest, "required_variables", value_copy(arena, m->required));
	add_yaml(m, "mrprober.yaml", manifest);
}

static struct value *index_by_slug(struct arena *arena, const struct value *objects)
{
	struct value *index = value_object(arena);

	for (uint32_t i = 0; i < objects->n; i++) {
		const char *slug = value_get_string(objects->items[i], "slug");

		if (slug)
			value_append(arena, index, slug, objects->items[i]);
	}
	value_sort(index);
	return index;
}

void export_plan_make(struct export_plan *plan, const struct export_input *input)
{
	struct maker m = {
		.plan = plan,
		.recipes = index_by_slug(&plan->arena, input->objects[KIND_RECIPE]),
		.env_names = value_object(&plan->arena),
		.required = common_required(&plan->arena, input->objects[KIND_RECIPE]),
	};

	for (m.kind = 0; m.kind < KIND_COUNT; m.kind++) {
		value_for_each(object, input->objects[m.kind])
			add_object(&m, object);
	}
	/* last: a tree without its manifest is no tree, so half of one is not taken for a whole */
	add_manifest(&m, input);
}

void export_plan_release(struct export_plan *plan)
{
	export_file_vec_clear(&plan->files);
	export_secret_vec_clear(&plan->secrets);
	problems_clear(&plan->notes);
	arena_release(&plan->arena);
}
