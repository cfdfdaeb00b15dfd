/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers without a socket: every route, every status, what is stored and what is shown. */
#include <sys/stat.h>

#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>

#include "../../lib/api/call.h"
#include "../../lib/base/file.h"

#define JSON "application/json"
#define PATCH "application/merge-patch+json"

static struct api *api;
static struct api_call *call;
static struct arena arena = ARENA_INIT;

static struct api *open_api(const char *name, const char *environment, struct mrp_err *err)
{
	char url[200], state_dir[200];

	snprintf(url, sizeof(url), "sqlite:%s/%s", scratch, name);
	snprintf(state_dir, sizeof(state_dir), "%s/state", scratch);
	return api_open(&(struct api_options){ url, environment, state_dir }, err);
}

static int set_up(void **state)
{
	static int n;
	struct mrp_err err = MRP_ERR_INIT;
	char name[32];

	(void)state;
	snprintf(name, sizeof(name), "db-%d", n++);
	api = open_api(name, NULL, &err);
	if (!api)
		fail_msg("%s", err.msg);
	call = api_call_new(api);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_call_free(call);
	api_close(api);
	arena_release(&arena);
	return 0;
}

struct extra {
	const char *if_match, *if_none_match, *type, *environment, *host, *origin;
};

/* The status; the response is in `call`. */
static int ask(const char *method, const char *target, const char *body, struct extra x)
{
	struct api_request *request = api_call_request(call);

	api_call_reset(call);
	request->method = method;
	request->target = target;
	request->body = body ? body : "";
	request->body_len = strlen(request->body);
	request->headers[HDR_HOST] = x.host ? x.host : "127.0.0.1:8080";
	request->headers[HDR_ORIGIN] = x.origin;
	request->headers[HDR_CONTENT_TYPE] = x.type ? x.type : body ? JSON : NULL;
	request->headers[HDR_IF_MATCH] = x.if_match;
	request->headers[HDR_IF_NONE_MATCH] = x.if_none_match;
	request->headers[HDR_ENVIRONMENT] = x.environment;
	api_run(call);
	return call->response.status;
}

#define ASK(method, target, body, ...) ask(method, target, body, (struct extra){ __VA_ARGS__ })

static void expect(int status, const char *method, const char *target, const char *body, struct extra x)
{
	int got = ask(method, target, body, x);

	if (got != status)
		fail_msg("%s %s %s: %d instead of %d: %s", method, target, body ? body : "", got, status,
			call->response.body.buf);
	if (got >= 400) {
		assert_string_equal(call->response.content_type, "application/problem+json");
		assert_null(call->response.etag);
	}
}

#define EXPECT(status, method, target, body, ...) expect(status, method, target, body, (struct extra){ __VA_ARGS__ })

static const struct value *answer(void)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, call->response.body.buf, call->response.body.len, "the answer", &err);

	if (!v)
		fail_msg("%s: %s", call->response.body.buf, err.msg);
	return v;
}

/* "state.status" in the answer as JSON text; "" when it is not there. */
static const char *at(const char *path)
{
	const struct value *v = answer();
	struct strbuf text = STRBUF_INIT;

	while (v && *path) {
		size_t len = strcspn(path, ".");
		char *key = arena_strndup(&arena, path, len);

		if (v->type == V_ARRAY)
			v = (uint32_t)strtol(key, NULL, 10) < v->n ? v->items[strtol(key, NULL, 10)] : NULL;
		else
			v = v->type == V_OBJECT ? value_get(v, key) : NULL;
		path += len + (path[len] == '.');
	}
	if (v)
		json_canonical(&text, v);
	const char *copy = arena_strdup(&arena, text.buf);
	strbuf_release(&text);
	return copy;
}

static void assert_at(const char *path, const char *json)
{
	const char *got = at(path);

	if (!streq(got, json))
		fail_msg("%s is %s instead of %s in %s", path, got, json, call->response.body.buf);
}

static void put_blob(const char *content, char hex[SHA256_HEX + 1])
{
	sha256_hex_of(hex, content, strlen(content));
	EXPECT(201, "PUT", arena_printf(&arena, "/v1/blobs/%s", hex), content, .type = "application/octet-stream");
}

static void make(const char *kind, const char *body)
{
	EXPECT(201, "POST", arena_printf(&arena, "/v1/%s", kind), body);
}

static void make_cluster(const char *slug)
{
	if (ASK("GET", "/v1/recipes/r", NULL) == 404)
		make("recipes", "{\"slug\":\"r\",\"managed\":true}");
	make("clusters", arena_printf(&arena, "{\"slug\":\"%s\",\"recipe\":\"r\",\"managed\":true}", slug));
}

