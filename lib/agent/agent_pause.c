/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses between the disk, which knows the wall clock, and the schedule, which knows the monotonic one. */
#include "../base/clock.h"
#include "agent_internal.h"

struct change {
	struct schedule *schedule;
	int64_t now_us, now_ms;
};

static int64_t until_us(const struct change *change, int64_t until_ms)
{
	if (until_ms == INT64_MAX)
		return PAUSED_FOREVER;
	return until_ms > change->now_ms ? change->now_us + (until_ms - change->now_ms) * 1000 : 0;
}

static void pause_one(void *ctx, const char *id, int64_t until_ms)
{
	const struct change *change = ctx;
	struct prober_state *prober = schedule_find(change->schedule, id);

	if (prober && !prober->paused_until_us)
		schedule_pause(change->schedule, prober, until_us(change, until_ms), change->now_us);
}

void agent_pauses_apply(struct agent *agent)
{
	struct change change = { agent->schedule, loop_now_us(agent->loop), time_now_ms() };

	pauses_each(agent->pauses, change.now_ms, pause_one, &change);
}

struct request {
	const struct strvec *ids;
	size_t from, n;
	int64_t until_ms;
};

static void pause_some(void *ctx, const struct agent_inside *inside)
{
	const struct request *request = ctx;
	const struct change change = { inside->schedule, inside->now_us, time_now_ms() };

	for (size_t i = request->from; i < request->from + request->n; i++) {
		struct prober_state *prober = schedule_find(inside->schedule, request->ids->v[i]);

		if (prober)
			schedule_pause(inside->schedule, prober, until_us(&change, request->until_ms), inside->now_us);
	}
}

int agent_pause(struct agent *agent, const struct strvec *ids, int64_t until_ms, struct mrp_err *err)
{
	enum { AT_ONCE = 500 };

	if (pauses_set(agent->pauses, ids, until_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < ids->n; i += AT_ONCE) {
		struct request request = { ids, i, MIN((size_t)AT_ONCE, ids->n - i), until_ms };

		if (agent_call(agent, pause_some, &request, err) < 0)
			return -1;
	}
	return 0;
}
