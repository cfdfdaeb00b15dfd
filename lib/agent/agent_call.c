/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of other threads to the scheduler's thread. */
#include <inttypes.h>
#include <time.h>

#include "../base/thread.h"

#include "agent_internal.h"
#include "schedule_internal.h"

enum { RELOAD_TIMEOUT_S = 60 };

struct agent_pending {
	struct loop_message message;
	struct agent *agent;
	void (*fn)(void *ctx, const struct agent_inside *inside);
	void *ctx;
	enum { ASKED, ANSWERED, REFUSED } state;
};

void agent_calls_init(struct agent *agent)
{
	pthread_mutex_init(&agent->lock, NULL);
	cond_init_monotonic(&agent->changed);
}

void agent_calls_release(struct agent *agent)
{
	pthread_cond_destroy(&agent->changed);
	pthread_mutex_destroy(&agent->lock);
	free(agent->reload_error);
}

static void answer(struct loop_message *message)
{
	struct agent_pending *call = (struct agent_pending *)(void *)message; /* its first member */
	struct agent *agent = call->agent;
	const struct agent_inside inside = { agent->schedule, agent->executor, monotonic_us() };
	bool refused = agent->stopping;

	if (!refused) {
		call->fn(call->ctx, &inside);
		agent_rearm(agent);
	}
	pthread_mutex_lock(&agent->lock);
	call->state = refused ? REFUSED : ANSWERED; /* it may be gone after the lock */
	pthread_cond_broadcast(&agent->changed);
	pthread_mutex_unlock(&agent->lock);
}

int agent_call(
	struct agent *agent, void (*fn)(void *ctx, const struct agent_inside *inside), void *ctx, struct mrp_err *err)
{
	struct agent_pending call = { { answer, NULL }, agent, fn, ctx, REFUSED };

	pthread_mutex_lock(&agent->lock);
	if (!agent->closed) {
		call.state = ASKED;
		loop_post(agent->loop, &call.message);
	}
	while (call.state == ASKED)
		pthread_cond_wait(&agent->changed, &agent->lock);
	pthread_mutex_unlock(&agent->lock);
	return call.state == ANSWERED ? 0 : mrp_err_set(err, MRP_EBUSY, "the agent is stopping");
}

void agent_calls_close(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->closed = true;
	pthread_cond_broadcast(&agent->changed);
	pthread_mutex_unlock(&agent->lock);
}

void agent_calls_reloaded(struct agent *agent, uint64_t reloads, const char *error)
{
	pthread_mutex_lock(&agent->lock);
	agent->reloads = MAX(agent->reloads, reloads);
	free(agent->reload_error);
	agent->reload_error = error ? xstrdup(error) : NULL;
	pthread_cond_broadcast(&agent->changed);
	pthread_mutex_unlock(&agent->lock);
}

int agent_reload(struct agent *agent, struct mrp_err *err)
{
	uint64_t wanted = agent_source_reload(agent->source);
	struct timespec until;
	int r = 0, waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RELOAD_TIMEOUT_S;
	pthread_mutex_lock(&agent->lock);
	while (agent->reloads < wanted && !agent->closed && !waited)
		waited = pthread_cond_timedwait(&agent->changed, &agent->lock, &until);
	if (agent->reloads < wanted)
		r = mrp_err_set(
			err, MRP_EBUSY, agent->closed ? "the agent is stopping" : "the config is still being read");
	else if (agent->reload_error)
		r = mrp_err_set(err, MRP_EFAILED, "%s", agent->reload_error);
	pthread_mutex_unlock(&agent->lock);
	return r;
}

void agent_run_id(char out[32], const struct agent_inside *inside)
{
	snprintf(out, 32, "%.14s-%" PRIx64, inside->schedule->run_prefix, ++inside->schedule->count);
}
