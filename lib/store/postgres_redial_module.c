/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialling again after a connection was lost: a thread tries until there is one, with pauses that grow. Callers look
 * whether it has succeeded; they wait for the first attempt only, and that not for long, so that a server that was
 * merely restarted, or a session that was ended by hand, is hardly noticed.
 */
#include <errno.h>
#include <time.h>

#include "../base/log.h"
#include "../base/thread.h"
#include "postgres.h"

enum {
	FIRST_WAIT_MS = 300, /* how long a caller waits for the first attempt */
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 5000,
};

struct redial {
	const struct postgres *lost; /* url, schema, flags: those do not change */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct postgres *fresh;
	char *why; /* it is not there */
	unsigned attempts;
	bool stopping;
};

static struct timespec in_ms(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* True when it is time to stop. */
static bool note_attempt(struct redial *redial, struct postgres *fresh, struct mrp_err *err, int64_t pause_ms)
{
	struct timespec until = in_ms(pause_ms);

	pthread_mutex_lock(&redial->lock);
	redial->attempts++;
	redial->fresh = fresh;
	if (!fresh) {
		free(redial->why);
		redial->why = xstrdup(err->msg);
	}
	pthread_cond_broadcast(&redial->changed);
	while (!fresh && !redial->stopping &&
		pthread_cond_timedwait(&redial->changed, &redial->lock, &until) != ETIMEDOUT)
		;
	bool stop = fresh || redial->stopping;
	pthread_mutex_unlock(&redial->lock);
	mrp_err_clear(err);
	return stop;
}

static void *dial_loop(void *arg)
{
	struct redial *redial = arg;
	const struct postgres *lost = redial->lost;
	int64_t pause_ms = PAUSE_MIN_MS;

	for (;;) {
		struct mrp_err err = MRP_ERR_INIT;
		struct postgres *fresh = NULL;

		if (pg_dial(&fresh, lost->url, lost->schema, lost->flags & ~(unsigned)STORE_MIGRATE, &err) < 0)
			fresh = NULL;
		if (note_attempt(redial, fresh, &err, pause_ms))
			return NULL;
		pause_ms = MIN(pause_ms * 2, PAUSE_MAX_MS);
	}
}

void pg_redial(struct postgres *c, const char *why)
{
	if (c->redial || c->dialling)
		return;
	log_warning("database '%s' was lost: %s", c->label, why);
	struct redial *redial = c->redial = xcalloc(1, sizeof(*redial));
	redial->lost = c;
	redial->why = xstrdup(why);
	pthread_mutex_init(&redial->lock, NULL);
	cond_init_monotonic(&redial->changed);
	if (pthread_create(&redial->thread, NULL, dial_loop, redial))
		BUG("cannot start a thread");
}

void pg_redial_stop(struct postgres *c)
{
	struct redial *redial = c->redial;

	if (!redial)
		return;
	pthread_mutex_lock(&redial->lock);
	redial->stopping = true;
	pthread_cond_broadcast(&redial->changed);
	pthread_mutex_unlock(&redial->lock);
	pthread_join(redial->thread, NULL);
	pg_free(redial->fresh);
	free(redial->why);
	pthread_cond_destroy(&redial->changed);
	pthread_mutex_destroy(&redial->lock);
	free(redial);
	c->redial = NULL;
}

/* The types of arguments are those of before: the schema is the same. */
static void take_over(struct postgres *c, struct postgres *fresh)
{
	c->db = fresh->db;
	fresh->db = NULL;
	memcpy(c->lock, fresh->lock, sizeof(c->lock));
	memcpy(c->try_lock, fresh->try_lock, sizeof(c->try_lock));
	pg_free(fresh);
}

int pg_redialled(struct postgres *c, struct mrp_err *err)
{
	struct timespec until = in_ms(FIRST_WAIT_MS);
	struct redial *redial = c->redial;

	pthread_mutex_lock(&redial->lock);
	while (!redial->attempts && pthread_cond_timedwait(&redial->changed, &redial->lock, &until) != ETIMEDOUT)
		;
	redial->attempts += !redial->attempts; /* the next caller does not wait */
	struct postgres *fresh = redial->fresh;
	redial->fresh = NULL;
	if (!fresh)
		mrp_err_set(err, MRP_EBUSY, "%s", redial->why);
	pthread_mutex_unlock(&redial->lock);
	if (!fresh)
		return -1;
	pg_redial_stop(c);
	take_over(c, fresh);
	log_info("connected to database '%s' again", c->label);
	return 0;
}
