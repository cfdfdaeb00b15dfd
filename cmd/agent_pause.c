/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober agent pause`, `resume` and `reload`: what an engineer makes a running agent do. */
#include "agent.h"

#include "../lib/base/clock.h"

struct pause_args {
	const char *socket;
	int64_t for_ms; /* 0: until it is resumed */
};

static int ask_and_list(
	struct mrp_ctx *ctx, const char *socket, const struct value *request, const char *done, struct mrp_err *err)
{
	struct value *end;

	if (agent_ask(ctx, &end, socket, request, NULL, NULL, err) < 0)
		return -1;
	const struct value *ids = value_get(end, "probers");
	for (uint32_t i = 0; !ctx->quiet && ids && ids->type == V_ARRAY && i < ids->n; i++)
		printf("%s %s\n", done, ids->items[i]->s);
	return 0;
}

static int run_pause(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct pause_args *args = ctx->opts;
	struct value *request = agent_request(ctx, "pause", argc, argv);

	if (args->for_ms)
		value_append(&ctx->arena, request, "until_ms", value_int(&ctx->arena, time_now_ms() + args->for_ms));
	return ask_and_list(ctx, args->socket, request, "paused", err);
}

static int run_resume(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct agent_socket_args *args = ctx->opts;

	return ask_and_list(ctx, args->socket, agent_request(ctx, "resume", argc, argv), "resumed", err);
}

static int run_reload(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct agent_socket_args *args = ctx->opts;
	struct value *end;

	(void)argc, (void)argv;
	if (agent_ask(ctx, &end, args->socket, agent_request(ctx, "reload", 0, NULL), NULL, NULL, err) < 0)
		return -1;
	const char *revision = value_get_string(end, "config_revision");
	if (!ctx->quiet)
		printf("config %s\n", revision ? revision : "");
	return 0;
}

static const struct mrp_opt pause_opts[] = {
	OPT_AGENT_SOCKET(struct pause_args),
	OPT_DURATION(0, "for", struct pause_args, for_ms, "<duration>", "resume by itself then; never when absent",
		.min = 1000, .max = 366 * (int64_t)86400000),
	OPT_END,
};

static const struct mrp_opt socket_opts[] = { OPT_AGENT_SOCKET(struct agent_socket_args), OPT_END };

const struct mrp_cmd cmd_agent_pause = {
	.name = "pause",
	.summary = "do not run probers for a while",
	.description = "Holds over a new start of the agent. A run that goes on ends as usual; `once` still works.",
	.args = "<prober>...",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.opts = pause_opts,
	CMD_OPTS(struct pause_args, .socket = DUTY_SOCKET),
	.run = run_pause,
	.complete = complete_agent_probers,
};

const struct mrp_cmd cmd_agent_resume = {
	.name = "resume",
	.summary = "run paused probers again",
	.args = "<prober>...",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.opts = socket_opts,
	CMD_OPTS(struct agent_socket_args, .socket = DUTY_SOCKET),
	.run = run_resume,
	.complete = complete_agent_probers,
};

const struct mrp_cmd cmd_agent_reload = {
	.name = "reload",
	.summary = "read the config again, now",
	.description =
		"Waits for the outcome: exit 1 when the config is refused or cannot be had; the one before stays then.",
	.opts = socket_opts,
	CMD_OPTS(struct agent_socket_args, .socket = DUTY_SOCKET),
	.run = run_reload,
};
