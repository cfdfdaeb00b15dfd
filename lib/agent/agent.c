/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/notify.h"
#include "agent_internal.h"
#include "cgroup_path.h"
#include "run_prefix.h"

enum {
	PROBES_MAX = 2000, /* built-in checks at one time: a socket or two each */
	PACE_US = 1000,    /* thousands of runs a second end one by one, but need not be heard of one by one */
	OVERLOAD_PACE_US = 4000,
	UPLOADS_LAST_MS = 3000,
	GIVE_UP_US = 10 * 1000 * 1000, /* after the largest grace: even a killed program can hang in the kernel */
};

void agent_rearm(struct agent *agent)
{
	int64_t next = schedule_next_us(agent->schedule);

	loop_set_pace(agent->loop, schedule_is_overloaded(agent->schedule) ? OVERLOAD_PACE_US : PACE_US);
	if (next == INT64_MAX)
		loop_timer_clear(agent->loop, &agent->turn);
	else if (!agent->turn.place || agent->turn.due_us != next)
		loop_timer_set(agent->loop, &agent->turn, next);
}

static void on_turn(void *ctx)
{
	struct agent *agent = ctx;

	schedule_take_turns(agent->schedule, loop_now_us(agent->loop));
	agent_rearm(agent);
}

static void check_stopped(struct agent *agent)
{
	if (agent->stopping && !schedule_running(agent->schedule) && !executor_extras(agent->executor))
		loop_stop(agent->loop);
}

static void on_finished(void *ctx, struct agent_run *run)
{
	struct agent *agent = ctx;

	if (run)
		schedule_finished(agent->schedule, run, loop_now_us(agent->loop));
	agent_rearm(agent);
	check_stopped(agent);
}

static void on_changed(void *ctx, const struct prober_state *prober)
{
	(void)prober;
	agent_config_changed(ctx);
}

static void on_give_up(void *ctx)
{
	struct agent *agent = ctx;

	agent->stuck = true;
	loop_stop(agent->loop);
}

static int64_t largest_grace_us(const struct agent *agent)
{
	int64_t grace_ms = 0;
	size_t n;
	struct prober_state *const *probers = schedule_probers(agent->schedule, &n);

	for (size_t i = 0; i < n; i++)
		grace_ms = MAX(grace_ms, probers[i]->entry->grace_ms);
	return grace_ms * 1000;
}

void agent_stop(struct agent *agent, const char *why)
{
	if (agent->stopping) {
		log_warning("not waiting for %zu runs: %s again", schedule_running(agent->schedule), why);
		on_give_up(agent);
		return;
	}
	agent->stopping = true;
	agent_calls_close(agent);
	log_info("stopping: %s", why);
	notify_manager("STOPPING=1");
	schedule_stop(agent->schedule);
	executor_cancel_extras(agent->executor);
	agent_rearm(agent);
	loop_timer_set(agent->loop, &agent->give_up, loop_now_us(agent->loop) + largest_grace_us(agent) + GIVE_UP_US);
	check_stopped(agent);
}

/* Beneath the folder that is this agent's alone. */
static char *state_path(const struct agent *agent, const char *name)
{
	return xasprintf("%s/agent/%s/%s", agent->options.state_dir, agent->options.cluster, name);
}

static int start_uploads(struct agent *agent, struct mrp_err *err)
{
	const struct agent_options *options = &agent->options;
	cleanup(freep) char *folder = state_path(agent, "uploads");
	const struct uploads_options uploads = {
		.s3 = options->s3,
		.folder = folder,
		.max_bytes = options->upload_bytes,
		.prefix = options->upload_prefix,
		.cluster = options->cluster,
		.host = options->host,
		.metrics = agent->metrics,
	};

	if (!options->s3)
		return 0;
	agent->uploads = uploads_start(&uploads, err);
	if (!agent->uploads)
		return mrp_err_wrap(err, "uploads");
	log_info("output of runs goes to %s, beneath %s/agent", uploads_description(agent->uploads), uploads.prefix);
	return 0;
}

static int start_logs(struct agent *agent, struct mrp_err *err)
{
	const struct agent_options *options = &agent->options;
	cleanup(freep) char *folder = state_path(agent, "logs");

	if (!options->log_bytes)
		return 0;
	struct log_store *store = log_store_open(folder, options->log_bytes, err);
	if (!store)
		return -1;
	agent->logs = logs_start(store, agent->uploads, agent->metrics, err);
	return agent->logs ? 0 : -1;
}

static void open_pauses(struct agent *agent)
{
	cleanup(freep) char *path = state_path(agent, "pauses.json");

	agent->pauses = pauses_open(path);
}

static int start_runner(struct agent *agent, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf cgroup = STRBUF_INIT;
	const char *wanted = agent->options.cgroup;

	if (wanted && cgroup_path(&cgroup, wanted, err) < 0)
		return -1;
	const struct runner_options options = {
		.threads = 2,
		.cgroup = wanted ? cgroup.buf : NULL,
		.open_files = agent->options.open_files,
	};
	agent->runner = runner_new(&options, err);
	if (!agent->runner)
		return -1;
	agent->probes = probe_engine_new(err);
	return agent->probes ? 0 : -1;
}

