/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober agent explain`: what is run, how, and which placement said so. */
#include "agent.h"

#include <unistd.h>

#include "../lib/base/clock.h"
#include "../lib/cli/term.h"
#include "../lib/duty/view.h"
#include "../lib/value/json.h"

enum { EXPLAIN_FORMAT_VERSION = 1 };

struct explain_args {
	const char *socket;
	int output;
};

static const struct mrp_opt opts[] = {
	OPT_AGENT_SOCKET(struct explain_args),
	OPT_ENUM('o', "output", struct explain_args, output, "table|json", "a table for people, or JSON"),
	OPT_END,
};

static int run_explain(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct explain_args *args = ctx->opts;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct value *request = agent_request(ctx, "explain", 0, argv), *answer;
	bool terminal = mrp_term_is_terminal(STDOUT_FILENO);
	const struct view_style style = { terminal ? mrp_term_columns(STDOUT_FILENO, 80) : 0, ctx->color_out,
		time_now_ms() };

	(void)argc;
	value_append(&ctx->arena, request, "prober", value_string(&ctx->arena, argv[0]));
	if (agent_ask(ctx, &answer, args->socket, request, NULL, NULL, err) < 0)
		return -1;
	if (args->output) {
		struct value *page = value_object(&ctx->arena);

		value_append(&ctx->arena, page, "format_version", value_int(&ctx->arena, EXPLAIN_FORMAT_VERSION));
		for (uint32_t i = 0; i < answer->n; i++)
			value_append(&ctx->arena, page, answer->members[i].key, answer->members[i].value);
		json_pretty(&out, page);
	} else {
		view_explain(&out, &style, answer);
	}
	fputs(out.buf, stdout);
	return 0;
}

const struct mrp_cmd cmd_agent_explain = {
	.name = "explain",
	.summary = "show a prober's effective config, and which placement gave what",
	.args = "<prober>",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	CMD_OPTS(struct explain_args, .socket = DUTY_SOCKET),
	.run = run_explain,
	.complete = complete_agent_probers,
};
