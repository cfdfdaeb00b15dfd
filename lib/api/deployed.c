/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cluster was last deployed by: its recipe and all variables, as they went to terraform. A creator writes it
 * with the deployment before it applies; by it the cluster is destroyed, whatever has become of its recipe since and
 * whichever creator does it. It holds sensitive values: only GET of that deployment with show_sensitive=true answers
 * it. The next one takes its place.
 */
#include "deployment.h"

static const struct field value_fields[] = {
	{ "value", F_ANY, FF_API, "any JSON; null when absent" },
	{ "sensitive", F_BOOL, FF_API, "never shown or logged" },
	{ .name = NULL },
};

static const struct field item_value = { "", F_OBJECT, FF_BOTH, NULL, .sub = value_fields };

const struct field deployed_fields[] = {
	{ "recipe", F_OBJECT, FF_API | FF_REQUIRED, "as it was then", .sub = recipe_fields },
	{ "variables", F_MAP, FF_API | FF_REQUIRED,
		"all that terraform got, those of the recipe's values and of hooks as well", .sub = &item_value,
		.valid = valid_identifier, .form = "a name (A-Z, a-z, 0-9, '_')",
		.pattern = "^[A-Za-z_][A-Za-z0-9_]*$" },
	{ .name = NULL },
};

int deployed_take(struct deployment *d, struct api_call *call, struct mrp_err *err)
{
	struct schema_ctx ctx = { .arena = &call->arena, .problems = &call->problems, .where = FF_API };
	const struct field *field = field_find(deployment_fields, DEPLOYED, FF_API);
	struct value *given = call->body->type == V_OBJECT ? value_get(call->body, DEPLOYED) : NULL;

	if (!given)
		return 0;
	call->body = value_copy_shallow(&call->arena, call->body);
	value_set(&call->arena, call->body, DEPLOYED, NULL);
	d->deployed = schema_apply_value(&ctx, field, given, DEPLOYED);
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the deployment is not valid");
	if (object_check_blobs(call->db, value_get(d->deployed, "recipe"), &call->problems, err) < 0)
		return -1;
	return call->problems.errors ? mrp_err_set(err, MRP_EINVALID, "the deployment is not valid") : 0;
}

int deployed_store(const struct deployment *d, struct api_call *call, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf body = STRBUF_INIT;

	if (!d->deployed)
		return 0;
	json_compact(&body, d->deployed);
	int r = deployed_put(call->db, d->cluster, d->id, value_get(d->deployed, "recipe"), body.buf, body.len,
		call->now_ms / 1000, err);
	explicit_bzero(body.buf, body.len);
	return r;
}

int deployed_show(struct value **shown, const struct deployment *d, struct api_call *call, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf body = STRBUF_INIT;

	int there = deployed_get(&body, call->db, d->cluster, d->id, err);
	if (there <= 0)
		return there;
	struct value *v = json_parse(&call->arena, body.buf, body.len, "what was deployed", err);
	explicit_bzero(body.buf, body.len);
	if (!v) {
		call->status = 500;
		return -1;
	}
	*shown = value_copy_shallow(&call->arena, *shown);
	value_set(&call->arena, *shown, DEPLOYED, v);
	call->response.cache_control = "no-store";
	return 0;
}
