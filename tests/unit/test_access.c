/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and roles: every route with every role, whose sensitive values are seen by whom, and what a token is. */
#include "scratch.h"

#include <time.h>

#include "../../lib/api/attempts.h"
#include "../../lib/api/call.h"
#include "../../lib/api/token.h"

#define SECRET "hunter2"
#define HASH "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* of "hello" */

static struct api *api;
static struct api_call *call;
static struct arena arena = ARENA_INIT;
static const char *tokens[TOKEN_ROLES];

struct making {
	struct write_job job;
	struct token_row row;
	char text[TOKEN_LEN + 1];
};

static int run_making(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	struct making *making = (struct making *)job;

	return token_make(making->text, &making->row.id, conn, &making->row, err);
}

/* The text of a new token, valid for so many seconds (0: for good). */
static const char *make_token(enum token_role role, int64_t seconds, int64_t *id)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct making making = {
		.job = { .run = run_making },
		.row = { .name = "n", .role = role, .cluster = role == TOKEN_AGENT ? "c" : "",
			.variables = role == TOKEN_MEESEEKS ? "b/x c/x" : "", .created_s = time(NULL),
			.expires_s = seconds ? time(NULL) + seconds : 0 },
	};

	if (writer_run(api->writer, &making.job, &err) < 0)
		fail_msg("%s", err.msg);
	access_expire(api->access);
	if (id)
		*id = making.row.id;
	return arena_strdup(&arena, making.text);
}

struct revoking {
	struct write_job job;
	int64_t id;
};

static int run_revoking(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	return token_revoke(conn, ((struct revoking *)job)->id, time(NULL), err) < 0 ? -1 : 0;
}

static void revoke_token(int64_t id)
{
	struct revoking revoking = { .job = { .run = run_revoking }, .id = id };
	struct mrp_err err = MRP_ERR_INIT;

	assert_int_equal(writer_run(api->writer, &revoking.job, &err), 0);
	access_expire(api->access);
}

static int set_up(void **state)
{
	static int n;
	struct mrp_err err = MRP_ERR_INIT;
	char url[200], state_dir[200];

	(void)state;
	snprintf(url, sizeof(url), "sqlite:%s/db-%d", scratch, n++);
	snprintf(state_dir, sizeof(state_dir), "%s/state", scratch);
	api = api_open(&(struct api_options){ .database = url, .state_dir = state_dir }, &err);
	if (!api)
		fail_msg("%s", err.msg);
	call = api_call_new(api);
	return 0;
}

