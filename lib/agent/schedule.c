/* SPDX-License-Identifier: Apache-2.0 */
/* Turns, and what came of the runs that they began. */
#include "schedule_internal.h"

#include <inttypes.h>

#include "heal.h"

static const char late_message[] = "was not started: its next turn came first";

struct schedule *schedule_new(const struct schedule_options *options)
{
	struct schedule *schedule = xcalloc(1, sizeof(*schedule));

	schedule->ops = options->ops;
	schedule->ctx = options->ctx;
	schedule->metrics = options->metrics;
	schedule->host = xstrdup(options->host);
	schedule->places[PLACE_PROGRAM].max = options->max_runs;
	schedule->places[PLACE_PROBE].max = options->max_probes;
	snprintf(schedule->run_prefix, sizeof(schedule->run_prefix), "%s", options->run_prefix);
	return schedule;
}

void schedule_free(struct schedule *schedule)
{
	if (!schedule)
		return;
	for (size_t i = 0; i < schedule->probers.n; i++) {
		timers_clear(&schedule->turns, &schedule->probers.v[i]->turn);
		prober_state_free(schedule, schedule->probers.v[i]);
	}
	prober_vec_clear(&schedule->probers);
	timers_release(&schedule->turns);
	group_vec_clear(&schedule->groups);
	agent_config_unref(schedule->config);
	free(schedule->host);
	free(schedule);
}

int64_t schedule_grid_after(const struct prober_state *prober, int64_t us)
{
	int64_t interval = prober->entry->interval_ms * 1000, phase = (int64_t)(prober->hash % (uint64_t)interval);

	return us < phase ? phase : us - (us - phase) % interval + interval;
}

/* Time between turns now; an entry that fails may have another one. */
static int64_t step_us(const struct prober_state *prober)
{
	const struct entry *entry = prober->entry;

	return (prober->consecutive_failures ? entry->retry_interval_ms : entry->interval_ms) * 1000;
}

static int64_t turn_after(const struct prober_state *prober, int64_t now_us)
{
	const struct entry *entry = prober->entry;
	int64_t step = step_us(prober), last = prober->turn_us;

	if (!prober->consecutive_failures || entry->retry_interval_ms == entry->interval_ms || !last)
		return schedule_grid_after(prober, now_us);
	return last + (MAX(now_us - last, 0) / step + 1) * step;
}

static void set_running(struct schedule *schedule, size_t running)
{
	schedule->running = running;
	metrics_agent_set(schedule->metrics, AGENT_RUNNING, (double)running);
}

struct agent_run *schedule_new_run(
	struct schedule *schedule, struct prober_state *prober, enum run_kind kind, int64_t scheduled_us)
{
	struct agent_run *run = schedule->ops->run_new(schedule->ctx);

	run->kind = kind;
	run->prober = prober;
	run->entry = prober->entry;
	run->config = agent_config_ref(prober->config);
	run->scheduled_us = scheduled_us;
	run->canceled = false;
	run->started_us = run->ended_us = 0;
	run->group = NULL;
	snprintf(run->id, sizeof(run->id), "%.14s-%" PRIx64, schedule->run_prefix, ++schedule->count);
	run->previous = NULL;
	run->next = schedule->runs;
	if (run->next)
		run->next->previous = run;
	schedule->runs = run;
	set_running(schedule, schedule->running + 1);
	return run;
}

static void forget_run(struct schedule *schedule, struct agent_run *run)
{
	*(run->previous ? &run->previous->next : &schedule->runs) = run->next;
	if (run->next)
		run->next->previous = run->previous;
	agent_config_unref(run->config);
	run->config = NULL;
	set_running(schedule, schedule->running - 1);
}

void schedule_start(struct schedule *schedule, struct prober_state *prober, int64_t turn_us)
{
	struct agent_run *run = schedule_new_run(schedule, prober, RUN_TURN, turn_us);

	prober->running++;
	if (prober->group) {
		run->group = prober->group;
		run->group->references++;
	}
	schedule->ops->start(schedule->ctx, run);
}

