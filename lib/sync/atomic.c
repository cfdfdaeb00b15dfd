/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as one batch. The operations are the requests that apply.c would send one by one, in the same order, so both
 * ways end in the same objects; contents of files go before, as they have no names that anybody could see yet.
 *
 * The difficult part is an answer that did not come: the batch may have been done or not. It is sent again, which does
 * no harm, as If-Match and names that exist let only one of two through. But then a refusal means nothing by itself,
 * and the plan is made once more to see what is left of it.
 */
#include "apply.h"

#include "../value/json.h"
#include "blobs.h"
#include "requests.h"

/* what the API takes */
enum { BATCH_BYTES_MAX = 256 << 20, BATCH_OPERATIONS_MAX = 1000000 };

VEC_DEFINE(operation_vec, struct plan_change *)

struct atomic {
	struct plan *plan;
	struct http_client *client;
	struct blobs blobs;
	struct operation_vec operations; /* whose each is */
	struct strbuf body;
	size_t uploads;
	plan_progress_fn *progress;
	void *progress_ctx;
	/* filled in when the batch has ended */
	bool unclear; /* no answer that says what became of it */
};

static void end_change(struct plan_change *change, enum plan_result result, const char *reason)
{
	change->result = result;
	free(change->reason);
	change->reason = reason ? xstrdup(reason) : NULL;
}

static void end_all(struct plan *plan, enum plan_result result, const char *reason)
{
	for (size_t i = 0; i < plan->changes.n; i++)
		end_change(&plan->changes.v[i], result, reason);
}

static void add_operation(struct atomic *atomic, struct plan_change *change, struct http_request *request)
{
	struct strbuf *out = &atomic->body;

	strbuf_addstr(out, atomic->operations.n ? ",\n{\"method\":\"" : "\n{\"method\":\"");
	strbuf_addstr(out, request->method);
	strbuf_addstr(out, "\",\"path\":");
	json_add_string(out, request->path, strlen(request->path));
	if (request->if_match) {
		strbuf_addstr(out, ",\"if_match\":");
		json_add_string(out, request->if_match, strlen(request->if_match));
	}
	if (request->body.len) {
		strbuf_addstr(out, ",\"body\":");
		strbuf_add(out, request->body.buf, request->body.len);
	}
	strbuf_addch(out, '}');
	operation_vec_push(&atomic->operations, change);
	http_request_release(request);
}

/* An operation has no If-None-Match: what keeps a new variable from being written over somebody else's is that the
 * cluster's revision, which every write of a variable moves, is looked at just before. */
static void add_guard(struct atomic *atomic, struct plan_change *change)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *patch = value_object(&arena);
	struct http_request request;

	value_append(&arena, patch, "source", plan_source(&arena, change->object));
	api_request_patch(&request, change->kind, change->slug, patch, change->revision);
	add_operation(atomic, change, &request);
}

static void add_change(struct atomic *atomic, struct plan_change *change)
{
	struct http_request request;

	if (change->action == PLAN_UPDATE && !change->patch) {
		add_guard(atomic, change);
	} else {
		plan_request_main(&request, change);
		add_operation(atomic, change, &request);
	}
	for (size_t i = 0; i < change->puts.n; i++) {
		plan_request_put(&request, change, &change->puts.v[i]);
		add_operation(atomic, change, &request);
	}
}

static int make_batch(struct atomic *atomic, struct mrp_err *err)
{
	struct plan *plan = atomic->plan;

	strbuf_addstr(&atomic->body, "{\"operations\":[");
	for (size_t i = 0; i < plan->changes.n && atomic->body.len <= BATCH_BYTES_MAX; i++)
		add_change(atomic, &plan->changes.v[i]);
	strbuf_addstr(&atomic->body, "\n]}\n");
	if (atomic->body.len <= BATCH_BYTES_MAX && atomic->operations.n <= BATCH_OPERATIONS_MAX)
		return 0;
	return mrp_err_set(err, MRP_EFAILED,
		"the plan is more than one transaction takes (%d MiB, %d operations); nothing was done: apply it "
		"without --atomic, "
		"or in parts by --only",
		BATCH_BYTES_MAX >> 20, (int)BATCH_OPERATIONS_MAX);
}

static void blob_uploaded(void *ctx)
{
	struct atomic *atomic = ctx;

	if (atomic->progress)
		atomic->progress(atomic->progress_ctx, "uploading files", ++atomic->uploads, atomic->blobs.missing);
}