static int set_up_tokens(void **state)
{
	set_up(state);
	for (int role = 0; role < TOKEN_ROLES; role++)
		tokens[role] = make_token((enum token_role)role, 0, NULL);
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

/* The status; the response is in `call`. `token` NULL: none. `address` NULL: one that nobody else has. */
static int ask_from(const char *address, const char *token, const char *method, const char *target, const char *body)
{
	static unsigned n;
	struct api_request *request = api_call_request(call);

	if (!address) {
		address = arena_printf(&arena, "192.0.%u.%u", n >> 8, n & 255);
		n++;
	}
	struct api_peer peer = { .address = address };
	api_call_reset(call);
	request->peer = &peer;
	request->method = method;
	request->target = target;
	request->body = body ? body : "";
	request->body_len = strlen(request->body);
	request->headers[HDR_HOST] = "127.0.0.1:8080";
	request->headers[HDR_CONTENT_TYPE] = streq(method, "PATCH") ? "application/merge-patch+json"
		: body                                               ? "application/json"
								     : NULL;
	request->headers[HDR_AUTHORIZATION] = token ? arena_printf(&arena, "Bearer %s", token) : NULL;
	api_run(call);
	return call->response.status;
}

static int ask(const char *token, const char *method, const char *target, const char *body)
{
	return ask_from(NULL, token, method, target, body);
}

static void expect(int status, const char *token, const char *method, const char *target, const char *body)
{
	int got = ask(token, method, target, body);

	if (got != status)
		fail_msg("%s %s %s: %d instead of %d: %s", method, target, body ? body : "", got, status,
			call->response.body.buf);
}

static bool answer_has(const char *text)
{
	return strstr(call->response.body.buf, text);
}

/* --- routes x roles ----------------------------------------------------------------------------------------------- */

/* Who may: a letter for each role, in the order of enum token_role; "*" is everybody, also without a token. Written by
 * hand: this is what the table of routes has to say, not what it says. */
static const struct {
	const char *route, *who;
} matrix[] = {
	{ "GET /v1/state", "v--cEA" },
	{ "GET /v1/probers", "v--cEA" },
	{ "POST /v1/probers", "----EA" },
	{ "GET /v1/probers/{slug}", "v--cEA" },
	{ "PATCH /v1/probers/{slug}", "----EA" },
	{ "DELETE /v1/probers/{slug}", "----EA" },
	{ "GET /v1/clusters", "v--cEA" },
	{ "POST /v1/clusters", "----EA" },
	{ "GET /v1/clusters/{slug}", "v--cEA" },
	{ "PATCH /v1/clusters/{slug}", "----EA" },
	{ "DELETE /v1/clusters/{slug}", "----EA" },
	{ "GET /v1/recipes", "v--cEA" },
	{ "POST /v1/recipes", "----EA" },
	{ "GET /v1/recipes/{slug}", "v--cEA" },
	{ "PATCH /v1/recipes/{slug}", "----EA" },
	{ "DELETE /v1/recipes/{slug}", "----EA" },
	{ "GET /v1/clusters/{slug}/variables", "v--cEA" },
	{ "GET /v1/clusters/{slug}/variables/{name}", "v-mcEA" },
	{ "PUT /v1/clusters/{slug}/variables/{name}", "--mcEA" },
	{ "DELETE /v1/clusters/{slug}/variables/{name}", "----EA" },
	{ "POST /v1/clusters/{slug}/deploy", "--m-EA" },
	{ "GET /v1/clusters/{slug}/deployments", "v--cEA" },
	{ "POST /v1/clusters/{slug}/deployments", "---c-A" },
	{ "GET /v1/deployments/{id}", "v--cEA" },
	{ "PATCH /v1/deployments/{id}", "---c-A" },
	{ "POST /v1/deployments/{id}/approve", "----EA" },
	{ "GET /v1/deployments/{id}/logs/{stage}", "v--cEA" },
	{ "GET /v1/blobs/{sha256}", "va-cEA" },
	{ "PUT /v1/blobs/{sha256}", "----EA" },
	{ "POST /v1/blobs/missing", "v--cEA" },
	{ "POST /v1/batch", "--mcEA" },
	{ "GET /v1/agent-config", "va-cEA" },
	{ "GET /v1/agents", "v--cEA" },
	{ "GET /v1/agents/{cluster}/{host}", "va-cEA" },
	{ "PUT /v1/agents/{cluster}/{host}", "-a---A" },
	{ "GET /v1/leases/{name}", "v--cEA" },
	{ "POST /v1/leases/{name}", "---cEA" },
	{ "PUT /v1/leases/{name}", "---cEA" },
	{ "DELETE /v1/leases/{name}", "---cEA" },
	{ "GET /healthz", "*" },
	{ "GET /readyz", "*" },
	{ "GET /metrics", "v--cEA" },
	{ "GET /openapi.json", "vamcEA" },
	{ "GET /", "*" },
};

static const char *who_may(const struct api_route *route)
{
	const char *name = arena_printf(&arena, "%s %s", route->method, route->path);

	for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
		if (streq(matrix[i].route, name))
			return matrix[i].who;
	}
	fail_msg("the test does not say who may %s", name);
	return NULL;
}