static void test_object_life(void **state)
{
	(void)state;
	EXPECT(404, "GET", "/v1/probers/dns", NULL);
	EXPECT(201, "POST", "/v1/probers", "{\"slug\":\"dns\",\"command\":[\"true\"],\"labels\":{\"team\":\"net\"}}");
	assert_string_equal(call->response.location, "/v1/probers/dns");
	assert_string_equal(call->response.etag, "\"r1\"");
	assert_at("name", "\"dns\"");
	assert_at("managed", "false");
	assert_at("source", "null");
	assert_at("revision", "1");
	EXPECT(409, "POST", "/v1/probers", "{\"slug\":\"dns\",\"command\":[\"true\"]}");

	EXPECT(200, "GET", "/v1/probers/dns", NULL);
	assert_at("labels", "{\"team\":\"net\"}");
	EXPECT(200, "HEAD", "/v1/probers/dns", NULL);
	EXPECT(304, "GET", "/v1/probers/dns", NULL, .if_none_match = "\"r1\"");
	assert_int_equal(call->response.body.len, 0);
	EXPECT(304, "GET", "/v1/probers/dns", NULL, .if_none_match = "\"x\", W/\"r1\"");
	EXPECT(304, "GET", "/v1/probers/dns", NULL, .if_none_match = "*");
	EXPECT(200, "GET", "/v1/probers/dns", NULL, .if_none_match = "\"r2\"");

	EXPECT(412, "PATCH", "/v1/probers/dns", "{\"interval\":\"5s\"}", .if_match = "\"r2\"");
	EXPECT(412, "GET", "/v1/probers/dns", NULL, .if_match = "\"r2\"");
	EXPECT(412, "GET", "/v1/probers/dns", NULL, .if_match = "\"r2\"", .if_none_match = "\"r1\"");
	EXPECT(304, "GET", "/v1/probers/dns", NULL, .if_match = "\"r2\", \"r1\"", .if_none_match = "\"r1\"");
	EXPECT(200, "GET", "/v1/probers/dns", NULL, .if_match = "*");
	EXPECT(412, "PATCH", "/v1/probers/dns", "{\"interval\":\"5s\"}", .if_match = "W/\"r1\"");
	EXPECT(200, "PATCH", "/v1/probers/dns", "{\"interval\":\"5s\"}", .if_match = "\"r0\", \"r1\"", .type = PATCH);
	assert_string_equal(call->response.etag, "\"r2\"");
	/* what was answered is what is read */
	EXPECT(200, "GET", "/v1/probers/dns", NULL);
	assert_at("interval", "\"5s\"");
	assert_at("revision", "2");
	/* a patch that changes nothing is no write */
	EXPECT(200, "PATCH", "/v1/probers/dns", "{\"interval\":\"5s\"}");
	assert_string_equal(call->response.etag, "\"r2\"");
	EXPECT(200, "PATCH", "/v1/probers/dns", "{\"interval\":null,\"labels\":{\"team\":null}}", .if_match = "*");
	assert_at("interval", "");
	assert_at("labels", "{}");

	EXPECT(412, "DELETE", "/v1/probers/dns", NULL, .if_match = "\"r2\"");
	EXPECT(204, "DELETE", "/v1/probers/dns", NULL, .if_match = "\"r3\"");
	EXPECT(404, "DELETE", "/v1/probers/dns", NULL);
	EXPECT(404, "PATCH", "/v1/probers/dns", "{}");
}

static void test_digest_is_the_model_s(void **state)
{
	char hex[SHA256_HEX + 1];
	uint8_t digest[SHA256_BYTES];

	(void)state;
	EXPECT(201, "POST", "/v1/probers",
		"{\"slug\":\"dns\",\"command\":[\"true\"],\"managed\":true,\"source\":{\"line\":1}}");
	object_digest(digest, KIND_PROBER, answer());
	sha256_to_hex(hex, digest);
	assert_at("digest", arena_printf(&arena, "\"%s\"", hex));
	/* where it came from is no part of it */
	EXPECT(200, "PATCH", "/v1/probers/dns", "{\"source\":{\"line\":2}}");
	assert_at("digest", arena_printf(&arena, "\"%s\"", hex));
	assert_at("revision", "2");
}

