/* SPDX-License-Identifier: Apache-2.0 */
/* What comes before terraform: inputs, the work folder, what the recipe may use. */
#include "internal.h"

#include <unistd.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/text.h"
#include "../cloud/iam.h"
#include "../ev/loop.h"
#include "due.h"
#include "snapshot.h"

/* Values of the environment that programs get and nobody may read: by name, as there are many providers. */
static bool secret_name(const char *name, size_t len)
{
	static const char *const parts[] = { "TOKEN", "SECRET", "PASSWORD", "PASSWD", "AUTHORIZED_KEY", "ACCESS_KEY",
		"PRIVATE", "CREDENTIAL" };
	cleanup(freep) char *copy = xstrndup(name, len);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strstr(copy, parts[i]))
			return true;
	}
	return false;
}

static void add_secrets(struct redact_set *secrets, const struct deploy *d)
{
	inputs_add_secrets(secrets, &d->inputs);
	for (size_t i = 0; i < d->scan.variables.n; i++) { /* known after the gate */
		const struct scan_variable *declared = &d->scan.variables.v[i];
		const struct workdir_variable *given =
			declared->sensitive ? inputs_variable(&d->inputs, declared->name) : NULL;

		if (given)
			redact_add_value(secrets, given->value);
	}
	for (size_t i = 0; i < d->env.n; i++) {
		const char *equals = strchr(d->env.v[i], '=');

		if (equals && secret_name(d->env.v[i], (size_t)(equals - d->env.v[i])))
			redact_add(secrets, equals + 1, strlen(equals + 1));
	}
}

/* The log of the stage that has told us the new ones ends here: it may have told the log, too. */
void deploy_renew_secrets(struct deploy *d)
{
	struct redact_set *before = d->secrets;

	d->secrets = redact_new(REDACT_SHAPES);
	add_secrets(d->secrets, d);
	if (d->log.stage) {
		stage_log_end(&d->log);
		stage_log_redact(&d->log, d->secrets);
		deploy_leave(d);
	}
	redact_free(before);
}

void deploy_more_secrets(struct deploy *d, const struct value *plan)
{
	redact_free(d->more_secrets);
	d->more_secrets = redact_new(REDACT_SHAPES);
	add_secrets(d->more_secrets, d);
	plan_changes_add_secrets(d->more_secrets, plan);
}

static bool disabled(const struct creator_options *options, const char *slug)
{
	for (size_t i = 0; i < options->n_disable; i++) {
		if (glob_match(options->disable[i], slug))
			return true;
	}
	return false;
}

/* Between the look and the lease another creator may have done it. */
static bool still_due(const struct deploy *d)
{
	int64_t recipe_ms = MAX(time_parse(value_get_string(d->inputs.recipe, "updated_at")), 0);

	return d->creator->at_once || d->recovered ||
		due_of(d->inputs.cluster, recipe_ms, d->refusal).at_ms <= time_now_ms();
}

/* Whether it may be touched at all; 1: yes. */
static int check_state(struct deploy *d)
{
	const char *status = cluster_status_of(d->inputs.cluster);

	if (disabled(&d->creator->options, d->slug))
		return deploy_ends(d, DEPLOY_SKIPPED, "it is disabled here (--disable)");
	if (!d->inputs.destroy && (!deploy_enabled(d->inputs.cluster) || streq(status, "disabled")))
		return deploy_ends(d, DEPLOY_SKIPPED, "it is disabled: its 'deploy' says so");
	d->done_elsewhere = !still_due(d);
	if (d->done_elsewhere)
		return deploy_ends(d, DEPLOY_SKIPPED, "another creator has done it meanwhile");
	return 1;
}

/* The API says that it waits already, or hears it now. */
int deploy_check_variables(struct deploy *d, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf names = STRBUF_INIT;

	if (d->inputs.destroy)
		return 1;
	inputs_missing(&names, &d->inputs);
	if (!names.len)
		return 1;
	d->stage = "variables";
	deploy_ends(d, DEPLOY_WAITING, "for variables %s", names.buf);
	if (d->creator->options.plan_only || (!d->record.id && streq(cluster_status_of(d->inputs.cluster), "waiting")))
		return 0;
	return record_end(&d->record, "failed", d->stage, d->message, err) < 0 ? -1 : 0;
}

static bool has_programs_for_variables(const struct deploy *d)
{
	return value_get_string(d->inputs.recipe, "initial_values") != NULL;
}

static void note_refusal(struct deploy *d)
{
	const struct value *revision = value_get(d->inputs.recipe, "revision");

	policy_refusal(d->refusal, d->creator->policy, revision && revision->type == V_INT ? revision->i : 0);
}