/* A path that the route takes, in the scope of the narrow roles. */
static const char *path_of(const struct api_route *route)
{
	static const struct {
		const char *part, *text;
	} parts[] = {
		{ "slug", "c" },
		{ "name", "x" },
		{ "cluster", "c" },
		{ "host", "h" },
		{ "id", "1" },
		{ "stage", "plan" },
		{ "sha256", HASH },
	};
	const char *path = "";

	for (const char *p = route->path; *p;) {
		size_t plain = strcspn(p, "{"), len = strcspn(p, "}");
		const char *text = "";

		for (size_t i = 0; i < ARRAY_SIZE(parts) && p[plain]; i++) {
			if (len - plain - 1 == strlen(parts[i].part) && strncmp(p + plain + 1, parts[i].part, len - plain - 1) == 0)
				text = parts[i].text;
		}
		if (p[plain] && !*text)
			fail_msg("the test does not know what to put into %s", route->path);
		path = arena_printf(&arena, "%s%.*s%s", path, (int)plain, p, text);
		p += p[plain] ? len + 1 : plain;
	}
	if (streq(route->path, "/v1/agent-config"))
		path = arena_printf(&arena, "%s?cluster=c&host=h", path);
	return path;
}

static void check_cell(const struct api_route *route, const char *who, int role)
{
	const char *body = route->flags & RF_BODY ? "{}" : NULL;
	bool may = *who == '*' || who[role] != '-';
	int status = ask(tokens[role], route->method, path_of(route), body);

	if (may != (status != 403) || status == 401 || status >= 500)
		fail_msg("%s %s as %s: %d: %s", route->method, route->path, token_role_names[role], status,
			call->response.body.buf);
	if (may)
		return;
	/* the message names who may, and only those */
	const char *needs = strstr(call->response.body.buf, "needs role");
	assert_non_null(needs);
	const char *end = strchr(needs, ';');
	assert_non_null(end);
	for (int other = 0; other < TOKEN_ROLES; other++) {
		const char *name = arena_printf(&arena, "'%s'", token_role_names[other]);
		const char *at = strstr(needs, name);

		if ((at && at < end) != (who[other] != '-'))
			fail_msg("%s %s: role %s in: %s", route->method, route->path, name, call->response.body.buf);
	}
}

static void test_every_route_and_role(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *route = &api_routes[i];
		const char *who = who_may(route);

		for (int role = 0; role < TOKEN_ROLES; role++)
			check_cell(route, who, role);
		int status = ask(NULL, route->method, path_of(route), NULL);
		if ((*who == '*') != (status == 200))
			fail_msg("%s %s without a token: %d", route->method, route->path, status);
		if (*who != '*') {
			assert_int_equal(status, 401);
			assert_string_equal(call->response.www_authenticate, "Bearer realm=\"mrprober\"");
		}
	}
}

