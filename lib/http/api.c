/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <inttypes.h>

#include "../value/json.h"

enum {
	QUERY_MAX = 3500, /* bytes of slugs in one URL; many servers and proxies take 8 KiB, some 4 */
	PAGE_SIZE = 1000,
};

#define JSON_TYPE "application/json"

/* The ETag of an object or variable at this revision. */
static char *etag_of(int64_t revision)
{
	return xasprintf("\"r%" PRId64 "\"", revision);
}

void api_request(struct http_request *out, const char *method, const struct value *body, const char *path, ...)
{
	va_list ap;

	*out = (struct http_request)HTTP_REQUEST_INIT;
	out->method = method;
	out->accept = JSON_TYPE;
	va_start(ap, path);
	out->path = xvasprintf(path, ap);
	va_end(ap);
	if (body) {
		json_compact(&out->body, body);
		out->content_type = JSON_TYPE;
	}
}

void api_request_add_query(struct http_request *request, const char *parameter)
{
	char *path = xasprintf("%s%c%s", request->path, strchr(request->path, '?') ? '&' : '?', parameter);

	free(request->path);
	request->path = path;
}

void api_request_patch(
	struct http_request *out, enum kind kind, const char *slug, const struct value *patch, int64_t revision)
{
	api_request(out, "PATCH", patch, "/v1/%s/%s", kinds[kind].plural, slug);
	out->content_type = "application/merge-patch+json";
	out->if_match = revision < 0 ? NULL : etag_of(revision);
}

void api_request_delete(struct http_request *out, enum kind kind, const char *slug, int64_t revision)
{
	api_request(out, "DELETE", NULL, "/v1/%s/%s", kinds[kind].plural, slug);
	out->if_match = revision < 0 ? NULL : etag_of(revision);
}

void api_request_get(struct http_request *out, enum kind kind, const char *slug)
{
	api_request(out, "GET", NULL, "/v1/%s/%s", kinds[kind].plural, slug);
}

void api_request_put_variable(struct http_request *out, const char *cluster, const char *name, const struct value *entry,
	int64_t revision)
{
	api_request(out, "PUT", entry, "/v1/clusters/%s/variables/%s", cluster, name);
	if (revision < 0)
		out->if_none_match = xstrdup("*");
	else
		out->if_match = etag_of(revision);
}

void api_request_put_blob(struct http_request *out, const char *sha256, const void *data, size_t len)
{
	api_request(out, "PUT", NULL, "/v1/blobs/%s", sha256);
	out->content_type = "application/octet-stream";
	strbuf_add(&out->body, data, len);
}

static int not_json(const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf asked = STRBUF_INIT, type = STRBUF_INIT;

	http_add_asked(&asked, client, request);
	if (answer->content_type)
		strbuf_add_visible(&type, answer->content_type, strcspn(answer->content_type, ";"));
	else
		strbuf_addstr(&type, "no content type");
	return mrp_err_set(err, MRP_EHTTP, "%s: answered %d with %s, not JSON (is this the mrprober API?)", asked.buf,
		answer->status, type.buf);
}

static bool is_json(const struct http_answer *answer)
{
	return answer->content_type && skip_prefix(answer->content_type, JSON_TYPE, NULL);
}

struct value *api_answer_json(struct arena *arena, const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err)
{
	if (answer->status < 200 || answer->status >= 300) {
		http_answer_error(client, request, answer, err);
		return NULL;
	}
	if (!is_json(answer)) {
		not_json(client, request, answer, err);
		return NULL;
	}
	struct value *v = json_parse(arena, answer->body.buf, answer->body.len, "the answer", err);
	if (!v) {
		cleanup(strbuf_release) struct strbuf asked = STRBUF_INIT;

		http_add_asked(&asked, client, request);
		mrp_err_wrap(err, "%s: answered %d", asked.buf, answer->status);
		err->code = MRP_EHTTP;
	}
	return v;
}

/* "r12" in its quotes */
static bool is_revision(const char *etag)
{
	if (!etag || strncmp(etag, "\"r", 2) != 0)
		return false;
	size_t digits = strspn(etag + 2, "0123456789");
	return digits && streq(etag + 2 + digits, "\"");
}

int api_check_written(const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err)
{
	bool blob = skip_prefix(request->path, "/v1/blobs/", NULL);

	if (answer->status < 200 || answer->status >= 300)
		return http_answer_error(client, request, answer, err);
	if (streq(request->method, "DELETE") && answer->status == 204)
		return 0;
	if (blob && answer->etag && strstr(answer->etag, request->path + strlen("/v1/blobs/")))
		return 0;
	if (blob || !is_json(answer))
		return not_json(client, request, answer, err);
	if (is_revision(answer->etag))
		return 0;
	cleanup(strbuf_release) struct strbuf asked = STRBUF_INIT;
	http_add_asked(&asked, client, request);
	return mrp_err_set(err, MRP_EHTTP, "%s: answered %d without a revision (is this the mrprober API?)", asked.buf,
		answer->status);
}

bool api_says_gone(const struct http_answer *answer)
{
	return answer->status == 404 && answer->content_type &&
		skip_prefix(answer->content_type, "application/problem+json", NULL);
}

int api_call(struct http_client *client, struct http_request *request, struct arena *arena, struct api_result *result,
	struct mrp_err *err)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	int code = http_call(client, request, &answer, err);

	*result = (struct api_result){ .status = answer.status };
	if (code == 0 && answer.etag)
		result->etag = arena_strdup(arena, answer.etag);
	if (code == 0 && answer.status != 304 && answer.status != 204) {
		result->value = api_answer_json(arena, client, request, &answer, err);
		code = result->value ? 0 : -1;
	}
	http_request_release(request);
	return code;
}

