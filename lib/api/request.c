/* SPDX-License-Identifier: Apache-2.0 */
/* What requests have in common: query parameters, bodies, ETags, Host and Origin, the environment. */
#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "../base/clock.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "call.h"

const struct api_param_info api_params[Q_COUNT] = {
	[Q_PAGE_SIZE] = { "page_size", "items of a page, 1 to 1000; 100 when absent", "integer" },
	[Q_PAGE_TOKEN] = { "page_token", "next_page_token of the page before", "string" },
	[Q_SLUG] = { "slug", "only these slugs, separated by commas", "string" },
	[Q_LABEL] = { "label", "only objects with this label, as key:value; several must all be there", "string",
		true },
	[Q_SHOW_SENSITIVE] = { "show_sensitive", "with the values of sensitive variables, for roles creator and admin, who get them when it is absent; asked for by "
				    "others it is 403. Without tokens: for everybody, but false when absent",
		"boolean" },
	[Q_FORCE] = { "force", "take over from another owner or holder", "boolean" },
	[Q_REPLACE_VALUES] = { "replace_values", "the patch gives `values` whole, null included, instead of merging them",
		"boolean" },
	[Q_ORPHAN] = { "orphan", "forget a deployed cluster at once, leaving what it has created", "boolean" },
	[Q_CLUSTER] = { "cluster", "slug of a cluster", "string" },
	[Q_HOST] = { "host", "name of a host", "string" },
	[Q_FENCE] = { "fence", "the number that taking the lease gave", "integer" },
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

/* Percent-decoding; NULL when it is broken, holds a NUL or is no UTF-8. */
static const char *decode(struct arena *arena, const char *s, size_t len, bool plus)
{
	char *out = arena_alloc(arena, len + 1), *p = out;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			if (len - i < 3 || hex_digit(s[i + 1]) < 0 || hex_digit(s[i + 2]) < 0)
				return NULL;
			c = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (!c)
			return NULL;
		*p++ = c;
	}
	*p = '\0';
	return utf8_valid(out, (size_t)(p - out)) ? out : NULL;
}

bool route_matches(const char *pattern, const char *target, struct arena *arena, const char **args)
{
	const char *t = target;
	int n = 0;

	for (const char *p = pattern; *p;) {
		if (*p != '{') {
			if (*p++ != *t++)
				return false;
			continue;
		}
		size_t len = strcspn(t, "/?");
		if (!len)
			return false;
		if (args && !(args[n++] = decode(arena, t, len, false)))
			return false;
		t += len;
		p = strchr(p, '}') + 1;
	}
	return *t == '\0' || *t == '?';
}

static bool method_fits(const char *route, const char *method)
{
	return streq(route, method) || (streq(route, "GET") && streq(method, "HEAD"));
}

/* "http://host/path" as it goes to a proxy, which a server has to take too (RFC 9112, 3.2.2): "/path", and the host that
 * stands in for the header's. Other targets are as they should be. */
static const char *origin_form(const char *target, const char **host, size_t *host_len)
{
	const char *rest;

	*host = NULL;
	if (!skip_prefix(target, "http://", &rest) && !skip_prefix(target, "https://", &rest))
		return target;
	*host = rest;
	*host_len = strcspn(rest, "/?");
	return rest[*host_len] == '/' ? rest + *host_len : "/";
}

static void take_target(struct api_call *call)
{
	const char *host;
	size_t len;

	call->request.target = origin_form(call->request.target, &host, &len);
	if (host)
		call->request.headers[HDR_HOST] = arena_strndup(&call->arena, host, len);
}

int api_find_route(struct api_call *call, struct mrp_err *err)
{
	take_target(call);

	const char *target = call->request.target;
	struct strbuf allow = STRBUF_INIT;

	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *route = &api_routes[i];

		if (!route_matches(route->path, target, &call->arena, call->args))
			continue;
		if (method_fits(route->method, call->request.method)) {
			call->route = route;
			strbuf_release(&allow);
			return 0;
		}
		strbuf_addf(&allow, "%s%s", allow.len ? ", " : "", route->method);
		if (streq(route->method, "GET"))
			strbuf_addstr(&allow, ", HEAD");
	}
	int path_len = (int)MIN(strcspn(target, "?"), (size_t)200);
	if (!allow.len)
		return mrp_err_set(err, MRP_ENOTFOUND, "no such path '%.*s'", path_len, target);
	call->response.allow = arena_strdup(&call->arena, allow.buf);
	strbuf_release(&allow);
	return api_fail(call, err, 405, "'%.*s' does not take %s", path_len, target, call->request.method);
}

size_t api_body_max(const char *method, const char *target)
{
	enum { IGNORED_MAX = 64 << 10 };
	const char *host;
	size_t host_len;

	target = origin_form(target, &host, &host_len);
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *route = &api_routes[i];

		if (streq(route->method, method) && route_matches(route->path, target, NULL, NULL))
			return route->flags & RF_LARGE                   ? API_BLOB_MAX
				: route->flags & RF_SPLIT                ? API_BATCH_MAX
				: route->flags & RF_SMALL                ? API_REPORT_MAX
				: route->flags & (RF_BODY | RF_MAY_BODY) ? API_JSON_MAX
									 : IGNORED_MAX;
	}
	return IGNORED_MAX;
}

