/* SPDX-License-Identifier: Apache-2.0 */
#include "due.h"

#include "../base/clock.h"
#include "../base/parse.h"
#include "policy.h"

static const struct value *part(const struct value *cluster, const char *key)
{
	const struct value *v = value_get(cluster, key);

	return v && v->type == V_OBJECT ? v : NULL;
}

int64_t deploy_duration(const struct value *cluster, const char *name, int64_t absent_ms)
{
	const struct value *deploy = part(cluster, "deploy");
	const char *text = deploy ? value_get_string(deploy, name) : NULL;
	struct mrp_err bad = MRP_ERR_INIT;
	int64_t ms;

	if (text && parse_duration(&ms, text, &bad) == 0)
		return ms;
	mrp_err_clear(&bad);
	return absent_ms;
}

bool deploy_enabled(const struct value *cluster)
{
	const struct value *deploy = part(cluster, "deploy"), *enabled = deploy ? value_get(deploy, "enabled") : NULL;

	return !enabled || enabled->type != V_BOOL || enabled->b;
}

const char *cluster_status_of(const struct value *cluster)
{
	const struct value *state = part(cluster, "state");
	const char *status = state ? value_get_string(state, "status") : NULL;

	return status ? status : "pending";
}

int64_t due_backoff_ms(int64_t failures)
{
	int64_t wait = DUE_RETRY_MS;

	for (int64_t i = 1; i < failures && wait < DUE_RETRY_MAX_MS; i++)
		wait *= 2;
	return MIN(wait, DUE_RETRY_MAX_MS);
}

/* What the state says, in milliseconds; -1: nothing. */
struct times {
	int64_t asked, changed, started, ended, failures;
};

static struct times times_of(const struct value *cluster)
{
	const struct value *state = part(cluster, "state"), *failures = state ? value_get(state, "failures") : NULL;

	if (!state)
		return (struct times){ -1, -1, -1, -1, 0 };
	return (struct times){
		.asked = time_parse(value_get_string(state, "deploy_requested_at")),
		.changed = time_parse(value_get_string(state, "changed_at")),
		.started = time_parse(value_get_string(state, "last_started_at")),
		.ended = time_parse(value_get_string(state, "last_ended_at")),
		.failures = failures && failures->type == V_INT ? failures->i : 0,
	};
}

struct due due_of(const struct value *cluster, int64_t recipe_ms, const char *refusal)
{
	const char *status = cluster_status_of(cluster);
	bool destroying = streq(status, "destroying"), refused = streq(status, "refused");
	struct times t = times_of(cluster);
	int64_t changed = MAX(t.changed, destroying ? -1 : recipe_ms);

	if (!destroying && (!deploy_enabled(cluster) || streq(status, "disabled") || streq(status, "waiting")))
		return (struct due){ DUE_NEVER, false };
	if (t.asked >= 0)
		return (struct due){ t.asked, true };
	if (t.started < 0)
		return (struct due){ MAX(changed, 0), false };
	if (changed > t.started)
		return (struct due){ changed, false };
	if (streq(status, "deploying"))
		return (struct due){ t.started, false };
	if (t.failures > 0)
		return (struct due){ MAX(t.ended, t.started) + due_backoff_ms(t.failures), false };
	if (refused)
		return (struct due){ policy_is_new(cluster, refusal) ? t.started : DUE_NEVER, false };
	return (struct due){ t.started + deploy_duration(cluster, "interval", DUE_INTERVAL_MS), false };
}
