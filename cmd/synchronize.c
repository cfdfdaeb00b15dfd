/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober synchronize`: make the API's objects equal to the configs. The work is in lib/config and lib/sync. */
#include "cmd.h"

#include <inttypes.h>
#include <unistd.h>

#include "../lib/base/file.h"
#include "../lib/base/interrupt.h"
#include "../lib/cli/complete.h"
#include "../lib/cli/progress.h"
#include "../lib/cli/prompt.h"
#include "../lib/config/explain.h"
#include "../lib/config/memory.h"
#include "../lib/sync/apply.h"
#include "../lib/sync/guards.h"
#include "../lib/sync/lease.h"
#include "../lib/sync/saved.h"
#include "../lib/sync/texts.h"
#include "../lib/value/json.h"
#include "complete_configs.h"
#include "complete_revisions.h"
#include "dispatch.h"
#include "problems.h"

#define LEASE_NAME "synchronize"

enum { LEASE_TTL_S = 30, BATCH_TIMEOUT_MS = 1800000 };

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN };

struct sync_args {
	bool check, yes, prune, force_ownership, validate, atomic;
	int format;
	int64_t parallel, lock_timeout_ms;
	struct strvec only, max_deletes, max_changes;
	const char *explain, *plan_out, *apply_plan, *revision, *changed_since, *state_dir;
};

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
		"print each value of an object with the place it came from",
		.complete = complete_config_objects),
	OPT_STRING(0, "state-dir", struct sync_args, state_dir, "<dir>",
		"folder where it remembers what commits come to; /var/lib/mrprober or $XDG_STATE_HOME/mrprober when absent",
		.flags = OPTF_FOLDER),
	OPT_BOOL(0, "validate", struct sync_args, validate, "check the configs only, for all environments, offline",
		.flags = OPTF_NO_NO),
	OPT_END,
};

struct run {
	struct mrp_ctx *ctx;
	const struct sync_args *args;
	const char *path; /* argument, or NULL */
	char *state_dir;  /* owned */
	struct plan_limits max_deletes, max_changes;
	struct problems problems;
	struct config *config;
	struct config_changes *since;
	struct http_options http;
	struct http_client *client;
	struct plan_saved *saved; /* what --apply-plan names, or NULL */
	struct plan *plan;
	struct mrp_progress progress;
	const char *progress_what;
	struct http_traffic traffic; /* of clients that are closed */
	int64_t fence; /* of the lease */
	bool asked;    /* somebody has seen the plan and said yes */
	bool printed;  /* a document is on stdout */
};

static struct plan_options plan_options(const struct run *run)
{
	/* deletes are among the objects of a saved plan or not: nothing else is looked at */
	if (run->saved)
		return (struct plan_options){
			.saved = run->saved, .prune = true, .force_ownership = plan_saved_force_ownership(run->saved)
		};
	return (struct plan_options){
		.only = &run->args->only,
		.since = run->since,
		.prune = run->args->prune,
		.force_ownership = run->args->force_ownership,
	};
}

static struct config_options config_options(const struct run *run)
{
	const char *environment = ctx_environment(run->ctx);

	if (!environment && run->saved)
		environment = plan_saved_environment(run->saved);
	return (struct config_options){
		.path = run->path,
		.environment = environment,
		.all_environments = run->args->validate,
		.read_secrets = !run->args->validate && !run->args->explain,
		.revision = run->args->revision,
		.state_dir = run->state_dir,
		.note_links = run->args->changed_since,
		.remember = !run->args->validate && !run->args->explain,
	};
}

static int load(struct run *run, struct mrp_err *err)
{
	struct config_options options = config_options(run);

	if (config_load(&run->config, &options, &run->problems, err) < 0) {
		if (err->code == MRP_ENOTFOUND) /* no tree is a bad one */
			err->code = MRP_EINVALID;
		return -1;
	}
	/* warnings that come with every run of cron would hide what it mails for: make_plan() shows them when there is a plan */
	bool quiet = run->ctx->quiet && !run->problems.errors && !run->args->validate;
	if (!quiet && report_problems(&run->problems, err) < 0)
		return -1;
	if (!run->args->changed_since || config_changes_since(&run->since, run->config, run->args->changed_since, err) == 0)
		return 0;
	if (err->code == MRP_ENOTFOUND) /* no repository, or nothing in it */
		err->code = MRP_EINVALID;
	return -1;
}

static int connect_api(struct run *run, struct mrp_err *err)
{
	struct http_options *options = &run->http;
	const struct mrp_setting *url = &run->ctx->settings[SETTING_API_URL];
	const char *token, *of_manifest = config_api_url(run->config);

	*options = http_options_default;
	if (ctx_token(run->ctx, &token, err) < 0)
		return -1;
	/* the tree may lie elsewhere than where settings look for a manifest */
	options->url = of_manifest && url->origin <= ORIGIN_MANIFEST ? of_manifest : url->value;
	options->token = *token ? token : NULL;
	options->ca_file = ctx_setting(run->ctx, SETTING_CA_CERT);
	options->environment = config_environment(run->config);
	options->parallel = (int)run->args->parallel;
	run->client = http_open(options, err);
	return run->client ? 0 : -1;
}

/* Who changed what is planned; JSON always says which revision the configs are. */
static int find_sources(struct run *run, struct mrp_err *err)
{
	if (!plan_differs(run->plan) && run->args->format != FORMAT_JSON)
		return 0; /* nothing to be said about anybody */
	if (plan_find_sources(run->plan, run->config, err) < 0) {
		if (run->args->revision)
			return -1;
		fprintf(stderr, "warning: git cannot say who changed the configs: %s\n", err->msg);
		mrp_err_clear(err);
	}
	return 0;
}

static int plan_with_sources(struct run *run, struct mrp_err *err)
{
	const struct plan_options options = plan_options(run);

	if (plan_make(&run->plan, run->client, run->config, &options, err) < 0)
		return -1;
	return find_sources(run, err);
}

static void print_plan(struct run *run, FILE *to, int format)
{
	static void (*const renderings[])(struct strbuf *out, const struct plan *plan) = {
		[FORMAT_JSON] = plan_json,
		[FORMAT_MARKDOWN] = plan_markdown,
	};
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	bool color = to == stdout ? run->ctx->color_out : run->ctx->color_err;

	if (renderings[format])
		renderings[format](&text, run->plan);
	else
		plan_text(&text, run->plan, color, mrp_term_columns(fileno(to), 0));
	fwrite(text.buf, 1, text.len, to);
	flush_stdout();
	run->printed |= to == stdout;
}

/* What was decided when a plan was saved is not asked again, unless a limit is given now. */
static int guard(const struct run *run, struct mrp_err *err)
{
	if (run->saved && !plan_limits_set(&run->max_deletes) && !plan_limits_set(&run->max_changes))
		return 0;
	return plan_guard(run->plan, &run->max_deletes, &run->max_changes, err);
}

/* 1: go on. 0: no. Text is what people read before they answer, whatever the format of the result is. */
static int confirm(struct run *run, struct mrp_err *err)
{
	bool yes = run->args->yes;

	if (run->args->format == FORMAT_TEXT)
		print_plan(run, stdout, FORMAT_TEXT);
	else if (!yes && mrp_can_prompt())
		print_plan(run, stderr, FORMAT_TEXT);
	if (guard(run, err) < 0)
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
	struct run *run = ctx;

	if (run->progress_what != what) {
		mrp_progress_clear(&run->progress);
		mrp_progress_start(&run->progress, what, total, run->ctx->quiet);
		run->progress_what = what;
	}
	mrp_progress_update(&run->progress, done);
}

/* A whole plan in one request takes its time, which no other request may have. */
static int apply_atomic(struct run *run, struct mrp_err *err)
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

static int apply(struct run *run, struct mrp_err *err)
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
		print_plan(run, stdout, run->args->format);
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

/* Text for people says what happens inside of files. */
static void read_texts(struct run *run)
{
	if (run->args->format == FORMAT_TEXT)
		plan_read_texts(run->plan, &run->http);
}

/* The API has changed between the plan and the lease. 1: go on with the plan, which is a new one. 0: nothing is left to
 * do. What somebody has said yes to is never exchanged for something else. */
static int plan_again(struct run *run, struct mrp_err *err)
{
	cleanup(plan_freep) struct plan *before = steal(&run->plan);

	if (plan_with_sources(run, err) < 0)
		return -1;
	if (run->saved) /* other objects may change as they like */
		return plan_saved_check(run->saved, run->plan, err) < 0 ? -1 : 1;
	if (!run->plan->changes.n) {
		if (!run->ctx->quiet)
			fputs("the API has changed meanwhile, and nothing is left to do\n", stderr);
		if (run->args->format != FORMAT_TEXT)
			print_plan(run, stdout, run->args->format);
		return 0;
	}
	read_texts(run);
	if (same_plans(before, run->plan))
		return 1;
	if (run->asked)
		return mrp_err_set(err, MRP_ELOCKED,
			"the API has changed since the plan was made; nothing was done, run it again to see the new "
			"one");
	fputs("the API has changed meanwhile; this is the plan now\n", stderr);
	if (run->args->format == FORMAT_TEXT)
		print_plan(run, stdout, FORMAT_TEXT);
	return guard(run, err) < 0 ? -1 : 1;
}

static int apply_held(struct run *run, struct mrp_err *err)
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
	const struct run *run = ctx;

	if (!run->ctx->quiet)
		fprintf(stderr, "waiting: %s\n", text);
}

/* One synchronize of an API at a time: the lease says who, and its fence goes along with every write. */
static int apply_alone(struct run *run, struct mrp_err *err)
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

static int check(struct run *run, struct mrp_err *err)
{
	if (!plan_differs(run->plan))
		return MRP_EXIT_OK;
	if (guard(run, err) < 0) {
		fprintf(stderr, "mrprober: applying this would be %s\n", err->msg);
		mrp_err_clear(err);
	}
	return MRP_EXIT_DIFFERENCES;
}

/* --quiet says nothing when there is nothing to do; whoever reads JSON wants some all the same. */
static void show_plan(struct run *run)
{
	if (!run->ctx->quiet || plan_differs(run->plan) || run->args->format == FORMAT_JSON)
		print_plan(run, stdout, run->args->format);
}

/* Exit 2 is for --check; without it a plan that could be saved is a success, as nothing else was asked for. */
static int save(struct run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;

	show_plan(run);
	if (guard(run, err) < 0)
		return mrp_err_wrap(err, "the plan was not saved");
	if (plan_save(run->plan, http_url(run->client), args->plan_out, err) < 0)
		return -1;
	return args->check && plan_differs(run->plan) ? MRP_EXIT_DIFFERENCES : MRP_EXIT_OK;
}

/* Configs that were loaded before: when the API still is as they say, nothing is read or parsed. 1: it is. */
static int make_plan_recalled(struct run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;
	const struct config_options options = config_options(run);

	if (args->changed_since || args->only.n || args->plan_out || args->apply_plan)
		return 0;
	int recalled = config_recall(&run->config, &options, err);
	if (recalled < 0 && err->code == MRP_ENOTFOUND) /* no tree is a bad one */
		err->code = MRP_EINVALID;
	if (recalled <= 0)
		return recalled;
	if (connect_api(run, err) < 0)
		return -1;
	int in_sync = plan_make_in_sync(&run->plan, run->client, run->config, err);
	if (in_sync > 0)
		return find_sources(run, err) < 0 ? -1 : 1;
	if (in_sync == 0) {
		http_add_traffic(&run->traffic, run->client);
		http_close(run->client);
		config_free(run->config);
		run->client = NULL;
		run->config = NULL;
	}
	return in_sync;
}

static int make_plan(struct run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;

	if (args->apply_plan) {
		if (plan_saved_read(&run->saved, args->apply_plan, err) < 0 ||
			plan_saved_check_target(run->saved, NULL, ctx_environment(run->ctx), err) < 0)
			return -1;
	}
	if (load(run, err) < 0 || connect_api(run, err) < 0)
		return -1;
	const struct config_options options = config_options(run);
	config_remember(run->config, &options);
	if (run->saved &&
		plan_saved_check_target(run->saved, http_url(run->client), config_environment(run->config), err) < 0)
		return -1;
	if (plan_with_sources(run, err) < 0)
		return -1;
	if (run->saved && plan_saved_check(run->saved, run->plan, err) < 0)
		return -1;
	read_texts(run);
	return run->ctx->quiet && plan_differs(run->plan) ? report_problems(&run->problems, err) : 0;
}

static int synchronize(struct run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;

	int recalled = make_plan_recalled(run, err);
	if (recalled < 0 || (!recalled && make_plan(run, err) < 0))
		return -1;
	if (args->plan_out)
		return save(run, err);
	if (args->check || !run->plan->changes.n) {
		show_plan(run);
		return args->check ? check(run, err) : MRP_EXIT_OK;
	}
	int go_on = confirm(run, err);
	if (go_on <= 0 && !run->printed)
		print_plan(run, stdout, args->format);
	if (go_on <= 0)
		return go_on < 0 ? -1 : MRP_EXIT_FAILED;
	return apply_alone(run, err);
}

static int validate(struct run *run, struct mrp_err *err)
{
	size_t n;

	if (load(run, err) < 0)
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

static int explain(struct run *run, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct config_options options = config_options(run);
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

static void say_traffic(struct run *run)
{
	struct http_traffic *all = &run->traffic;

	http_add_traffic(all, run->client);
	fprintf(stderr, "%" PRIu64 " request%s to %s, %" PRIu64 " bytes sent, %" PRIu64 " received\n", all->requests,
		all->requests == 1 ? "" : "s", http_url(run->client), all->bytes_sent, all->bytes_received);
}

static int run_synchronize(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct sync_args *args = ctx->opts;
	struct run run = { .ctx = ctx, .args = args, .path = argc ? argv[0] : NULL, .problems = PROBLEMS_INIT };

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
