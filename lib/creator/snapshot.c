/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <inttypes.h>

static struct value *variables_of(struct arena *arena, const struct inputs *inputs)
{
	struct value *list = value_object(arena);

	for (size_t i = 0; i < inputs->variables.n; i++) {
		const struct workdir_variable *v = &inputs->variables.v[i];
		struct value *entry = value_object(arena);

		value_append(arena, entry, "value", (struct value *)v->value);
		value_append(arena, entry, "sensitive", value_bool(arena, v->sensitive));
		value_append(arena, list, v->name, entry);
	}
	return list;
}

const struct value *snapshot_of(struct deploy *d)
{
	struct arena *arena = &d->inputs.arena;
	struct value *v = value_object(arena);

	value_append(arena, v, "recipe", (struct value *)d->inputs.recipe);
	value_append(arena, v, "variables", variables_of(arena, &d->inputs));
	return v;
}

static int take_over(struct inputs *inputs, const struct value *snapshot, struct mrp_err *err)
{
	const struct value *recipe = snapshot && snapshot->type == V_OBJECT ? value_get(snapshot, "recipe") : NULL;
	const struct value *variables = recipe ? value_get(snapshot, "variables") : NULL;

	if (!variables || recipe->type != V_OBJECT || variables->type != V_OBJECT)
		return mrp_err_set(err, MRP_EHTTP, "the API's answer does not say what was deployed");
	inputs->recipe = recipe;
	inputs->variables.n = 0;
	for (uint32_t i = 0; i < variables->n; i++) {
		const struct value *entry = variables->members[i].value, *value, *sensitive;

		if (entry->type != V_OBJECT)
			continue;
		value = value_get(entry, "value");
		sensitive = value_get(entry, "sensitive");
		inputs_set(inputs, variables->members[i].key, value ? value : value_null(&inputs->arena),
			sensitive && sensitive->b);
	}
	return 0;
}

int snapshot_read(struct deploy *d, struct mrp_err *err)
{
	const struct value *state = value_get(d->inputs.cluster, "state"),
			   *id = state && state->type == V_OBJECT ? value_get(state, "deployed") : NULL;
	struct http_request request;
	struct api_result result;

	if (!id || id->type != V_INT)
		return 0;
	api_request(&request, "GET", NULL, "/v1/deployments/%" PRId64 "?show_sensitive=true", id->i);
	if (api_call(d->client, &request, &d->inputs.arena, &result, err) < 0)
		return -1;
	return take_over(&d->inputs,
		result.value && result.value->type == V_OBJECT ? value_get(result.value, "deployed") : NULL, err);
}
