/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${name} in probers: known where the prober runs? Names of the matrix and the agent's own (cluster, host, environment) are
 * found without looking at any cluster; for others each cluster that the prober runs on is asked, in each environment.
 */
#include "../base/text.h"
#include "../model/resolve.h"
#include "loader.h"

struct check {
	struct worker *worker;
	const struct value *prober;
	const struct value *text;      /* that the name is in */
	const struct value *placement; /* that the text is in, or NULL */
	const char *field;
	bool list;                     /* the whole text stands for a list: a value of a matrix */
	bool simple;                   /* no placement has a matrix of its own */
	signed char *runs_on;          /* for each target: 1, 0, or -1 when not asked yet */
};

static bool is_builtin(const char *name)
{
	return streq(name, "cluster") || streq(name, "host") || streq(name, "environment");
}

static bool in_matrix(const struct value *owner, const char *name)
{
	const struct value *matrix = value_get(owner, "matrix");

	return matrix && value_find(matrix, name) >= 0;
}

/* A placement's matrix takes the place of the one before it: for all hosts, or for those that it names. So the name must
 * be in each matrix that a host of the cluster may end up with. */
static bool in_every_matrix(const struct value *prober, const char *name, const char *cluster)
{
	const struct value *placements = value_get(prober, "placements");
	bool all = in_matrix(prober, name);

	for (uint32_t i = 0; placements && i < placements->n; i++) {
		const struct value *placement = placements->items[i];

		if (!value_get(placement, "matrix") || !placement_matches(placement, cluster, NULL))
			continue;
		bool here = in_matrix(placement, name);
		all = value_get(placement, "hosts") ? all && here : here;
	}
	return all;
}

static bool some_placement_has_matrix(const struct value *prober)
{
	const struct value *placements = value_get(prober, "placements");

	for (uint32_t i = 0; placements && i < placements->n; i++) {
		if (value_get(placements->items[i], "matrix"))
			return true;
	}
	return false;
}

static bool runs_on(struct check *check, size_t i)
{
	const struct target *target = &check->worker->loader->targets.v[i];

	if (check->runs_on[i] < 0)
		check->runs_on[i] = prober_runs_on(check->prober, target->cluster);
	return check->runs_on[i] && (!check->placement || placement_matches(check->placement, target->cluster, NULL));
}