/* Text that changes seldom is kept as it is. */
static void set_message(struct last_run *last, const char *message)
{
	if (last->message && streq(last->message, message))
		return;
	free(last->message);
	last->message = xstrdup(message);
}

static void record(struct schedule *schedule, struct prober_state *prober, const struct verdict *verdict,
	const struct agent_run *run)
{
	struct last_run *last = &prober->last;
	bool changed = !last->known || last->status != verdict->status || last->reason != verdict->reason;

	if (verdict->status == VERDICT_SUCCESS)
		prober->consecutive_failures = 0;
	else if (verdict->status == VERDICT_FAILURE)
		prober->consecutive_failures++;
	prober->runs[verdict->status]++;
	last->known = true;
	last->status = verdict->status;
	last->reason = verdict->reason;
	set_message(last, verdict->message);
	snprintf(last->run_id, sizeof(last->run_id), "%s", run ? run->id : "");
	last->wall_ms = schedule->ops->wall_ms(schedule->ctx);
	last->duration_us = run && run->started_us ? run->ended_us - run->started_us : -1;
	metrics_prober_record(schedule->metrics, prober->series, verdict,
		last->duration_us < 0 ? -1 : (double)last->duration_us / 1e6, last->wall_ms,
		prober->consecutive_failures);
	if (run && run->started_us)
		metrics_agent_delay(schedule->metrics, (double)MAX(run->started_us - run->scheduled_us, 0) / 1e6);
	if (changed && schedule->ops->changed)
		schedule->ops->changed(schedule->ctx, prober);
}

void schedule_record_error(
	struct schedule *schedule, struct prober_state *prober, enum verdict_reason reason, const char *message)
{
	const struct verdict verdict = { .status = VERDICT_ERROR, .reason = reason, .message = message };

	record(schedule, prober, &verdict, NULL);
}

/* An error for each time that it happens, a count for each turn that it took. */
static void record_late(struct schedule *schedule, struct prober_state *prober, int64_t turns)
{
	metrics_agent_add(schedule->metrics, AGENT_LATE_TOTAL, turns);
	schedule_record_error(schedule, prober, REASON_LATE, late_message);
}

static void skip(struct schedule *schedule, struct prober_state *prober)
{
	prober->skipped++;
	metrics_agent_add(schedule->metrics, AGENT_SKIPPED_TOTAL, 1);
}

static void begin_turn(struct schedule *schedule, struct prober_state *prober)
{
	enum overlap overlap = prober->entry->overlap;

	if (prober->waiting == WAITING_SELF) {
		skip(schedule, prober);
		prober->waiting_us = prober->turn_us;
	} else if (prober->waiting != WAITING_NOT) {
		record_late(schedule, prober, 1);
		prober->waiting_us = prober->turn_us;
	} else if (!prober->running || overlap == OVERLAP_ALLOW) {
		places_ask(schedule, prober, prober->turn_us);
	} else if (overlap == OVERLAP_QUEUE) {
		places_wait_self(schedule, prober, prober->turn_us);
	} else {
		skip(schedule, prober);
	}
}

static void set_turn(struct schedule *schedule, struct prober_state *prober, int64_t turn_us)
{
	timers_set(&schedule->turns, &prober->turn, turn_us);
}

static void end_pause(struct schedule *schedule, struct prober_state *prober)
{
	prober->paused_until_us = 0;
	metrics_agent_set(schedule->metrics, AGENT_PROBERS_PAUSED, (double)--schedule->paused);
}