static void test_bad_requests(void **state)
{
	static const struct {
		int status;
		const char *method, *target, *body;
		struct extra extra;
		const char *part;
	} cases[] = {
		{ 404, "GET", "/v1/nothing", NULL, { 0 }, "no such path" },
		{ 404, "GET", "/v1/probers/", NULL, { 0 }, "no such path" },
		{ 404, "GET", "/v1/probers/a%2", NULL, { 0 }, NULL },
		{ 404, "GET", "/v1/probers/%00", NULL, { 0 }, NULL },
		{ 405, "PUT", "/v1/probers", NULL, { 0 }, "does not take PUT" },
		{ 405, "DELETE", "/healthz", NULL, { 0 }, NULL },
		{ 400, "GET", "/v1/probers?page_sise=3", NULL, { 0 }, "did you mean 'page_size'" },
		{ 400, "GET", "/v1/probers?page_size=0", NULL, { 0 }, "1 to 1000" },
		{ 400, "GET", "/v1/probers?page_size=1001", NULL, { 0 }, NULL },
		{ 400, "GET", "/v1/probers?page_size=x", NULL, { 0 }, NULL },
		{ 400, "GET", "/v1/probers?page_size=1&page_size=2", NULL, { 0 }, "twice" },
		{ 400, "GET", "/v1/probers?page_token=x", NULL, { 0 }, NULL },
		{ 400, "GET", "/v1/probers?label=x", NULL, { 0 }, "key:value" },
		{ 400, "GET", "/v1/probers?slug=a,,b", NULL, { 0 }, NULL },
		{ 400, "GET", "/v1/probers?slug=%zz", NULL, { 0 }, "percent" },
		{ 400, "GET", "/v1/clusters/x?show_sensitive=1", NULL, { 0 }, "true or false" },
		{ 400, "POST", "/v1/probers", "", { .type = JSON }, "JSON" },
		{ 400, "POST", "/v1/probers", "{", { 0 }, "line 1" },
		{ 400, "POST", "/v1/probers", "{\"slug\":\"a\",\"slug\":\"b\"}", { 0 }, NULL },
		{ 400, "POST", "/v1/probers", "{\"slug\":\"a\\u0000\"}", { 0 }, NULL },
		{ 415, "POST", "/v1/probers", "{}", { .type = "application/x-www-form-urlencoded" }, NULL },
		{ 415, "POST", "/v1/probers", "{}", { .type = PATCH }, NULL },
		{ 415, "PATCH", "/v1/probers/x", "{}", { .type = "application/json-patch+json" }, NULL },
		{ 404, "PATCH", "/v1/probers/x", "{}", { .type = "Application/JSON; charset=utf-8" }, NULL },
		{ 422, "POST", "/v1/probers", "[]", { 0 }, NULL },
		{ 422, "POST", "/v1/probers", "{}", { 0 }, "\"field\":\"slug\"" },
		{ 422, "POST", "/v1/probers", "{\"slug\":\"Not A Slug\"}", { 0 }, NULL },
		{ 422, "POST", "/v1/probers", "{\"slug\":\"a\"}", { 0 }, "'command'" },
		{ 422, "POST", "/v1/probers", "{\"slug\":\"a\",\"command\":[\"x\"],\"intervall\":\"3s\"}", { 0 },
			"did you mean 'interval'" },
		{ 422, "POST", "/v1/probers", "{\"slug\":\"a\",\"command\":[\"x\"],\"interval\":\"5x\"}", { 0 },
			"\"field\":\"interval\"" },
		{ 422, "POST", "/v1/clusters", "{\"slug\":\"a\",\"recipe\":\"none\"}", { 0 },
			"recipe 'none' is not there" },
		{ 422, "POST", "/v1/clusters", "{\"slug\":\"a\",\"recipe\":\"none\",\"variables\":{\"x\":{}}}", { 0 },
			"\"field\":\"variables.x.value\",\"message\":\"is missing\"" },
		{ 422, "POST", "/v1/clusters",
			"{\"slug\":\"a\",\"recipe\":\"none\",\"variables\":{\"1\":{\"value\":1}}}", { 0 }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "evil.example" }, "loopback" },
		{ 403, "GET", "/v1/state", NULL, { .host = "127.0.0.1.evil.example" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "127.0.0" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "127.0.0.256" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "127.0..1" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "127.0.0.0001" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "127.0.0. 1" }, NULL },
		{ 200, "GET", "/v1/state", NULL, { .host = "127.255.0.1:1" }, NULL },
		{ 200, "GET", "/v1/state", NULL, { .host = "127.0.0.1" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "localhost.evil.example:8080" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "localhost", .origin = "http://evil.example" }, NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "localhost:8080", .origin = "http://localhost:3000" },
			NULL },
		{ 403, "GET", "/v1/state", NULL, { .host = "localhost:8080", .origin = "null" }, NULL },
		{ 200, "GET", "/v1/state", NULL, { .host = "localhost:8080", .origin = "http://localhost:8080" },
			NULL },
		{ 200, "GET", "/v1/state", NULL, { .host = "[::1]:8080" }, NULL },
		{ 200, "GET", "/healthz", NULL, { .host = "anything" }, NULL },
		{ 400, "GET", "/v1/state", NULL, { .environment = "No Slug" }, NULL },
		{ 404, "GET", "/v1/deployments/1", NULL, { 0 }, NULL },
		{ 404, "GET", "/v1/deployments/x", NULL, { 0 }, NULL },
		{ 404, "GET", "/v1/blobs/abc", NULL, { 0 }, "SHA-256" },
		{ 422, "POST", "/v1/blobs/missing", "{}", { 0 }, NULL },
		{ 422, "POST", "/v1/blobs/missing", "{\"sha256\":[\"x\"]}", { 0 }, "sha256[0]" },
		{ 422, "POST", "/v1/batch", "{}", { 0 }, NULL },
		{ 422, "POST", "/v1/batch", "{\"operations\":[1]}", { 0 }, "operations[0]" },
		{ 422, "POST", "/v1/batch", "{\"operations\":[{\"path\":\"/v1/probers\"}]}", { 0 },
			"operations[0].method" },
		{ 422, "POST", "/v1/batch",
			"{\"operations\":[{\"method\":\"POST\",\"path\":\"/v1/batch\",\"body\":{}}]}", { 0 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect(cases[i].status, cases[i].method, cases[i].target, cases[i].body, cases[i].extra);
		if (cases[i].part && !strstr(call->response.body.buf, cases[i].part))
			fail_msg("%s %s: no '%s' in %s", cases[i].method, cases[i].target, cases[i].part,
				call->response.body.buf);
	}
	EXPECT(405, "PUT", "/v1/probers", NULL);
	assert_string_equal(call->response.allow, "GET, HEAD, POST");
	EXPECT(200, "GET", "/v1/state", NULL);
	assert_at("kinds", "{\"clusters\":{},\"probers\":{},\"recipes\":{}}"); /* nothing of all that stayed */
}

static const char *slugs_of_page(void)
{
	const struct value *items = value_get(answer(), "items");
	struct strbuf text = STRBUF_INIT;

	value_for_each(item, items)
		strbuf_addf(&text, "%s%s", text.len ? " " : "", value_get_string(item, "slug"));
	const char *copy = arena_strdup(&arena, text.buf);
	strbuf_release(&text);
	return copy;
}

static void test_lists(void **state)
{
	static const char *const slugs[] = { "c", "a", "e", "b", "d" };
	static const struct {
		const char *query, *slugs;
	} cases[] = {
		{ "", "a b c d e" },
		{ "?slug=d,b,zz,b", "b d" },
		{ "?label=even:yes", "a c e" },
		{ "?label=even:yes&label=name:c", "c" },
		{ "?label=even:yes&slug=a,b", "a" },
		{ "?label=even:no", "" },
		{ "?label=k:a%3Ab%22", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(slugs); i++)
		make("probers",
			arena_printf(&arena, "{\"slug\":\"%s\",\"command\":[\"x\"],\"labels\":{\"name\":\"%s\"%s}}",
				slugs[i], slugs[i], (slugs[i][0] - 'a') % 2 ? "" : ",\"even\":\"yes\""));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT(200, "GET", arena_printf(&arena, "/v1/probers%s", cases[i].query), NULL);
		assert_string_equal(slugs_of_page(), cases[i].slugs);
		assert_at("next_page_token", "null");
	}
	/* pages join without gaps, also with filters */
	static const char *const filters[] = { "", "&label=even:yes", "&slug=a,b,c,d,e" };
	static const char *const wanted[] = { "a b|c d|e|", "a c|e|", "a b|c d|e|" };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct strbuf all = STRBUF_INIT;
		const char *token = "";

		do {
			EXPECT(200, "GET",
				arena_printf(&arena, "/v1/probers?page_size=2&page_token=%s%s", token, filters[i]),
				NULL);
			strbuf_addf(&all, "%s|", slugs_of_page());
			token = value_get_string(answer(), "next_page_token");
		} while (token);
		assert_string_equal(all.buf, wanted[i]);
		strbuf_release(&all);
	}
	EXPECT(200, "GET", "/v1/probers", NULL);
	const char *etag = arena_strdup(&arena, call->response.etag);
	EXPECT(304, "GET", "/v1/probers", NULL, .if_none_match = etag);
	EXPECT(204, "DELETE", "/v1/probers/a", NULL);
	EXPECT(200, "GET", "/v1/probers", NULL, .if_none_match = etag);
}

