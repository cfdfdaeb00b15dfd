/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober agent once` and `logs`: what a run prints, now or some time ago. */
#include "agent.h"

#include "../lib/base/interrupt.h"
#include "../lib/duty/view.h"

/* The line about a run is for people: what the program printed has stdout for itself. */
static void say_run(const struct mrp_ctx *ctx, const struct value *record)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	if (ctx->quiet)
		return;
	view_run(&line, record);
	fprintf(stderr, "mrprober: %s\n", line.buf);
}

static int run_once(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct agent_socket_args *args = ctx->opts;
	struct value *request = agent_request(ctx, "once", 0, argv), *record;

	(void)argc;
	value_append(&ctx->arena, request, "prober", value_string(&ctx->arena, argv[0]));
	if (agent_ask(ctx, &record, args->socket, request, NULL, NULL, err) < 0)
		return -1;
	say_run(ctx, record);
	const char *status = value_get_string(record, "status");
	return status && streq(status, "success") ? MRP_EXIT_OK : MRP_EXIT_FAILED;
}

static const struct mrp_opt once_opts[] = { OPT_AGENT_SOCKET(struct agent_socket_args), OPT_END };

const struct mrp_cmd cmd_agent_once = {
	.name = "once",
	.summary = "run a prober now, exactly as the agent would, and show its output",
	.description = "The agent itself runs it, beside its schedule: metrics and counters do not change. Exit 0 for "
		       "a success, 1 "
		       "for a failure or an error. Ctrl-C ends the run.",
	.args = "<prober>",
	.min_args = 1,
	.max_args = 1,
	.opts = once_opts,
	CMD_OPTS(struct agent_socket_args, .socket = DUTY_SOCKET),
	.run = run_once,
	.complete = complete_agent_probers,
};

struct logs_args {
	const char *socket;
	int64_t number;
	bool follow;
};

static int take_record(void *ctx, struct value *record, struct mrp_err *err)
{
	(void)err;
	say_run(ctx, record);
	return 0;
}

static int run_logs(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct logs_args *args = ctx->opts;
	struct value *request = agent_request(ctx, "logs", 0, argv), *end;

	(void)argc;
	value_append(&ctx->arena, request, "prober", value_string(&ctx->arena, argv[0]));
	value_append(&ctx->arena, request, "run", value_int(&ctx->arena, args->number));
	value_append(&ctx->arena, request, "follow", value_bool(&ctx->arena, args->follow));
	return agent_ask(ctx, &end, args->socket, request, take_record, ctx, err);
}

static const struct mrp_opt logs_opts[] = {
	OPT_AGENT_SOCKET(struct logs_args),
	OPT_INT(0, "run", struct logs_args, number, "<n>", "the n-th run from the end; 1, the last one, when absent",
		.min = 1, .max = 1000000),
	OPT_BOOL('f', "follow", struct logs_args, follow, "go on with the runs that follow, until Ctrl-C",
		.flags = OPTF_NO_NO),
	OPT_END,
};

const struct mrp_cmd cmd_agent_logs = {
	.name = "logs",
	.summary = "show what a prober's last run has printed",
	.description = "Which runs are kept is said by the prober's keep_logs: failures and errors when absent.",
	.args = "<prober>",
	.min_args = 1,
	.max_args = 1,
	.opts = logs_opts,
	CMD_OPTS(struct logs_args, .socket = DUTY_SOCKET, .number = 1),
	.run = run_logs,
	.complete = complete_agent_probers,
};