static int start_metrics(struct agent *agent, struct mrp_err *err)
{
	const struct agent_options *options = &agent->options;
	const struct metrics_options metrics = {
		.cluster = options->cluster,
		.host = options->host,
		.version = MRP_VERSION,
		.compat_blackbox = options->compat_blackbox,
	};

	agent->metrics = metrics_new(&metrics);
	if (!options->listen)
		return 0;
	agent->server = metrics_server_start(&agent->url, agent->metrics, options->listen, err);
	return agent->server ? 0 : -1;
}

static void make_schedule(struct agent *agent)
{
	cleanup(freep) char *folder = state_path(agent, "");
	char run_prefix[RUN_PREFIX];

	run_prefix_begin(run_prefix, folder);
	const struct executor_options executor = {
		.loop = agent->loop,
		.runner = agent->runner,
		.probes = agent->probes,
		.logs = agent->logs,
		.finished = on_finished,
		.changed = on_changed,
		.ctx = agent,
	};

	agent->executor = executor_new(&executor);
	const struct schedule_options schedule = {
		.ops = &executor_ops,
		.ctx = agent->executor,
		.metrics = agent->metrics,
		.host = agent->options.host,
		.run_prefix = run_prefix,
		.max_runs = agent->options.max_runs,
		.max_probes = PROBES_MAX,
	};
	agent->schedule = schedule_new(&schedule);
}

static int start(struct agent *agent, struct mrp_err *err)
{
	sigset_t set;

	agent_block_signals(&set); /* before any thread */
	agent->loop = loop_new(err);
	/* the source makes the state folder, and makes sure that it is ours */
	if (!agent->loop || account_rules_check(&agent->options.accounts, err) < 0 || start_metrics(agent, err) < 0 ||
		agent_config_start(agent, err) < 0 || start_uploads(agent, err) < 0 || start_logs(agent, err) < 0 ||
		start_runner(agent, err) < 0)
		return -1;
	loop_set_pace(agent->loop, PACE_US);
	agent->turn = (struct loop_timer){ .fn = on_turn, .ctx = agent };
	agent->give_up = (struct loop_timer){ .fn = on_give_up, .ctx = agent };
	make_schedule(agent);
	open_pauses(agent);
	return agent_manager_start(agent, err);
}

struct agent *agent_new(const struct agent_options *options, struct mrp_err *err)
{
	struct agent *agent = xcalloc(1, sizeof(*agent));

	agent->options = *options;
	agent->signal_fd = -1;
	agent_calls_init(agent);
	if (start(agent, err) < 0) {
		agent_free(agent);
		return NULL;
	}
	return agent;
}

static void on_drained(struct loop_message *message)
{
	loop_stop(((struct agent *)(void *)((char *)message - offsetof(struct agent, drained)))->loop);
}

/* Nobody posts any more: deliver what was posted, as somebody may wait for it, or it holds memory. */
static int drain(struct agent *agent, struct mrp_err *err)
{
	agent_source_stop(agent->source);
	agent->source = NULL;
	agent->drained.deliver = on_drained;
	loop_post(agent->loop, &agent->drained);
	return loop_run(agent->loop, err);
}

int agent_run(struct agent *agent, struct mrp_err *err)
{
	int r = loop_run(agent->loop, err);

	agent->stopping = true;
	agent_calls_close(agent);
	if (r == 0)
		r = drain(agent, err);
	if (agent->stuck)
		return mrp_err_set(err, MRP_EFAILED, "%zu runs did not end", schedule_running(agent->schedule));
	return r;
}

/* What runs hold is left alone when some of them have not ended. */
static void free_runs(struct agent *agent)
{
	if (agent->stuck)
		return;
	if (agent->runner)
		runner_free(agent->runner);
	if (agent->probes)
		probe_engine_free(agent->probes);
	schedule_free(agent->schedule);
	executor_free(agent->executor);
	if (agent->logs)
		logs_stop(agent->logs);
	uploads_stop(agent->uploads, UPLOADS_LAST_MS);
	if (agent->loop)
		loop_free(agent->loop);
	if (agent->metrics)
		metrics_free(agent->metrics);
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	if (agent->source) { /* it has not run */
		struct mrp_err err = MRP_ERR_INIT;

		agent->stopping = true;
		drain(agent, &err);
		mrp_err_clear(&err);
	}
	if (agent->server)
		metrics_server_stop(agent->server);
	free(agent->url);
	if (agent->signal_fd >= 0) {
		loop_io_remove(agent->loop, &agent->signals);
		close(agent->signal_fd);
	}
	free_runs(agent);
	agent_calls_release(agent);
	pauses_close(agent->pauses);
	free(agent->config_error);
	free(agent);
}

const char *agent_url(const struct agent *agent)
{
	return agent->url;
}

struct metrics *agent_metrics(struct agent *agent)
{
	return agent->metrics;
}

struct runner *agent_runner(struct agent *agent)
{
	return agent->runner;
}

struct logs *agent_logs(struct agent *agent)
{
	return agent->logs;
}

struct agent_source *agent_source(struct agent *agent)
{
	return agent->source;
}

const struct agent_options *agent_options(const struct agent *agent)
{
	return &agent->options;
}