static const struct target_name *find_name(const struct target *target, const char *name)
{
	for (size_t low = 0, high = target->n; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, target->names[middle].name);

		if (order == 0)
			return &target->names[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const char *nearest_name(struct check *check, const struct target *target, const char *name)
{
	static const char *const builtin[] = { "cluster", "host", "environment" };
	const struct value *matrix = value_get(check->prober, "matrix");
	size_t n = 0, max = ARRAY_SIZE(builtin) + (matrix ? matrix->n : 0) + target->n;
	const char **words = arena_alloc(&check->worker->arena, max * sizeof(*words));

	for (uint32_t i = 0; matrix && !check->list && i < matrix->n; i++)
		words[n++] = matrix->members[i].key;
	for (size_t i = 0; !check->list && i < ARRAY_SIZE(builtin); i++)
		words[n++] = builtin[i];
	for (size_t i = 0; i < target->n; i++) {
		unsigned kind = check->list ? TARGET_LIST : TARGET_SCALAR;

		if (target->names[i].flags & (kind | TARGET_EXTERNAL) && !(target->names[i].flags & TARGET_SENSITIVE))
			words[n++] = target->names[i].name;
	}
	return nearest_word(name, words, n);
}

/* What is wrong with the name on that cluster; true when it was reported. */
static bool check_on(struct check *check, const struct target *target, const char *name)
{
	struct problems *problems = &check->worker->reader.problems;
	struct mrp_loc loc = value_loc(check->text);
	const struct target_name *found = find_name(target, name);

	if (!check->list && in_matrix(check->prober, name)) {
		problems_add(problems, loc, check->field,
			"'${%s}' is in the prober's matrix, but not in that of a placement on cluster '%s', which takes its place", name,
			target->cluster);
		return true;
	}
	if (!found && target->open)
		return false;
	if (!found) {
		const char *nearest = nearest_name(check, target, name);
		const char *hint = nearest ? arena_printf(&check->worker->arena, " (did you mean '${%s}'?)", nearest)
					   : " ('$${' is a literal '${')";

		problems_add(problems, loc, check->field, "'${%s}' is %s variable of cluster '%s' in environment '%s'%s", name,
			check->list ? "no" : "neither in the matrix nor a", target->cluster, target->environment, hint);
		return true;
	}
	if (found->flags & TARGET_SENSITIVE) {
		problems_add(problems, loc, check->field,
			"'%s' of cluster '%s' is sensitive, and a prober's config can be read by everyone", name, target->cluster);
		return true;
	}
	if (found->flags & (TARGET_EXTERNAL | (check->list ? TARGET_LIST : TARGET_SCALAR)))
		return false;
	problems_add(problems, loc, check->field, "'%s' of cluster '%s' in environment '%s' is not %s", name, target->cluster,
		target->environment, check->list ? "a list of text, numbers, true or false" : "text, a number, true or false");
	return true;
}

/* One report for a name is enough, whatever the number of clusters. */
static void check_name(void *ctx, const char *text, size_t len)
{
	struct check *check = ctx;
	struct worker *worker = check->worker;
	const struct target_vec *targets = &worker->loader->targets;
	const char *name = arena_strndup(&worker->arena, text, len);

	if (!check->list && (is_builtin(name) || (check->simple && in_matrix(check->prober, name))))
		return;
	if (!valid_identifier(name, len)) {
		problems_add(&worker->reader.problems, value_loc(check->text), check->field,
			"'${%s}' is not a name (letters, digits and '_'; '$${' is a literal '${')", name);
		return;
	}
	if (!check->runs_on) {
		check->runs_on = arena_alloc(&worker->arena, targets->n + 1);
		memset(check->runs_on, -1, targets->n);
	}
	for (size_t i = 0; i < targets->n; i++) {
		const struct target *target = &targets->v[i];

		if (!runs_on(check, i))
			continue;
		if (!check->list && !check->simple && in_every_matrix(check->prober, name, target->cluster))
			continue;
		if (check_on(check, target, name))
			return;
	}
}

static void check_value(struct check *check, const struct value *v, const char *field)
{
	if (v->type == V_STRING && memchr(v->s, '$', v->n)) {
		check->text = v;
		check->field = field;
		placeholders(v->s, check_name, check);
	}
	for (uint32_t i = 0; (v->type == V_ARRAY || v->type == V_OBJECT) && i < v->n; i++) {
		char inner[FIELD_PATH_BYTES];

		check_value(check, field_at(v, i, field, inner), inner);
	}
}

/* Values of a matrix that are one "${name}" instead of a list. */
static void check_matrix(struct check *check, const struct value *owner, const char *field)
{
	const struct value *matrix = value_get(owner, "matrix");

	check->list = true;
	for (uint32_t i = 0; matrix && i < matrix->n; i++) {
		char inner[FIELD_PATH_BYTES];
		const struct value *v = field_at(matrix, i, field, inner);

		if (v->type == V_STRING)
			check_value(check, v, inner);
	}
	check->list = false;
}

void references_check(struct worker *worker, const struct value *prober)
{
	static const char *const substituted[] = { "command", "probe", "env", "heal" };
	const struct value *placements = value_get(prober, "placements");
	struct check check = { .worker = worker, .prober = prober, .simple = !some_placement_has_matrix(prober) };

	for (size_t i = 0; i < ARRAY_SIZE(substituted); i++) {
		const struct value *v = value_get(prober, substituted[i]);

		if (v)
			check_value(&check, v, substituted[i]);
	}
	check_matrix(&check, prober, "matrix");
	for (uint32_t i = 0; placements && i < placements->n; i++) {
		char field[48];
		const struct value *env = value_get(placements->items[i], "env");

		check.placement = placements->items[i];
		snprintf(field, sizeof(field), "placements[%u].matrix", i);
		check_matrix(&check, check.placement, field);
		snprintf(field, sizeof(field), "placements[%u].env", i);
		if (env)
			check_value(&check, env, field);
	}
}