static void test_batch_checks_each_operation(void **state)
{
	static const struct {
		enum token_role role;
		int status;
		const char *operation;
	} rows[] = {
		{ TOKEN_MEESEEKS, 403, "{\"method\":\"POST\",\"path\":\"/v1/probers\",\"body\":{\"slug\":\"p\",\"command\":[\"x\"]}}" },
		{ TOKEN_MEESEEKS, 403, "{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/y\",\"body\":{\"value\":1}}" },
		{ TOKEN_MEESEEKS, 403, "{\"method\":\"DELETE\",\"path\":\"/v1/clusters/c/variables/x\"}" },
		{ TOKEN_MEESEEKS, 404, "{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/x\",\"body\":{\"value\":1}}" },
		{ TOKEN_CREATOR, 403, "{\"method\":\"DELETE\",\"path\":\"/v1/clusters/c\"}" },
		{ TOKEN_CREATOR, 404, "{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/y\",\"body\":{\"value\":1}}" },
		{ TOKEN_EDITOR, 404, "{\"method\":\"DELETE\",\"path\":\"/v1/clusters/c\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(rows[i].status, tokens[rows[i].role], "POST", "/v1/batch",
			arena_printf(&arena, "{\"operations\":[%s]}", rows[i].operation));
	/* what came before the refused one is taken back */
	expect(201, tokens[TOKEN_EDITOR], "POST", "/v1/recipes", "{\"slug\":\"r\"}");
	expect(201, tokens[TOKEN_EDITOR], "POST", "/v1/clusters", "{\"slug\":\"c\",\"recipe\":\"r\"}");
	expect(403, tokens[TOKEN_MEESEEKS], "POST", "/v1/batch",
		"{\"operations\":[{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/x\",\"body\":{\"value\":1}},"
		"{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/z\",\"body\":{\"value\":1}}]}");
	expect(404, tokens[TOKEN_ADMIN], "GET", "/v1/clusters/c/variables/x", NULL);
}

static void test_scope(void **state)
{
	static const struct {
		enum token_role role;
		const char *method, *path;
		bool may;
	} rows[] = {
		{ TOKEN_AGENT, "GET", "/v1/agent-config?cluster=c&host=h", true },
		{ TOKEN_AGENT, "GET", "/v1/agent-config?cluster=%63&host=h", true },
		{ TOKEN_AGENT, "GET", "/v1/agent-config?cluster=d&host=h", false },
		{ TOKEN_AGENT, "GET", "/v1/agent-config?host=h", false },
		{ TOKEN_AGENT, "GET", "/v1/agent-config?cluster=&host=h", false },
		{ TOKEN_AGENT, "GET", "/v1/agents/c/other", true },
		{ TOKEN_AGENT, "GET", "/v1/agents/d/h", false },
		{ TOKEN_AGENT, "HEAD", "/v1/agents/d/h", false },
		{ TOKEN_AGENT, "PUT", "/v1/agents/d/h", false },
		{ TOKEN_VIEWER, "GET", "/v1/agent-config?cluster=d&host=h", true },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/c/variables/x", true },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/b/variables/x", true },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/c/variables/%78", true },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/c/variables/xx", false },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/c/variables/y", false },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/bb/variables/x", false },
		{ TOKEN_MEESEEKS, "POST", "/v1/clusters/c/deploy", true },
		{ TOKEN_MEESEEKS, "POST", "/v1/clusters/b/deploy", true },
		{ TOKEN_MEESEEKS, "POST", "/v1/clusters/bb/deploy", false },
		{ TOKEN_MEESEEKS, "POST", "/v1/clusters/x/deploy", false },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/b/variables/x%20c/x", false },
		{ TOKEN_MEESEEKS, "GET", "/v1/clusters/b/variables/x%20c%2Fx", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = ask(tokens[rows[i].role], rows[i].method, rows[i].path, streq(rows[i].method, "PUT") ? "{}" : NULL);

		/* a path with a slash too many is no route of this role at all */
		if ((status != 403) != rows[i].may && !(status == 404 && strstr(rows[i].path, "c/x")))
			fail_msg("%s %s: %d: %s", rows[i].method, rows[i].path, status, call->response.body.buf);
	}
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void make_secrets(void)
{
	const char *admin = tokens[TOKEN_ADMIN];

	expect(201, admin, "POST", "/v1/recipes", "{\"slug\":\"r\",\"managed\":true}");
	expect(201, admin, "POST", "/v1/clusters",
		"{\"slug\":\"c\",\"recipe\":\"r\",\"managed\":true,\"labels\":{\"a\":\"b\"},\"sensitive_variables\":[\"listed\"],"
		"\"description\":\"\\\"digest\\\":\\\"x\\\",\",\"variables\":{"
		"\"x\":{\"value\":\"" SECRET "\",\"sensitive\":true,\"owner\":\"meeseeks\"},"
		"\"map\":{\"value\":{\"digest\":\"d\",\"deep\":\"" SECRET "\"},\"sensitive\":true},"
		"\"listed\":{\"value\":\"" SECRET "\"},\"plain\":{\"value\":{\"digest\":\"seen\",\"revision\":1}}}}");
}