static void test_blobs(void **state)
{
	char hex[SHA256_HEX + 1];
	const char *path;

	(void)state;
	put_blob("content", hex);
	path = arena_printf(&arena, "/v1/blobs/%s", hex);
	EXPECT(204, "PUT", path, "content", .type = "text/plain"); /* again */
	EXPECT(422, "PUT", path, "other content");
	EXPECT(200, "GET", path, NULL);
	assert_string_equal(call->response.body.buf, "content");
	assert_non_null(strstr(call->response.cache_control, "immutable"));
	EXPECT(304, "GET", path, NULL,
		.if_none_match = call->response.etag ? arena_strdup(&arena, call->response.etag) : NULL);
	EXPECT(404, "GET", arena_printf(&arena, "/v1/blobs/%064d", 7), NULL);
	EXPECT(200, "POST", "/v1/blobs/missing", arena_printf(&arena, "{\"sha256\":[\"%s\",\"%064d\"]}", hex, 7));
	assert_at("missing", arena_printf(&arena, "[\"%064d\"]", 7));

	const char *body = "{\"slug\":\"r\",\"files\":{\"a/main.tf\":{\"sha256\":\"%s\",\"mode\":\"0644\"}}}";
	EXPECT(422, "POST", "/v1/recipes",
		"{\"slug\":\"r\",\"files\":{\"a/"
		"main.tf\":{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000007\","
		"\"mode\":\"0644\"}}}");
	assert_at("errors.0.field", "\"files.a/main.tf\"");
	struct strbuf good = STRBUF_INIT;
	strbuf_addf(&good, "%.*s%s%s", (int)(strstr(body, "%s") - body), body, hex, strstr(body, "%s") + 2);
	EXPECT(201, "POST", "/v1/recipes", good.buf);
	strbuf_release(&good);
}

static void test_references(void **state)
{
	(void)state;
	make_cluster("one");
	EXPECT(409, "DELETE", "/v1/recipes/r", NULL);
	assert_non_null(strstr(call->response.body.buf, "cluster 'one'"));
	EXPECT(422, "PATCH", "/v1/clusters/one", "{\"recipe\":\"other\"}");
	EXPECT(422, "PATCH", "/v1/clusters/one", "{\"slug\":\"two\"}");
	EXPECT(204, "DELETE", "/v1/clusters/one", NULL); /* never deployed */
	EXPECT(204, "DELETE", "/v1/recipes/r", NULL);
}

#define A "/v1/clusters/one/variables/a"

static void test_variables(void **state)
{
	(void)state;
	make_cluster("one");
	EXPECT(404, "GET", A, NULL);
	EXPECT(404, "PUT", "/v1/clusters/none/variables/a", "{\"value\":1}");
	EXPECT(422, "PUT", A, "{}");
	EXPECT(422, "PUT", A, "1");
	EXPECT(422, "PUT", A, "{\"value\":1,\"owner\":\"me\"}");
	EXPECT(422, "PUT", A, "{\"valeu\":1}");
	EXPECT(422, "PUT", "/v1/clusters/one/variables/not-a-name", "{\"value\":1}");
	EXPECT(412, "PUT", A, "{\"value\":1}", .if_match = "*");
	EXPECT(201, "PUT", A, "{\"value\":{\"b\":null}}", .if_none_match = "*");
	assert_at("value", "{\"b\":null}");
	assert_at("owner", "\"manual\"");
	assert_at("sensitive", "false");
	const char *revision = at("revision"), *etag = arena_strdup(&arena, call->response.etag);
	EXPECT(412, "PUT", A, "{\"value\":1}", .if_none_match = "*");
	EXPECT(304, "GET", A, NULL, .if_none_match = etag);

	/* another variable moves the cluster, not this one */
	EXPECT(201, "PUT", "/v1/clusters/one/variables/b", "{\"value\":2}");
	EXPECT(200, "GET", A, NULL);
	assert_at("revision", revision);
	assert_at("value", "{\"b\":null}");
	EXPECT(200, "PUT", A, "{\"value\":[1]}", .if_match = etag);
	EXPECT(412, "PUT", A, "{\"value\":2}", .if_match = etag);
	EXPECT(200, "GET", "/v1/clusters/one/variables", NULL);
	assert_at("a.value", "[1]");
	assert_at("b.value", "2");
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("variables.a.value", "[1]");
	EXPECT(204, "DELETE", A, NULL);
	EXPECT(404, "DELETE", A, NULL);
}