static int unknown_param(struct api_call *call, const char *name, struct mrp_err *err)
{
	const char *words[Q_COUNT];
	size_t n = 0;

	for (int i = 0; i < Q_COUNT; i++) {
		if (call->route->params & (1U << i))
			words[n++] = api_params[i].name;
	}
	const char *near = nearest_word(name, words, n);
	if (near)
		return mrp_err_set(err, MRP_EPARSE, "unknown query parameter '%s' (did you mean '%s'?)", name, near);
	return mrp_err_set(err, MRP_EPARSE, "unknown query parameter '%s'", name);
}

static int add_param(struct api_call *call, const char *name, const char *value, struct mrp_err *err)
{
	for (int i = 0; i < Q_COUNT; i++) {
		if (!(call->route->params & (1U << i)) || !streq(api_params[i].name, name))
			continue;
		if (call->query[i] && !api_params[i].repeatable)
			return mrp_err_set(err, MRP_EPARSE, "query parameter '%s' is there twice", name);
		call->query[i] = value;
		if (i == Q_LABEL)
			strvec_push(&call->labels, value);
		return 0;
	}
	return unknown_param(call, name, err);
}

int api_parse_query(struct api_call *call, struct mrp_err *err)
{
	const char *p = strchr(call->request.target, '?');

	for (; p && *++p; p = strchr(p, '&')) {
		size_t len = strcspn(p, "&"), name_len = MIN(strcspn(p, "="), len);

		if (!len)
			continue;
		const char *name = decode(&call->arena, p, name_len, true);
		const char *value =
			name_len < len ? decode(&call->arena, p + name_len + 1, len - name_len - 1, true) : "";
		if (!name || !value)
			return mrp_err_set(err, MRP_EPARSE, "the query has a broken percent-encoding");
		if (add_param(call, name, value, err) < 0)
			return -1;
	}
	return 0;
}

int query_bool(bool *out, struct api_call *call, enum api_param param, struct mrp_err *err)
{
	const char *text = call->query[param];

	*out = text && streq(text, "true");
	if (!text || *out || streq(text, "false"))
		return 0;
	return mrp_err_set(
		err, MRP_EPARSE, "query parameter '%s' is '%s', should be true or false", api_params[param].name, text);
}

int query_int(int64_t *out, struct api_call *call, enum api_param param, int64_t absent, int64_t min, int64_t max,
	struct mrp_err *err)
{
	const char *text = call->query[param];

	*out = absent;
	if (!text || parse_int(out, text, min, max, err) == 0)
		return 0;
	mrp_err_clear(err);
	return mrp_err_set(err, MRP_EPARSE,
		"query parameter '%s' is '%s', should be a number from %" PRId64 " to %" PRId64, api_params[param].name,
		text, min, max);
}

static bool media_type_is(const char *header, const char *type)
{
	size_t len = strlen(type);

	return strncasecmp(header, type, len) == 0 && strchr("; \t", header[len]);
}

int api_parse_body(struct api_call *call, struct mrp_err *err)
{
	const struct api_request *request = &call->request;
	unsigned flags = call->route->flags;
	const char *type = request->headers[HDR_CONTENT_TYPE], *encoding = request->headers[HDR_CONTENT_ENCODING];

	if (!(flags & (RF_BODY | RF_MAY_BODY)) || ((flags & RF_MAY_BODY) && !request->body_len))
		return 0;
	if (type && !media_type_is(type, "application/json") &&
		!((flags & RF_PATCH) && media_type_is(type, "application/merge-patch+json")))
		return api_fail(call, err, 415, "content type '%s' is not taken here; send %s", type,
			flags & RF_PATCH ? "application/merge-patch+json" : "application/json");
	if (encoding && strcasecmp(encoding, "identity") != 0)
		return api_fail(call, err, 415, "content encoding '%s' is not taken here; send the body as it is", encoding);
	if (flags & RF_SPLIT)
		return 0;
	call->body = json_parse_exact(&call->arena, request->body, request->body_len, "the body", err);
	return call->body ? 0 : -1;
}

/* 127.0.0.0/8 in four parts, each of 1 to 3 digits. */
static bool skip_loopback_v4(const char **host)
{
	const char *p = *host;

	if (!skip_prefix(p, "127", &p))
		return false;
	for (int part = 0; part < 3; part++) {
		int n = 0, digits = 0;

		if (*p++ != '.')
			return false;
		for (; digits < 3 && *p >= '0' && *p <= '9'; digits++)
			n = n * 10 + (*p++ - '0');
		if (!digits || n > 255)
			return false;
	}
	*host = p;
	return true;
}

