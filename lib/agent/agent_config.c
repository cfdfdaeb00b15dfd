/* SPDX-License-Identifier: Apache-2.0 */
/* Between the thread that gets configs and sends reports, and the scheduler. */
#include "../base/log.h"
#include "agent_internal.h"

/* From the source's thread to the scheduler's. */
struct outcome_message {
	struct loop_message message;
	struct agent *agent;
	struct config_outcome outcome;
	char *error;
	int64_t wall_ms;
};

struct report_message {
	struct loop_message message;
	struct agent *agent;
};

static void set_error(struct agent *agent, const char *error)
{
	free(agent->config_error);
	agent->config_error = error ? xstrdup(error) : NULL;
}

static size_t count_errors(const struct agent_config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->entries.n; i++)
		n += config->entries.v[i]->error != NULL;
	return n;
}

/* Limits that nothing but a cgroup can hold: see run.h. */
static size_t count_limits_of_cgroups(const struct agent_config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->entries.n; i++)
		n += config->entries.v[i]->limits.cpus > 0 || config->entries.v[i]->limits.processes > 0;
	return n;
}

static void apply(struct agent *agent, const struct config_outcome *outcome)
{
	struct agent_config *config = outcome->config;
	size_t errors = count_errors(config);

	if (errors)
		log_warning("%zu of the config's %zu probers cannot be run", errors, config->entries.n);
	size_t limited = agent->options.cgroup ? 0 : count_limits_of_cgroups(config);
	if (limited)
		log_warning(
			"%zu probers have limits of processors or processes, which hold in a cgroup only (--cgroup)",
			limited);
	schedule_apply(agent->schedule, config, loop_now_us(agent->loop));
	agent_pauses_apply(agent);
	metrics_agent_add(agent->metrics, AGENT_CONFIG_RELOADS_TOTAL, 1);
}

static void take_outcome(struct agent *agent, const struct outcome_message *message)
{
	const struct config_outcome *outcome = &message->outcome;

	if (outcome->kind == CONFIG_NEW)
		apply(agent, outcome);
	if ((outcome->kind == CONFIG_NEW && !outcome->last_good) || outcome->kind == CONFIG_SAME)
		metrics_agent_set(agent->metrics, AGENT_CONFIG_TIMESTAMP, (double)message->wall_ms / 1000);
	if (outcome->kind != CONFIG_UNKNOWN) /* else the timestamp tells for how long nobody knows */
		metrics_agent_set(agent->metrics, AGENT_CONFIG_RELOAD_SUCCESS, outcome->kind != CONFIG_REFUSED);
	set_error(agent, message->error);
	agent_rearm(agent);
	agent_manager_config(agent, outcome->reloads);
	agent_calls_reloaded(agent, outcome->reloads, message->error);
}

static void deliver_outcome(struct loop_message *base)
{
	struct outcome_message *message = (struct outcome_message *)(void *)base; /* its first member */

	if (message->agent->stopping)
		agent_config_unref(message->outcome.config);
	else
		take_outcome(message->agent, message);
	free(message->error);
	free(message);
}

static int64_t wall_ms(void)
{
	return executor_ops.wall_ms(NULL);
}

/* On the source's thread: looking up users may block. */
static void on_prepare(void *ctx, struct agent_config *config)
{
	struct agent *agent = ctx;

	agent_config_set_accounts(config, &agent->options.accounts);
}

/* On the source's thread. */
static void on_outcome(void *ctx, const struct config_outcome *outcome)
{
	struct agent *agent = ctx;
	struct outcome_message *message = xcalloc(1, sizeof(*message));

	message->message.deliver = deliver_outcome;
	message->agent = agent;
	message->outcome = *outcome;
	message->error = outcome->error ? xstrdup(outcome->error) : NULL;
	message->wall_ms = wall_ms();
	loop_post(agent->loop, &message->message);
}

static void add_report_item(struct agent_report *report, const struct prober_state *prober)
{
	const struct last_run *last = &prober->last;

	if (!last->known)
		return;
	const struct report_item item = {
		.id = prober->entry->id,
		.status = last->status,
		.reason = last->reason,
		.message = last->message,
		.finished_ms = last->wall_ms,
		.duration_s = last->duration_us < 0 ? -1 : (double)last->duration_us / 1e6,
		.consecutive_failures = prober->consecutive_failures,
	};
	agent_report_add(report, &item);
}

static void send_report(struct agent *agent)
{
	const struct agent_config *config = schedule_config(agent->schedule);
	struct agent_report *report = agent_report_new(config ? config->revision : NULL);
	size_t n;
	struct prober_state *const *probers = schedule_probers(agent->schedule, &n);

	for (size_t i = 0; i < n; i++)
		add_report_item(report, probers[i]);
	agent_source_report(agent->source, report);
}

static void deliver_report(struct loop_message *base)
{
	struct report_message *message = (struct report_message *)(void *)base; /* its first member */
	struct agent *agent = message->agent;

	if (agent->source)
		send_report(agent);
	free(message);
}

static void on_want_report(void *ctx)
{
	struct agent *agent = ctx;
	struct report_message *message = xcalloc(1, sizeof(*message));

	message->message.deliver = deliver_report;
	message->agent = agent;
	loop_post(agent->loop, &message->message);
}

static void on_reported(void *ctx, bool taken)
{
	struct agent *agent = ctx;

	if (!taken)
		metrics_agent_add(agent->metrics, AGENT_REPORTS_FAILED_TOTAL, 1);
}

void agent_config_changed(struct agent *agent)
{
	if (agent->source && !agent->stopping)
		agent_source_changed(agent->source);
}

int agent_config_start(struct agent *agent, struct mrp_err *err)
{
	const struct agent_options *options = &agent->options;
	const struct agent_source_options source = {
		.cluster = options->cluster,
		.host = options->host,
		.state_dir = options->state_dir,
		.http = options->api,
		.path = options->config,
		.environment = options->environment,
		.interval_ms = options->config_interval_ms,
		.prepare = on_prepare,
		.outcome = on_outcome,
		.want_report = options->api ? on_want_report : NULL,
		.reported = on_reported,
		.ctx = agent,
	};

	agent->source = agent_source_start(&source, err);
	return agent->source ? 0 : -1;
}
