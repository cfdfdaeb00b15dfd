/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a run goes moves the `state` of its cluster: running -> deploying, applied and no-changes -> deployed, failed and
 * interrupted -> failed, refused -> refused, destroyed -> the cluster goes when it was to be destroyed.
 */
#include "deployment.h"

#include <inttypes.h>

enum { POLICIES_MAX = 16 };

/* A run that may have made something out there: then the cluster cannot just be forgotten. */
static bool may_have_created(const struct deployment *d)
{
	static const char *const harmless[] = { "variables", "fetch", "gate", "initial-values", "before-plan", "init", "plan" };
	const char *stage = value_get_string(d->object, "stage");
	bool before = false;

	for (size_t i = 0; stage && i < ARRAY_SIZE(harmless); i++)
		before = before || streq(stage, harmless[i]);
	if (streq(d->status, "applied") || streq(d->status, "no-changes"))
		return true;
	if (streq(d->status, "failed") || streq(d->status, "interrupted"))
		return !before;
	return streq(d->status, "running") && stage && !before;
}

static const char *cluster_status(const char *status)
{
	static const struct {
		const char *deployment, *cluster;
	} table[] = {
		{ "running", "deploying" },
		{ "no-changes", "deployed" },
		{ "applied", "deployed" },
		{ "planned", "pending" },
		{ "destroyed", "pending" },
		{ "failed", "failed" },
		{ "refused", "refused" },
		{ "interrupted", "failed" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (streq(table[i].deployment, status))
			return table[i].cluster;
	}
	BUG("deployment status '%s'", status);
}

/* Writing the cluster goes through the call's response, which already holds the deployment. */
int deployment_restate_cluster(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	struct api_response saved = call->response;

	strbuf_init(&call->response.body);
	int r = document_restate(call, doc, err);
	strbuf_release(&call->response.body);
	call->response = saved;
	return r;
}

/* Which creator has the terraform state in a folder of its own. From the first apply on it is bound to that one, until
 * everything is destroyed: any other would know of nothing, and make all of it again. */
static int bind_state(
	struct api_call *call, const struct deployment *d, struct value *state, bool force, struct mrp_err *err)
{
	const char *mine = value_get_string(d->object, "state_holder"),
		   *bound = value_get_string(state, "state_holder");

	if (bound && !force && !(mine && streq(mine, bound)))
		return mrp_err_set(err, MRP_EEXISTS,
			"the terraform state of cluster '%s' is in the folder of creator '%s'; %s%s%s would make "
			"everything "
			"again",
			d->cluster, bound, mine ? "creator '" : "a creator", mine ? mine : "", mine ? "'" : "");
	if (streq(d->status, "destroyed") || (force && !mine))
		value_set(&call->arena, state, "state_holder", NULL);
	else if (mine && (bound || may_have_created(d)))
		value_set(&call->arena, state, "state_holder", value_string(&call->arena, mine));
	return 0;
}

/* Until a run says that the terraform state is to be believed again, every creator knows that it is not. */
static void note_dirty(struct api_call *call, const struct deployment *d, struct value *state)
{
	const struct value *dirty = value_get(d->object, "dirty");
	struct value *mark, *half_made = value_get(d->object, "half_made");

	if (dirty && dirty->b) {
		mark = value_object(&call->arena);
		value_append(&call->arena, mark, "deployment", value_int(&call->arena, d->id));
		if (half_made)
			value_append(&call->arena, mark, "half_made", half_made);
		value_set(&call->arena, state, "dirty", mark);
	} else if (dirty || streq(d->status, "destroyed")) {
		value_set(&call->arena, state, "dirty", NULL);
	}
}

/* The policies of creators that have refused the cluster, the last ones, since it was last deployed. */
static void note_refusal(struct api_call *call, const struct deployment *d, struct value *state)
{
	const struct value *before = value_get(state, "refused_by");
	const char *policy = value_get_string(d->object, "refused_by");
	struct value *list = value_array(&call->arena);

	if (!streq(d->status, "refused")) {
		if (!streq(d->status, "running") && !streq(d->status, "failed") && !streq(d->status, "interrupted"))
			value_set(&call->arena, state, "refused_by", NULL);
		return;
	}
	if (!policy) { /* a plan waits for approval: nobody refuses the recipe */
		value_set(&call->arena, state, "refused_by", NULL);
		return;
	}
	uint32_t n = before ? before->n : 0;
	for (uint32_t i = n - MIN(n, (uint32_t)POLICIES_MAX - 1); i < n; i++) {
		if (!streq(before->items[i]->s, policy))
			value_push(&call->arena, list, before->items[i]);
	}
	value_push(&call->arena, list, value_string(&call->arena, policy));
	value_set(&call->arena, state, "refused_by", list);
}

/* Times and the number of failures in a row: by them creators know which clusters are due. */
static void note_times(struct api_call *call, const struct deployment *d, struct value *state, bool begins)
{
	bool failed = streq(d->status, "failed") || streq(d->status, "interrupted");
	struct arena *arena = &call->arena;
	struct value *now = value_string(arena, format_time(arena, call->now_ms));
	const struct value *before = value_get(state, "failures");

	if (begins) {
		value_set(arena, state, "deploy_requested_at", NULL);
		value_set(arena, state, "last_started_at", now);
	}
	if (streq(d->status, "running"))
		return;
	value_set(arena, state, "last_ended_at", now);
	value_set(arena, state, "failures", failed ? value_int(arena, (before ? before->i : 0) + 1) : NULL);
}

/* Only now that a run has found out: a recipe may ask for other variables than when the cluster was written. */
static int recipe_of(
	const struct value **recipe, struct api_call *call, const struct document *doc, struct mrp_err *err)
{
	struct document found;
	struct object_row info;
	int there = object_info(&info, &call->arena, call->db, KIND_RECIPE, doc->row.recipe, err);

	*recipe = NULL;
	if (there <= 0)
		return there;
	if (document_load(&found, call, KIND_RECIPE, doc->row.recipe, err) < 0)
		return -1;
	*recipe = found.current;
	return 0;
}

/* The state's next status: it may have been switched off, or lost a variable, meanwhile. */
static int settle(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	const struct value *recipe;

	if (doc->row.destroying)
		return 0;
	if (recipe_of(&recipe, call, doc, err) < 0)
		return -1;
	doc->state = cluster_state_next(&call->arena, doc->state, doc->current, recipe);
	return 0;
}

/* The cluster's state follows its deployment. A cluster that is gone, or recreated by others' hands, stays as it is. */
static int move_cluster(struct api_call *call, const struct deployment *d, bool begins, bool force, struct mrp_err *err)
{
	const char *message = value_get_string(d->object, "message"), *status = cluster_status(d->status);
	struct arena *arena = &call->arena;
	struct document doc;
	struct object_row info;

	int there = object_info(&info, arena, call->db, KIND_CLUSTER, d->cluster, err);
	if (there <= 0)
		return there;
	if (document_load(&doc, call, KIND_CLUSTER, d->cluster, err) < 0)
		return -1;
	doc.state = cluster_state_set(arena, doc.state, doc.row.destroying ? "destroying" : status,
		message ? message : arena_printf(arena, "deployment %" PRId64 ": %s", d->id, d->status));
	if (bind_state(call, d, doc.state, force, err) < 0)
		return -1;
	if (streq(d->status, "destroyed")) {
		doc.row.deployed = false;
		if (doc.row.destroying)
			return cluster_remove(call, &doc, err);
	}
	doc.row.deployed = doc.row.deployed || may_have_created(d);
	value_set(arena, doc.state, "deployment", value_int(arena, d->id));
	note_times(call, d, doc.state, begins);
	note_dirty(call, d, doc.state);
	note_refusal(call, d, doc.state);
	if (d->deployed)
		value_set(arena, doc.state, DEPLOYED, value_int(arena, d->id));
	if (!streq(d->status, "running") && settle(call, &doc, err) < 0)
		return -1;
	return deployment_restate_cluster(call, &doc, err);
}

int deployment_began(struct api_call *call, const struct deployment *d, bool force, struct mrp_err *err)
{
	return move_cluster(call, d, true, force, err);
}

int deployment_went_on(struct api_call *call, const struct deployment *d, struct mrp_err *err)
{
	return move_cluster(call, d, false, false, err);
}
