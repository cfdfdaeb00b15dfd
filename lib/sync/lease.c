/* SPDX-License-Identifier: Apache-2.0 */
#include "lease.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../base/thread.h"

#include "../http/api.h"
#include "../value/json.h"

enum {
	RENEWALS = 3, /* tries in a lease's life: one may fail without harm */
	WAIT_MIN_MS = 300,
	WAIT_MAX_MS = 2000,
	CALL_TIMEOUT_MS = 5000,
};

struct sync_lease {
	struct http_client *client;
	char *name, *holder;
	int64_t ttl_s, fence;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ending;
};

/* Who holds it, as told by a refusal; in the arena. */
struct held {
	const char *holder, *until;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t chance(void)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)now_ms() * UINT64_C(0x9e3779b97f4a7c15);
	return number;
}

/* "alice@ci-7, pid 4711 (3f2a91c0)": for people, and unlike any other holder's, also between containers. */
static char *holder_name(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[256] = "localhost";
	struct strbuf out = STRBUF_INIT;

	gethostname(host, sizeof(host) - 1);
	if (user)
		strbuf_add_visible(&out, user->pw_name, MIN(strlen(user->pw_name), (size_t)64));
	else
		strbuf_addf(&out, "uid %ld", (long)geteuid());
	strbuf_addch(&out, '@');
	strbuf_add_visible(&out, host, MIN(strlen(host), (size_t)64));
	strbuf_addf(&out, ", pid %ld (%08x)", (long)getpid(), (unsigned)chance());
	return strbuf_detach(&out, NULL);
}

static struct value *body(struct arena *arena, const struct sync_lease *lease)
{
	struct value *v = value_object(arena);

	value_append(arena, v, "holder", value_string(arena, lease->holder));
	if (lease->fence)
		value_append(arena, v, "fence", value_int(arena, lease->fence));
	value_append(arena, v, "ttl_seconds", value_int(arena, lease->ttl_s));
	return v;
}

static int not_here(struct sync_lease *lease, const struct http_answer *answer, struct mrp_err *err)
{
	if (answer->status != 404 && answer->status != 405)
		return -1;
	mrp_err_set(err, MRP_EFAILED, "the API at %s has no leases, which keep two writers apart: is it older than this "
		"program?", http_url(lease->client));
	return -1;
}

static int take_answer(struct sync_lease *lease, const struct http_request *request, const struct http_answer *answer,
	struct held *held, struct arena *arena, struct mrp_err *err)
{
	const struct value *v = api_answer_json(arena, lease->client, request, answer, err), *fence;

	if (v) {
		fence = value_get(v, "fence");
		if (!fence || fence->type != V_INT || fence->i < 1)
			return mrp_err_set(err, MRP_EHTTP, "POST %s%s: the answer has no 'fence' (is this the mrprober API?)",
				http_url(lease->client), request->path);
		lease->fence = fence->i;
		return 0;
	}
	if (err->code != MRP_ELOCKED)
		return not_here(lease, answer, err);
	struct mrp_err ignored = MRP_ERR_INIT;
	v = json_parse(arena, answer->body.buf, answer->body.len, "the answer", &ignored);
	mrp_err_clear(&ignored);
	held->holder = v ? value_get_string(v, "holder") : NULL;
	held->until = v ? value_get_string(v, "expires_at") : NULL;
	return -1;
}

/* MRP_ELOCKED fills in `held`. */
static int try_take(struct sync_lease *lease, struct held *held, struct arena *arena, struct mrp_err *err)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	struct http_request request;

	*held = (struct held){ 0 };
	api_request(&request, "POST", body(arena, lease), "/v1/leases/%s", lease->name);
	request.harmless_twice = true; /* a holder that asks twice takes it from itself */
	int r = http_call(lease->client, &request, &answer, err);
	if (r == 0)
		r = take_answer(lease, &request, &answer, held, arena, err);
	http_request_release(&request);
	return r;
}

/* "another synchronize of this API is going on: 'alice@ci-7, pid 3' holds its lease until ..." */
static char *describe(const struct sync_lease_options *options, const struct held *held)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "%s is going on: '", options->what);
	if (held->holder)
		strbuf_add_visible(&out, held->holder, strlen(held->holder));
	strbuf_addf(&out, "' holds lease '%s' until ", options->name);
	strbuf_add_visible(&out, held->until ? held->until : "?", held->until ? strlen(held->until) : 1);
	return strbuf_detach(&out, NULL);
}

