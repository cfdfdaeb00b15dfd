/* SPDX-License-Identifier: Apache-2.0 */
/* The question, the lease, and the requests. */
#include <unistd.h>

#include "../lib/base/interrupt.h"
#include "../lib/cli/prompt.h"
#include "../lib/sync/apply.h"
#include "../lib/sync/lease.h"
#include "synchronize.h"

#define LEASE_NAME "synchronize"

enum { LEASE_TTL_S = 30, BATCH_TIMEOUT_MS = 1800000 };

/* 1: go on. 0: no. Text is what people read before they answer, whatever the format of the result is. */
int sync_confirm(struct sync_run *run, struct mrp_err *err)
{
	bool yes = run->args->yes;

	if (run->args->format == FORMAT_TEXT)
		sync_print_plan(run, stdout, FORMAT_TEXT);
	else if (!yes && mrp_can_prompt())
		sync_print_plan(run, stderr, FORMAT_TEXT);
	if (sync_guard(run, err) < 0)
		return -1;
	run->asked = !yes;
	if (!yes && mrp_prompt_yes_no(&yes, "Apply this plan?", "--yes", err) < 0)
		return -1;
	if (!yes)
		fputs("nothing was done\n", stderr);
	return yes;
}

static void show_progress(void *ctx, const char *what, size_t done, size_t total)
{
	struct sync_run *run = ctx;

	if (run->progress_what != what) {
		mrp_progress_clear(&run->progress);
		mrp_progress_start(&run->progress, what, total, run->ctx->quiet);
		run->progress_what = what;
	}
	mrp_progress_update(&run->progress, done);
}

/* A whole plan in one request takes its time, which no other request may have. */
static int apply_atomic(struct sync_run *run, struct mrp_err *err)
{
	struct http_options options = run->http;

	options.total_timeout_ms = options.stall_timeout_ms = BATCH_TIMEOUT_MS;
	cleanup(http_closep) struct http_client *client = http_open(&options, err);
	if (!client)
		return -1;
	http_set_interrupt(client, interrupted, interrupt_fd());
	http_set_lease(client, LEASE_NAME, run->fence);
	int result = plan_apply_atomic(run->plan, client, show_progress, run, err);
	http_add_traffic(&run->traffic, client);
	return result;
}

static int apply(struct sync_run *run, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf trouble = STRBUF_INIT, summary = STRBUF_INIT;

	int result = run->args->atomic ? apply_atomic(run, err)
				       : plan_apply(run->plan, run->client, show_progress, run, err);
	mrp_progress_clear(&run->progress);
	plan_results(&trouble, run->plan);
	fputs(trouble.buf, stderr);
	if (run->args->format == FORMAT_TEXT) {
		plan_results_summary(&summary, run->plan);
		puts(summary.buf);
	} else {
		sync_print_plan(run, stdout, run->args->format);
	}
	return result;
}

static bool same_plans(const struct plan *a, const struct plan *b)
{
	cleanup(strbuf_release) struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;

	plan_text(&x, a, false, 0);
	plan_text(&y, b, false, 0);
	return streq(x.buf, y.buf);
}

/* The API has changed between the plan and the lease. 1: go on with the plan, which is a new one. 0: nothing is left to
 * do. What somebody has said yes to is never exchanged for something else. */
static int plan_again(struct sync_run *run, struct mrp_err *err)
{
	cleanup(plan_freep) struct plan *before = steal(&run->plan);

	if (sync_plan(run, err) < 0)
		return -1;
	if (run->saved) /* other objects may change as they like */
		return plan_saved_check(run->saved, run->plan, err) < 0 ? -1 : 1;
	if (!run->plan->changes.n) {
		if (!run->ctx->quiet)
			fputs("the API has changed meanwhile, and nothing is left to do\n", stderr);
		if (run->args->format != FORMAT_TEXT)
			sync_print_plan(run, stdout, run->args->format);
		return 0;
	}
	sync_read_texts(run);
	if (same_plans(before, run->plan))
		return 1;
	if (run->asked)
		return mrp_err_set(err, MRP_ELOCKED,
			"the API has changed since the plan was made; nothing was done, run it again to see the new "
			"one");
	fputs("the API has changed meanwhile; this is the plan now\n", stderr);
	if (run->args->format == FORMAT_TEXT)
		sync_print_plan(run, stdout, FORMAT_TEXT);
	return sync_guard(run, err) < 0 ? -1 : 1;
}

static int apply_held(struct sync_run *run, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *changed;

	if (api_get_state(run->client, run->plan->root, &arena, &changed, err) < 0)
		return -1;
	int go_on = changed ? plan_again(run, err) : 1;
	if (go_on <= 0)
		return go_on < 0 ? -1 : MRP_EXIT_OK;
	return apply(run, err);
}

static void say_waiting(void *ctx, const char *text)
{
	const struct sync_run *run = ctx;

	if (!run->ctx->quiet)
		fprintf(stderr, "waiting: %s\n", text);
}

/* One synchronize of an API at a time: the lease says who, and its fence goes along with every write. */
int sync_apply(struct sync_run *run, struct mrp_err *err)
{
	if (interrupt_catch(err) < 0)
		return -1;
	http_set_interrupt(run->client, interrupted, interrupt_fd());
	const struct sync_lease_options options = {
		.name = LEASE_NAME,
		.what = "another synchronize of this API",
		.ttl_s = LEASE_TTL_S,
		.timeout_ms = run->args->lock_timeout_ms,
		.interrupted = interrupted,
		.interrupt_fd = interrupt_fd(),
		.waiting = say_waiting,
		.ctx = run,
	};
	struct sync_lease *lease = sync_lease_take(&run->http, &options, err);
	if (!lease)
		return -1;
	run->fence = sync_lease_fence(lease);
	http_set_lease(run->client, LEASE_NAME, run->fence);
	int code = apply_held(run, err);
	sync_lease_release(lease);
	return code;
}
