/* SPDX-License-Identifier: Apache-2.0 */
#include "executor.h"

#include <time.h>

#include "../probe/plugin.h"
#include "environment.h"
#include "outcome.h"

struct executor_run {
	struct agent_run run;
	struct executor *executor;
	struct extra_run *extra;     /* NULL: of the schedule */
	struct loop_message message; /* on its way back */
	struct run_plan plan;        /* of a program */
	struct run_job job;
	struct arena arena; /* of a program's verdict */
	struct probe_job probe;
	struct executor_run *next, *previous; /* unused ones, or extras that go on */
};

struct executor {
	struct executor_options options;
	struct executor_run *unused; /* as many as there ever were at one time */
	struct executor_run *extras;
	size_t n_extras;
};

struct executor *executor_new(const struct executor_options *options)
{
	struct executor *executor = xcalloc(1, sizeof(*executor));

	executor->options = *options;
	return executor;
}

void executor_free(struct executor *executor)
{
	if (!executor)
		return;
	for (struct executor_run *run = executor->unused, *next; run; run = next) {
		next = run->next;
		free(run);
	}
	free(executor);
}

/* run is the first member. */
static struct executor_run *whole(struct agent_run *run)
{
	return (struct executor_run *)(void *)run;
}

static struct agent_run *run_new(void *ctx)
{
	struct executor *executor = ctx;
	struct executor_run *run = executor->unused;

	if (run)
		executor->unused = run->next;
	else
		run = xmalloc(sizeof(*run));
	memset(run, 0, sizeof(*run));
	run->executor = executor;
	return &run->run;
}

/* Memory of the run itself, on the loop's thread. */
static void recycle(struct executor_run *run)
{
	struct executor *executor = run->executor;

	if (run->job.done)
		run_result_release(&run->job.result);
	run_plan_release(&run->plan);
	arena_release(&run->arena);
	arena_release(&run->probe.arena);
	run->next = executor->unused;
	executor->unused = run;
}

static void forget_extra(struct executor_run *run)
{
	struct executor *executor = run->executor;

	*(run->previous ? &run->previous->next : &executor->extras) = run->next;
	if (run->next)
		run->next->previous = run->previous;
	executor->n_extras--;
	agent_config_unref(run->run.config);
}

/* Back on the loop's thread. */
static void deliver(struct loop_message *message)
{
	struct executor_run *run =
		(struct executor_run *)(void *)((char *)message - offsetof(struct executor_run, message));
	struct executor *executor = run->executor;

	if (run->run.prober) {
		executor->options.finished(executor->options.ctx, &run->run);
	} else {
		forget_extra(run);
		executor->options.finished(executor->options.ctx, NULL);
	}
	recycle(run);
}

static bool is_kept(const struct executor_run *run)
{
	return run->executor->options.logs && !run->run.canceled && outcome_is_kept(run->run.entry, &run->run.verdict);
}

/* On the runner's or the engine's thread: keep or show what was printed, and send the run back. It may be gone when
 * this returns. */
static void conclude(struct executor_run *run, struct log_record *record)
{
	struct executor *executor = run->executor;

	if (run->run.kind == RUN_HEAL)
		record->message = arena_printf(&run->arena, "heal: %s", record->message);
	if (run->extra)
		run->extra->done(run->extra, record);
	else if (is_kept(run))
		logs_put(executor->options.logs, record);
	loop_post(executor->options.loop, &run->message);
}

static void program_done(struct run_job *job)
{
	struct executor_run *run = (struct executor_run *)(void *)((char *)job - offsetof(struct executor_run, job));
	struct run_result *result = &job->result;
	struct log_record record;

	run->run.canceled = result->end == RUN_CANCELED;
	run->run.started_us = result->started_us;
	run->run.ended_us = result->ended_us;
	outcome_verdict(&run->run.verdict, &run->arena, run->run.entry, run->run.kind, &job->spec, result);
	outcome_record(&record, &run->run, result);
	conclude(run, &record);
}

