/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of agents' configs, after any writes, says what one that was never used before says. */
#include <sys/stat.h>

#include "scratch.h"

#include <time.h>

#include "../../lib/api/call.h"
#include "../../lib/api/config_cache.h"

enum { ROUNDS = 400 };

static struct api *api;
static struct api_call *call;
static uint64_t seed = 1;

static unsigned chance(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

static int set_up(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	static int n;
	char url[200];

	(void)state;
	snprintf(url, sizeof(url), "sqlite:%s/db-%d", scratch, n++);
	api = api_open(&(struct api_options){ .database = url, .state_dir = scratch }, &err);
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
	return 0;
}

static int ask(const char *method, const char *target, const char *body)
{
	struct api_request *request = api_call_request(call);

	api_call_reset(call);
	request->method = method;
	request->target = target;
	request->body = body;
	request->body_len = strlen(body);
	request->headers[HDR_HOST] = "localhost";
	api_run(call);
	return call->response.status;
}

static const char *pick(const char *const *words, unsigned n)
{
	return words[chance(n)];
}

static char *random_placements(void)
{
	static const char *const parts[] = { "{}", "{\"hosts\":[\"h1\"]}", "{\"hosts\":[\"h*\"],\"interval\":\"5s\"}",
		"{\"clusters\":[\"a\"],\"enabled\":false}", "{\"hosts\":[\"x\",\"h2\"],\"enabled\":false}",
		"{\"clusters\":[\"b*\"],\"env\":{\"E\":\"${v}\"}}", "{\"hosts\":[\"h2\"],\"matrix\":{\"m\":\"${list}\"}}" };
	struct strbuf out = STRBUF_INIT;
	unsigned n = chance(4);

	strbuf_addch(&out, '[');
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(&out, "%s%s", i ? "," : "", pick(parts, ARRAY_SIZE(parts)));
	strbuf_addch(&out, ']');
	return strbuf_detach(&out, NULL);
}

/* One write of any kind; that it is refused at times does not matter. */
static void random_write(void)
{
	static const char *const probers[] = { "p1", "p2", "p3", "p4", "p5" }, *const clusters[] = { "a", "b", "bb" },
				 *const commands[] = { "[\"x\"]", "[\"${host}\"]", "[\"${v}-${host}-${host}\"]", "[\"${m}\"]" },
				 *const values[] = { "{\"value\":1}", "{\"value\":\"two\"}", "{\"value\":[1]}",
					 "{\"value\":[\"s\",\"t\"]}", "{\"value\":\"s\",\"sensitive\":true}" },
				 *const variables[] = { "v", "list" };
	cleanup(freep) char *placements = random_placements();
	const char *prober = pick(probers, 5), *cluster = pick(clusters, 3);
	cleanup(freep) char *one = xasprintf("/v1/probers/%s", prober), *two = xasprintf("/v1/clusters/%s", cluster),
			    *three = xasprintf("%s/variables/%s", two, pick(variables, 2)), *body = NULL;

	switch (chance(8)) {
	case 0:
	case 1:
		body = xasprintf("{\"slug\":\"%s\",\"command\":%s,\"placements\":%s}", prober, pick(commands, 4), placements);
		ask("POST", "/v1/probers", body);
		return;
	case 2:
	case 3:
		body = xasprintf("{\"placements\":%s}", placements);
		ask("PATCH", one, body);
		return;
	case 4:
		ask("DELETE", one, "");
		return;
	case 5:
	case 6:
		ask("PUT", three, pick(values, 5));
		return;
	default:
		body = xasprintf("{\"slug\":\"%s\",\"recipe\":\"r\"}", cluster);
		if (chance(4) == 0)
			ask("DELETE", two, "");
		else
			ask("POST", "/v1/clusters", body);
	}
}

static void answer(struct strbuf *out, struct config_cache *cache, const char *cluster, const char *host)
{
	struct mrp_err err = MRP_ERR_INIT;
	const struct config_class *class = config_cache_find(cache, api->reader, cluster, host, call->started_us, &err);

	if (class)
		config_class_format(out, class, host);
	else
		strbuf_addf(out, "%d %s", (int)err.code, err.msg);
	mrp_err_clear(&err);
}

static void compare(const char *cluster, const char *host)
{
	struct config_cache *fresh = config_cache_new();
	cleanup(strbuf_release) struct strbuf kept = STRBUF_INIT, anew = STRBUF_INIT;

	answer(&kept, api->configs, cluster, host);
	answer(&anew, fresh, cluster, host);
	config_cache_free(fresh);
	if (!streq(kept.buf, anew.buf))
		fail_msg("cluster %s host %s:\n%s instead of\n%s", cluster, host, kept.buf, anew.buf);
}

static void test_random_writes(void **state)
{
	static const char *const hosts[] = { "h1", "h2", "h3", "x", "y" }, *const clusters[] = { "a", "b", "bb" };
	size_t filled = 0;

	(void)state;
	seed = (uint64_t)time(NULL);
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(ask("POST", "/v1/recipes", "{\"slug\":\"r\"}"), 201);
	for (int i = 0; i < ROUNDS; i++) {
		for (unsigned n = 1 + chance(3); n > 0; n--)
			random_write();
		/* not everything is looked at each time, so that parts of the cache grow old */
		for (unsigned n = chance(5); n > 0; n--)
			compare(pick(clusters, 3), pick(hosts, 5));
		filled += call->response.status == 200;
	}
	for (size_t c = 0; c < ARRAY_SIZE(clusters); c++) {
		for (size_t h = 0; h < ARRAY_SIZE(hosts); h++)
			compare(clusters[c], hosts[h]);
	}
	assert_true(filled > 0);
}

/* Same texts, same class; and an ETag that follows what is in them only. */
static void test_classes(void **state)
{
	char etag[40];

	(void)state;
	assert_int_equal(ask("POST", "/v1/recipes", "{\"slug\":\"r\"}"), 201);
	assert_int_equal(ask("POST", "/v1/clusters", "{\"slug\":\"c\",\"recipe\":\"r\"}"), 201);
	assert_int_equal(ask("POST", "/v1/probers",
		"{\"slug\":\"p\",\"command\":[\"${host}\"],\"placements\":[{},{\"hosts\":[\"z*\"]},{\"hosts\":[\"y*\"],\"interval\":\"1s\"}]}"),
		201);
	assert_int_equal(ask("GET", "/v1/agent-config?cluster=c&host=a", ""), 200);
	snprintf(etag, sizeof(etag), "%s", call->response.etag);
	assert_int_equal(ask("GET", "/v1/agent-config?cluster=c&host=b", ""), 200);
	assert_string_equal(call->response.etag, etag);
	assert_non_null(strstr(call->response.body.buf, "\"command\":[\"b\"]"));
	/* another placement fits, and says nothing */
	assert_int_equal(ask("GET", "/v1/agent-config?cluster=c&host=z", ""), 200);
	assert_string_equal(call->response.etag, etag);
	assert_int_equal(ask("GET", "/v1/agent-config?cluster=c&host=y", ""), 200);
	assert_string_not_equal(call->response.etag, etag);
}

/* More hosts than are remembered: what is pushed out is found anew, and nobody gets the class of another. */
static void test_many_hosts(void **state)
{
	static const char *const names[] = { "x", "y", "z" };
	char etags[3][40], path[80];

	(void)state;
	assert_int_equal(ask("POST", "/v1/recipes", "{\"slug\":\"r\"}"), 201);
	assert_int_equal(ask("POST", "/v1/clusters", "{\"slug\":\"c\",\"recipe\":\"r\"}"), 201);
	assert_int_equal(ask("POST", "/v1/probers",
		"{\"slug\":\"p\",\"command\":[\"x\"],\"placements\":[{\"hosts\":[\"y*\"],\"interval\":\"1s\"},"
		"{\"hosts\":[\"z*\"],\"interval\":\"2s\"}]}"), 201);
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 50000; i++) {
			snprintf(path, sizeof(path), "/v1/agent-config?cluster=c&host=%s%d", names[i % 3], i);
			assert_int_equal(ask("GET", path, ""), 200);
			if (!turn && i < 3)
				snprintf(etags[i], sizeof(etags[i]), "%s", call->response.etag);
			assert_string_equal(call->response.etag, etags[i % 3]);
		}
	}
	assert_string_not_equal(etags[0], etags[1]);
	assert_string_not_equal(etags[1], etags[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_classes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_hosts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_writes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