/* "localhost", 127.0.0.0/8 and [::1], with any port: a page of another site cannot make a browser send these, whatever
 * name it resolves to this machine; but a tunnel may well come through another port. */
static bool host_is_loopback(const char *host)
{
	const char *rest;

	if (skip_prefix(host, "[::1]", &rest))
		host = rest;
	else if (strncasecmp(host, "localhost", 9) == 0)
		host += 9;
	else if (!skip_loopback_v4(&host))
		return false;
	return *host == '\0' || (*host == ':' && host[1] && strspn(host + 1, "0123456789") == strlen(host + 1));
}

int api_check_origin(struct api_call *call, struct mrp_err *err)
{
	const char *host = call->request.headers[HDR_HOST], *origin = call->request.headers[HDR_ORIGIN], *rest;
	const char *site = call->request.headers[HDR_FETCH_SITE];

	if (call->request.peer && call->request.peer->unix_socket)
		return 0;
	if (!host)
		return mrp_err_set(err, MRP_EPARSE, "the request has no Host");
	if (!host_is_loopback(host))
		return mrp_err_set(err, MRP_EPERM,
			"host '%s' is not served: without tokens the API answers loopback names only", host);
	/* what a page of another site, or of another port here, fetches without an Origin: an image, a script, a frame */
	if (site && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0)
		return mrp_err_set(err, MRP_EPERM, "requests from pages of other sites are not served");
	if (!origin)
		return 0;
	if ((skip_prefix(origin, "http://", &rest) || skip_prefix(origin, "https://", &rest)) &&
		strcasecmp(rest, host) == 0)
		return 0;
	return mrp_err_set(err, MRP_EPERM, "requests from pages of '%s' are not served", origin);
}

int api_check_environment(struct api_call *call, struct mrp_err *err)
{
	const char *name = call->request.headers[HDR_ENVIRONMENT];
	cleanup(strbuf_release) struct strbuf known = STRBUF_INIT;

	if (!name)
		return 0;
	if (!slug_valid(name, strlen(name)))
		return mrp_err_set(err, MRP_EPARSE, "environment '%s' is not a slug", name);
	if (store_meta(NULL, &known, call->db, err) < 0)
		return -1;
	if (!known.len || streq(known.buf, name))
		return 0;
	call->problem_type = "urn:mrprober:problem:environment";
	return mrp_err_set(err, MRP_EREFUSED, "this API holds environment '%s', not '%s'", known.buf, name);
}

void api_set_etag(struct api_call *call, int64_t revision)
{
	call->response.etag = arena_printf(&call->arena, "\"r%" PRId64 "\"", revision);
}

bool etag_listed(const char *list, const char *etag, bool weak)
{
	const char *bare;
	bool etag_weak = skip_prefix(etag, "W/", &bare);

	if (!etag_weak)
		bare = etag;
	for (const char *p = list; *p;) {
		p += strspn(p, ", \t");
		if (*p == '*')
			return true;
		bool item_weak = skip_prefix(p, "W/", &p);
		if (*p != '"')
			return false;
		size_t len = strcspn(p + 1, "\"") + 2;
		if ((weak || (!item_weak && !etag_weak)) && strlen(bare) == len && strncmp(p, bare, len) == 0)
			return true;
		if (strlen(p) < len)
			return false;
		p += len;
	}
	return false;
}

int api_check_preconditions(struct api_call *call, int64_t revision, struct mrp_err *err)
{
	const char *match = call->request.headers[HDR_IF_MATCH], *none = call->request.headers[HDR_IF_NONE_MATCH];
	char etag[32];

	snprintf(etag, sizeof(etag), "\"r%" PRId64 "\"", revision);
	if (match && (revision < 0 || !etag_listed(match, etag, false))) {
		if (revision < 0)
			return mrp_err_set(err, MRP_EPRECONDITION, "it is not there, so If-Match cannot match");
		return mrp_err_set(err, MRP_EPRECONDITION, "it has changed: its ETag is %s, not %s", etag, match);
	}
	if (none && revision >= 0 && etag_listed(none, etag, true))
		return mrp_err_set(err, MRP_EPRECONDITION, "it is already there, with ETag %s", etag);
	return 0;
}

bool api_not_modified(struct api_call *call)
{
	const char *none = call->request.headers[HDR_IF_NONE_MATCH];

	if (!none || !etag_listed(none, call->response.etag, true))
		return false;
	strbuf_reset(&call->response.body);
	call->response.status = 304;
	call->response.content_type = NULL;
	return true;
}

void respond_json(struct api_call *call, int status)
{
	call->response.status = status;
	call->response.content_type = "application/json";
}

void respond_value(struct api_call *call, int status, const struct value *v)
{
	strbuf_reset(&call->response.body);
	json_compact(&call->response.body, v);
	strbuf_addch(&call->response.body, '\n');
	respond_json(call, status);
}

const char *format_time(struct arena *arena, int64_t ms)
{
	char text[TIME_TEXT];

	time_text(text, ms);
	return arena_strdup(arena, text);
}
