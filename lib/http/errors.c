/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong with a request, in words: what was asked, what came back, what to look at. */
#include "internal.h"

#include "../value/json.h"

enum { ASKED_MAX = 300, DETAILS_MAX = 20 };

#define PROBLEM_ENVIRONMENT "urn:mrprober:problem:environment"
#define PROBLEM_LEASE "urn:mrprober:problem:lease"

void http_add_asked(struct strbuf *out, const struct http_client *client, const struct http_request *request)
{
	size_t len = strlen(request->path);

	strbuf_addf(out, "%s %s", request->method, http_url(client));
	strbuf_add_visible(out, request->path, MIN(len, ASKED_MAX));
	if (len > ASKED_MAX)
		strbuf_addstr(out, "...");
}

void http_wrap_asked(const struct http_client *client, const struct http_request *request, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf asked = STRBUF_INIT;

	http_add_asked(&asked, client, request);
	mrp_err_wrap(err, "%s", asked.buf);
}

static void set_end(struct mrp_err *err, const struct wire_transfer *transfer, bool local)
{
	const char *detail = transfer->detail ? transfer->detail : "unknown error";

	switch (transfer->end) {
	case WIRE_NO_HOST:
		mrp_err_set(err, MRP_EUNREACHABLE, "%s", detail);
		return;
	case WIRE_NO_CONNECT:
		mrp_err_set(err, MRP_EUNREACHABLE, "%s%s", detail, local ? " (is 'mrprober api' running?)" : "");
		return;
	case WIRE_NO_TRUST:
		mrp_err_set(err, MRP_EUNREACHABLE, "no secure connection: %s%s", detail,
			strstr(detail, "CA known here") ? " (--ca-cert names another one)" : "");
		return;
	case WIRE_NO_ANSWER:
		mrp_err_set(err, MRP_EUNREACHABLE, "the connection ended without an answer (%s)", detail);
		return;
	case WIRE_CUT_SHORT:
		if (transfer->expected)
			mrp_err_set(err, MRP_EHTTP, "answered %d, but the connection ended after %zu of %zu bytes",
				transfer->status, transfer->answer.len, transfer->expected);
		else
			mrp_err_set(err, MRP_EHTTP, "answered %d, but the connection ended in the middle (%s)",
				transfer->status, detail);
		return;
	case WIRE_TOO_SLOW:
		mrp_err_set(err, MRP_EUNREACHABLE, "no whole answer in time (%s)", detail);
		return;
	case WIRE_TOO_BIG:
		mrp_err_set(err, MRP_EHTTP, "answered %d with more than %zu bytes", transfer->status,
			transfer->answer.len);
		return;
	case WIRE_NOT_HTTP:
		mrp_err_set(err, MRP_EHTTP, "answered something that is not HTTP (is this the mrprober API?)");
		return;
	case WIRE_ANSWERED:
	case WIRE_BROKEN:
		mrp_err_set(err, MRP_EHTTP, "%s", detail);
		return;
	}
	BUG("transfer ended by %d", (int)transfer->end);
}

int http_transfer_error(const struct http_client *client, const struct http_request *request,
	const struct wire_transfer *transfer, int tries, struct mrp_err *err)
{
	set_end(err, transfer, http_is_local(client));
	if (tries > 1) {
		char *msg = xasprintf("%s, tried %d times", err->msg, tries);

		free(err->msg);
		err->msg = msg;
	}
	http_wrap_asked(client, request, err);
	return -1;
}

static enum mrp_errcode code_of_status(int status)
{
	static const struct { int status; enum mrp_errcode code; } codes[] = {
		{ 401, MRP_EPERM }, { 403, MRP_EPERM }, { 404, MRP_ENOTFOUND }, { 409, MRP_EEXISTS },
		{ 412, MRP_EPRECONDITION }, { 413, MRP_ETOOBIG }, { 422, MRP_EINVALID },
		{ 429, MRP_EBUSY }, { 503, MRP_EBUSY }, { 507, MRP_ENOSPC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i].status == status)
			return codes[i].code;
	}
	return MRP_EHTTP;
}

/* "409 Conflict: recipe 'net-base' is used by ...: field: message; field: message" */
static void add_problem(struct strbuf *out, const struct value *problem)
{
	const char *title = value_get_string(problem, "title"), *detail = value_get_string(problem, "detail");
	const struct value *errors = value_get(problem, "errors");
	const char *said = detail ? detail : title;
	bool first = true;

	if (said) {
		strbuf_addf(out, ": %s", said);
		first = false;
	}
	if (!errors || errors->type != V_ARRAY)
		return;
	for (uint32_t i = 0; i < errors->n && i < DETAILS_MAX; i++) {
		const char *field = value_get_string(errors->items[i], "field");
		const char *message = value_get_string(errors->items[i], "message");

		/* a problem with one error often says it in its detail too */
		if (!message || (said && strstr(said, message)))
			continue;
		strbuf_addstr(out, first || i == 0 ? ": " : "; ");
		if (field && *field)
			strbuf_addf(out, "%s: ", field);
		strbuf_addstr(out, message);
		first = false;
	}
	if (errors->n > DETAILS_MAX)
		strbuf_addf(out, "; and %u more", errors->n - DETAILS_MAX);
}

static bool is_json(const char *content_type)
{
	return content_type && (skip_prefix(content_type, "application/json", NULL) ||
				       skip_prefix(content_type, "application/problem+json", NULL));
}

static void describe_foreign(struct strbuf *out, const struct http_answer *answer)
{
	if (answer->status >= 300 && answer->status < 400 && answer->location) {
		strbuf_addstr(out, ", a redirect to '");
		strbuf_add_visible(out, answer->location, strlen(answer->location));
		strbuf_addstr(out, "', which is not followed (is that the URL of the API?)");
	} else if (answer->body.len && answer->content_type) {
		strbuf_addstr(out, " with ");
		strbuf_add_visible(out, answer->content_type, strcspn(answer->content_type, ";"));
		strbuf_addstr(out, ", not JSON (is this the mrprober API?)");
	}
}

int http_answer_error(const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	enum mrp_errcode code = code_of_status(answer->status);
	struct value *problem = NULL;

	if (is_json(answer->content_type)) {
		struct mrp_err ignored = MRP_ERR_INIT;

		problem = json_parse(&arena, answer->body.buf, answer->body.len, "the answer", &ignored);
		mrp_err_clear(&ignored);
	}
	strbuf_addf(&text, "answered %d", answer->status);
	if (problem && problem->type == V_OBJECT) {
		const char *type = value_get_string(problem, "type");

		add_problem(&text, problem);
		if (type && streq(type, PROBLEM_ENVIRONMENT))
			code = MRP_EREFUSED;
		if (type && streq(type, PROBLEM_LEASE) && answer->status != 404)
			code = MRP_ELOCKED;
	} else {
		describe_foreign(&text, answer);
	}
	mrp_err_set(err, code, "%s", text.buf);
	http_wrap_asked(client, request, err);
	return -1;
}

void http_add_escaped(struct strbuf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			strbuf_addch(out, *text);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)*text);
	}
}
