/* SPDX-License-Identifier: Apache-2.0 */
/* Configs and the API's state to a plan, and how it is shown. */
#include <unistd.h>

#include "../lib/config/memory.h"
#include "../lib/sync/texts.h"
#include "dispatch.h"
#include "problems.h"
#include "synchronize.h"

static struct plan_options plan_options(const struct sync_run *run)
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

struct config_options sync_config_options(const struct sync_run *run)
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

int sync_load(struct sync_run *run, struct mrp_err *err)
{
	struct config_options options = sync_config_options(run);

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

static int connect_api(struct sync_run *run, struct mrp_err *err)
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
static int find_sources(struct sync_run *run, struct mrp_err *err)
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

int sync_plan(struct sync_run *run, struct mrp_err *err)
{
	const struct plan_options options = plan_options(run);

	if (plan_make(&run->plan, run->client, run->config, &options, err) < 0)
		return -1;
	return find_sources(run, err);
}

void sync_print_plan(struct sync_run *run, FILE *to, int format)
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
int sync_guard(const struct sync_run *run, struct mrp_err *err)
{
	if (run->saved && !plan_limits_set(&run->max_deletes) && !plan_limits_set(&run->max_changes))
		return 0;
	return plan_guard(run->plan, &run->max_deletes, &run->max_changes, err);
}

/* Text for people says what happens inside of files. */
void sync_read_texts(struct sync_run *run)
{
	if (run->args->format == FORMAT_TEXT)
		plan_read_texts(run->plan, &run->http);
}

/* Configs that were loaded before: when the API still is as they say, nothing is read or parsed. 1: it is. */
static int make_plan_recalled(struct sync_run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;
	const struct config_options options = sync_config_options(run);

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

static int make_plan(struct sync_run *run, struct mrp_err *err)
{
	const struct sync_args *args = run->args;

	if (args->apply_plan) {
		if (plan_saved_read(&run->saved, args->apply_plan, err) < 0 ||
			plan_saved_check_target(run->saved, NULL, ctx_environment(run->ctx), err) < 0)
			return -1;
	}
	if (sync_load(run, err) < 0 || connect_api(run, err) < 0)
		return -1;
	const struct config_options options = sync_config_options(run);
	config_remember(run->config, &options);
	if (run->saved &&
		plan_saved_check_target(run->saved, http_url(run->client), config_environment(run->config), err) < 0)
		return -1;
	if (sync_plan(run, err) < 0)
		return -1;
	if (run->saved && plan_saved_check(run->saved, run->plan, err) < 0)
		return -1;
	sync_read_texts(run);
	return run->ctx->quiet && plan_differs(run->plan) ? report_problems(&run->problems, err) : 0;
}

int sync_make_plan(struct sync_run *run, struct mrp_err *err)
{
	int recalled = make_plan_recalled(run, err);

	return recalled ? MIN(recalled, 0) : make_plan(run, err);
}
