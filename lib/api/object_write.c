/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, changing and deleting recipes, clusters and probers. */
#include "../base/text.h"
#include "document.h"

int object_create(struct api_call *call, struct mrp_err *err)
{
	enum kind kind = call->route->kind;
	const struct value *slug = call->body->type == V_OBJECT ? value_get(call->body, "slug") : NULL;
	struct object_row info;

	if (!slug || slug->type != V_STRING || !slug_valid(slug->s, slug->n)) {
		problems_add(&call->problems, (struct mrp_loc){ 0 }, call->body->type == V_OBJECT ? "slug" : NULL, "%s",
			call->body->type != V_OBJECT ? "is no object"
				: slug               ? "is not a slug (a-z, 0-9 and '-', at most 63)"
						     : "is missing");
		return mrp_err_set(err, MRP_EINVALID, "the %s is not valid", kinds[kind].name);
	}
	int there = object_info(&info, &call->arena, call->db, kind, slug->s, err);
	if (there)
		return there < 0 ? -1
				 : mrp_err_set(err, MRP_EEXISTS, "%s '%s' is already there%s", kinds[kind].name,
					   slug->s, info.destroying ? ": it waits to be destroyed" : "");
	struct document doc = { .row = { .kind = kind, .slug = slug->s } };
	if (document_write(call, &doc, call->body, err) == WRITE_FAILED)
		return -1;
	call->response.status = 201;
	call->response.location = arena_printf(&call->arena, "/v1/%s/%s", kinds[kind].plural, slug->s);
	return 0;
}

/* The object that a PATCH asks for. In a merge patch null means "remove", so a recipe's values that hold one can only be
 * given whole. */
static struct value *patched(struct api_call *call, const struct value *current, bool replace_values)
{
	struct value *wanted = merge_patch(&call->arena, current, call->body);
	struct value *values = replace_values && call->body->type == V_OBJECT ? value_get(call->body, "values") : NULL;

	if (values) {
		wanted = value_copy_shallow(&call->arena, wanted);
		value_set(&call->arena, wanted, "values", values);
	}
	return wanted;
}

int object_patch(struct api_call *call, struct mrp_err *err)
{
	enum kind kind = call->route->kind;
	struct document doc;
	bool replace_values;

	if (query_bool(&replace_values, call, Q_REPLACE_VALUES, err) < 0 ||
		document_load(&doc, call, kind, call->args[0], err) < 0 ||
		api_check_preconditions(call, doc.row.revision, err) < 0 || document_writable(&doc, err) < 0 ||
		(kind == KIND_CLUSTER && variables_check_patch(call, &doc, err) < 0))
		return -1;
	const struct value *slug = call->body->type == V_OBJECT ? value_get(call->body, "slug") : NULL;
	if (slug && slug->type == V_NULL)
		problems_add(&call->problems, (struct mrp_loc){ 0 }, "slug", "cannot be removed");
	if (call->body->type == V_OBJECT)
		doc.supplied = value_get(call->body, "variables");
	return document_write(call, &doc, patched(call, doc.current, replace_values), err) == WRITE_FAILED ? -1 : 0;
}

static int mark_destroying(struct api_call *call, struct document *doc, const char *message, struct mrp_err *err)
{
	if (!doc->row.destroying) {
		doc->row.destroying = true;
		doc->state = cluster_state_set(&call->arena, doc->state, "destroying", message);
		value_set(&call->arena, doc->state, "changed_at",
			value_string(&call->arena, format_time(&call->arena, call->now_ms)));
		if (document_restate(call, doc, err) < 0)
			return -1;
	} else if (object_read(&call->response.body, &doc->row.revision, call->db, doc->row.kind, doc->row.slug,
			   api_answers_secrets(call), err) < 0) {
		return -1;
	}
	api_set_etag(call, doc->row.revision);
	respond_json(call, 202);
	return 0;
}

static int delete_recipe(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec live = STRVEC_INIT;
	size_t destroying;

	if (recipe_users(&live, &destroying, call->db, doc->row.slug, err) < 0)
		return -1;
	for (size_t i = 0; i < live.n; i++)
		problems_add(
			&call->problems, (struct mrp_loc){ 0 }, "clusters", "cluster '%s' is made from it", live.v[i]);
	if (live.n)
		return mrp_err_set(err, MRP_EEXISTS, "recipe '%s' is still used by %s%s", doc->row.slug, live.v[0],
			live.n > 1 ? " and others" : "");
	if (destroying)
		return mark_destroying(call, doc, "waits for its clusters to be destroyed", err);
	return object_remove(call->db, KIND_RECIPE, doc->row.slug, call->now_ms / 1000, err);
}

int cluster_remove(struct api_call *call, const struct document *doc, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec live = STRVEC_INIT;
	struct object_row recipe;
	size_t destroying;

	if (object_remove(call->db, KIND_CLUSTER, doc->row.slug, call->now_ms / 1000, err) < 0 ||
		deployed_remove(call->db, doc->row.slug, call->now_ms / 1000, err) < 0 ||
		recipe_users(&live, &destroying, call->db, doc->row.recipe, err) < 0)
		return -1;
	int there = object_info(&recipe, &call->arena, call->db, KIND_RECIPE, doc->row.recipe, err);
	if (there <= 0 || !recipe.destroying || live.n || destroying)
		return there < 0 ? -1 : 0;
	return object_remove(call->db, KIND_RECIPE, doc->row.recipe, call->now_ms / 1000, err);
}

static int delete_cluster(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	int64_t running;
	bool orphan;

	if (query_bool(&orphan, call, Q_ORPHAN, err) < 0 ||
		store_number(
			&running, 0, call->db, SQL_DEPLOYMENT_RUNNING, STORE_ARGS(store_text(doc->row.slug)), err) < 0)
		return -1;
	if (!orphan && (doc->row.deployed || running))
		return mark_destroying(call, doc, "waits for the creator", err);
	return cluster_remove(call, doc, err);
}

int object_delete(struct api_call *call, struct mrp_err *err)
{
	enum kind kind = call->route->kind;
	struct document doc;
	int64_t revision;

	if (document_load(&doc, call, kind, call->args[0], err) < 0 ||
		api_check_preconditions(call, doc.row.revision, err) < 0)
		return -1;
	call->response.status = 204;
	int r = kind == KIND_RECIPE    ? delete_recipe(call, &doc, err)
		: kind == KIND_CLUSTER ? delete_cluster(call, &doc, err)
				       : object_remove(call->db, kind, doc.row.slug, call->now_ms / 1000, err);
	if (r < 0 || call->response.status == 202)
		return r;
	return store_next_revision(&revision, call->db, err); /* a delete is a write, too */
}