/* True when the waiting is to end early. */
static bool wait_for_others(const struct sync_lease_options *options, int64_t left_ms)
{
	struct pollfd fd = { .fd = options->interrupt_fd, .events = POLLIN };
	int64_t wait = WAIT_MIN_MS + (int64_t)(chance() % (WAIT_MAX_MS - WAIT_MIN_MS));

	poll(&fd, options->interrupted ? 1 : 0, (int)MIN(wait, left_ms));
	return options->interrupted && options->interrupted();
}

static int take(struct sync_lease *lease, const struct sync_lease_options *options, struct mrp_err *err)
{
	int64_t end = now_ms() + options->timeout_ms;

	for (bool told = false;; told = true) {
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct held held;

		if (try_take(lease, &held, &arena, err) == 0)
			return 0;
		if (err->code != MRP_ELOCKED)
			return -1;
		cleanup(freep) char *text = describe(options, &held);
		int64_t left = end - now_ms();
		if (left <= 0)
			return mrp_err_set(err, MRP_ELOCKED, "%s", text);
		if (!told && options->waiting)
			options->waiting(options->ctx, text);
		mrp_err_clear(err);
		if (wait_for_others(options, left))
			return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted while waiting: %s", text);
	}
}

/* False when the lease is lost for good. */
static bool renew(struct sync_lease *lease)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct http_request request;
	struct api_result result;

	api_request(&request, "PUT", body(&arena, lease), "/v1/leases/%s", lease->name);
	bool lost = api_call(lease->client, &request, &arena, &result, &err) < 0 && err.code == MRP_ELOCKED;
	mrp_err_clear(&err);
	return !lost;
}

/* False when it is time to end. */
static bool sleep_until_due(struct sync_lease *lease)
{
	int64_t due = now_ms() + lease->ttl_s * 1000 / RENEWALS;
	struct timespec at = { .tv_sec = due / 1000, .tv_nsec = due % 1000 * 1000000 };

	pthread_mutex_lock(&lease->lock);
	while (!lease->ending && pthread_cond_timedwait(&lease->wake, &lease->lock, &at) != ETIMEDOUT)
		;
	bool ending = lease->ending;
	pthread_mutex_unlock(&lease->lock);
	return !ending;
}

static void *keep_renewing(void *arg)
{
	struct sync_lease *lease = arg;

	while (sleep_until_due(lease)) {
		if (!renew(lease))
			break; /* the API refuses what carries the fence: nothing is to be done here */
	}
	return NULL;
}

static void lease_free(struct sync_lease *lease)
{
	http_close(lease->client);
	free(lease->name);
	free(lease->holder);
	free(lease);
}

static void give_back(struct sync_lease *lease)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct http_request request;

	api_request(&request, "DELETE", NULL, "/v1/leases/%s?fence=%lld", lease->name, (long long)lease->fence);
	http_call(lease->client, &request, &answer, &err);
	http_request_release(&request);
	mrp_err_clear(&err);
}

struct sync_lease *sync_lease_take(const struct http_options *http, const struct sync_lease_options *options, struct mrp_err *err)
{
	struct http_options own = *http;

	own.parallel = 1;
	own.total_timeout_ms = own.stall_timeout_ms = CALL_TIMEOUT_MS;
	own.retry.total_ms = MIN(own.retry.total_ms, options->ttl_s * 1000 / RENEWALS);
	struct http_client *client = http_open(&own, err);
	if (!client)
		return NULL;
	struct sync_lease *lease = xcalloc(1, sizeof(*lease));
	lease->client = client;
	lease->name = xstrdup(options->name);
	lease->holder = holder_name();
	lease->ttl_s = options->ttl_s;
	http_set_interrupt(client, options->interrupted, options->interrupt_fd);
	int r = take(lease, options, err);
	http_set_interrupt(client, NULL, -1); /* giving it back is for after Ctrl-C, too */
	if (r == 0) {
		pthread_mutex_init(&lease->lock, NULL);
		cond_init_monotonic(&lease->wake);
		if (thread_start(&lease->thread, NULL, keep_renewing, lease, err) == 0)
			return lease;
		give_back(lease);
	}
	lease_free(lease);
	return NULL;
}

int64_t sync_lease_fence(const struct sync_lease *lease)
{
	return lease->fence;
}

void sync_lease_release(struct sync_lease *lease)
{
	if (!lease)
		return;
	pthread_mutex_lock(&lease->lock);
	lease->ending = true;
	pthread_cond_signal(&lease->wake);
	pthread_mutex_unlock(&lease->lock);
	pthread_join(lease->thread, NULL);
	pthread_cond_destroy(&lease->wake);
	pthread_mutex_destroy(&lease->lock);
	give_back(lease);
	lease_free(lease);
}
