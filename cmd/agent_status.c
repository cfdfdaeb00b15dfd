/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober agent status`: how the last run of each prober ended. */
#include "agent.h"

#include <poll.h>
#include <unistd.h>

#include "../lib/base/clock.h"
#include "../lib/base/interrupt.h"
#include "../lib/cli/term.h"
#include "../lib/duty/view.h"
#include "../lib/value/json.h"
#include "dispatch.h"

enum { STATUS_FORMAT_VERSION = 1 };

struct status_args {
	const char *socket;
	int output;
	bool failed, watch;
	int64_t interval_ms;
};

static const struct mrp_opt opts[] = {
	OPT_AGENT_SOCKET(struct status_args),
	OPT_ENUM('o', "output", struct status_args, output, "table|json", "a table for people, or JSON"),
	OPT_BOOL(0, "failed", struct status_args, failed, "only probers whose last run was no success",
		.flags = OPTF_NO_NO),
	OPT_BOOL(0, "watch", struct status_args, watch, "show it again and again, until Ctrl-C",
		.flags = OPTF_NO_NO),
	OPT_DURATION(0, "interval", struct status_args, interval_ms, "<duration>",
		"time between two looks; 2s when absent", .min = 100, .max = 86400000),
	OPT_END,
};

/* What came over the socket: the agent first, then arrays of rows. */
struct status {
	struct arena *arena;
	struct value *about, *probers;
};

static int take_json(void *ctx, struct value *v, struct mrp_err *err)
{
	struct status *status = ctx;

	(void)err;
	if (v->type == V_OBJECT)
		status->about = v;
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++)
		value_push(status->arena, status->probers, v->items[i]);
	return 0;
}

static void format_json(struct strbuf *out, struct arena *arena, const struct status *status)
{
	struct value *page = value_object(arena), *probers = value_array(arena);

	for (uint32_t i = 0; i < status->probers->n; i++)
		value_push(arena, probers, view_with_times(arena, status->probers->items[i]));
	value_append(arena, page, "format_version", value_int(arena, STATUS_FORMAT_VERSION));
	value_append(arena, page, "agent", view_with_times(arena, status->about));
	value_append(arena, page, "probers", probers);
	json_pretty(out, page);
}

static int show(struct mrp_ctx *ctx, const struct status_args *args, const struct value *request, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct status status = { &ctx->arena, value_object(&ctx->arena), value_array(&ctx->arena) };
	bool terminal = mrp_term_is_terminal(STDOUT_FILENO);
	const struct view_style style = { terminal ? mrp_term_columns(STDOUT_FILENO, 80) : 0, ctx->color_out,
		time_now_ms() };
	struct value *end;

	if (agent_ask(ctx, &end, args->socket, request, take_json, &status, err) < 0)
		return -1;
	if (args->watch && terminal && !args->output)
		strbuf_addstr(&out, "\033[H\033[2J");
	if (args->output)
		format_json(&out, &ctx->arena, &status);
	else
		view_status(&out, &style, status.about, status.probers);
	fputs(out.buf, stdout);
	flush_stdout();
	return ferror(stdout) ? MRP_EXIT_FAILED : MRP_EXIT_OK;
}

/* The first look tells whether this can work at all; later the agent may be started anew. */
static int watch(struct mrp_ctx *ctx, const struct status_args *args, struct value *request, struct mrp_err *err)
{
	struct arena whole = ctx->arena; /* what was there before stays; each look has an arena of its own */
	bool looked = false, trouble = false;
	int code = 0;

	while (code == 0 && !interrupted()) {
		struct pollfd wake = { .events = POLLIN };

		ctx->arena = (struct arena)ARENA_INIT;
		code = show(ctx, args, request, err);
		if (code < 0 && looked && (err->code == MRP_EUNREACHABLE || err->code == MRP_EBUSY)) {
			if (!trouble)
				fprintf(stderr, "mrprober: %s; looking again until it works\n", err->msg);
			mrp_err_clear(err);
			trouble = true;
			code = 0;
		} else {
			looked = true;
			trouble = false;
		}
		arena_release(&ctx->arena);
		wake.fd = interrupt_fd();
		if (code == 0)
			poll(&wake, 1, (int)args->interval_ms);
	}
	ctx->arena = whole;
	if (!interrupted())
		return code;
	mrp_err_clear(err);
	return MRP_EXIT_INTERRUPTED;
}

static int run_status(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct status_args *args = ctx->opts;
	struct value *request = agent_request(ctx, "status", argc, argv);

	value_append(&ctx->arena, request, "failed", value_bool(&ctx->arena, args->failed));
	return args->watch ? watch(ctx, args, request, err) : show(ctx, args, request, err);
}

const struct mrp_cmd cmd_agent_status = {
	.name = "status",
	.summary = "show how the last run of each prober ended",
	.description =
		"A prober is named by its slug, by the id of one of its entries ('dns[record=A]'), or by a glob.",
	.args = "[<prober>...]",
	.max_args = ANY_NUMBER,
	.opts = opts,
	CMD_OPTS(struct status_args, .socket = DUTY_SOCKET, .interval_ms = 2000),
	.run = run_status,
	.complete = complete_agent_probers,
};