static void test_who_reads_secrets(void **state)
{
	static const struct {
		const char *path;
		bool digest; /* an answer to editors has one */
	} reads[] = {
		{ "/v1/clusters/c", true },
		{ "/v1/clusters", true },
		{ "/v1/clusters?slug=a,c", true },
		{ "/v1/clusters?label=a:b", true },
		{ "/v1/clusters/c/variables", false },
		{ "/v1/clusters/c/variables/x", false },
		{ "/v1/clusters/c/variables/map", false },
		{ "/v1/clusters/c/variables/listed", false },
	};

	(void)state;
	make_secrets();
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
		for (int role = 0; role < TOKEN_ROLES; role++) {
			const char *path = reads[i].path, *sign = strchr(path, '?') ? "&" : "?";
			bool reader = role == TOKEN_CREATOR || role == TOKEN_ADMIN, digests = role == TOKEN_EDITOR || role == TOKEN_ADMIN;
			int status = ask(tokens[role], "GET", path, NULL);

			if (status == 403)
				continue;
			assert_int_equal(status, 200);
			if (answer_has(SECRET) != reader)
				fail_msg("%s as %s: %s", path, token_role_names[role], call->response.body.buf);
			if (reads[i].digest && answer_has(",\"digest\":\"") != digests)
				fail_msg("digest: %s as %s: %s", path, token_role_names[role], call->response.body.buf);
			struct mrp_err err = MRP_ERR_INIT;
			if (!json_parse(&arena, call->response.body.buf, call->response.body.len, "the answer", &err))
				fail_msg("%s: %s", err.msg, call->response.body.buf);
			if (reader)
				assert_string_equal(call->response.cache_control, "no-store");
			expect(200, tokens[role], "GET", arena_printf(&arena, "%s%sshow_sensitive=false", path, sign), NULL);
			assert_false(answer_has(SECRET));
			expect(reader ? 200 : 403, tokens[role], "GET", arena_printf(&arena, "%s%sshow_sensitive=true", path, sign), NULL);
			assert_int_equal(answer_has(SECRET), reader);
		}
	}
	/* nothing but the digest is cut out */
	expect(200, tokens[TOKEN_VIEWER], "GET", "/v1/clusters/c", NULL);
	assert_true(answer_has("\"plain\":{\"value\":{\"digest\":\"seen\",\"revision\":1}"));
	assert_true(answer_has("\"description\":\"\\\"digest\\\":\\\"x\\\",\""));
	expect(200, tokens[TOKEN_VIEWER], "GET", "/v1/recipes/r", NULL);
	assert_true(answer_has("\"digest\":\""));
}

static void test_state(void **state)
{
	(void)state;
	make_secrets();
	for (int role = 0; role < TOKEN_ROLES; role++) {
		if (ask(tokens[role], "GET", "/v1/state", NULL) == 403)
			continue;
		bool digests = role == TOKEN_EDITOR || role == TOKEN_ADMIN;
		const char *clusters = strstr(call->response.body.buf, "\"clusters\":{\"c\":{");

		assert_non_null(clusters);
		assert_int_equal(answer_has("\"root\":"), digests);
		assert_int_equal(skip_prefix(clusters, "\"clusters\":{\"c\":{\"digest\":\"", NULL), digests);
		/* the root digest must not come by another way either */
		assert_int_equal(strlen(call->response.etag) > 60, digests);
		assert_true(answer_has("\"recipes\":{\"r\":{\"digest\":\""));
	}
}

static void test_answers_to_writes(void **state)
{
	static const struct {
		enum token_role role;
		const char *method, *path, *body;
		bool value;
	} rows[] = {
		{ TOKEN_EDITOR, "PATCH", "/v1/clusters/c", "{\"name\":\"1\"}", false },
		{ TOKEN_EDITOR, "PATCH", "/v1/clusters/c", "{\"name\":\"1\"}", false }, /* unchanged */
		{ TOKEN_ADMIN, "PATCH", "/v1/clusters/c", "{\"name\":\"2\"}", true },
		{ TOKEN_ADMIN, "PATCH", "/v1/clusters/c", "{\"name\":\"2\"}", true },
		{ TOKEN_MEESEEKS, "PUT", "/v1/clusters/c/variables/x", "{\"value\":\"" SECRET "\"}", false },
		{ TOKEN_EDITOR, "PUT", "/v1/clusters/c/variables/map", "{\"owner\":\"manual\"}", false },
		{ TOKEN_ADMIN, "PUT", "/v1/clusters/c/variables/map", "{\"owner\":\"manual\"}", true },
		{ TOKEN_EDITOR, "POST", "/v1/batch",
			"{\"operations\":[{\"method\":\"PATCH\",\"path\":\"/v1/clusters/c\",\"body\":{\"name\":\"3\"}}]}", false },
		{ TOKEN_ADMIN, "POST", "/v1/batch",
			"{\"operations\":[{\"method\":\"PATCH\",\"path\":\"/v1/clusters/c\",\"body\":{\"name\":\"4\"}}]}", true },
	};

	(void)state;
	make_secrets();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		expect(200, tokens[rows[i].role], rows[i].method, rows[i].path, rows[i].body);
		if (answer_has(SECRET) != rows[i].value)
			fail_msg("row %zu: %s", i, call->response.body.buf);
	}
}

