/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration inside of a plan, as terraform has understood it: a second look at programs before any provisioner
 * runs. https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation */
#include "gate.h"

static int expect_program(const struct scan *scan, const char *what, struct mrp_err *err)
{
	for (size_t i = 0; i < scan->programs.n; i++) {
		if (streq(scan->programs.v[i].what, what))
			return 0;
	}
	return mrp_err_set(err, MRP_EREFUSED, "%s is seen by terraform only: the recipe cannot be judged", what);
}

static int judge_resource(const struct scan *scan, const struct value *resource, struct mrp_err *err)
{
	const char *mode = value_get_string(resource, "mode"), *type = value_get_string(resource, "type"),
		   *name = value_get_string(resource, "name");
	const struct value *provisioners = value_get(resource, "provisioners");
	bool managed = mode && streq(mode, "managed");

	if (!mode || !type || !name)
		return mrp_err_set(err, MRP_EREFUSED, "a resource of the plan has no mode, type or name");
	if (!managed && streq(type, "external")) {
		cleanup(freep) char *what = xasprintf("%s '%s.%s'", mode, type, name);

		if (expect_program(scan, what, err) < 0)
			return -1;
	}
	for (uint32_t i = 0; provisioners && provisioners->type == V_ARRAY && i < provisioners->n; i++) {
		const struct value *item = provisioners->items[i];
		const char *kind = item->type == V_OBJECT ? value_get_string(item, "type") : NULL;
		cleanup(freep) char *what =
			xasprintf("provisioner '%s' of resource '%s.%s'", kind ? kind : "", type, name);

		if (expect_program(scan, what, err) < 0)
			return -1;
	}
	return 0;
}

static int judge_module(const struct scan *scan, const struct value *module, int depth, struct mrp_err *err)
{
	const struct value *resources = value_get(module, "resources"), *calls = value_get(module, "module_calls");

	for (uint32_t i = 0; resources && resources->type == V_ARRAY && i < resources->n; i++) {
		if (resources->items[i]->type == V_OBJECT && judge_resource(scan, resources->items[i], err) < 0)
			return -1;
	}
	for (uint32_t i = 0; calls && calls->type == V_OBJECT && i < calls->n; i++) {
		const struct value *call = calls->members[i].value;
		const struct value *inner = call->type == V_OBJECT ? value_get(call, "module") : NULL;

		if (inner && inner->type == V_OBJECT && judge_module(scan, inner, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

int gate_judge_plan(const struct scan *scan, const struct value *plan, struct mrp_err *err)
{
	const struct value *configuration = plan->type == V_OBJECT ? value_get(plan, "configuration") : NULL;
	const struct value *root =
		configuration && configuration->type == V_OBJECT ? value_get(configuration, "root_module") : NULL;

	if (!root || root->type != V_OBJECT)
		return mrp_err_set(err, MRP_EREFUSED, "the plan says nothing about its configuration");
	return judge_module(scan, root, 0, err);
}
