/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober creator-once`: one pass over the clusters that are due, or those that are named. */
#include "creator.h"

#include <pthread.h>
#include <signal.h>

#include "../lib/cli/complete.h"
#include "complete_sources.h"
#include "dispatch.h"

struct creator_once_args {
	struct creator_args creator;
	bool plan_only, force;
	const char *unlock, *clean;
};

static const struct mrp_opt opts[] = {
	OPT_BOOL(0, "plan-only", struct creator_once_args, plan_only,
		"show what would be done, record and change nothing; exit 2 when there are changes",
		.flags = OPTF_NO_NO),
	OPT_STRING(0, "unlock", struct creator_once_args, unlock, "<cluster>",
		"give back a lock of the terraform state that a dead run has left",
		.complete = complete_clusters),
	OPT_STRING(0, "clean", struct creator_once_args, clean, "<cluster>",
		"believe the terraform state again, without replacing what a killed terraform was making",
		.flags = OPTF_NO_ENV, .complete = complete_clusters),
	OPT_BOOL(0, "force", struct creator_once_args, force,
		"take over what another creator holds: its terraform state, or with --unlock its lock",
		.flags = OPTF_NO_NO),
	CREATOR_OPTIONS(struct creator_once_args, creator),
	OPT_END,
};

struct once {
	const struct mrp_ctx *ctx;
	struct creator *creator;
	sigset_t signals;
	pthread_t waiter;
	bool interrupted;
};

static void say(void *arg, enum log_level level, const char *cluster, const char *text)
{
	const struct once *once = arg;
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	if (level > (once->ctx->verbose ? LOG_DEBUG : once->ctx->quiet ? LOG_WARNING : LOG_INFO))
		return;
	if (cluster)
		strbuf_addf(&line, "%s: ", cluster);
	strbuf_add_visible(&line, text, strlen(text));
	fprintf(stderr, "%s\n", line.buf);
}

static void show(void *arg, const char *cluster, const char *text, size_t len)
{
	(void)arg;
	flockfile(stdout);
	printf("# cluster %s\n", cluster);
	fwrite(text, 1, len, stdout);
	putchar('\n');
	funlockfile(stdout);
}

/* The first signal ends what runs, with time to finish; a second one says again what is already done. */
static void *wait_for_signal(void *arg)
{
	struct once *once = arg;
	int sig;

	if (sigwait(&once->signals, &sig) == 0 && sig != SIGUSR1) {
		once->interrupted = true;
		fputs("interrupted: terraform gets time to finish\n", stderr);
		creator_stop(once->creator);
	}
	return NULL;
}

static int run_caught(
	struct once *once, const char *const *slugs, size_t n, struct creator_counts *counts, struct mrp_err *err)
{
	if (pthread_create(&once->waiter, NULL, wait_for_signal, once) != 0)
		return mrp_err_set(err, MRP_EFAILED, "cannot start a thread");
	int r = creator_once(once->creator, slugs, n, counts, err);
	pthread_kill(once->waiter, SIGUSR1);
	pthread_join(once->waiter, NULL);
	return r;
}

static int exit_code(const struct once *once, const struct creator_once_args *args, const struct creator_counts *counts,
	size_t named, struct mrp_err *err)
{
	const int64_t *n = counts->by_status;

	if (once->interrupted)
		return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted");
	if (n[DEPLOY_FAILED] || n[DEPLOY_REFUSED] || n[DEPLOY_INTERRUPTED])
		return MRP_EXIT_FAILED;
	if (args->plan_only && counts->changes)
		return MRP_EXIT_DIFFERENCES;
	/* who names clusters wants them deployed; in a pass over all, another creator is doing it */
	return named && n[DEPLOY_SKIPPED] ? MRP_EXIT_FAILED : MRP_EXIT_OK;
}

static int by_hand(struct creator *creator, const struct creator_once_args *args, struct mrp_err *err)
{
	cleanup(freep) char *text = NULL;

	if ((args->unlock ? creator_unlock(creator, args->unlock, &text, err)
			  : creator_clean(creator, args->clean, &text, err)) < 0)
		return -1;
	puts(text);
	return MRP_EXIT_OK;
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1); /* ours, for the thread that waits */
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run_creator_once(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct creator_once_args *args = ctx->opts;
	struct once once = { .ctx = ctx };
	struct creator_counts counts;
	struct creator_setup setup;

	bool hands = args->unlock || args->clean;

	if (hands && (argc || args->plan_only || (args->unlock && args->clean)))
		return mrp_err_set(err, MRP_EUSAGE, "%s names the only cluster, and deploys nothing",
			args->unlock ? "--unlock" : "--clean");
	int r = creator_setup(&setup, ctx, &args->creator, err);
	if (r == 0) {
		setup.options.plan_only = args->plan_only || hands;
		setup.options.force = args->force;
		setup.options.say = say;
		setup.options.show = show;
		setup.options.ctx = &once;
		block_signals(&once.signals);
		once.creator = creator_new(&setup.options, err);
		r = once.creator ? 0 : -1;
	}
	if (r == 0 && hands)
		r = by_hand(once.creator, args, err);
	else if (r == 0 && (r = run_caught(&once, (const char *const *)argv, (size_t)argc, &counts, err)) == 0)
		r = exit_code(&once, args, &counts, (size_t)argc, err);
	creator_free(once.creator);
	creator_setup_release(&setup);
	return r;
}

const struct mrp_cmd cmd_creator_once = {
	.name = "creator-once",
	.summary = "deploy the clusters that are due, or those named, once",
	.description = "Takes clusters and their recipes from the API and runs terraform init, plan and apply for each "
		       "that is due; "
		       "named ones are deployed at once. How it went is recorded in the API, with the logs.\n\n"
		       "Exit code 0; 1 when one failed or was refused; 2 with --plan-only when there are changes.",
	.args = "[<cluster>...]",
	.max_args = ANY_NUMBER,
	.opts = opts,
	CMD_OPTS(struct creator_once_args, CREATOR_DEFAULTS),
	.needs = NEED_SETTINGS,
	.run = run_creator_once,
	.complete = complete_clusters,
};