/* What `mrprober probe` would print, for those who want to see it. */
static void show_probe(struct executor_run *run, struct log_record *record, struct strbuf *text)
{
	if (!run->extra && !is_kept(run))
		return;
	plugin_format(text, &run->probe, true);
	record->output[RUN_STDOUT] = text->buf;
	record->output_len[RUN_STDOUT] = text->len;
	record->exit_code = (int)run->probe.nagios_code;
	if (run->extra && run->extra->output)
		run->extra->output(run->extra, RUN_STDOUT, text->buf, text->len);
}

static void probe_done(struct probe_job *job)
{
	struct executor_run *run = (struct executor_run *)(void *)((char *)job - offsetof(struct executor_run, probe));
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct log_record record;

	run->run.started_us = job->started_us;
	run->run.ended_us = job->ended_us;
	run->run.verdict = job->verdict;
	run->run.canceled = job->verdict.status == VERDICT_ERROR && job->verdict.reason == REASON_SIGNAL;
	outcome_record(&record, &run->run, NULL);
	show_probe(run, &record, &text);
	conclude(run, &record);
}

static void program_output(struct run_job *job, enum run_stream stream, const char *data, size_t len)
{
	struct executor_run *run = (struct executor_run *)(void *)((char *)job - offsetof(struct executor_run, job));

	run->extra->output(run->extra, stream, data, len);
}

static void start(void *ctx, struct agent_run *agent_run)
{
	struct executor *executor = ctx;
	struct executor_run *run = whole(agent_run);
	const struct entry *entry = agent_run->entry;

	run->message.deliver = deliver;
	if (entry->probe && agent_run->kind == RUN_TURN) {
		run->probe.probe = entry->probe;
		run->probe.timeout_ms = entry->timeout_ms;
		run->probe.warning_fails = entry->warning_fails;
		run->probe.done = probe_done;
		probe_submit(executor->options.probes, &run->probe);
		return;
	}
	run_plan_make(&run->plan, agent_run->config, entry,
		agent_run->kind == RUN_HEAL ? RUN_WHAT_HEAL : RUN_WHAT_COMMAND, agent_run->id);
	run->job.spec = run->plan.spec;
	run->job.done = program_done;
	run->job.output = run->extra && run->extra->output ? program_output : NULL;
	runner_submit(executor->options.runner, &run->job);
}

static void cancel(void *ctx, struct agent_run *agent_run)
{
	struct executor *executor = ctx;
	struct executor_run *run = whole(agent_run);

	if (run->probe.done)
		probe_cancel(executor->options.probes, &run->probe);
	else
		runner_cancel(executor->options.runner, &run->job);
}

static int64_t wall_ms(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void changed(void *ctx, const struct prober_state *prober)
{
	struct executor *executor = ctx;

	if (executor->options.changed)
		executor->options.changed(executor->options.ctx, prober);
}

const struct executor_ops executor_ops = {
	.run_new = run_new,
	.start = start,
	.cancel = cancel,
	.wall_ms = wall_ms,
	.changed = changed,
};

void executor_run_extra(
	struct executor *executor, struct extra_run *extra, const struct prober_state *prober, const char *run_id)
{
	struct executor_run *run = whole(run_new(executor));

	run->run.kind = RUN_TURN;
	run->run.entry = prober->entry;
	run->run.config = agent_config_ref(prober->config);
	snprintf(run->run.id, sizeof(run->run.id), "%s", run_id);
	run->extra = extra;
	run->next = executor->extras;
	if (run->next)
		run->next->previous = run;
	executor->extras = run;
	executor->n_extras++;
	start(executor, &run->run);
}

void executor_cancel_extra(struct executor *executor, struct extra_run *extra)
{
	for (struct executor_run *run = executor->extras; run; run = run->next) {
		if (run->extra == extra)
			cancel(executor, &run->run);
	}
}

size_t executor_extras(const struct executor *executor)
{
	return executor->n_extras;
}

void executor_cancel_extras(struct executor *executor)
{
	for (struct executor_run *run = executor->extras; run; run = run->next)
		cancel(executor, &run->run);
}