static void test_variable_owners(void **state)
{
	(void)state;
	make_cluster("one");
	EXPECT(201, "PUT", A, "{\"value\":1,\"owner\":\"synchronize\"}");
	EXPECT(409, "PUT", A, "{\"value\":2}");
	assert_non_null(strstr(call->response.body.buf, "belongs to 'synchronize'"));
	EXPECT(200, "PUT", A "?force=true", "{\"value\":2}");
	EXPECT(409, "PATCH", "/v1/clusters/one", "{\"variables\":{\"a\":{\"value\":3,\"owner\":\"synchronize\"}}}");
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("variables.a.value", "2");
	EXPECT(200, "PATCH", "/v1/clusters/one", "{\"variables\":{\"a\":{\"value\":3,\"owner\":\"synchronize\"}}}",
		.if_match = arena_strdup(&arena, call->response.etag));
	EXPECT(201, "PUT", "/v1/clusters/one/variables/i", "{\"value\":1,\"owner\":\"initial\"}");
	EXPECT(200, "PUT", "/v1/clusters/one/variables/i", "{\"value\":1,\"owner\":\"synchronize\"}");
	EXPECT(422, "PATCH", "/v1/clusters/one", "{\"variables\":{\"a\":{\"value\":null}}}");
	EXPECT(200, "PATCH", "/v1/clusters/one", "{\"variables\":{\"a\":null}}");
	assert_at("variables.a", "");
}

static void test_sensitive(void **state)
{
	static const char *const readers[] = { "/v1/clusters/one", "/v1/clusters", "/v1/clusters?label=a:b",
		"/v1/clusters?slug=one", "/v1/clusters/one/variables", A };

	(void)state;
	make("recipes", "{\"slug\":\"r\"}");
	EXPECT(201, "POST", "/v1/clusters",
		"{\"slug\":\"one\",\"recipe\":\"r\",\"labels\":{\"a\":\"b\"},\"sensitive_variables\":[\"l\"],"
		"\"variables\":{"
		"\"a\":{\"value\":\"hunter2\",\"sensitive\":true},\"l\":{\"value\":\"hunter2\"},\"p\":{\"value\":"
		"\"plain\"}}}");
	assert_null(strstr(call->response.body.buf, "hunter2"));
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		EXPECT(200, "GET", readers[i], NULL);
		if (strstr(call->response.body.buf, "hunter2"))
			fail_msg("%s shows it", readers[i]);
	}
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("variables.p.value", "\"plain\"");
	EXPECT(200, "GET", "/v1/clusters/one?show_sensitive=true", NULL);
	assert_at("variables.a.value", "\"hunter2\"");
	assert_at("variables.l.value", "\"hunter2\"");
	assert_string_equal(call->response.cache_control, "no-store");
	EXPECT(200, "GET", A "?show_sensitive=true", NULL);
	assert_at("value", "\"hunter2\"");
	/* an entry that comes back without its value keeps it, and stays sensitive */
	EXPECT(200, "PATCH", "/v1/clusters/one", "{\"description\":\"x\",\"variables\":{\"a\":{\"sensitive\":true}}}");
	assert_null(strstr(call->response.body.buf, "hunter2"));
	EXPECT(200, "PUT", A, "{\"owner\":\"manual\"}");
	EXPECT(200, "GET", "/v1/clusters/one/variables?show_sensitive=true", NULL);
	assert_at("a.value", "\"hunter2\"");
	assert_at("a.sensitive", "true");
	EXPECT(200, "PUT", A, "{\"value\":\"hunter3\"}");
	assert_null(strstr(call->response.body.buf, "hunter3"));
	EXPECT(200, "POST", "/v1/batch",
		"{\"operations\":[{\"method\":\"PATCH\",\"path\":\"/v1/clusters/one\",\"body\":{\"name\":\"n\"}},"
		"{\"method\":\"PUT\",\"path\":\"" A "\",\"body\":{\"value\":\"hunter4\"}}]}");
	assert_null(strstr(call->response.body.buf, "hunter"));
}

