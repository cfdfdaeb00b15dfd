/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the API as functions. api_request_*() only fill a request, for use with http_run(); the others send
 * one (or a few) and wait. Values are made in the caller's arena.
 */
#ifndef MRP_HTTP_API_H
#define MRP_HTTP_API_H

#include "../model/kinds.h"
#include "http.h"

/* Any request: `body` may be NULL. The path is printf-like; escape what is not a slug with http_add_escaped first. */
void api_request(struct http_request *out, const char *method, const struct value *body, const char *path, ...)
	PRINTF(4, 5);
/* Add "name=value", escaped, to the path. */
void api_request_add_query(struct http_request *request, const char *parameter);
/* PATCH (RFC 7396); revision -1: whatever is there. */
void api_request_patch(
	struct http_request *out, enum kind kind, const char *slug, const struct value *patch, int64_t revision);
void api_request_delete(struct http_request *out, enum kind kind, const char *slug, int64_t revision);
void api_request_get(struct http_request *out, enum kind kind, const char *slug);
/* Revision -1: only when there is no such variable yet. */
void api_request_put_variable(struct http_request *out, const char *cluster, const char *name, const struct value *entry,
	int64_t revision);
/* `data` is copied. */
void api_request_put_blob(struct http_request *out, const char *sha256, const void *data, size_t len);

/* The answer's JSON, any type. NULL: the status is an error (http_answer_error), or what came is not JSON (MRP_EHTTP). */
struct value *api_answer_json(struct arena *arena, const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err);

/* Is this the answer of a write that was done? By status, content type and the ETag that only this API gives ("r12", or
 * a blob's hash), so that a page of some proxy does not pass for success; the body is not parsed. -1: why not. */
int api_check_written(const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err);

/* 404 by the API itself, not by a proxy that knows no such path. */
bool api_says_gone(const struct http_answer *answer);

/* What came back from api_call. */
struct api_result {
	int status;
	struct value *value; /* NULL when there was no body (204, 304) */
	const char *etag;    /* in the arena, or NULL */
};

/* Send the request, which is released, and parse the answer. -1 also when the status is an error. */
int api_call(struct http_client *client, struct http_request *request, struct arena *arena, struct api_result *result,
	struct mrp_err *err);

/* GET /v1/state. *state is NULL when the API's root digest is `root` (hex; NULL: ask without a condition). It has no `root`,
 * and clusters no `digest`, when the token's role may not see them. The members
 * of state.kinds, .unmanaged and .destroying are checked to be objects, and sorted for fast lookups. */
int api_get_state(
	struct http_client *client, const char *root, struct arena *arena, struct value **state, struct mrp_err *err);

/* Called for each object of a list, in no order. -1 with err set ends it. */
typedef int api_item_fn(void *ctx, enum kind kind, struct value *object, struct mrp_err *err);

/* The objects with these slugs, several requests of many slugs each in flight; one that is gone is just not reported.
 * Each value lives as long as the call of `item` only. */
int api_list_slugs(struct http_client *client, enum kind kind, const char *const *slugs, size_t n, api_item_fn *item,
	void *ctx, struct mrp_err *err);

#endif
