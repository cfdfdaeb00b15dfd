/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober synchronize`: make the API's objects equal to the configs. The work is in lib/config and lib/sync. */
#include <inttypes.h>

#include "../lib/base/file.h"
#include "../lib/cli/complete.h"
#include "../lib/config/explain.h"
#include "../lib/value/json.h"
#include "complete_configs.h"
#include "complete_revisions.h"
#include "dispatch.h"
#include "problems.h"
#include "synchronize.h"

static const struct mrp_opt opts[] = {
	OPT_BOOL(0, "check", struct sync_args, check,
		"show the plan, change nothing; exit 2 when there are changes or conflicts"),
	OPT_BOOL('y', "yes", struct sync_args, yes, "apply without asking", .flags = OPTF_NO_NO),
	OPT_STRING(0, "revision", struct sync_args, revision, "<rev>",
		"read the configs from a commit, tag or branch (<rev>:<folder>: from that folder), without a checkout",
		.complete = complete_revisions),
	OPT_STRING(0, "changed-since", struct sync_args, changed_since, "<rev>",
		"consider only objects whose files differ between <rev> and the configs", .complete = complete_revisions),
	OPT_LIST(0, "only", struct sync_args, only, "<kind>/<glob>", "limit the scope (like prober/dns-*)",
		.complete = complete_config_objects),
	OPT_BOOL(0, "prune", struct sync_args, prune, "delete managed objects that no config describes"),
	OPT_LIST(0, "max-deletes", struct sync_args, max_deletes, "[<kind>=]N|P%",
		"refuse a plan that deletes more (P%: of a kind); default 10%, at least 1", .complete = complete_kind_limits),
	OPT_LIST(0, "max-changes", struct sync_args, max_changes, "[<kind>=]N|P%",
		"refuse a plan that changes more (P%: of a kind); no limit by default", .complete = complete_kind_limits),
	OPT_STRING(0, "plan-out", struct sync_args, plan_out, "<file>", "save the plan for --apply-plan; apply nothing",
		.flags = OPTF_FILE),
	OPT_STRING(0, "apply-plan", struct sync_args, apply_plan, "<file>",
		"apply exactly the plan that was saved, or refuse (exit 3) when something has changed since",
		.flags = OPTF_FILE),
	OPT_BOOL(0, "atomic", struct sync_args, atomic, "all or nothing: one transaction in the API"),
	OPT_INT(0, "parallel", struct sync_args, parallel, "<n>", "requests in flight; default 16", .min = 1, .max = 256),
	OPT_DURATION(0, "lock-timeout", struct sync_args, lock_timeout_ms, "<duration>",
		"wait so long for another synchronize of the same API; by default not at all", .max = 86400000),
	OPT_ENUM(0, "format", struct sync_args, format, "text|json|markdown", "how the plan is printed; default text"),
	OPT_BOOL(0, "force-ownership", struct sync_args, force_ownership,
		"take over variables that another owner writes"),
	OPT_STRING(0, "explain", struct sync_args, explain, "<kind>/<slug>",
		"print each value of an object with the place it came from", .complete = complete_config_objects),
	OPT_STRING(0, "state-dir", struct sync_args, state_dir, "<dir>",
		"folder where it remembers what configs come to; /var/lib/mrprober or $XDG_STATE_HOME/mrprober when absent",
		.flags = OPTF_FOLDER),
	OPT_BOOL(0, "validate", struct sync_args, validate, "check the configs only, for all environments, offline",
		.flags = OPTF_NO_NO),
	OPT_END,
};

static int check(struct sync_run *run, struct mrp_err *err)
{
	if (!plan_differs(run->plan))
		return MRP_EXIT_OK;
	if (sync_guard(run, err) < 0) {
		fprintf(stderr, "mrprober: applying this would be %s\n", err->msg);
		mrp_err_clear(err);
	}
	return MRP_EXIT_DIFFERENCES;
}

/* --quiet says nothing when there is nothing to do; whoever reads JSON wants some all the same. */
static void show_plan(struct sync_run *run)
{
	if (!run->ctx->quiet || plan_differs(run->plan) || run->args->format == FORMAT_JSON)
		sync_print_plan(run, stdout, run->args->format);
}

/* Exit 2 is for --check; without it a plan that could be saved is a success, as nothing else was asked for. */
static int save(struct sync_run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;

	show_plan(run);
	if (sync_guard(run, err) < 0)
		return mrp_err_wrap(err, "the plan was not saved");
	if (plan_save(run->plan, http_url(run->client), args->plan_out, err) < 0)
		return -1;
	return args->check && plan_differs(run->plan) ? MRP_EXIT_DIFFERENCES : MRP_EXIT_OK;
}

static int synchronize(struct sync_run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;

	if (sync_make_plan(run, err) < 0)
		return -1;
	if (args->plan_out)
		return save(run, err);
	if (args->check || !run->plan->changes.n) {
		show_plan(run);
		return args->check ? check(run, err) : MRP_EXIT_OK;
	}
	int go_on = sync_confirm(run, err);
	if (go_on <= 0 && !run->printed)
		sync_print_plan(run, stdout, args->format);
	if (go_on <= 0)
		return go_on < 0 ? -1 : MRP_EXIT_FAILED;
	return sync_apply(run, err);
}

static int validate(struct sync_run *run, struct mrp_err *err)
{
	size_t n;

	if (sync_load(run, err) < 0)
		return -1;
	config_objects(run->config, &n);
	if (run->args->format == FORMAT_JSON) {
		print_problems_json(&run->problems, NULL);
		run->printed = true;
	} else if (!run->ctx->quiet) {
		printf("Valid: %zu object%s.\n", n, n == 1 ? "" : "s");
	}
	return MRP_EXIT_OK;
}

static int explain(struct sync_run *run, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct config_options options = sync_config_options(run);
	const char *slash = strchr(run->args->explain, '/');
	cleanup(freep) char *name = slash ? xstrndup(run->args->explain, (size_t)(slash - run->args->explain)) : NULL;
	int kind = name ? kind_from_name(name) : -1;
	struct value *explanation;

	if (kind < 0 || !slash[1])
		return mrp_err_set(err, MRP_EUSAGE, "--explain: '%s' is not KIND/SLUG (like cluster/meeseeks)",
			run->args->explain);
	if (config_explain(&explanation, &arena, &options, (enum kind)kind, slash + 1, &run->problems, err) < 0 ||
		report_problems(&run->problems, err) < 0)
		return -1;
	if (run->args->format == FORMAT_JSON)
		json_pretty(&text, explanation);
	else
		config_explain_format(&text, explanation);
	fwrite(text.buf, 1, text.len, stdout);
	run->printed = true;
	return MRP_EXIT_OK;
}

/* A saved plan says what to do; what would make another plan of it has no place beside it. */
static int check_plan_options(const struct sync_args *args, struct mrp_err *err)
{
	if (args->plan_out && args->yes)
		return mrp_err_set(
			err, MRP_EUSAGE, "--plan-out saves the plan for --apply-plan, so --yes makes no sense with it");
	if (args->plan_out && args->apply_plan)
		return mrp_err_set(err, MRP_EUSAGE, "--plan-out and --apply-plan exclude each other");
	if (args->apply_plan && (args->only.n || args->prune || args->force_ownership || args->changed_since))
		return mrp_err_set(err, MRP_EUSAGE,
			"--only, --changed-since, --prune and --force-ownership are decided when a plan is saved: give them with "
			"--plan-out");
	return 0;
}

static int take_limits(struct plan_limits *limits, const struct strvec *said, const char *option, struct mrp_err *err)
{
	for (size_t i = 0; i < said->n; i++) {
		if (plan_limits_add(limits, said->v[i], err) < 0) {
			err->code = MRP_EUSAGE;
			return mrp_err_wrap(err, "%s", option);
		}
	}
	return 0;
}

static void say_traffic(struct sync_run *run)
{
	struct http_traffic *all = &run->traffic;

	http_add_traffic(all, run->client);
	fprintf(stderr, "%" PRIu64 " request%s to %s, %" PRIu64 " bytes sent, %" PRIu64 " received\n", all->requests,
		all->requests == 1 ? "" : "s", http_url(run->client), all->bytes_sent, all->bytes_received);
}

static int run_synchronize(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct sync_args *args = ctx->opts;
	struct sync_run run = { .ctx = ctx, .args = args, .path = argc ? argv[0] : NULL, .problems = PROBLEMS_INIT };

	if (args->changed_since && (args->validate || args->explain))
		return mrp_err_set(err, MRP_EUSAGE, "--changed-since limits a plan, which --validate and --explain do not make");
	if (args->check && args->yes)
		return mrp_err_set(err, MRP_EUSAGE, "--check changes nothing, so --yes makes no sense with it");
	if (check_plan_options(args, err) < 0 ||
		take_limits(&run.max_deletes, &args->max_deletes, "--max-deletes", err) < 0 ||
		take_limits(&run.max_changes, &args->max_changes, "--max-changes", err) < 0)
		return -1;
	run.state_dir = args->state_dir ? xstrdup(args->state_dir) : default_state_dir();
	int code = args->validate ? validate(&run, err) : args->explain ? explain(&run, err) : synchronize(&run, err);
	/* a program that reads JSON finds some, whatever happened */
	if (code < 0 && args->format == FORMAT_JSON && !run.printed)
		print_problems_json(&run.problems, err);
	if (run.client && ctx->verbose)
		say_traffic(&run);
	plan_free(run.plan);
	plan_saved_free(run.saved);
	http_close(run.client);
	config_changes_free(run.since);
	config_free(run.config);
	problems_clear(&run.problems);
	free(run.state_dir);
	return code;
}

const struct mrp_cmd cmd_synchronize = {
	.name = "synchronize",
	.summary = "make the API's objects equal to the configs",
	.description =
		"Loads the configs of the folder <path> (or of the first folder with a mrprober.yaml, from here upwards), "
		"compares them with the API, shows a plan, asks, and applies it. Only what differs is fetched and sent.\n\n"
		"Variables of clusters that someone else writes are left alone and shown as conflicts. What fails does not "
		"stop the rest; running it again finishes the job.\n\n"
		"In a git repository the plan says who changed an object last. With --revision, <path> (or this folder) only "
		"tells the repository, which may be bare, and the folder in it.",
	.args = "[<path>]",
	.max_args = 1,
	.opts = opts,
	CMD_OPTS(struct sync_args, .parallel = 16, .only = STRVEC_INIT, .max_deletes = STRVEC_INIT,
		.max_changes = STRVEC_INIT),
	.needs = NEED_SETTINGS,
	.run = run_synchronize,
	.complete = mrp_complete_folders,
};
