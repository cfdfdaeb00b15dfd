/* SPDX-License-Identifier: Apache-2.0 */
#include "lease.h"

#include <time.h>

#include "../base/thread.h"

#include "../ev/loop.h"
#include "../http/api.h"

enum { CALL_TIMEOUT_MS = 10000, AGAIN_US = 1000000, THREADS = 2 };

struct cluster_lease {
	struct leases *leases;
	struct cluster_lease *next;
	char *name, *holder;
	void *owner;
	int64_t fence;
	int64_t renew_us, give_up_us; /* monotonic */
	bool lost;
};

struct leases {
	struct http_client *client; /* `calls` is held while it is used */
	pthread_mutex_t calls, lock;
	pthread_cond_t changed;
	pthread_t threads[THREADS];
	int n_threads;
	int64_t ttl_ms;
	cluster_lease_lost_fn *lost;
	struct cluster_lease *first;
	bool ending;
};

static struct value *body(struct arena *arena, const struct cluster_lease *lease)
{
	struct value *v = value_object(arena);

	value_append(arena, v, "holder", value_string(arena, lease->holder));
	if (lease->fence)
		value_append(arena, v, "fence", value_int(arena, lease->fence));
	value_append(arena, v, "ttl_seconds", value_int(arena, lease->leases->ttl_ms / 1000));
	return v;
}

/* By the moment before it was asked for: the API counts from later. */
static void note_life(struct cluster_lease *lease, int64_t asked_us)
{
	int64_t ttl_us = lease->leases->ttl_ms * 1000;

	lease->renew_us = asked_us + ttl_us / LEASE_RENEWALS;
	lease->give_up_us = asked_us + ttl_us / 2;
}

static int ask(struct leases *leases, struct cluster_lease *lease, const char *method, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct http_request request;
	struct api_result result;
	int64_t asked_us = monotonic_us();

	api_request(&request, method, body(&arena, lease), "/v1/leases/%s", lease->name);
	request.harmless_twice = true; /* a holder that asks twice takes it from itself */
	pthread_mutex_lock(&leases->calls);
	int r = api_call(leases->client, &request, &arena, &result, err);
	pthread_mutex_unlock(&leases->calls);
	if (r < 0)
		return -1;
	const struct value *fence = result.value ? value_get(result.value, "fence") : NULL;
	if (!fence || fence->type != V_INT)
		return mrp_err_set(err, MRP_EHTTP, "lease '%s': the answer has no 'fence'", lease->name);
	pthread_mutex_lock(&leases->lock);
	lease->fence = fence->i;
	note_life(lease, asked_us);
	pthread_mutex_unlock(&leases->lock);
	return 0;
}

/* --- renewing --- */

/* The one that has to be renewed first, if that is now. */
static struct cluster_lease *next_due(struct leases *leases, int64_t *wait_until_us)
{
	struct cluster_lease *due = NULL;

	*wait_until_us = INT64_MAX;
	for (struct cluster_lease *lease = leases->first; lease; lease = lease->next) {
		if (lease->lost)
			continue;
		if (lease->renew_us < *wait_until_us) {
			*wait_until_us = lease->renew_us;
			due = lease;
		}
	}
	return due && *wait_until_us <= monotonic_us() ? due : NULL;
}

static struct cluster_lease *by_fence(struct leases *leases, int64_t fence)
{
	for (struct cluster_lease *lease = leases->first; lease; lease = lease->next) {
		if (lease->fence == fence)
			return lease;
	}
	return NULL;
}

static void lose(struct leases *leases, struct cluster_lease *lease)
{
	if (lease->lost)
		return;
	lease->lost = true;
	leases->lost(lease->owner);
}

/* The lock is held, and let go meanwhile: so with a copy, and then it may be gone. */
static void renew(struct leases *leases, const struct cluster_lease *due)
{
	struct cluster_lease copy = *due, *lease;
	struct mrp_err err = MRP_ERR_INIT;

	copy.name = xstrdup(due->name);
	copy.holder = xstrdup(due->holder);
	pthread_mutex_unlock(&leases->lock);
	int r = ask(leases, &copy, "PUT", &err);
	pthread_mutex_lock(&leases->lock);
	lease = by_fence(leases, copy.fence);
	if (lease && r == 0) {
		lease->renew_us = copy.renew_us;
		lease->give_up_us = copy.give_up_us;
	} else if (lease) {
		lease->renew_us = monotonic_us() + MIN((int64_t)AGAIN_US, leases->ttl_ms * 1000 / LEASE_RENEWALS);
		if (err.code == MRP_ELOCKED)
			lose(leases, lease);
	}
	free(copy.name);
	free(copy.holder);
	mrp_err_clear(&err);
}

static void wait_until(struct leases *leases, int64_t until_us)
{
	struct timespec at = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };

	if (until_us == INT64_MAX)
		pthread_cond_wait(&leases->changed, &leases->lock);
	else
		pthread_cond_timedwait(&leases->changed, &leases->lock, &at);
}

static void *keep_renewing(void *arg)
{
	struct leases *leases = arg;
	int64_t until_us;

	pthread_mutex_lock(&leases->lock);
	while (!leases->ending) {
		struct cluster_lease *due = next_due(leases, &until_us);

		if (due)
			renew(leases, due);
		else
			wait_until(leases, until_us);
	}
	pthread_mutex_unlock(&leases->lock);
	return NULL;
}

