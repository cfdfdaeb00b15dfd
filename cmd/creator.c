/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober creator`: the creator as a service. All the work is in lib/creator. */
#include "creator.h"

#include <malloc.h>
#include <signal.h>

struct creator_run_args {
	struct creator_args creator;
	const char *listen;
	int64_t poll_ms;
};

static const struct mrp_opt opts[] = {
	CREATOR_OPTIONS(struct creator_run_args, creator),
	OPT_DURATION(0, "poll-interval", struct creator_run_args, poll_ms, "<duration>",
		"time between two looks at the API; 5s when absent", .min = 100, .max = 3600000),
	OPT_STRING(0, "listen", struct creator_run_args, listen, "<addr>:<port>|none",
		"where metrics are served; port 0 picks a free one; 127.0.0.1:9315 when absent"),
	OPT_END,
};

enum { POLL_MS = 5000, MALLOC_ARENAS = 2 };

static void say(void *ctx, enum log_level level, const char *cluster, const char *text)
{
	(void)ctx;
	if (cluster)
		log_line(level, "%s: %s", cluster, text);
	else
		log_line(level, "%s", text);
}

static int run_creator(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct creator_run_args *args = ctx->opts;
	struct creator *creator = NULL;
	struct creator_setup setup;

	(void)argc, (void)argv;
	log_set_level(ctx->verbose ? LOG_DEBUG : ctx->quiet ? LOG_WARNING : LOG_INFO);
	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	signal(SIGPIPE, SIG_IGN);
	int r = creator_setup(&setup, ctx, &args->creator, err);
	if (r == 0) {
		setup.options.poll_ms = args->poll_ms;
		setup.options.listen = streq(args->listen, "none") ? NULL : args->listen;
		setup.options.say = say;
		creator_block_signals();
		creator = creator_new(&setup.options, err);
		r = creator ? creator_run(creator, err) : -1;
	}
	creator_free(creator);
	creator_setup_release(&setup);
	return r;
}

const struct mrp_cmd cmd_creator = {
	.name = "creator",
	.summary = "keep all clusters as their recipes say, until told to stop",
	.description =
		"Takes clusters that are due from the API, several at a time, and runs terraform init, plan and apply "
		"for each. "
		"SIGTERM and SIGINT interrupt terraform, which gets time to finish; SIGHUP looks at the API at once.",
	.opts = opts,
	CMD_OPTS(struct creator_run_args, CREATOR_DEFAULTS, .poll_ms = POLL_MS, .listen = "127.0.0.1:9315"),
	.needs = NEED_SETTINGS,
	.run = run_creator,
};