static void test_root_digest(void **state)
{
	(void)state;
	EXPECT(200, "GET", "/v1/state", NULL);
	const char *empty = at("root"), *etag = arena_strdup(&arena, call->response.etag);
	assert_string_equal(etag, arena_printf(&arena, "W/%s", empty));
	EXPECT(304, "GET", "/v1/state", NULL, .if_none_match = etag);
	make("probers", "{\"slug\":\"by-hand\",\"command\":[\"x\"]}");
	EXPECT(304, "GET", "/v1/state", NULL, .if_none_match = etag); /* a config cannot see it */
	EXPECT(200, "GET", "/v1/state", NULL);
	assert_at("unmanaged.probers.by-hand.revision", "1");
	make("probers", "{\"slug\":\"managed\",\"command\":[\"x\"],\"managed\":true}");
	const char *digest = at("digest");
	EXPECT(200, "GET", "/v1/state", NULL, .if_none_match = etag);
	assert_at("kinds.probers.managed.digest", digest);
	assert_at("kinds.probers.managed.revision", "2");
	struct digest_entry entry = { .kind = KIND_PROBER, .slug = "managed" };
	uint8_t root[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	assert_true(sha256_from_hex(entry.digest, arena_strndup(&arena, digest + 1, SHA256_HEX)));
	root_digest(root, &entry, 1);
	sha256_to_hex(hex, root);
	assert_at("root", arena_printf(&arena, "\"%s\"", hex));
	EXPECT(204, "DELETE", "/v1/probers/managed", NULL);
	EXPECT(304, "GET", "/v1/state", NULL, .if_none_match = etag);
	assert_string_equal(call->response.etag, etag);
}

static void test_environment(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	EXPECT(200, "GET", "/v1/state", NULL, .environment = "prod"); /* reading teaches nothing */
	assert_at("environment", "null");
	EXPECT(422, "POST", "/v1/probers", "{}", .environment = "test"); /* nor does what failed */
	EXPECT(201, "POST", "/v1/probers", "{\"slug\":\"a\",\"command\":[\"x\"]}", .environment = "prod");
	EXPECT(200, "GET", "/v1/state", NULL);
	assert_at("environment", "\"prod\"");
	EXPECT(409, "GET", "/v1/state", NULL, .environment = "preprod", .if_none_match = "*");
	assert_at("type", "\"urn:mrprober:problem:environment\"");
	EXPECT(409, "DELETE", "/v1/probers/a", NULL, .environment = "preprod");
	EXPECT(204, "DELETE", "/v1/probers/a", NULL, .environment = "prod");

	struct api *other = open_api("environment", "prod", &err);
	assert_non_null(other);
	api_close(other);
	assert_null(open_api("environment", "preprod", &err));
	assert_int_equal(err.code, MRP_EREFUSED);
	other = open_api("environment", "prod", &err);
	assert_non_null(other);
	api_close(other);
	mrp_err_clear(&err);
}

static void test_batch(void **state)
{
	(void)state;
	EXPECT(200, "POST", "/v1/batch",
		"{\"operations\":[{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{\"slug\":\"r\"}},"
		"{\"method\":\"POST\",\"path\":\"/v1/clusters\",\"body\":{\"slug\":\"c\",\"recipe\":\"r\"}},"
		"{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/v\",\"body\":{\"value\":1}},"
		"{\"method\":\"PATCH\",\"path\":\"/v1/recipes/"
		"r\",\"if_match\":\"\\\"r1\\\"\",\"body\":{\"name\":\"R\"}}]}");
	assert_at("results.0.status", "201");
	assert_at("results.3.body.name", "\"R\"");
	/* all or nothing */
	EXPECT(412, "POST", "/v1/batch",
		"{\"operations\":[{\"method\":\"DELETE\",\"path\":\"/v1/clusters/c\"},"
		"{\"method\":\"PATCH\",\"path\":\"/v1/recipes/"
		"r\",\"if_match\":\"\\\"r1\\\"\",\"body\":{\"name\":\"S\"}},"
		"{\"method\":\"DELETE\",\"path\":\"/v1/recipes/r\"}]}");
	assert_at("results.0.status", "424");
	assert_at("results.1.status", "412");
	assert_at("results.1.body.status", "412");
	assert_at("results.2.status", "424");
	EXPECT(200, "GET", "/v1/clusters/c", NULL);
	EXPECT(409, "POST", "/v1/batch",
		"{\"operations\":[{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{\"slug\":\"r\"}}]}");
	EXPECT(404, "POST", "/v1/batch", "{\"operations\":[{\"method\":\"DELETE\",\"path\":\"/v1/recipes/none\"}]}");
	EXPECT(200, "POST", "/v1/batch",
		"{\"operations\":[{\"method\":\"DELETE\",\"path\":\"/v1/clusters/"
		"c\"},{\"method\":\"DELETE\",\"path\":\"/v1/recipes/r\"}]}");
	assert_at("results", "[{\"body\":null,\"status\":204},{\"body\":null,\"status\":204}]");
}

static void deployment(const char *id, const char *status, const char *cluster_status)
{
	EXPECT(200, "PATCH", arena_printf(&arena, "/v1/deployments/%s", id),
		arena_printf(&arena, "{\"status\":\"%s\"}", status));
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("state.status", arena_printf(&arena, "\"%s\"", cluster_status));
}

static const char *begin(void)
{
	EXPECT(201, "POST", "/v1/clusters/one/deployments", "{\"creator\":\"host-1\"}");
	return at("id");
}

static void test_deployments(void **state)
{
	(void)state;
	make_cluster("one");
	EXPECT(404, "POST", "/v1/clusters/none/deployments", "{}");
	EXPECT(422, "POST", "/v1/clusters/one/deployments", "{\"status\":\"great\"}");
	EXPECT(422, "POST", "/v1/clusters/one/deployments", "{\"started_at\":\"yesterday\"}");
	EXPECT(202, "POST", "/v1/clusters/one/deploy", NULL);
	assert_true(*at("deploy_requested_at"));
	const char *id = begin();
	assert_at("status", "\"running\"");
	assert_at("cluster", "\"one\"");
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("state.status", "\"deploying\"");
	assert_at("state.deploy_requested_at", ""); /* it was heard */
	assert_at("state.deployment", id);
	const char *digest = at("digest");
	deployment(id, "applied", "deployed");
	assert_at("digest", digest);
	EXPECT(409, "PATCH", arena_printf(&arena, "/v1/deployments/%s", id), "{\"status\":\"failed\"}");
	EXPECT(200, "PATCH", arena_printf(&arena, "/v1/deployments/%s", id), "{\"logs\":{\"plan\":\"somewhere\"}}");
	EXPECT(200, "GET", arena_printf(&arena, "/v1/deployments/%s", id), NULL);
	assert_at("logs.plan", "\"somewhere\"");
	assert_true(*at("finished_at"));
	deployment(begin(), "failed", "failed");
	deployment(begin(), "no-changes", "deployed");
	EXPECT(200, "GET", "/v1/clusters/one/deployments?page_size=2", NULL);
	assert_at("items.0.status", "\"no-changes\"");
	assert_at("items.1.status", "\"failed\"");
	EXPECT(200, "GET",
		arena_printf(&arena, "/v1/clusters/one/deployments?page_size=2&page_token=%s",
			value_get_string(answer(), "next_page_token")),
		NULL);
	assert_at("items.0.status", "\"applied\"");
	assert_at("next_page_token", "null");
	EXPECT(404, "GET", "/v1/clusters/none/deployments", NULL);
}

static void test_approval(void **state)
{
	(void)state;
	make_cluster("one");
	const char *id = begin();
	const char *approve = arena_printf(&arena, "/v1/deployments/%s/approve", id);
	EXPECT(409, "POST", approve, NULL);
	deployment(id, "refused", "refused");
	EXPECT(422, "POST", approve, "{\"by\":\"me\"}");
	EXPECT(412, "POST", approve, "{\"approved_by\":\"me\"}", .if_match = "\"r1\"");
	EXPECT(200, "POST", approve, "{\"approved_by\":\"me\"}");
	assert_at("approved_by", "\"me\"");
	EXPECT(409, "POST", approve, NULL);
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("state.status", "\"pending\"");
	assert_true(*at("state.deploy_requested_at"));
	EXPECT(404, "POST", "/v1/deployments/99/approve", NULL);
}

static void test_cluster_state(void **state)
{
	(void)state;
	make("recipes", "{\"slug\":\"r\"}");
	EXPECT(201, "POST", "/v1/clusters", "{\"slug\":\"one\",\"recipe\":\"r\",\"external_variables\":[\"nodes\"]}");
	assert_at("state.status", "\"waiting\"");
	EXPECT(201, "PUT", "/v1/clusters/one/variables/nodes", "{\"value\":[],\"owner\":\"meeseeks\"}");
	EXPECT(200, "GET", "/v1/clusters/one", NULL);
	assert_at("state.status", "\"pending\"");
	EXPECT(200, "PATCH", "/v1/clusters/one", "{\"deploy\":{\"enabled\":false}}");
	assert_at("state.status", "\"disabled\"");
	EXPECT(409, "POST", "/v1/clusters/one/deploy", NULL);
	EXPECT(200, "PATCH", "/v1/clusters/one", "{\"deploy\":{\"enabled\":true}}");
	assert_at("state.status", "\"pending\"");
}

static void test_destroying(void **state)
{
	(void)state;
	make_cluster("one");
	EXPECT(200, "GET", "/v1/state", NULL);
	deployment(begin(), "applied", "deployed");
	EXPECT(202, "DELETE", "/v1/clusters/one", NULL);
	assert_at("state.status", "\"destroying\"");
	EXPECT(202, "DELETE", "/v1/clusters/one", NULL);
	EXPECT(409, "PATCH", "/v1/clusters/one", "{\"name\":\"x\"}");
	EXPECT(409, "PUT", A, "{\"value\":1}");
	EXPECT(409, "POST", "/v1/clusters/one/deploy", NULL);
	EXPECT(409, "POST", "/v1/clusters", "{\"slug\":\"one\",\"recipe\":\"r\"}");
	EXPECT(202, "DELETE", "/v1/recipes/r", NULL); /* it waits, too */
	assert_at("state.status", "\"destroying\"");
	EXPECT(422, "POST", "/v1/clusters", "{\"slug\":\"two\",\"recipe\":\"r\"}");
	EXPECT(200, "GET", "/v1/state", NULL);
	assert_at("kinds", "{\"clusters\":{},\"probers\":{},\"recipes\":{}}");
	assert_true(*at("destroying.clusters.one.revision"));
	assert_true(*at("destroying.recipes.r.revision"));
	assert_at("root", "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
	/* a failed run leaves it waiting, a good one lets both go */
	deployment(begin(), "failed", "destroying");
	const char *id = begin();
	EXPECT(200, "PATCH", arena_printf(&arena, "/v1/deployments/%s", id), "{\"status\":\"destroyed\"}");
	EXPECT(404, "GET", "/v1/clusters/one", NULL);
	EXPECT(404, "GET", "/v1/recipes/r", NULL);
	/* ?orphan=true does not wait */
	make_cluster("one");
	deployment(begin(), "applied", "deployed");
	EXPECT(204, "DELETE", "/v1/clusters/one?orphan=true", NULL);
	EXPECT(204, "DELETE", "/v1/recipes/r", NULL);
}

static void test_logs(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	char folder[300], path[400];

	(void)state;
	make_cluster("one");
	EXPECT(201, "POST", "/v1/clusters/one/deployments", "{}", .environment = "prod");
	const char *id = at("id");
	snprintf(folder, sizeof(folder), "%s/state/objects/prod/creator/one/%s", scratch, id);
	assert_int_equal(make_folders(folder, 0700, &err), 0);
	snprintf(path, sizeof(path), "%s/plan.log", folder);
	assert_int_equal(replace_file(path, "the plan\n", 9, 0600, &err), 0);
	EXPECT(200, "GET", arena_printf(&arena, "/v1/deployments/%s/logs/plan", id), NULL);
	assert_string_equal(call->response.body.buf, "the plan\n");
	EXPECT(404, "GET", arena_printf(&arena, "/v1/deployments/%s/logs/apply", id), NULL);
	EXPECT(404, "GET", arena_printf(&arena, "/v1/deployments/%s/logs/..%%2fplan", id), NULL);
	EXPECT(404, "GET", "/v1/deployments/99/logs/plan", NULL);
}

static void test_full_disk(void **state)
{
	struct rlimit before, small;
	struct strbuf body = STRBUF_INIT;
	char hex[SHA256_HEX + 1];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	make("probers", "{\"slug\":\"a\",\"command\":[\"x\"]}");
	strbuf_addchars(&body, 'x', 3 << 20);
	sha256_hex_of(hex, body.buf, body.len);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int status = ASK("PUT", arena_printf(&arena, "/v1/blobs/%s", hex), body.buf);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(status, 507);
	EXPECT(200, "GET", "/v1/probers/a", NULL);
	EXPECT(200, "PATCH", "/v1/probers/a", "{\"name\":\"b\"}");
	EXPECT(201, "PUT", arena_printf(&arena, "/v1/blobs/%s", hex), body.buf);
	strbuf_release(&body);
}

static void test_service_routes(void **state)
{
	(void)state;
	EXPECT(200, "GET", "/healthz", NULL);
	EXPECT(200, "GET", "/readyz", NULL);
	EXPECT(200, "GET", "/metrics", NULL);
	assert_non_null(strstr(call->response.body.buf,
		"mrprober_api_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1\n"));
	assert_non_null(strstr(call->response.body.buf, "mrprober_api_objects{kind=\"prober\"} 0\n"));
	EXPECT(200, "GET", "/", NULL);
	assert_non_null(strstr(call->response.csp, "default-src 'none'"));
	assert_null(strstr(call->response.body.buf, "http://"));
	assert_null(strstr(call->response.body.buf, "https://"));
	/* the policy allows exactly the script that is on the page */
	const char *script = strstr(call->response.body.buf, "<script>") + strlen("<script>");
	char base64[SHA256_BASE64 + 1];
	sha256_base64_of(base64, script, (size_t)(strstr(script, "</script>") - script));
	assert_non_null(strstr(call->response.csp, base64));
}

static void test_request_ids(void **state)
{
	struct api_request *request = api_call_request(call);
	char first[72];

	(void)state;
	EXPECT(200, "GET", "/healthz", NULL);
	memcpy(first, call->response.request_id, sizeof(first));
	EXPECT(200, "GET", "/healthz", NULL);
	assert_string_not_equal(first, call->response.request_id);
	api_call_reset(call);
	request->method = "GET";
	request->target = "/healthz";
	request->body = "";
	request->headers[HDR_REQUEST_ID] = "trace-1.x";
	api_run(call);
	assert_string_equal(call->response.request_id, "trace-1.x");
	request->headers[HDR_REQUEST_ID] = "bad\r\nid";
	api_run(call);
	assert_string_not_equal(call->response.request_id, "bad\r\nid");
}

/* Every reference of the document must lead somewhere. */
static void check_refs(const struct value *document, const struct value *v)
{
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++)
		check_refs(document, v->items[i]);
	for (uint32_t i = 0; v->type == V_OBJECT && i < v->n; i++) {
		const struct member *m = &v->members[i];
		const char *name;

		if (!streq(m->key, "$ref")) {
			check_refs(document, m->value);
			continue;
		}
		assert_true(skip_prefix(m->value->s, "#/components/schemas/", &name));
		if (!value_get(value_get(value_get(document, "components"), "schemas"), name))
			fail_msg("'%s' leads nowhere", m->value->s);
	}
}

static void test_openapi_describes_the_routes(void **state)
{
	size_t operations = 0;

	(void)state;
	EXPECT(200, "GET", "/openapi.json", NULL);
	const struct value *document = answer(), *paths = value_get(document, "paths");
	assert_at("openapi", "\"3.1.0\"");
	for (size_t i = 0; i < api_routes_n; i++) {
		char method[8] = "";
		const struct value *path = value_get(paths, api_routes[i].path);

		for (size_t k = 0; api_routes[i].method[k]; k++)
			method[k] = (char)(api_routes[i].method[k] + 32);
		const struct value *operation = path ? value_get(path, method) : NULL;
		if (!operation)
			fail_msg("%s %s is not described", api_routes[i].method, api_routes[i].path);
		assert_non_null(
			value_get(value_get(operation, "responses"), arena_printf(&arena, "%d", api_routes[i].status)));
	}
	for (uint32_t i = 0; i < paths->n; i++)
		operations += paths->members[i].value->n;
	/* HEAD is said of blobs only: whether one is there */
	assert_non_null(value_get(value_get(paths, "/v1/blobs/{sha256}"), "head"));
	assert_int_equal(operations, api_routes_n + 1);
	check_refs(document, document);
	EXPECT(304, "GET", "/openapi.json", NULL, .if_none_match = arena_strdup(&arena, call->response.etag));
}

/* What is described exists: each operation answers something else than "no such path" or "not that method". */
static void test_routes_of_openapi_exist(void **state)
{
	(void)state;
	EXPECT(200, "GET", "/openapi.json", NULL);
	const struct value *paths = value_get(answer(), "paths");
	for (uint32_t i = 0; i < paths->n; i++) {
		const struct value *operations = paths->members[i].value;

		for (uint32_t k = 0; k < operations->n; k++) {
			char method[8] = "", *target = arena_strdup(&arena, paths->members[i].key);

			for (size_t c = 0; operations->members[k].key[c]; c++)
				method[c] = (char)(operations->members[k].key[c] - 32);
			for (char *p = target; (p = strpbrk(p, "{}"));)
				*p = 'x';
			int status = ASK(method, target, NULL);
			if (status == 405 || (status == 404 && strstr(call->response.body.buf, "no such path")))
				fail_msg("%s %s: %d", method, target, status);
		}
	}
}

static void test_survives_reopening(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	EXPECT(201, "POST", "/v1/probers", "{\"slug\":\"kept\",\"command\":[\"x\"]}");
	api_call_free(call);
	api_close(api);
	api = open_api("again", NULL, &err);
	assert_non_null(api);
	call = api_call_new(api);
	EXPECT(404, "GET", "/v1/probers/kept", NULL);
	EXPECT(201, "POST", "/v1/probers", "{\"slug\":\"kept\",\"command\":[\"x\"]}");
	api_call_free(call);
	api_close(api);
	api = open_api("again", NULL, &err);
	assert_non_null(api);
	call = api_call_new(api);
	EXPECT(200, "GET", "/v1/probers/kept", NULL);
	EXPECT(200, "PATCH", "/v1/probers/kept", "{\"name\":\"n\"}");
	assert_at("revision", "2");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_object_life),
		TEST(test_digest_is_the_model_s),
		TEST(test_bad_requests),
		TEST(test_lists),
		TEST(test_blobs),
		TEST(test_references),
		TEST(test_variables),
		TEST(test_variable_owners),
		TEST(test_sensitive),
		TEST(test_root_digest),
		TEST(test_environment),
		TEST(test_batch),
		TEST(test_deployments),
		TEST(test_approval),
		TEST(test_cluster_state),
		TEST(test_destroying),
		TEST(test_logs),
		TEST(test_full_disk),
		TEST(test_service_routes),
		TEST(test_request_ids),
		TEST(test_openapi_describes_the_routes),
		TEST(test_routes_of_openapi_exist),
		TEST(test_survives_reopening),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
