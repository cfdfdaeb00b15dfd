/* SPDX-License-Identifier: Apache-2.0 */
/* What the duty socket asks of a real agent: a little at a time on the scheduler's thread, the rest here. */
#include <inttypes.h>

#include "../agent/agent.h"
#include "../agent/environment.h"
#include "../base/clock.h"
#include "../value/json.h"
#include "call.h"
#include "inherited.h"

static void add_optional(struct strbuf *json, const char *key, const char *text)
{
	if (text)
		duty_add_text(json, key, text);
}

static void count_probers(void *ctx, const struct agent_inside *inside)
{
	schedule_probers(inside->schedule, ctx);
}

static void about(void *ctx, struct strbuf *json)
{
	const struct agent_options *options = agent_options(ctx);
	struct agent_source_status status;
	struct mrp_err ignored = MRP_ERR_INIT;
	size_t probers = 0;

	if (agent_call(ctx, count_probers, &probers, &ignored) < 0)
		mrp_err_clear(&ignored);
	duty_add_number(json, "probers", (int64_t)probers);
	agent_source_status(agent_source(ctx), &status);
	duty_add_text(json, "version", MRP_VERSION);
	duty_add_text(json, "cluster", options->cluster);
	duty_add_text(json, "host", options->host);
	duty_add_text(json, "config_source", status.source);
	add_optional(json, "config_revision", status.revision);
	add_optional(json, "config_error", status.error);
	if (status.checked_ms)
		duty_add_number(json, "config_checked_ms", status.checked_ms);
	if (status.good_ms)
		duty_add_number(json, "config_good_ms", status.good_ms);
	agent_source_status_release(&status);
}

struct page {
	struct duty_entry *out;
	size_t max, n, probers;
	const char *after;
	struct arena *arena;
};

/* Moments of the monotonic clock as those of the wall clock, as it is now. */
static int64_t wall_of(int64_t us, const struct agent_inside *inside)
{
	return time_now_ms() + (us - inside->now_us) / 1000;
}

static void fill_entry(struct duty_entry *out, struct arena *arena, const struct prober_state *prober,
	const struct agent_inside *inside)
{
	const struct last_run *last = &prober->last;
	bool paused = prober_paused(prober, inside->now_us);

	*out = (struct duty_entry){ .id = arena_strdup(arena, prober->entry->id),
		.prober = arena_strdup(arena, prober->entry->prober),
		.ran = last->known,
		.failures = prober->consecutive_failures,
		.running = (unsigned)prober->running };
	if (last->known) {
		out->status = last->status;
		out->reason = last->reason;
		out->message = arena_strdup(arena, last->message);
		out->finished_ms = last->wall_ms;
		out->duration_us = last->duration_us;
	}
	if (paused)
		out->paused_ms = prober->paused_until_us == PAUSED_FOREVER ? INT64_MAX
									   : wall_of(prober->paused_until_us, inside);
	else if (prober->turn.place)
		out->next_ms = wall_of(prober->turn.due_us, inside);
}

/* The first entry with an id after `after`. */
static size_t first_after(struct prober_state *const *probers, size_t n, const char *after)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(probers[middle]->entry->id, after) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void fill_page(void *ctx, const struct agent_inside *inside)
{
	struct page *page = ctx;
	struct prober_state *const *probers = schedule_probers(inside->schedule, &page->probers);

	for (size_t i = first_after(probers, page->probers, page->after); i < page->probers && page->n < page->max; i++)
		fill_entry(&page->out[page->n++], page->arena, probers[i], inside);
}

static size_t list(void *ctx, struct duty_entry *out, size_t max, const char *after, struct arena *arena)
{
	struct page page = { .out = out, .max = max, .after = after, .arena = arena };
	struct mrp_err ignored = MRP_ERR_INIT;

	if (agent_call(ctx, fill_page, &page, &ignored) < 0)
		mrp_err_clear(&ignored);
	return page.n;
}

/* What is taken along from the scheduler's thread to answer `explain`. */
struct explained {
	const char *id;
	struct agent_config *config; /* a reference */
	const struct entry *entry;
	struct duty_entry state;
	struct arena *arena;
	char run_id[32];
};

static void take_entry(void *ctx, const struct agent_inside *inside)
{
	struct explained *explained = ctx;
	struct prober_state *prober = schedule_find(inside->schedule, explained->id);

	if (!prober)
		return;
	explained->config = agent_config_ref(prober->config);
	explained->entry = prober->entry;
	fill_entry(&explained->state, explained->arena, prober, inside);
	agent_run_id(explained->run_id, inside);
}

static int gone(const char *id, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_ENOTFOUND, "the agent does not run '%s' any more", id);
}

static void add_words(struct strbuf *json, const char *key, const char *const *words)
{
	strbuf_addf(json, "\"%s\":[", key);
	for (size_t i = 0; words[i]; i++) {
		if (i)
			strbuf_addch(json, ',');
		json_add_string(json, words[i], strlen(words[i]));
	}
	strbuf_addstr(json, "],");
}

static void add_user(struct strbuf *json, const struct account *account)
{
	const struct run_user *user = &account->user;

	strbuf_addstr(json, "\"user\":{");
	duty_add_text(json, "name", account->name);
	duty_add_number(json, "uid", user->uid);
	duty_add_number(json, "gid", user->gid);
	strbuf_addstr(json, "\"groups\":[");
	for (size_t i = 0; i < user->n_groups; i++)
		strbuf_addf(json, "%s%u", i ? "," : "", (unsigned)user->groups[i]);
	strbuf_addstr(json, "]},");
}

