/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as application/problem+json (RFC 9457). */
#include "../base/log.h"
#include "access_log.h"
#include "call.h"

enum { RETRY_AFTER_S = 1 };

int api_status_of(enum mrp_errcode code)
{
	static const short statuses[] = {
		[MRP_OK] = 200,
		[MRP_EFAILED] = 500,
		[MRP_EUSAGE] = 400,
		[MRP_EPARSE] = 400,
		[MRP_ERANGE] = 400,
		[MRP_EINVALID] = 422,
		[MRP_ENOTFOUND] = 404,
		[MRP_EEXISTS] = 409,
		[MRP_EPRECONDITION] = 412,
		[MRP_EREFUSED] = 409,
		[MRP_EUNREACHABLE] = 503,
		[MRP_EHTTP] = 502,
		[MRP_EPERM] = 403,
		[MRP_ELOCKED] = 503,
		[MRP_EBUSY] = 503,
		[MRP_ENOSPC] = 507,
		[MRP_ETOOBIG] = 413,
		[MRP_EOS] = 500,
		[MRP_EINTERRUPTED] = 503,
	};

	if (code < 0 || (size_t)code >= ARRAY_SIZE(statuses))
		BUG("no status for error %d", (int)code);
	return statuses[code];
}

const char *api_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 424, "Failed Dependency" },
		{ 431, "Request Header Fields Too Large" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "Error";
}

int api_fail(struct api_call *call, struct mrp_err *err, int status, const char *fmt, ...)
{
	va_list ap;

	call->status = status;
	va_start(ap, fmt);
	cleanup(freep) char *msg = xvasprintf(fmt, ap);
	va_end(ap);
	return mrp_err_set(err, MRP_EFAILED, "%s", msg);
}

static void add_member(struct strbuf *out, const char *key, const char *text)
{
	strbuf_addf(out, "%s\"%s\":", out->len > 1 ? "," : "", key);
	json_add_string(out, text, strlen(text));
}

/* Text in a problem may quote the request, so make it valid and harmless. */
static void add_visible_member(struct strbuf *out, const char *key, const char *text)
{
	cleanup(strbuf_release) struct strbuf visible = STRBUF_INIT;

	strbuf_add_visible(&visible, text, strlen(text));
	add_member(out, key, visible.buf);
}

static void add_errors(struct strbuf *out, const struct problems *problems)
{
	if (!problems->errors)
		return;
	strbuf_addstr(out, ",\"errors\":[");
	for (size_t i = 0, n = 0; i < problems->list.n; i++) {
		const struct problem *problem = &problems->list.v[i];
		struct strbuf item = STRBUF_INIT;

		if (problem->warning)
			continue;
		strbuf_addch(&item, '{');
		add_visible_member(&item, "field", problem->field ? problem->field : "");
		add_visible_member(&item, "message", problem->msg);
		strbuf_addf(out, "%s%s}", n++ ? "," : "", item.buf);
		strbuf_release(&item);
	}
	strbuf_addch(out, ']');
}

static void log_failure(const struct api_call *call, const char *why)
{
	cleanup(strbuf_release) struct strbuf target = STRBUF_INIT;

	access_log_target(&target, call->request.target);
	log_error("%s %s: %s (request %s)", call->request.method, target.buf, why, call->response.request_id);
}

void api_problem(struct api_call *call, struct mrp_err *err)
{
	struct api_response *response = &call->response;
	int status = call->status ? call->status : api_status_of(err->code);
	struct strbuf *out = &response->body;

	strbuf_reset(out);
	response->status = status;
	response->content_type = "application/problem+json";
	response->etag = response->location = response->cache_control = response->csp = NULL;
	response->retry_after_s = call->retry_after_s                    ? call->retry_after_s
		: status == 503 || status == 429 ? RETRY_AFTER_S
						 : 0;
	strbuf_addch(out, '{');
	add_member(out, "type", call->problem_type ? call->problem_type : "about:blank");
	add_member(out, "title", api_status_text(status));
	strbuf_addf(out, ",\"status\":%d", status);
	add_visible_member(out, "detail", err->msg ? err->msg : "");
	add_errors(out, &call->problems);
	if (call->problem_results)
		strbuf_addf(out, ",\"results\":%s", call->problem_results);
	if (call->problem_members)
		strbuf_addstr(out, call->problem_members);
	strbuf_addstr(out, "}\n");
	if (status >= 500)
		log_failure(call, err->msg);
	mrp_err_clear(err);
	problems_clear(&call->problems);
}

void api_refuse(struct api_call *call, int status, const char *why)
{
	struct mrp_err err = MRP_ERR_INIT;

	api_set_request_id(call);
	api_fail(call, &err, status, "%s", why);
	api_problem(call, &err);
}

int api_not_found(struct mrp_err *err, enum kind kind, const char *slug)
{
	return mrp_err_set(err, MRP_ENOTFOUND, "%s '%s' is not there", kinds[kind].name, slug);
}