/* Who may not read a value cannot make it readable. */
static void test_unsensitive(void **state)
{
	static const struct {
		enum token_role role;
		int status;
		const char *method, *path, *body;
	} rows[] = {
		{ TOKEN_EDITOR, 403, "PUT", "/v1/clusters/c/variables/x", "{\"sensitive\":false,\"owner\":\"meeseeks\"}" },
		{ TOKEN_MEESEEKS, 403, "PUT", "/v1/clusters/c/variables/x", "{\"sensitive\":false}" },
		{ TOKEN_EDITOR, 403, "PATCH", "/v1/clusters/c", "{\"variables\":{\"x\":{\"sensitive\":false}}}" },
		{ TOKEN_EDITOR, 403, "PATCH", "/v1/clusters/c", "{\"variables\":{\"x\":{\"sensitive\":null}}}" },
		{ TOKEN_EDITOR, 403, "PATCH", "/v1/clusters/c", "{\"sensitive_variables\":[]}" },
		{ TOKEN_EDITOR, 403, "PATCH", "/v1/clusters/c", "{\"sensitive_variables\":null}" },
		/* a part of the map would bring the rest */
		{ TOKEN_EDITOR, 403, "PATCH", "/v1/clusters/c",
			"{\"variables\":{\"map\":{\"value\":{\"digest\":\"new\"},\"sensitive\":false}}}" },
		{ TOKEN_EDITOR, 403, "PATCH", "/v1/clusters/c", "{\"variables\":{\"map\":{\"value\":{},\"sensitive\":false}}}" },
		{ TOKEN_EDITOR, 403, "POST", "/v1/batch",
			"{\"operations\":[{\"method\":\"PUT\",\"path\":\"/v1/clusters/c/variables/map\",\"body\":{\"sensitive\":false}}]}" },
		{ TOKEN_EDITOR, 200, "PUT", "/v1/clusters/c/variables/map", "{\"value\":\"open\",\"sensitive\":false}" },
		{ TOKEN_EDITOR, 200, "PATCH", "/v1/clusters/c",
			"{\"sensitive_variables\":[],\"variables\":{\"listed\":{\"value\":\"open\"}}}" },
		{ TOKEN_ADMIN, 200, "PATCH", "/v1/clusters/c", "{\"variables\":{\"x\":{\"sensitive\":false}}}" },
	};

	(void)state;
	make_secrets();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		expect(rows[i].status, tokens[rows[i].role], rows[i].method, rows[i].path, rows[i].body);
		if (rows[i].role != TOKEN_ADMIN)
			assert_false(answer_has(SECRET));
		expect(200, tokens[TOKEN_VIEWER], "GET", "/v1/clusters/c", NULL);
		assert_int_equal(answer_has(SECRET), rows[i].role == TOKEN_ADMIN);
	}
}