/* Every content must be there before anything begins. */
static int upload(struct atomic *atomic, struct mrp_err *err)
{
	struct plan *plan = atomic->plan;
	size_t failed = 0;

	if (blobs_upload(&atomic->blobs, plan, atomic->client, blob_uploaded, atomic, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->changes.n && atomic->blobs.failures; i++) {
		struct plan_change *change = &plan->changes.v[i];
		const char *failure = change->object ? blobs_failure(&atomic->blobs, change->object) : NULL;

		if (failure)
			end_change(change, PLAN_FAILED, failure);
		failed += failure != NULL;
	}
	if (!failed)
		return 0;
	return mrp_err_set(err, MRP_EFAILED, "files of %zu object%s could not be uploaded; nothing was applied", failed,
		failed == 1 ? "" : "s");
}

static const struct value *results_of(const struct value *answer)
{
	const struct value *results = answer && answer->type == V_OBJECT ? value_get(answer, "results") : NULL;

	return results && results->type == V_ARRAY ? results : NULL;
}

static int64_t status_of(const struct value *result)
{
	const struct value *status = result->type == V_OBJECT ? value_get(result, "status") : NULL;

	return status && status->type == V_INT ? status->i : 0;
}

/* The batch was done, by its answer. False when that is no answer to this batch. */
static bool take_results(struct atomic *atomic, const struct value *answer)
{
	const struct value *results = results_of(answer);

	if (!results || results->n != atomic->operations.n)
		return false;
	value_for_each(result, results) {
		if (status_of(result) < 200 || status_of(result) >= 300)
			return false;
	}
	for (uint32_t i = 0; i < results->n; i++) {
		struct plan_change *change = atomic->operations.v[i];
		bool waits = change->action == PLAN_DELETE && status_of(results->items[i]) == 202;

		end_change(change, waits ? PLAN_WAITING : PLAN_DONE, waits ? "is being destroyed" : NULL);
	}
	return true;
}

/* "422: the object is not valid: command: is missing" */
static void describe_refusal(struct strbuf *out, const struct value *result)
{
	const struct value *problem = value_get(result, "body");
	const char *detail = problem && problem->type == V_OBJECT ? value_get_string(problem, "detail") : NULL;
	const struct value *errors = problem && problem->type == V_OBJECT ? value_get(problem, "errors") : NULL;

	strbuf_addf(out, "answered %d", (int)status_of(result));
	if (detail)
		strbuf_addf(out, ": %s", detail);
	for (uint32_t i = 0; errors && errors->type == V_ARRAY && i < errors->n; i++) {
		const struct value *one = errors->items[i];
		const char *field = one->type == V_OBJECT ? value_get_string(one, "field") : NULL;
		const char *message = field ? value_get_string(one, "message") : NULL;

		if (message)
			strbuf_addf(out, "%s%s%s%s", i ? "; " : ": ", field, *field ? ": " : "", message);
	}
}

/* Which operation stopped the batch; everything else was not even tried, or taken back. False when the answer names
 * none. */
static bool take_refusal(struct atomic *atomic, const struct value *answer)
{
	const struct value *results = results_of(answer);

	for (uint32_t i = 0; results && i < results->n && i < atomic->operations.n; i++) {
		cleanup(strbuf_release) struct strbuf why = STRBUF_INIT;
		int64_t status = status_of(results->items[i]);

		if (status < 400 || status == 424)
			continue;
		describe_refusal(&why, results->items[i]);
		end_change(atomic->operations.v[i], PLAN_FAILED, why.buf);
		return true;
	}
	return false;
}

static const struct value *parse_answer(struct arena *arena, const struct http_answer *answer)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	bool json = answer->content_type &&
		(skip_prefix(answer->content_type, "application/json", NULL) ||
			skip_prefix(answer->content_type, "application/problem+json", NULL));
	const struct value *v =
		json ? json_parse(arena, answer->body.buf, answer->body.len, "the answer", &ignored) : NULL;

	mrp_err_clear(&ignored);
	return v;
}

/* 0: done. -1: not, or not known (unclear). */
static int judge_answer(struct atomic *atomic, const struct http_request *request, const struct http_answer *answer,
	struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const struct value *v = parse_answer(&arena, answer);

	if (answer->status == 200 && take_results(atomic, v))
		return 0;
	if (answer->status < 400) {
		atomic->unclear = true;
		return mrp_err_set(err, MRP_EHTTP,
			"POST %s/v1/batch: answered %d with something that is no answer to a batch",
			http_url(atomic->client), answer->status);
	}
	/* a proxy may give up on what the API goes on with; and whoever sends a request twice, a proxy or a library below,
	 * gets the refusal of the second one */
	atomic->unclear = (answer->status >= 500 && answer->status != 503 && answer->status != 507) ||
		answer->status == 404 || answer->status == 409 || answer->status == 412;
	bool named = take_refusal(atomic, v);
	http_answer_error(atomic->client, request, answer, err);
	if (named && !sync_hopeless(err->code))
		return mrp_err_set(
			err, MRP_EFAILED, "1 of %zu changes failed; nothing was applied", atomic->plan->changes.n);
	if (!sync_hopeless(err->code))
		err->code = MRP_EFAILED;
	return -1;
}

