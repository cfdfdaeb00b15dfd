/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each change goes through a few steps (struct work): its request; when that was refused because somebody was there
 * before, a look at the object; then variables that are written by themselves. A step's end queues the next one, which
 * goes before new changes.
 */
#include "apply.h"

#include "blobs.h"
#include "requests.h"

enum step { STEP_MAIN, STEP_LOOK, STEP_VARIABLE };

struct work {
	struct plan_change *change;
	enum step step;
	size_t put;        /* which variable is next */
	enum step refused; /* the step that led to STEP_LOOK */
	int status;        /* what it was answered */
	bool looked;       /* one look a step is enough */
};

VEC_DEFINE(work_queue, struct work *)

struct apply {
	struct plan *plan;
	struct http_client *client;
	struct arena arena;
	struct blobs blobs;
	struct work *works;      /* one for each change, in their order */
	struct work_queue queue; /* follow-up steps */
	size_t next, end;        /* the stretch of changes that is being applied */
	bool recipe_failed;      /* some recipe did not get done: clusters must look */
	struct mrp_err stop;     /* the failure after which nothing new is begun */
	size_t ended, uploads;
	plan_progress_fn *progress;
	void *progress_ctx;
};

static void end_change(struct apply *apply, struct plan_change *change, enum plan_result result, const char *reason)
{
	change->result = result;
	free(change->reason);
	change->reason = reason ? xstrdup(reason) : NULL;
	if (change->kind == KIND_RECIPE && change->action != PLAN_DELETE && result != PLAN_DONE)
		apply->recipe_failed = true;
	apply->ended++;
	if (apply->progress)
		apply->progress(apply->progress_ctx, "applying", apply->ended, apply->plan->changes.n);
}

static void fail_change(struct apply *apply, struct plan_change *change, struct mrp_err *err)
{
	end_change(apply, change, err->code == MRP_EINTERRUPTED ? PLAN_LEFT : PLAN_FAILED, err->msg);
	if (sync_hopeless(err->code) && apply->stop.code == MRP_OK)
		mrp_err_move(&apply->stop, err);
}

static void queue_step(struct apply *apply, struct work *work, enum step step)
{
	work->step = step;
	work_queue_push(&apply->queue, work);
}

/* The request is through; go on with the variables, or end. */
static void after_main(struct apply *apply, struct work *work)
{
	work->looked = false;
	if (work->put < work->change->puts.n)
		queue_step(apply, work, STEP_VARIABLE);
	else
		end_change(apply, work->change, PLAN_DONE, NULL);
}

/* A recipe of this plan that did not get done, by the cluster that needs it. */
static const struct plan_change *failed_recipe(struct apply *apply, const struct plan_change *change)
{
	if (!apply->recipe_failed || change->kind != KIND_CLUSTER || change->action == PLAN_DELETE)
		return NULL;
	const char *recipe = value_get_string(plan_desired(&apply->arena, change->object), "recipe");
	for (size_t i = 0; recipe && i < apply->plan->changes.n; i++) {
		const struct plan_change *other = &apply->plan->changes.v[i];

		if (other->kind == KIND_RECIPE && other->action != PLAN_DELETE && other->result != PLAN_DONE &&
			streq(other->slug, recipe))
			return other;
	}
	return NULL;
}

/* True when the change cannot be tried; its result is noted. */
static bool blocked(struct apply *apply, struct plan_change *change)
{
	const char *failure = change->object ? blobs_failure(&apply->blobs, change->object) : NULL;
	const struct plan_change *recipe = failed_recipe(apply, change);

	if (failure) {
		end_change(apply, change, PLAN_FAILED, failure);
	} else if (recipe) {
		cleanup(freep) char *reason = xasprintf("its recipe '%s' is not done", recipe->slug);

		end_change(apply, change, PLAN_LEFT, reason);
	}
	return failure || recipe;
}

static void make_request(struct http_request *request, struct work *work)
{
	const struct plan_change *change = work->change;

	if (work->step == STEP_LOOK) {
		api_request_get(request, change->kind, change->slug);
	} else if (work->step == STEP_VARIABLE) {
		plan_request_put(request, change, &change->puts.v[work->put]);
	} else {
		plan_request_main(request, change);
	}
	request->tag = work;
}