static void test_owners_of_roles(void **state)
{
	static const struct {
		enum token_role role;
		int status;
		const char *name, *body, *owner;
	} rows[] = {
		{ TOKEN_MEESEEKS, 403, "x", "{\"value\":1,\"owner\":\"synchronize\"}", NULL },
		{ TOKEN_MEESEEKS, 201, "x", "{\"value\":1}", "meeseeks" },
		{ TOKEN_CREATOR, 403, "x", "{\"value\":2}", NULL },
		{ TOKEN_CREATOR, 403, "i", "{\"value\":2,\"owner\":\"manual\"}", NULL },
		{ TOKEN_CREATOR, 201, "i", "{\"value\":2}", "initial" },
		{ TOKEN_CREATOR, 200, "i", "{\"value\":3}", "initial" },
		{ TOKEN_EDITOR, 201, "e", "{\"value\":4}", "manual" },
		{ TOKEN_EDITOR, 201, "s", "{\"value\":4,\"owner\":\"synchronize\"}", "synchronize" },
	};

	(void)state;
	expect(201, tokens[TOKEN_ADMIN], "POST", "/v1/recipes", "{\"slug\":\"r\"}");
	expect(201, tokens[TOKEN_ADMIN], "POST", "/v1/clusters", "{\"slug\":\"c\",\"recipe\":\"r\"}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		expect(rows[i].status, tokens[rows[i].role], "PUT",
			arena_printf(&arena, "/v1/clusters/c/variables/%s", rows[i].name), rows[i].body);
		if (rows[i].owner)
			assert_true(answer_has(arena_printf(&arena, "\"owner\":\"%s\"", rows[i].owner)));
	}
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static void test_life_of_tokens(void **state)
{
	int64_t id;

	(void)state;
	expect(200, NULL, "GET", "/v1/probers", NULL);
	expect(200, "mrp_anything", "GET", "/v1/probers", NULL);
	const char *first = make_token(TOKEN_ADMIN, 0, &id);
	expect(401, NULL, "GET", "/v1/probers", NULL);
	assert_null(call->response.allow);
	expect(401, NULL, "GET", "/v1/no-such-path", NULL);
	expect(404, first, "GET", "/v1/no-such-path", NULL);
	expect(401, NULL, "DELETE", "/v1/state", NULL);
	assert_null(call->response.allow);
	expect(405, first, "DELETE", "/v1/state", NULL);
	expect(200, first, "GET", "/v1/probers", NULL);
	assert_string_equal(call->response.role, "admin");
	assert_string_equal(call->response.token_id, "1");
	expect(401, "mrp_anything", "GET", "/v1/probers", NULL);
	assert_string_equal(call->response.www_authenticate, "Bearer realm=\"mrprober\", error=\"invalid_token\"");
	revoke_token(id);
	expect(401, first, "GET", "/v1/probers", NULL);
	assert_true(answer_has("revoked"));
	/* the last one is gone: closed, not open */
	expect(401, NULL, "GET", "/v1/probers", NULL);
	const char *expired = make_token(TOKEN_ADMIN, -1, NULL);
	expect(401, expired, "GET", "/v1/probers", NULL);
	assert_true(answer_has("expired"));
	const char *lives = make_token(TOKEN_ADMIN, 3600, NULL);
	expect(200, lives, "GET", "/v1/probers", NULL);
	expect(401, arena_printf(&arena, "%s ", lives), "GET", "/v1/probers", NULL);
	expect(401, arena_printf(&arena, "%s, Bearer %s", lives, lives), "GET", "/v1/probers", NULL);
	expect(401, "", "GET", "/v1/probers", NULL);
}

/* No token, nor its hash's key, is in a message. */
static void test_messages_hold_no_token(void **state)
{
	const char *admin;

	(void)state;
	admin = make_token(TOKEN_ADMIN, 0, NULL);
	char *wrong = arena_strdup(&arena, admin);
	wrong[20] = wrong[20] == 'a' ? 'b' : 'a';
	expect(401, wrong, "GET", "/v1/probers", NULL);
	assert_false(answer_has(wrong));
	assert_false(answer_has("mrp_"));
}

static void test_attempts(void **state)
{
	const char *there = "192.0.2.1";

	(void)state;
	for (int i = 0; i < ATTEMPTS_BURST; i++)
		assert_int_equal(ask_from(there, "mrp_y", "GET", "/v1/probers", NULL), 401);
	assert_int_equal(ask_from(there, "mrp_x", "GET", "/v1/probers", NULL), 429);
	assert_true(call->response.retry_after_s >= 1);
	assert_string_equal(call->response.content_type, "application/problem+json");
	/* who shows no token tries none */
	for (int i = 0; i < ATTEMPTS_BURST; i++)
		assert_int_equal(ask_from(there, NULL, "GET", "/v1/probers", NULL), 401);
	/* others are not meant, and who has a token is served from there too */
	assert_int_equal(ask_from("192.0.2.2", NULL, "GET", "/v1/probers", NULL), 401);
	assert_int_equal(ask_from(there, tokens[TOKEN_VIEWER], "GET", "/v1/probers", NULL), 200);
	assert_int_equal(ask_from(there, NULL, "GET", "/healthz", NULL), 200);
}