static int send_batch(struct atomic *atomic, struct mrp_err *err)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	cleanup(strvec_clear) struct strvec headers = STRVEC_INIT;
	struct http_request request;
	uint64_t sent = http_requests_sent(atomic->client);

	api_request(&request, "POST", NULL, "/v1/batch");
	strvec_push(&headers, "Prefer: return=minimal"); /* the objects themselves are known here */
	request.headers = &headers;
	request.body = atomic->body;
	strbuf_init(&atomic->body);
	request.content_type = "application/json";
	request.harmless_twice = true;
	int r = http_call(atomic->client, &request, &answer, err);
	if (r < 0)
		atomic->unclear = http_requests_sent(atomic->client) > sent;
	else
		r = judge_answer(atomic, &request, &answer, err);
	http_request_release(&request);
	return r;
}

static bool is_left(const struct plan *now, const struct plan_change *change)
{
	for (size_t i = 0; i < now->changes.n; i++) {
		if (now->changes.v[i].kind == change->kind && streq(now->changes.v[i].slug, change->slug))
			return true;
	}
	return false;
}

static bool is_waiting(const struct plan *now, const struct plan_change *change)
{
	for (size_t i = 0; i < now->waiting.n; i++) {
		if (now->waiting.v[i].kind == change->kind && streq(now->waiting.v[i].slug, change->slug))
			return true;
	}
	return false;
}

/* What the API holds now says what became of the batch. 0: it was done. */
static int take_state(struct atomic *atomic, const struct plan *now, struct mrp_err *err)
{
	struct plan_change_vec *changes = &atomic->plan->changes;
	size_t left = 0;

	for (size_t i = 0; i < changes->n; i++)
		left += is_left(now, &changes->v[i]);
	if (left == changes->n) /* as it was: the refusal stands */
		return -1;
	for (size_t i = 0; i < changes->n; i++) {
		struct plan_change *change = &changes->v[i];

		if (is_left(now, change))
			end_change(change, PLAN_FAILED, "was changed by someone else meanwhile; run it again");
		else if (change->action == PLAN_DELETE && is_waiting(now, change))
			end_change(change, PLAN_WAITING, "is being destroyed");
		else
			end_change(change, PLAN_DONE, NULL);
	}
	if (left)
		return mrp_err_set(err, MRP_EFAILED, "%zu of %zu changes are not in the API", left, changes->n);
	mrp_err_clear(err);
	return 0;
}

/* The batch may have been done although its answer does not say so. */
static int look(struct atomic *atomic, struct mrp_err *err)
{
	cleanup(plan_freep) struct plan *now = NULL;
	struct mrp_err why = MRP_ERR_INIT;

	http_set_interrupt(atomic->client, NULL, -1); /* somebody who stops this wants to know, too */
	if (plan_make(&now, atomic->client, atomic->plan->config, &atomic->plan->options, &why) == 0)
		return take_state(atomic, now, err);
	mrp_err_clear(&why);
	end_all(atomic->plan, PLAN_LEFT, "no answer says whether it was applied; run it again to see");
	return -1;
}

/* Whatever was not given another reason. */
static void mark_left(struct plan *plan)
{
	for (size_t i = 0; i < plan->changes.n; i++) {
		if (plan->changes.v[i].result == PLAN_LEFT && !plan->changes.v[i].reason)
			plan->changes.v[i].reason = xstrdup("nothing was applied");
	}
}

int plan_apply_atomic(struct plan *plan, struct http_client *client, plan_progress_fn *progress, void *progress_ctx,
	struct mrp_err *err)
{
	struct atomic atomic = {
		.plan = plan, .client = client, .body = STRBUF_INIT, .progress = progress, .progress_ctx = progress_ctx
	};

	plan->applied = true;
	blobs_collect(&atomic.blobs, plan);
	int r = make_batch(&atomic, err);
	if (r == 0)
		r = upload(&atomic, err);
	if (r == 0) {
		r = send_batch(&atomic, err);
		if (r < 0 && atomic.unclear)
			r = look(&atomic, err);
	}
	if (r < 0)
		mark_left(plan);
	operation_vec_clear(&atomic.operations);
	strbuf_release(&atomic.body);
	blobs_release(&atomic.blobs);
	return r;
}