static bool next_request(void *ctx, struct http_request *request)
{
	struct apply *apply = ctx;

	if (apply->queue.n && apply->stop.code == MRP_OK) {
		make_request(request, apply->queue.v[--apply->queue.n]);
		return true;
	}
	while (apply->stop.code == MRP_OK && apply->next < apply->end) {
		struct work *work = &apply->works[apply->next++];

		if (blocked(apply, work->change))
			continue;
		if (work->change->action == PLAN_UPDATE && !work->change->patch) {
			after_main(apply, work); /* only variables */
			if (apply->queue.n)
				return next_request(ctx, request);
			continue;
		}
		make_request(request, work);
		return true;
	}
	return false;
}

static size_t conflicts_of(const struct plan *plan, const struct config_object *object)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->conflicts.n; i++)
		n += plan->conflicts.v[i].object == object;
	return n;
}

static bool is_planned(const struct plan_put_vec *puts, size_t from, const struct plan_put *put)
{
	for (; from < puts->n; from++) {
		if (streq(puts->v[from].name, put->name))
			return puts->v[from].revision == put->revision;
	}
	return false;
}

/* Was the refused step done all the same? Yes, when nothing is left to do but the variables that come after it, and
 * nobody has taken one over. */
static bool was_done(struct apply *apply, const struct work *work, const struct value *current)
{
	const struct plan_change *change = work->change;
	struct plan_change now = { .action = PLAN_UPDATE, .kind = change->kind, .slug = change->slug,
		.object = change->object };
	cleanup(plan_conflict_vec_clear) struct plan_conflict_vec conflicts = VEC_INIT;

	plan_compare(&apply->arena, &apply->plan->options, &now, current, &conflicts);
	bool done = !now.patch && conflicts.n <= conflicts_of(apply->plan, change->object);
	for (size_t i = 0; i < now.puts.n && done; i++)
		done = is_planned(&change->puts, work->put + (work->refused == STEP_VARIABLE), &now.puts.v[i]);
	plan_field_vec_clear(&now.fields);
	plan_put_vec_clear(&now.puts);
	return done;
}

/* The object as it is now, after a refusal: perhaps it is what was wanted. */
static void judge_found(struct apply *apply, struct work *work, const struct value *current)
{
	struct plan_change *change = work->change;
	const struct value *state = value_get(current, "state");
	const char *status = state ? value_get_string(state, "status") : NULL;

	if (status && streq(status, "destroying")) {
		end_change(apply, change, PLAN_WAITING, "is being destroyed");
	} else if (change->action != PLAN_DELETE && was_done(apply, work, current)) {
		work->put += work->refused == STEP_VARIABLE;
		after_main(apply, work);
	} else {
		end_change(apply, change, PLAN_FAILED,
			work->status == 409 ? "is there already, made by someone else; run it again to compare"
					    : "was changed by someone else meanwhile; run it again");
	}
}

static void look_done(struct apply *apply, struct work *work, struct http_request *request, struct http_answer *answer,
	struct mrp_err *err)
{
	struct plan_change *change = work->change;

	if (api_says_gone(answer)) {
		if (change->action == PLAN_DELETE)
			end_change(apply, change, PLAN_DONE, NULL);
		else
			end_change(apply, change, PLAN_FAILED, "was deleted by someone else meanwhile; run it again");
		return;
	}
	const struct value *current = api_answer_json(&apply->arena, apply->client, request, answer, err);
	if (current)
		judge_found(apply, work, current);
	else
		fail_change(apply, change, err);
}

/* Refusals that a look at the object may explain. A recipe that is still in use is not one of them. */
static bool worth_a_look(const struct work *work, int status)
{
	if (work->looked)
		return false;
	return status == 412 || (status == 409 && work->step == STEP_MAIN && work->change->action == PLAN_CREATE);
}

/* A write was answered. */
static void write_done(struct apply *apply, struct work *work, struct http_request *request, struct http_answer *answer,
	struct mrp_err *err)
{
	struct plan_change *change = work->change;
	bool deletes = change->action == PLAN_DELETE;

