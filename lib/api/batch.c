/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/batch: operations on objects, all or nothing. Each runs as a request of its own, by the same routes, inside
 * the transaction that the batch as a whole has.
 */
#include "call.h"

enum { OPERATIONS_MAX = 200000 };

static const char *const operation_keys[] = { "method", "path", "if_match", "body" };

static int bad_operation(struct api_call *call, uint32_t i, const char *key, const char *why, struct mrp_err *err)
{
	problems_add(&call->problems, (struct mrp_loc){ 0 },
		arena_printf(&call->arena, "operations[%u]%s%s", i, *key ? "." : "", key), "%s", why);
	return mrp_err_set(err, MRP_EINVALID, "the batch is not valid");
}

static int check_operation(struct api_call *call, uint32_t i, const struct value *operation, struct mrp_err *err)
{
	if (operation->type != V_OBJECT)
		return bad_operation(call, i, "", "should be a map", err);
	for (uint32_t k = 0; k < operation->n; k++) {
		const struct member *m = &operation->members[k];
		bool known = false, text = !streq(m->key, "body");

		for (size_t w = 0; w < ARRAY_SIZE(operation_keys); w++)
			known = known || streq(m->key, operation_keys[w]);
		if (!known)
			return bad_operation(call, i, m->key, "unknown key", err);
		if (text && m->value->type != V_STRING && m->value->type != V_NULL)
			return bad_operation(call, i, m->key, "should be text", err);
	}
	if (!value_get_string(operation, "method"))
		return bad_operation(call, i, "method", "is missing", err);
	if (!value_get_string(operation, "path"))
		return bad_operation(call, i, "path", "is missing", err);
	return 0;
}

/* Make `sub` the request that the operation describes. */
static int set_up(struct api_call *sub, const struct api_call *call, const struct value *operation, struct mrp_err *err)
{
	api_call_reset(sub);
	sub->db = call->db;
	sub->now_ms = call->now_ms;
	sub->caller = call->caller;
	sub->request.method = value_get_string(operation, "method");
	sub->request.target = value_get_string(operation, "path");
	sub->request.headers[HDR_IF_MATCH] = value_get_string(operation, "if_match");
	sub->body = value_get(operation, "body");
	if (api_find_route(sub, err) < 0 || api_check_role(sub, err) < 0 || api_parse_query(sub, err) < 0 ||
		api_check_scope(sub, err) < 0)
		return -1;
	if (!(sub->route->flags & RF_BATCH))
		return mrp_err_set(err, MRP_EINVALID, "'%s' cannot stand in a batch", sub->route->path);
	if ((sub->route->flags & RF_BODY) && !sub->body)
		return mrp_err_set(err, MRP_EINVALID, "'body' is missing");
	return 0;
}

static void add_result(struct strbuf *results, const struct api_response *response)
{
	size_t len = response->body.len;

	while (len && response->body.buf[len - 1] == '\n')
		len--;
	strbuf_addf(results, "%s{\"status\":%d,\"body\":", results->len > 1 ? "," : "", response->status);
	strbuf_add(results, len ? response->body.buf : "null", len ? len : 4);
	strbuf_addch(results, '}');
}

/* The answer when operation `failed` of `n` did not work: what came before was taken back, what follows never tried. */
static int fail_batch(struct api_call *call, struct api_call *sub, uint32_t failed, uint32_t n, struct mrp_err *err)
{
	struct strbuf results = STRBUF_INIT;
	cleanup(freep) char *why = xstrdup(err->msg ? err->msg : "");

	api_problem(sub, err);
	strbuf_addch(&results, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i == failed)
			add_result(&results, &sub->response);
		else
			strbuf_addf(&results, "%s{\"status\":424,\"body\":null}", i ? "," : "");
	}
	strbuf_addch(&results, ']');
	call->problem_results = arena_strndup(&call->arena, results.buf, results.len);
	strbuf_release(&results);
	return api_fail(call, err, sub->response.status, "operation %u, %s %s: %s; nothing was changed", failed,
		sub->request.method, sub->request.target, why);
}

static int run_operations(
	struct api_call *call, const struct value *operations, struct api_call *sub, struct mrp_err *err)
{
	struct strbuf *out = &call->response.body;
	cleanup(strbuf_release) struct strbuf results = STRBUF_INIT;

	strbuf_addch(&results, '[');
	for (uint32_t i = 0; i < operations->n; i++) {
		if (check_operation(call, i, operations->items[i], err) < 0)
			return -1;
		if (set_up(sub, call, operations->items[i], err) < 0 || sub->route->handle(sub, err) < 0)
			return fail_batch(call, sub, i, operations->n, err);
		add_result(&results, &sub->response);
	}
	strbuf_addf(out, "{\"results\":");
	strbuf_add(out, results.buf, results.len);
	strbuf_addstr(out, "]}\n");
	respond_json(call, 200);
	return 0;
}

int batch_run(struct api_call *call, struct mrp_err *err)
{
	const struct value *operations = call->body->type == V_OBJECT ? value_get(call->body, "operations") : NULL;

	if (!operations || operations->type != V_ARRAY || operations->n > OPERATIONS_MAX) {
		problems_add(&call->problems, (struct mrp_loc){ 0 }, "operations",
			"should be a list of at most %d operations", (int)OPERATIONS_MAX);
		return mrp_err_set(err, MRP_EINVALID, "the batch is not valid");
	}
	for (uint32_t i = 0; i < call->body->n; i++) {
		if (streq(call->body->members[i].key, "operations"))
			continue;
		problems_add(&call->problems, (struct mrp_loc){ 0 }, call->body->members[i].key, "unknown key");
		return mrp_err_set(err, MRP_EINVALID, "the batch is not valid");
	}
	struct api_call *sub = api_call_new(call->api);
	int r = run_operations(call, operations, sub, err);
	api_call_free(sub);
	return r;
}