int deploy_fetch(struct deploy *d, struct mrp_err *err)
{
	struct creator *creator = d->creator;

	d->deadline_us = monotonic_us() + (int64_t)DUE_TIMEOUT_MS * 1000;
	if (inputs_fetch(&d->inputs, d->client, d->slug, err) < 0)
		return -1;
	d->deadline_us = monotonic_us() + d->inputs.timeout_ms * 1000;
	dirty_of_cluster(&d->mark, d->inputs.cluster);
	d->mark_is_news = access(d->dirty_path, F_OK) == 0;
	if (dirty_read(&d->mark, d->dirty_path, err) < 0)
		return -1;
	note_refusal(d);
	deploy_renew_secrets(d);
	int r = check_state(d);
	if (r > 0 && !has_programs_for_variables(d)) /* else they may come from there */
		r = deploy_check_variables(d, err);
	if (r <= 0)
		return r;
	if (remove_tree(d->run_folder, err) < 0 || make_folders(d->recipe_folder, 0700, err) < 0)
		return -1;
	if (!creator->options.plan_only && record_begin(&d->record, "fetch", creator->options.force, err) < 0)
		return -1;
	d->evidence.deployment = d->record.id;
	strvec_pushf(&d->env, "MRPROBER_DEPLOYMENT=%lld", (long long)d->record.id);
	if (evidence_write(d->evidence_path, &d->evidence, err) < 0)
		return -1;
	if (d->inputs.destroy && snapshot_read(d, err) < 0)
		return -1;
	return inputs_write_files(&d->inputs, d->client, d->recipe_folder, err) < 0 ? -1 : 1;
}

/* --- the gate --- */

/* All of them, a line each. */
static int refuse(const struct problems *problems, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < problems->list.n; i++) {
		if (text.len)
			strbuf_addstr(&text, "; ");
		problem_format(&text, &problems->list.v[i]);
	}
	return mrp_err_set(err, MRP_EREFUSED, "the recipe may not be used: %s", text.buf);
}

/* Asked when a recipe needs it and again until it is there; by one thread at a time. */
static bool machine_has_account(struct creator *creator, struct mrp_err *err)
{
	pthread_mutex_lock(&creator->account_lock);
	if (!creator->has_account)
		creator->has_account = iam_try_metadata(creator->options.metadata_url, err) == 0;
	bool has = creator->has_account;
	pthread_mutex_unlock(&creator->account_lock);
	return has;
}

static void list_missing(struct strvec *missing, const struct deploy *d, const struct strvec *sources, bool account)
{
	strvec_clear(missing);
	providers_missing_environment(
		missing, (const char *const *)sources->v, sources->n, (const char *const *)d->env.v, account);
}

static int missing_environment(struct deploy *d, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec sources = STRVEC_INIT, missing = STRVEC_INIT, with_account = STRVEC_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err why = MRP_ERR_INIT;

	gate_sources(&sources, &d->scan, &d->creator->providers);
	list_missing(&missing, d, &sources, d->creator->options.metadata_account);
	list_missing(&with_account, d, &sources, true);
	if (with_account.n < missing.n && machine_has_account(d->creator, &why))
		list_missing(&missing, d, &sources, true);
	for (size_t i = 0; i < missing.n; i++)
		strbuf_addf(&text, "%s%s", i ? "; " : "", missing.v[i]);
	if (why.code != MRP_OK)
		strbuf_addf(&text, "; %s%s%s", why.where ? why.where : "", why.where ? ": " : "", why.msg);
	mrp_err_clear(&why);
	return missing.n ? mrp_err_set(err, MRP_EFAILED, "the creator's environment lacks %s", text.buf) : 0;
}

int deploy_gate(struct deploy *d, struct mrp_err *err)
{
	struct problems problems = PROBLEMS_INIT;
	struct gate_policy policy = {
		.providers = &d->creator->providers,
		.allow_programs = d->creator->options.allow_programs,
		.has_initial_values = value_get_string(d->inputs.recipe, "initial_values") != NULL,
	};

	if (deploy_enter(d, "gate", err) < 0)
		return -1;
	int r = scan_recipe(&d->scan, d->recipe_folder, &problems, err);
	if (r == 0)
		gate_judge(&d->scan, &policy, &problems);
	if (r == 0 && problems.errors)
		r = refuse(&problems, err);
	if (r == 0)
		r = missing_environment(d, err);
	problems_clear(&problems);
	if (r < 0)
		stage_log_say(&d->log, "%s", err->msg);
	d->gated = r == 0;
	return r < 0 ? -1 : 1;
}

int deploy_write_workdir(struct deploy *d, struct mrp_err *err)
{
	struct creator *creator = d->creator;
	const struct workdir_spec spec = {
		.folder = d->recipe_folder,
		.scan = &d->scan,
		.providers = &creator->providers,
		.variables = d->inputs.variables.v,
		.n_variables = d->inputs.variables.n,
	};

	deploy_renew_secrets(d); /* initial values and hooks may have brought more */
	if (workdir_prepare(&spec, err) < 0 ||
		cli_config_write(d->cli_path, &creator->options.cli, &creator->providers, err) < 0)
		return -1;
	return 1;
}