	if (deletes && api_says_gone(answer)) {
		end_change(apply, change, PLAN_DONE, NULL);
	} else if (api_check_written(apply->client, request, answer, err) == 0) {
		if (deletes && answer->status == 202) {
			end_change(apply, change, PLAN_WAITING, "is being destroyed");
			return;
		}
		work->put += work->step == STEP_VARIABLE;
		after_main(apply, work);
	} else if (worth_a_look(work, answer->status) && err->code != MRP_EREFUSED && err->code != MRP_ELOCKED) {
		work->looked = true;
		work->refused = work->step;
		work->status = answer->status;
		mrp_err_clear(err);
		queue_step(apply, work, STEP_LOOK);
	} else {
		fail_change(apply, change, err);
	}
}

static void request_done(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct apply *apply = ctx;
	struct work *work = request->tag;

	if (err->code != MRP_OK)
		fail_change(apply, work->change, err);
	else if (work->step == STEP_LOOK)
		look_done(apply, work, request, answer, err);
	else
		write_done(apply, work, request, answer, err);
}

/* Apply the changes of one kind and direction, which stand together in the plan. */
static void apply_stretch(struct apply *apply, enum kind kind, bool deletes)
{
	const struct plan_change_vec *changes = &apply->plan->changes;
	struct mrp_err err = MRP_ERR_INIT;

	for (apply->end = apply->next; apply->end < changes->n; apply->end++) {
		const struct plan_change *change = &changes->v[apply->end];

		if (change->kind != kind || (change->action == PLAN_DELETE) != deletes)
			break;
	}
	if (apply->end > apply->next && http_run(apply->client, next_request, request_done, apply, &err) < 0 &&
		apply->stop.code == MRP_OK)
		mrp_err_move(&apply->stop, &err);
	mrp_err_clear(&err);
}

static void apply_changes(struct apply *apply)
{
	for (int kind = 0; kind < KIND_COUNT && apply->stop.code == MRP_OK; kind++)
		apply_stretch(apply, (enum kind)kind, false);
	for (int kind = KIND_COUNT - 1; kind >= 0 && apply->stop.code == MRP_OK; kind--)
		apply_stretch(apply, (enum kind)kind, true);
}

static int conclude(struct apply *apply, struct mrp_err *err)
{
	const struct plan *plan = apply->plan;
	size_t done = plan_count_result(plan, PLAN_DONE) + plan_count_result(plan, PLAN_WAITING);
	size_t failed = plan_count_result(plan, PLAN_FAILED);

	if (done == plan->changes.n)
		return 0;
	if (apply->stop.code == MRP_EINTERRUPTED)
		return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted; %zu of %zu changes are done, run it again to finish",
			done, plan->changes.n);
	/* what would stop every change says more than their number; a server that went away is a failure like others */
	if (apply->stop.code != MRP_OK && !done && (!failed || apply->stop.code != MRP_EUNREACHABLE))
		return mrp_err_move(err, &apply->stop);
	return mrp_err_set(err, MRP_EFAILED, "%zu of %zu changes failed%s", failed, plan->changes.n,
		apply->stop.code != MRP_OK ? ", and the rest was not tried" : "");
}

static void blob_uploaded(void *ctx)
{
	struct apply *apply = ctx;

	apply->uploads++;
	if (apply->progress)
		apply->progress(apply->progress_ctx, "uploading files", apply->uploads, apply->blobs.missing);
}

int plan_apply(
	struct plan *plan, struct http_client *client, plan_progress_fn *progress, void *progress_ctx, struct mrp_err *err)
{
	struct apply apply = { .plan = plan, .client = client, .arena = ARENA_INIT,
		.stop = MRP_ERR_INIT, .progress = progress, .progress_ctx = progress_ctx };

	plan->applied = true;
	apply.works = xcalloc(plan->changes.n, sizeof(*apply.works));
	for (size_t i = 0; i < plan->changes.n; i++)
		apply.works[i].change = &plan->changes.v[i];
	blobs_collect(&apply.blobs, plan);
	if (blobs_upload(&apply.blobs, plan, client, blob_uploaded, &apply, &apply.stop) == 0)
		apply_changes(&apply);
	int result = conclude(&apply, err);
	work_queue_clear(&apply.queue);
	blobs_release(&apply.blobs);
	arena_release(&apply.arena);
	mrp_err_clear(&apply.stop);
	free(apply.works);
	return result;
}