static void test_buckets(void **state)
{
	struct attempts *attempts = attempts_new();
	int64_t now = 1000000000;
	char address[64];

	(void)state;
	for (int i = 0; i < ATTEMPTS_BURST; i++)
		assert_int_equal(attempts_fail(attempts, "2001:db8::1", now), 0);
	assert_int_equal(attempts_fail(attempts, "2001:db8::1", now), 1);
	assert_int_equal(attempts_fail(attempts, "2001:db8::ffff:2", now), 1); /* the same network */
	assert_int_equal(attempts_fail(attempts, "2001:db8:0:1::1", now), 0);
	assert_int_equal(attempts_fail(attempts, "unix:uid=0", now), 0);
	now += 1000000;
	assert_int_equal(attempts_fail(attempts, "2001:db8::1", now), 0);
	assert_int_equal(attempts_fail(attempts, "2001:db8::1", now), 1);
	/* many others: the table does not grow, and those who failed most are remembered */
	for (int i = 0; i < 100000; i++) {
		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		attempts_fail(attempts, address, now);
	}
	assert_int_equal(attempts_fail(attempts, "2001:db8::1", now), 1);
	now += 100000000;
	assert_int_equal(attempts_fail(attempts, "2001:db8::1", now), 0);
	attempts_free(attempts);
}

static void test_texts(void **state)
{
	uint8_t bits[TOKEN_BYTES], key[TOKEN_KEY_BYTES] = { 1 }, hash[SHA256_BYTES], other[SHA256_BYTES];
	char text[TOKEN_LEN + 1], changed[TOKEN_LEN + 2];

	(void)state;
	memset(bits, 0, sizeof(bits));
	token_format(text, bits);
	assert_true(skip_prefix(text, "mrp_0000000000000000000000000000000000000000000", NULL));
	assert_true(token_well_formed(text));
	memset(bits, 255, sizeof(bits));
	token_format(text, bits);
	assert_int_equal(strlen(text), TOKEN_LEN);
	assert_true(token_well_formed(text));
	assert_int_equal(strspn(text + 4, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), TOKEN_LEN - 4);
	for (size_t i = 0; i < TOKEN_LEN; i++) {
		snprintf(changed, sizeof(changed), "%s", text);
		changed[i] = changed[i] == 'x' ? 'y' : 'x';
		if (token_well_formed(changed))
			fail_msg("character %zu", i);
		changed[i] = '\0';
		assert_false(token_well_formed(changed));
	}
	snprintf(changed, sizeof(changed), "%s0", text);
	assert_false(token_well_formed(changed));
	token_hash(hash, key, text);
	key[0] = 2;
	token_hash(other, key, text);
	assert_memory_not_equal(hash, other, sizeof(hash));
}

/* RFC 4231, test case 2 */
static void test_hmac(void **state)
{
	static const char data[] = "what do ya want for nothing?";
	uint8_t mac[SHA256_BYTES];
	char hex[SHA256_HEX + 1];

	(void)state;
	hmac_sha256_of(mac, "Jefe", 4, data, strlen(data));
	sha256_to_hex(hex, mac);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_true(secret_equal("abc", "abc", 3));
	assert_false(secret_equal("abc", "abd", 3));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TEST_TOKENS(f) cmocka_unit_test_setup_teardown(f, set_up_tokens, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_TOKENS(test_every_route_and_role),
		TEST_TOKENS(test_batch_checks_each_operation),
		TEST_TOKENS(test_scope),
		TEST_TOKENS(test_who_reads_secrets),
		TEST_TOKENS(test_state),
		TEST_TOKENS(test_answers_to_writes),
		TEST_TOKENS(test_unsensitive),
		TEST_TOKENS(test_owners_of_roles),
		TEST(test_life_of_tokens),
		TEST(test_messages_hold_no_token),
		TEST_TOKENS(test_attempts),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_hmac),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
