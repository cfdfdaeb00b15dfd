/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster's `state` says: status, message, when a deployment was asked for, which one was the last. */
#include "document.h"

struct value *cluster_state_set(struct arena *arena, const struct value *state, const char *status, const char *message)
{
	struct value *next = state ? value_copy_shallow(arena, state) : value_object(arena);

	value_set(arena, next, "status", value_string(arena, status));
	value_set(arena, next, "message", value_string(arena, message ? message : ""));
	return next;
}

static void add_missing(
	struct strbuf *missing, const struct value *names, const struct value *variables, const struct value *defaults)
{
	for (uint32_t i = 0; names && i < names->n; i++) {
		const char *name = names->items[i]->s;

		if (!(variables && value_get(variables, name)) && !(defaults && value_get(defaults, name)))
			strbuf_addf(missing, "%s%s", missing->len ? ", " : "", name);
	}
}

/* "compute_nodes, zones", or NULL when all are there */
static const char *missing_variables(struct arena *arena, const struct value *cluster, const struct value *recipe)
{
	const struct value *variables = value_get(cluster, "variables");
	struct strbuf missing = STRBUF_INIT;

	add_missing(&missing, value_get(cluster, "external_variables"), variables, NULL);
	if (recipe)
		add_missing(&missing, value_get(recipe, "required_variables"), variables, value_get(recipe, "values"));
	const char *text = missing.len ? arena_strdup(arena, missing.buf) : NULL;
	strbuf_release(&missing);
	return text;
}

struct value *cluster_state_next(
	struct arena *arena, const struct value *state, const struct value *cluster, const struct value *recipe)
{
	const char *status = state ? value_get_string(state, "status") : NULL;
	const struct value *deploy = value_get(cluster, "deploy");
	const struct value *enabled = deploy ? value_get(deploy, "enabled") : NULL;
	const char *missing = missing_variables(arena, cluster, recipe);

	if (status && (streq(status, "destroying") || streq(status, "deploying")))
		return (struct value *)state;
	if (enabled && enabled->type == V_BOOL && !enabled->b)
		return cluster_state_set(arena, state, "disabled", "its configuration says so");
	if (missing)
		return cluster_state_set(arena, state, "waiting", arena_printf(arena, "for variables %s", missing));
	if (!status || streq(status, "disabled") || streq(status, "waiting"))
		return cluster_state_set(arena, state, "pending", NULL);
	return (struct value *)state;
}