static void add_run(struct strbuf *json, struct agent *agent, const struct explained *explained)
{
	const struct entry *entry = explained->entry;
	struct run_plan plan;
	int64_t address_bytes, processes;

	strbuf_addstr(json, "\"run\":{");
	if (entry->error) {
		duty_add_text(json, "error", entry->error);
	} else if (entry->argv) {
		run_plan_make(&plan, explained->config, entry, RUN_WHAT_COMMAND, explained->run_id);
		add_words(json, "argv", plan.spec.argv);
		add_words(json, "env", plan.spec.env);
		duty_add_text(json, "folder", plan.spec.folder);
		add_user(json, entry->account);
		runner_rlimits(agent_runner(agent), &plan.spec.limits, &address_bytes, &processes);
		strbuf_addf(json, "\"limits\":{\"address_bytes\":%" PRId64 ",\"processes\":%" PRId64 "},",
			address_bytes, processes);
		strbuf_addstr(json, "\"inherited\":");
		inherited_format(json, agent_options(agent)->open_files);
		strbuf_addch(json, ',');
		duty_add_number(json, "timeout_ms", plan.spec.timeout_ms);
		run_plan_release(&plan);
	}
	duty_end_object(json);
}

static int explain(void *ctx, const char *id, struct strbuf *json, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct explained explained = { .id = id, .arena = &arena };

	if (agent_call(ctx, take_entry, &explained, err) < 0)
		return -1;
	if (!explained.config)
		return gone(id, err);
	strbuf_addf(json, "{\"entry\":%s,", explained.entry->source);
	add_run(json, ctx, &explained);
	strbuf_addstr(json, ",\"state\":");
	duty_add_entry(json, &explained.state);
	strbuf_addch(json, '}');
	agent_config_unref(explained.config);
	return 0;
}

/* Between the two structs that somebody waits for. */
struct extra {
	struct extra_run extra;
	struct duty_run *run;
	const char *id;
	const char *error;
	bool started;
};

static void extra_output(struct extra_run *base, enum run_stream stream, const char *data, size_t len)
{
	struct duty_run *run = ((struct extra *)base)->run;

	run->output(run, stream, data, len);
}

static void extra_done(struct extra_run *base, const struct log_record *record)
{
	struct extra *extra = (struct extra *)base;
	struct duty_run *run = extra->run;

	run->done(run, record);
}

static void start_extra(void *ctx, const struct agent_inside *inside)
{
	struct extra *extra = ctx;
	struct prober_state *prober = schedule_find(inside->schedule, extra->id);
	char run_id[32];

	if (!prober)
		return;
	if (prober->entry->error) {
		extra->error = xstrdup(prober->entry->error);
		return;
	}
	agent_run_id(run_id, inside);
	extra->started = true;
	executor_run_extra(inside->executor, &extra->extra, prober, run_id);
}

static int run(void *ctx, const char *id, struct duty_run *run, struct mrp_err *err)
{
	struct extra *extra = xcalloc(1, sizeof(*extra));

	*extra = (struct extra){ .extra = { extra_output, extra_done }, .run = run, .id = id };
	run->own = extra;
	int r = agent_call(ctx, start_extra, extra, err);
	if (r == 0 && extra->error)
		r = mrp_err_set(err, MRP_EINVALID, "'%s' cannot be run: %s", id, extra->error);
	else if (r == 0 && !extra->started)
		r = gone(id, err);
	return r;
}

static void cancel_extra(void *ctx, const struct agent_inside *inside)
{
	executor_cancel_extra(inside->executor, ctx);
}

static void cancel(void *ctx, struct duty_run *run)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	agent_call(ctx, cancel_extra, run->own, &ignored);
	mrp_err_clear(&ignored);
}

static void run_release(void *ctx, struct duty_run *run)
{
	struct extra *extra = run->own;

	(void)ctx;
	if (extra)
		free((char *)(uintptr_t)extra->error);
	free(extra);
}

static int pause_entries(void *ctx, const struct strvec *ids, int64_t until_ms, struct mrp_err *err)
{
	return agent_pause(ctx, ids, until_ms, err);
}

static int reload(void *ctx, struct strbuf *json, struct mrp_err *err)
{
	struct agent_source_status status;

	if (agent_reload(ctx, err) == 0) {
		about(ctx, json);
		return 0;
	}
	agent_source_status(agent_source(ctx), &status);
	if (err->code == MRP_EFAILED && status.revision) {
		cleanup(freep) char *why = xstrdup(err->msg);

		mrp_err_clear(err);
		mrp_err_set(err, MRP_EFAILED, "%s; the config before stays", why);
	}
	agent_source_status_release(&status);
	return -1;
}

static int get_log(void *ctx, struct log_record *out, const char *id, size_t back, struct mrp_err *err)
{
	struct logs *logs = agent_logs(ctx);

	return logs ? logs_get(out, logs, id, back, err) : 0;
}

static bool wait_for_log(void *ctx, uint64_t *seen, int64_t timeout_ms)
{
	return agent_logs(ctx) && logs_wait(agent_logs(ctx), seen, timeout_ms);
}

struct duty_ops duty_agent_ops(struct agent *agent)
{
	return (struct duty_ops){ .about = about,
		.list = list,
		.explain = explain,
		.run = run,
		.cancel = cancel,
		.run_release = run_release,
		.pause = pause_entries,
		.reload = reload,
		.log = get_log,
		.log_wait = wait_for_log,
		.ctx = agent };
}