static void take_turn(struct schedule *schedule, struct prober_state *prober, int64_t now_us)
{
	int64_t turn = prober->turn.due_us, missed = (now_us - turn) / step_us(prober);
	bool paused = prober_paused(prober, now_us);

	prober->turn_us = turn + missed * step_us(prober);
	set_turn(schedule, prober, turn_after(prober, now_us));
	if (!paused && prober->paused_until_us)
		end_pause(schedule, prober);
	if (paused)
		return;
	if (missed)
		record_late(schedule, prober, missed + 1);
	else
		begin_turn(schedule, prober);
}

int64_t schedule_next_us(const struct schedule *schedule)
{
	const struct loop_timer *first = timers_first(&schedule->turns);

	return first && !schedule->stopping ? first->due_us : INT64_MAX;
}

int64_t schedule_take_turns(struct schedule *schedule, int64_t now_us)
{
	while (schedule_next_us(schedule) <= now_us) {
		struct loop_timer *first = timers_first(&schedule->turns);

		take_turn(schedule, first->ctx, now_us);
	}
	return schedule_next_us(schedule);
}

/* What a run said: the state of its prober, and when and what comes next because of it. */
static void turn_ended(struct schedule *schedule, struct agent_run *run, int64_t now_us)
{
	struct prober_state *prober = run->prober;
	bool failed = prober->consecutive_failures > 0;

	record(schedule, prober, &run->verdict, run);
	if (failed != (prober->consecutive_failures > 0) && prober->turn.place)
		set_turn(schedule, prober, turn_after(prober, now_us));
	if (run->verdict.status == VERDICT_SUCCESS)
		heal_recovered(&prober->heal);
	else if (run->verdict.status == VERDICT_FAILURE && !prober_paused(prober, now_us))
		schedule_consider_heal(schedule, prober, now_us);
}

void schedule_finished(struct schedule *schedule, struct agent_run *run, int64_t now_us)
{
	struct prober_state *prober = run->prober;

	if (run->kind == RUN_HEAL) {
		schedule_heal_ended(schedule, run);
	} else {
		prober->running--;
		if (!run->canceled && !prober->removed && !schedule->stopping)
			turn_ended(schedule, run, now_us);
		places_release(schedule, run);
		if (prober->waiting == WAITING_SELF && !prober->running) {
			int64_t turn = places_leave(schedule, prober);

			places_ask(schedule, prober, turn);
		}
	}
	forget_run(schedule, run);
	if (prober->removed && !prober->running && !prober->heal.running)
		prober_state_free(schedule, prober);
}

void schedule_stop(struct schedule *schedule)
{
	schedule->stopping = true;
	for (size_t i = 0; i < schedule->probers.n; i++)
		places_leave(schedule, schedule->probers.v[i]);
	for (struct agent_run *run = schedule->runs, *next; run; run = next) {
		next = run->next;
		schedule->ops->cancel(schedule->ctx, run);
	}
}

size_t schedule_running(const struct schedule *schedule)
{
	return schedule->running;
}

void schedule_pause(struct schedule *schedule, struct prober_state *prober, int64_t until_us, int64_t now_us)
{
	bool before = prober->paused_until_us != 0, after = until_us == PAUSED_FOREVER || until_us > now_us;

	prober->paused_until_us = after ? until_us : 0;
	schedule->paused += (size_t)after - (size_t)before;
	metrics_agent_set(schedule->metrics, AGENT_PROBERS_PAUSED, (double)schedule->paused);
	if (after)
		places_leave(schedule, prober); /* what waits would begin in the pause */
}

struct prober_state *const *schedule_probers(const struct schedule *schedule, size_t *n)
{
	*n = schedule->probers.n;
	return schedule->probers.v;
}

struct prober_state *schedule_find(const struct schedule *schedule, const char *id)
{
	size_t low = 0, high = schedule->probers.n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(schedule->probers.v[middle]->entry->id, id);

		if (!order)
			return schedule->probers.v[middle];
		*(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
	}
	return NULL;
}

const struct agent_config *schedule_config(const struct schedule *schedule)
{
	return schedule->config;
}