static void *keep_watching(void *arg)
{
	struct leases *leases = arg;

	pthread_mutex_lock(&leases->lock);
	while (!leases->ending) {
		int64_t now_us = monotonic_us(), until_us = INT64_MAX;

		for (struct cluster_lease *lease = leases->first; lease; lease = lease->next) {
			if (lease->give_up_us <= now_us)
				lose(leases, lease);
			else
				until_us = MIN(until_us, lease->give_up_us);
		}
		wait_until(leases, until_us);
	}
	pthread_mutex_unlock(&leases->lock);
	return NULL;
}

static int start_threads(struct leases *leases, struct mrp_err *err)
{
	void *(*const bodies[THREADS])(void *) = { keep_renewing, keep_watching };

	for (; leases->n_threads < THREADS; leases->n_threads++) {
		if (thread_start(&leases->threads[leases->n_threads], NULL, bodies[leases->n_threads], leases, err) < 0)
			return -1;
	}
	return 0;
}

struct leases *leases_new(
	const struct http_options *api, int64_t ttl_ms, cluster_lease_lost_fn *lost, struct mrp_err *err)
{
	struct http_options own = *api;

	own.parallel = 1;
	own.total_timeout_ms = own.stall_timeout_ms = MIN((int64_t)CALL_TIMEOUT_MS, ttl_ms / LEASE_RENEWALS);
	own.retry.total_ms = MIN(own.retry.total_ms, ttl_ms / LEASE_RENEWALS);
	struct http_client *client = http_open(&own, err);
	if (!client)
		return NULL;
	struct leases *leases = xcalloc(1, sizeof(*leases));
	leases->client = client;
	leases->lost = lost;
	leases->ttl_ms = ttl_ms;
	pthread_mutex_init(&leases->calls, NULL);
	pthread_mutex_init(&leases->lock, NULL);
	cond_init_monotonic(&leases->changed);
	if (start_threads(leases, err) == 0)
		return leases;
	leases_free(leases);
	return NULL;
}

void leases_free(struct leases *leases)
{
	if (!leases)
		return;
	pthread_mutex_lock(&leases->lock);
	leases->ending = true;
	pthread_cond_broadcast(&leases->changed);
	pthread_mutex_unlock(&leases->lock);
	for (int i = 0; i < leases->n_threads; i++)
		pthread_join(leases->threads[i], NULL);
	http_close(leases->client);
	pthread_cond_destroy(&leases->changed);
	pthread_mutex_destroy(&leases->lock);
	pthread_mutex_destroy(&leases->calls);
	free(leases);
}

/* --- one lease --- */

static void cluster_lease_free(struct cluster_lease *lease)
{
	free(lease->name);
	free(lease->holder);
	free(lease);
}

struct cluster_lease *cluster_lease_take(
	struct leases *leases, const char *slug, const char *holder, void *owner, struct mrp_err *err)
{
	struct cluster_lease *lease = xcalloc(1, sizeof(*lease));

	lease->leases = leases;
	lease->name = xasprintf("cluster.%s", slug);
	lease->holder = xstrdup(holder);
	lease->owner = owner;
	if (ask(leases, lease, "POST", err) < 0) {
		cluster_lease_free(lease);
		return NULL;
	}
	pthread_mutex_lock(&leases->lock);
	lease->next = leases->first;
	leases->first = lease;
	pthread_cond_broadcast(&leases->changed);
	pthread_mutex_unlock(&leases->lock);
	return lease;
}

const char *cluster_lease_name(const struct cluster_lease *lease)
{
	return lease->name;
}

int64_t cluster_lease_fence(const struct cluster_lease *lease)
{
	return lease->fence;
}

bool cluster_lease_is_lost(struct cluster_lease *lease)
{
	pthread_mutex_lock(&lease->leases->lock);
	bool lost = lease->lost;
	pthread_mutex_unlock(&lease->leases->lock);
	return lost;
}

static void give_back(struct cluster_lease *lease)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	struct leases *leases = lease->leases;
	struct mrp_err err = MRP_ERR_INIT;
	struct http_request request;

	api_request(&request, "DELETE", NULL, "/v1/leases/%s?fence=%lld", lease->name, (long long)lease->fence);
	pthread_mutex_lock(&leases->calls);
	http_call(leases->client, &request, &answer, &err);
	pthread_mutex_unlock(&leases->calls);
	http_request_release(&request);
	mrp_err_clear(&err);
}

void cluster_lease_release(struct cluster_lease *lease)
{
	struct cluster_lease **at;

	if (!lease)
		return;
	pthread_mutex_lock(&lease->leases->lock);
	for (at = &lease->leases->first; *at != lease; at = &(*at)->next)
		;
	*at = lease->next;
	pthread_mutex_unlock(&lease->leases->lock);
	if (!lease->lost)
		give_back(lease);
	cluster_lease_free(lease);
}

size_t leases_held(struct leases *leases)
{
	size_t n = 0;

	pthread_mutex_lock(&leases->lock);
	for (const struct cluster_lease *lease = leases->first; lease; lease = lease->next)
		n++;
	pthread_mutex_unlock(&leases->lock);
	return n;
}
