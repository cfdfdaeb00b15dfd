/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked over the duty socket: a row each. */
#include "../base/log.h"
#include "../value/json.h"
#include "call.h"
#include "errors.h"
#include "select.h"

enum { REQUEST_MAX = 1 << 20, REQUEST_MS = 10000, SEND_MS = 30000, CHUNK = 64 };

struct rows {
	struct duty_call *call;
	struct strbuf out;
	size_t n;
	bool failed_only;
};

static int flush_rows(struct rows *rows, struct mrp_err *err)
{
	if (!rows->n)
		return 0;
	strbuf_addch(&rows->out, ']');
	int r = duty_send(rows->call, FRAME_JSON, rows->out.buf, rows->out.len, err);
	strbuf_reset(&rows->out);
	rows->n = 0;
	return r;
}

static int add_row(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	struct rows *rows = ctx;

	if (rows->failed_only && (!entry->ran || entry->status == VERDICT_SUCCESS))
		return 0;
	strbuf_addch(&rows->out, rows->n++ ? ',' : '[');
	duty_add_entry(&rows->out, entry);
	return rows->n == CHUNK ? flush_rows(rows, err) : 0;
}

/* The words that name probers; all of them when there are none. */
static const struct value *words_of(struct duty_call *call)
{
	const struct value *words = value_get(call->request, "probers");

	if (!words || words->type != V_ARRAY)
		return value_array(call->arena);
	for (uint32_t i = 0; i < words->n; i++) {
		if (words->items[i]->type != V_STRING)
			return value_array(call->arena);
	}
	return words;
}

static int serve_status(struct duty_call *call, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf about = STRBUF_INIT;
	struct rows rows = { .call = call, .out = STRBUF_INIT, .failed_only = duty_flag(call, "failed") };

	strbuf_addch(&about, '{');
	call->ops->about(call->ops->ctx, &about);
	duty_end_object(&about);
	int r = duty_send(call, FRAME_JSON, about.buf, about.len, err);
	if (r == 0)
		r = duty_select(call->ops, words_of(call), add_row, &rows, err);
	if (r == 0)
		r = flush_rows(&rows, err);
	strbuf_release(&rows.out);
	return r;
}

static int serve_explain(struct duty_call *call, struct mrp_err *err)
{
	const char *id = duty_target(call, err);

	return id ? call->ops->explain(call->ops->ctx, id, call->end, err) : -1;
}

static int add_id(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	(void)err;
	strvec_push(ctx, entry->id);
	return 0;
}

static int add_paused_id(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	return entry->paused_ms ? add_id(ctx, entry, err) : 0;
}

static void add_ids(struct strbuf *json, const struct strvec *ids)
{
	strbuf_addstr(json, "{\"probers\":[");
	for (size_t i = 0; i < ids->n; i++) {
		if (i)
			strbuf_addch(json, ',');
		json_add_string(json, ids->v[i], strlen(ids->v[i]));
	}
	strbuf_addstr(json, "]}");
}

/* pause: {probers, until_ms}, 0 for ever; resume: {probers} */
static int serve_pause(struct duty_call *call, struct mrp_err *err)
{
	bool resume = streq(value_get_string(call->request, "command"), "resume");
	int64_t until_ms = duty_number(call, "until_ms", 0);
	cleanup(strvec_clear) struct strvec ids = STRVEC_INIT;

	if (duty_select(call->ops, words_of(call), resume ? add_paused_id : add_id, &ids, err) < 0 ||
		call->ops->pause(call->ops->ctx, &ids,
			resume                 ? 0
				: until_ms > 0 ? until_ms
					       : INT64_MAX,
			err) < 0)
		return -1;
	add_ids(call->end, &ids);
	log_info("%s %zu probers, as user %u asks", resume ? "resumed" : "paused", ids.n,
		(unsigned)call->conn->caller.uid);
	return 0;
}

static int serve_reload(struct duty_call *call, struct mrp_err *err)
{
	strbuf_addch(call->end, '{');
	if (call->ops->reload(call->ops->ctx, call->end, err) < 0)
		return -1;
	duty_end_object(call->end);
	return 0;
}

static const struct {
	const char *name;
	int (*serve)(struct duty_call *call, struct mrp_err *err);
} commands[] = {
	{ "status", serve_status },
	{ "once", duty_serve_once },
	{ "logs", duty_serve_logs },
	{ "explain", serve_explain },
	{ "pause", serve_pause },
	{ "resume", serve_pause },
	{ "reload", serve_reload },
};

static int dispatch(struct duty_call *call, struct mrp_err *err)
{
	const char *name = value_get_string(call->request, "command");

	for (size_t i = 0; name && i < ARRAY_SIZE(commands); i++) {
		if (streq(commands[i].name, name))
			return commands[i].serve(call, err);
	}
	return mrp_err_set(err, MRP_EUSAGE, "this agent does not know the request '%s'", name ? name : "");
}

/* The request as a value; NULL when the client sent none. */
static const struct value *read_request(struct duty_conn *conn, struct arena *arena, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf data = STRBUF_INIT;
	enum frame_type type;
	int r = frame_read(&type, &data, conn->fd, REQUEST_MAX, REQUEST_MS, conn->stop_fd, err);

	if (r <= 0)
		return NULL;
	if (type != FRAME_REQUEST) {
		mrp_err_set(err, MRP_EPARSE, "a request was expected");
		return NULL;
	}
	const struct value *request = json_parse(arena, data.buf, data.len, "the request", err);
	if (!request || request->type == V_OBJECT)
		return request;
	mrp_err_set(err, MRP_EPARSE, "the request is not an object");
	return NULL;
}

void duty_serve(struct duty_conn *conn)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf end = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT, ignored = MRP_ERR_INIT;
	const struct value *request = read_request(conn, &arena, &err);
	struct duty_call call = { conn, conn->ops, request, &arena, &end };

	if (request && dispatch(&call, &err) == 0) {
		frame_write(conn->fd, FRAME_END, end.buf, end.len, SEND_MS, conn->stop_fd, &ignored);
	} else if (err.code != MRP_OK) {
		strbuf_reset(&end);
		duty_error_format(&end, &err);
		frame_write(conn->fd, FRAME_ERROR, end.buf, end.len, SEND_MS, conn->stop_fd, &ignored);
	}
	mrp_err_clear(&err);
	mrp_err_clear(&ignored);
}