static int wrong_state(const struct http_client *client, const char *what, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EHTTP, "GET %s/v1/state: the answer has no '%s' (is this the mrprober API?)",
		http_url(client), what);
}

/* The maps of one part of the state, by kind. `required`: each kind must be there. */
static int check_part(
	const struct http_client *client, const struct value *state, const char *name, bool required, struct mrp_err *err)
{
	const struct value *part = value_get(state, name);

	if (!part && !required)
		return 0;
	if (!part || part->type != V_OBJECT)
		return wrong_state(client, name, err);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct value *map = value_get(part, kinds[kind].plural);

		if (!map && !required)
			continue;
		if (!map || map->type != V_OBJECT)
			return wrong_state(client, kinds[kind].plural, err);
		for (uint32_t i = 0; i < map->n; i++) {
			const struct value *entry = map->members[i].value, *revision = value_get(entry, "revision");
			const char *digest = value_get_string(entry, "digest");

			if (!revision || revision->type != V_INT)
				return wrong_state(client, "revision", err);
			if (required && (!digest || !sha256_from_hex(NULL, digest)))
				return wrong_state(client, "digest", err);
		}
		value_sort(map);
	}
	return 0;
}

int api_get_state(
	struct http_client *client, const char *root, struct arena *arena, struct value **state, struct mrp_err *err)
{
	struct api_result result;
	struct http_request request;

	*state = NULL;
	api_request(&request, "GET", NULL, "/v1/state");
	request.if_none_match = root ? xasprintf("W/\"%s\"", root) : NULL;
	if (api_call(client, &request, arena, &result, err) < 0)
		return -1;
	if (result.status == 304 && root)
		return 0;
	if (!result.value || result.value->type != V_OBJECT)
		return wrong_state(client, "root", err);
	/* digests are not for every role: without, there is no root, but the kinds are there all the same */
	const struct value *kinds_there = value_get(result.value, "kinds");
	bool digests = value_get_string(result.value, "root");
	if (!digests && (value_get(result.value, "root") || !kinds_there || !value_get(kinds_there, kinds[0].plural)))
		return wrong_state(client, "root", err);
	if (check_part(client, result.value, "kinds", digests, err) < 0 ||
		check_part(client, result.value, "unmanaged", false, err) < 0 ||
		check_part(client, result.value, "destroying", false, err) < 0)
		return -1;
	*state = result.value;
	return 0;
}

static int report_items(const struct http_client *client, enum kind kind, const struct value *list, api_item_fn *item,
	void *ctx, struct mrp_err *err)
{
	const struct value *items = value_get(list, "items");

	if (!items || items->type != V_ARRAY)
		return mrp_err_set(err, MRP_EHTTP, "GET %s/v1/%s: the answer has no 'items' (is this the mrprober API?)",
			http_url(client), kinds[kind].plural);
	for (uint32_t i = 0; i < items->n; i++) {
		if (!value_get_string(items->items[i], "slug"))
			return mrp_err_set(err, MRP_EHTTP, "GET %s/v1/%s: the answer has an item without 'slug'",
				http_url(client), kinds[kind].plural);
		if (item(ctx, kind, items->items[i], err) < 0)
			return -1;
	}
	return 0;
}

struct batches {
	struct http_client *client;
	enum kind kind;
	const char *const *slugs;
	size_t n, given;
	api_item_fn *item;
	void *ctx;
	struct mrp_err *err; /* the first failure; nothing more is asked after it */
};

static bool next_batch(void *ctx, struct http_request *request)
{
	struct batches *batches = ctx;
	cleanup(strbuf_release) struct strbuf list = STRBUF_INIT;
	size_t n = 0;

	if (batches->given == batches->n || batches->err->code != MRP_OK)
		return false;
	while (batches->given < batches->n && n < PAGE_SIZE) {
		const char *slug = batches->slugs[batches->given];

		if (n && list.len + strlen(slug) > QUERY_MAX)
			break;
		strbuf_addf(&list, "%s%s", n ? "," : "", slug);
		n++;
		batches->given++;
	}
	api_request(request, "GET", NULL, "/v1/%s?page_size=%zu&slug=%s", kinds[batches->kind].plural, n, list.buf);
	return true;
}

static void batch_done(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct batches *batches = ctx;
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	if (batches->err->code != MRP_OK)
		return;
	if (err->code != MRP_OK) {
		mrp_err_move(batches->err, err);
		return;
	}
	struct value *list = api_answer_json(&arena, batches->client, request, answer, batches->err);
	if (list)
		report_items(batches->client, batches->kind, list, batches->item, batches->ctx, batches->err);
}

int api_list_slugs(struct http_client *client, enum kind kind, const char *const *slugs, size_t n, api_item_fn *item,
	void *ctx, struct mrp_err *err)
{
	struct batches batches = { .client = client, .kind = kind, .slugs = slugs, .n = n, .item = item,
		.ctx = ctx, .err = err };
	struct mrp_err run_err = MRP_ERR_INIT;

	mrp_err_clear(err);
	if (http_run(client, next_batch, batch_done, &batches, &run_err) < 0 && err->code == MRP_OK)
		return mrp_err_move(err, &run_err);
	mrp_err_clear(&run_err);
	return err->code == MRP_OK ? 0 : -1;
}
