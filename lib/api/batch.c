/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/batch: operations on objects, all or nothing. Each runs as a request of its own, by the same routes, inside
 * the transaction that the batch as a whole has.
 *
 * A whole environment may come as one batch, whose tree would take ten times its text. So only one operation is parsed at
 * a time: what lies where is found by brackets and quotes, and what does not look like {"operations":[{...},...]} is parsed
 * whole, to say what is wrong with it.
 */
#include "../store/ahead.h"
#include "../value/json.h"
#include "call.h"

enum { OPERATIONS_MAX = 1000000, ASKED_TOGETHER = 64 };

struct stretch {
	const char *text;
	size_t len;
};

VEC_DEFINE(stretch_vec, struct stretch)

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* The end of the object that begins here, or NULL; that it is JSON is for the parser to say. */
static const char *object_end(const char *p)
{
	int depth = 0;

	if (*p != '{')
		return NULL;
	for (; *p; p++) {
		if (*p == '"') {
			for (p++; *p && *p != '"'; p++)
				p += *p == '\\' && p[1];
			if (!*p)
				return NULL;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if ((*p == '}' || *p == ']') && --depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

/* {"operations":[ object, object, ... ]} and nothing else; `text` ends with NUL at `end`. */
static bool find_operations(struct stretch_vec *out, const char *text, const char *end)
{
	const char *p = skip_space(text);

	if (*p != '{' || !skip_prefix(skip_space(p + 1), "\"operations\"", &p) || *(p = skip_space(p)) != ':' ||
		*(p = skip_space(p + 1)) != '[')
		return false;
	do {
		const char *begin = skip_space(p + 1);

		p = object_end(begin);
		if (!p || out->n == OPERATIONS_MAX)
			return false;
		struct stretch operation = { begin, (size_t)(p - begin) };
		stretch_vec_push(out, operation);
		p = skip_space(p);
	} while (*p == ',');
	return *p == ']' && *(p = skip_space(p + 1)) == '}' && skip_space(p + 1) == end;
}

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

static void add_result(struct strbuf *results, const struct api_response *response, bool minimal)
{
	size_t len = minimal ? 0 : response->body.len;

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
			add_result(&results, &sub->response, false);
		else
			strbuf_addf(&results, "%s{\"status\":424,\"body\":null}", i ? "," : "");
	}
	strbuf_addch(&results, ']');
	call->problem_results = arena_strndup(&call->arena, results.buf, results.len);
	strbuf_release(&results);
	return api_fail(call, err, sub->response.status, "operation %u, %s %s: %s; nothing was changed", failed,
		sub->request.method, sub->request.target, why);
}

/* RFC 7240 */
static bool wants_minimal(const struct api_call *call)
{
	const char *prefer = call->request.headers[HDR_PREFER];

	return prefer && strstr(prefer, "return=minimal");
}

/* The whole body: somewhere in it is a mistake, and its place counts from the beginning. */
static int parse_whole(struct api_call *call, struct mrp_err *err)
{
	call->body = json_parse_exact(&call->arena, call->request.body, call->request.body_len, "the body", err);
	return call->body ? 0 : -1;
}

/* What one operation will ask for; what is wrong with it is said when it is its turn. */
static void foresee_operation(struct api_call *scout, const struct stretch *stretch, struct ahead *ahead)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	const struct value *operation =
		json_parse_exact(&scout->arena, stretch->text, stretch->len, "an operation", &ignored);

	if (operation && operation->type == V_OBJECT) {
		scout->request.method = value_get_string(operation, "method");
		scout->request.target = value_get_string(operation, "path");
		scout->body = value_get(operation, "body");
		memset(scout->args, 0, sizeof(scout->args));
		if (scout->request.method && scout->request.target && api_find_route(scout, &ignored) == 0)
			api_foresee(scout, ahead);
	}
	mrp_err_clear(&ignored);
}

/* Where questions cost turns, ask at once for the next operations from `from` on. `scout` keeps what they name. */
static int look_ahead(struct api_call *call, const struct stretch_vec *operations, size_t from, struct api_call *scout,
	struct mrp_err *err)
{
	if (from % ASKED_TOGETHER || !ahead_useful(call->db))
		return 0;
	ahead_want_others(call->db->ahead);
	api_call_reset(scout);
	for (size_t i = from; i < MIN(operations->n, from + ASKED_TOGETHER); i++)
		foresee_operation(scout, &operations->v[i], call->db->ahead);
	return ahead_ask(call->db, err);
}

static int run_operations(struct api_call *call, const struct stretch_vec *operations, struct api_call *sub,
	struct api_call *scout, struct mrp_err *err)
{
	struct strbuf *out = &call->response.body;
	cleanup(strbuf_release) struct strbuf results = STRBUF_INIT;
	bool minimal = wants_minimal(call);

	strbuf_addch(&results, '[');
	for (uint32_t i = 0; i < operations->n; i++) {
		if (look_ahead(call, operations, i, scout, err) < 0)
			return -1;
		api_call_reset(sub);
		const struct value *operation =
			json_parse_exact(&sub->arena, operations->v[i].text, operations->v[i].len, "an operation", err);
		if (!operation) {
			mrp_err_clear(err);
			return parse_whole(call, err) < 0 ? -1 : bad_operation(call, i, "", "is not valid JSON", err);
		}
		if (check_operation(call, i, operation, err) < 0)
			return -1;
		if (set_up(sub, call, operation, err) < 0 || sub->route->handle(sub, err) < 0)
			return fail_batch(call, sub, i, (uint32_t)operations->n, err);
		add_result(&results, &sub->response, minimal);
	}
	strbuf_addf(out, "{\"results\":");
	strbuf_add(out, results.buf, results.len);
	strbuf_addstr(out, "]}\n");
	respond_json(call, 200);
	return 0;
}

/* A batch of another form than find_operations() knows: an empty one, or what is wrong with it. */
static int judge_odd(struct api_call *call, struct mrp_err *err)
{
	if (parse_whole(call, err) < 0)
		return -1;
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
	for (uint32_t i = 0; i < operations->n; i++) {
		if (operations->items[i]->type != V_OBJECT)
			return bad_operation(call, i, "", "should be a map", err);
	}
	if (operations->n) /* the same in JSON, but nothing that a program writes */
		return bad_operation(call, 0, "", "cannot be found: 'operations' should be spelled without escapes", err);
	strbuf_addstr(&call->response.body, "{\"results\":[]}\n");
	respond_json(call, 200);
	return 0;
}

int batch_run(struct api_call *call, struct mrp_err *err)
{
	cleanup(stretch_vec_clear) struct stretch_vec operations = VEC_INIT;

	if (!find_operations(&operations, call->request.body, call->request.body + call->request.body_len))
		return judge_odd(call, err);
	struct api_call *sub = api_call_new(call->api), *scout = api_call_new(call->api);
	int r = run_operations(call, &operations, sub, scout, err);
	ahead_want_others(call->db->ahead);
	api_call_free(scout);
	api_call_free(sub);
	return r;
}
