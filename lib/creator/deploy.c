/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <inttypes.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../ev/loop.h"
#include "leftover.h"

const char *const deploy_status_names[DEPLOY_STATUSES] = {
	[DEPLOY_SKIPPED] = "skipped",
	[DEPLOY_WAITING] = "waiting",
	[DEPLOY_NO_CHANGES] = "no-changes",
	[DEPLOY_APPLIED] = "applied",
	[DEPLOY_PLANNED] = "planned",
	[DEPLOY_DESTROYED] = "destroyed",
	[DEPLOY_REFUSED] = "refused",
	[DEPLOY_FAILED] = "failed",
	[DEPLOY_INTERRUPTED] = "interrupted",
};

void deploy_say(const struct deploy *d, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cleanup(freep) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	creator_say(d->creator, level, d->slug, text);
}

int deploy_ends(struct deploy *d, enum deploy_status status, const char *fmt, ...)
{
	va_list ap;

	free(d->message);
	va_start(ap, fmt);
	d->message = xvasprintf(fmt, ap);
	va_end(ap);
	d->status = status;
	return 0;
}

int64_t deploy_time_left_ms(const struct deploy *d)
{
	return (d->deadline_us - monotonic_us()) / 1000;
}

/* --- stages --- */

void deploy_enter_quietly(struct deploy *d, const char *stage)
{
	deploy_leave(d);
	stage_log_begin(&d->log, stage, d->more_secrets ? d->more_secrets : d->secrets);
	leftover_keep(d);
}

int deploy_enter(struct deploy *d, const char *stage, struct mrp_err *err)
{
	deploy_leave(d);
	d->stage = stage;
	if (cluster_lease_is_lost(d->lease))
		return mrp_err_set(err, MRP_EINTERRUPTED, "the lease of the cluster was lost");
	if (programs_stopped(d->creator->programs))
		return mrp_err_set(err, MRP_EINTERRUPTED, "the creator was told to stop");
	if (!d->creator->options.plan_only && record_stage(&d->record, stage, err) < 0)
		return -1;
	deploy_enter_quietly(d, stage);
	return 0;
}

void deploy_leave(struct deploy *d)
{
	const struct creator *creator = d->creator;
	struct mrp_err err = MRP_ERR_INIT;

	if (!d->log.stage)
		return;
	stage_log_end(&d->log);
	if (d->more_secrets)
		stage_log_redact(&d->log, d->more_secrets);
	if (d->log.text.len && d->record.id && creator->objects) {
		cleanup(freep) char *key = stage_log_object(creator->prefix, d->slug, d->record.id, d->log.stage);

		if (objects_put(creator->objects, key, d->log.text.buf, d->log.text.len, &err) == 0)
			record_add_log(&d->record, d->log.stage, key);
		else
			deploy_say(d, LOG_ERROR, "the log of stage '%s' is lost: %s", d->log.stage, err.msg);
	}
	mrp_err_clear(&err);
	stage_log_release(&d->log);
}

int deploy_run(struct deploy *d, struct program *program, struct mrp_err *err)
{
	program->env = (const char *const *)d->env.v;
	program->folder = d->recipe_folder;
	program->owner = d;
	program->stop = &d->lost;
	program->timeout_ms =
		program->timeout_ms ? MIN(program->timeout_ms, deploy_time_left_ms(d)) : deploy_time_left_ms(d);
	program->output = stage_log_add;
	program->ctx = &d->log;
	if (program->timeout_ms <= 0)
		return mrp_err_set(err, MRP_EFAILED, "the time for a run is over ('deploy.timeout' of the cluster)");
	int code = program_run(d->creator->programs, program, err);
	if (program->truncated)
		stage_log_say(&d->log, "the output was too large, its end is cut off");
	if (code < 0 && atomic_load(&d->lost))
		mrp_err_wrap(err, "the lease of the cluster was lost");
	if (code < 0)
		stage_log_say(&d->log, "%s", err->msg);
	if (code >= 0)
		d->record.exit_code = code;
	return code;
}

/* --- a run --- */

static bool go_on_waiting(void *ctx)
{
	const struct deploy *d = ctx;

	return !programs_stopped(d->creator->programs);
}

/* A run of before that did not come to its end: its terraform may still be finishing, and its lease is taken over. What
 * is found out goes to *why, NULL: there was none. */
static int recover(struct deploy *d, char **holder, char **why, struct mrp_err *err)
{
	int64_t wait_ms = d->creator->options.grace_ms;
	const struct evidence *before = &d->before;
	struct strbuf text = STRBUF_INIT;
	bool killed = false;

	*holder = *why = NULL;
	int there = evidence_read(&d->before, d->evidence_path, err);
	if (there <= 0)
		return there;
	evidence_format(&text, before, time_now_ms());
	enum evidence_of judgement = evidence_judge(before);
	if (judgement == EVIDENCE_DEAD) {
		int left = evidence_end_survivors(before->run_id, wait_ms, go_on_waiting, d, &killed);

		d->broken = killed || !evidence_of_this_boot(before) || deploy_left_lock(d);
		*holder = xstrdup(before->holder);
		*why = xasprintf("the creator that ran it died (%s)%s", text.buf,
			d->broken ? ", and its terraform was killed" : "");
		if (left)
			mrp_err_set(err, MRP_ELOCKED, "programs of a run that died (%s) do not end", text.buf);
	} else if (judgement == EVIDENCE_ALIVE) {
		mrp_err_set(err, MRP_ELOCKED, "another creator works on it: %s", text.buf);
	}
	strbuf_release(&text);
	return err->code == MRP_OK ? 0 : -1;
}

/* What terraform had begun when the creator died: it was killed there, or will turn out to have left a lock, or has
 * ended by itself. */
static void suspect(struct deploy *d, const struct strvec *half)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct dirty begun;

	if (d->broken) {
		dirty_add(&d->mark, half);
	} else if (half->n) {
		dirty_init(&begun);
		dirty_add(&begun, half);
		if (dirty_write(d->half_path, &begun, &err) < 0)
			deploy_say(d, LOG_WARNING, "%s", err.msg);
		dirty_release(&begun);
	}
	mrp_err_clear(&err);
}

/* The records of those that died: how they ended, with the log that was left. */
static int bury(struct deploy *d, const char *why, struct mrp_err *err)
{
	struct record_dead dead = { .why = why, .broken = &d->mark };
	struct leftover left;

	leftover_init(&left);
	leftover_store(&left, d);
	dead.deployment = left.deployment;
	dead.logs = left.logs;
	suspect(d, &left.half);
	int n = record_end_dead(&d->record, &dead, err);
	leftover_release(&left);
	d->recovered = n > 0;
	d->mark.is = dead.dirty;
	if (!dead.dirty)
		strvec_clear(&d->mark.half_made);
	return n < 0 ? -1 : 0;
}

/* The evidence on the disk, the lease, the records of those that died. In this order: whoever is killed in between has
 * left the name under which the API may know it. */
static int take(struct deploy *d, struct mrp_err *err)
{
	cleanup(freep) char *unique = random_token(), *run_id = xasprintf("%s-%s", unique, d->creator->token);
	cleanup(freep) char *dead_holder = NULL, *why = NULL;
	cleanup(freep) char *own = xasprintf("%s (%.8s)", d->creator->name, run_id);

	d->evidence_lock = evidence_lock(d->evidence_path, err);
	if (d->evidence_lock < 0 || recover(d, &dead_holder, &why, err) < 0)
		return -1;
	evidence_of_self(&d->evidence, dead_holder ? dead_holder : own, run_id);
	if (evidence_write(d->evidence_path, &d->evidence, err) < 0)
		return -1;
	/* under the name of the dead one it is ours at once, as it has nobody else */
	d->lease = cluster_lease_take(d->creator->leases, d->slug, d->evidence.holder, d, err);
	if (!d->lease)
		return -1;
	http_set_lease(d->client, cluster_lease_name(d->lease), cluster_lease_fence(d->lease));
	strvec_pushf(&d->env, "MRPROBER_RUN_ID=%s", run_id);
	if (why)
		deploy_say(d, LOG_WARNING, "%s; going on from there", why);
	if (d->creator->options.plan_only)
		return 0;
	return bury(d, why ? why : "the creator that ran it died, and its lease ended", err);
}

static int begin_folders(struct deploy *d, struct mrp_err *err)
{
	struct creator *creator = d->creator;

	d->evidence_path = creator_path(creator, "runs/%s.json", d->slug);
	d->dirty_path = creator_path(creator, "runs/%s.dirty", d->slug);
	d->half_path = creator_path(creator, "runs/%s.half", d->slug);
	d->run_folder = creator_path(creator, "work/%s", d->slug);
	d->recipe_folder = path_join(d->run_folder, "recipe");
	d->cli_path = path_join(d->run_folder, "terraform.rc");
	d->plan_path = path_join(d->run_folder, "plan");
	cleanup(freep) char *runs = creator_path(creator, "runs");
	terraform_environment(&d->env, (const char *const *)creator->environment.v, d->cli_path);
	/* the http backend has its password from there and nowhere else that is not written to the disk */
	for (size_t i = 0; streq(creator->options.backend, "http") && i < creator->environment.n; i++) {
		if (skip_prefix(creator->environment.v[i], "TF_HTTP_", NULL))
			strvec_push(&d->env, creator->environment.v[i]);
	}
	strvec_pushf(&d->env, "MRPROBER_CLUSTER=%s", d->slug);
	return make_folders(runs, 0700, err);
}

static deploy_step_fn *const steps[] = { deploy_fetch, deploy_gate, deploy_initial_values, deploy_before_plan,
	deploy_write_workdir, deploy_init, deploy_plan, deploy_guard, deploy_apply };

static void fail(struct deploy *d, const struct mrp_err *err)
{
	enum deploy_status status = DEPLOY_FAILED;

	if (err->code == MRP_EINTERRUPTED)
		status = DEPLOY_INTERRUPTED;
	else if (err->code == MRP_EREFUSED)
		status = DEPLOY_REFUSED;
	if (status == DEPLOY_REFUSED)
		d->record.refused_by = d->refusal;
	deploy_ends(d, status, "%s%s%s", err->where ? err->where : "", err->where ? ": " : "", err->msg);
}

static void run_steps(struct deploy *d, deploy_step_fn *const *todo, size_t n)
{
	struct mrp_err err = MRP_ERR_INIT;
	int r = 1;

	for (size_t i = 0; r > 0 && i < n; i++)
		r = todo[i](d, &err);
	if (r < 0)
		fail(d, &err);
	mrp_err_clear(&err);
	if (d->gated && deploy_after_apply(d, &err) < 0) {
		if (d->status == DEPLOY_APPLIED || d->status == DEPLOY_NO_CHANGES || d->status == DEPLOY_DESTROYED)
			fail(d, &err);
		else
			deploy_say(d, LOG_WARNING, "%s", err.msg);
	}
	mrp_err_clear(&err);
	deploy_leave(d);
}

/* Where nothing could be done about the run that died before, its evidence stays: only that lets somebody give back a
 * lock of the terraform state that it has left. */
static void leave_evidence(struct deploy *d, bool had_lease)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (had_lease && !d->locked && !d->creator->options.plan_only)
		unlink(d->half_path);
	if (!d->before.run_id || (had_lease && !d->locked))
		unlink(d->evidence_path);
	else if (evidence_write(d->evidence_path, &d->before, &err) < 0)
		deploy_say(d, LOG_WARNING, "%s", err.msg);
	mrp_err_clear(&err);
}

static void clean_up(struct deploy *d)
{
	struct mrp_err err = MRP_ERR_INIT;
	bool had_lease = d->lease;

	if (d->lease && !d->creator->options.keep_workdir && remove_tree(d->run_folder, &err) < 0)
		deploy_say(d, LOG_WARNING, "%s", err.msg);
	if (d->lease && d->creator->options.keep_workdir)
		deploy_say(d, LOG_INFO, "the work folder, with secrets in it, is '%s'", d->run_folder);
	mrp_err_clear(&err);
	http_set_lease(d->client, NULL, 0);
	cluster_lease_release(d->lease);
	if (d->evidence.run_id)
		leave_evidence(d, had_lease);
	evidence_unlock(d->evidence_path, d->evidence_lock);
	record_release(&d->record);
	inputs_release(&d->inputs);
	evidence_release(&d->evidence);
	evidence_release(&d->before);
	scan_release(&d->scan);
	arena_release(&d->plan_arena);
	redact_free(d->secrets);
	redact_free(d->more_secrets);
	strvec_clear(&d->env);
	dirty_release(&d->mark);
	dirty_release(&d->killed);
	free(d->dirty_path);
	free(d->half_path);
	free(d->evidence_path);
	free(d->run_folder);
	free(d->recipe_folder);
	free(d->cli_path);
	free(d->plan_path);
}

void deploy_by_steps(struct creator *creator, struct http_client *client, const char *slug, deploy_step_fn *const *todo,
	size_t n, struct deploy_result *result)
{
	struct deploy d = { .creator = creator,
		.client = client,
		.slug = slug,
		.env = STRVEC_INIT,
		.stage = "fetch",
		.evidence_lock = -1 };
	int64_t began_us = monotonic_us();
	struct mrp_err err = MRP_ERR_INIT;

	dirty_init(&d.mark);
	dirty_init(&d.killed);
	inputs_init(&d.inputs);
	scan_init(&d.scan);
	record_init(&d.record, client, slug);
	d.record.creator = creator->name;
	d.record.state_holder = streq(creator->options.backend, "local") ? creator->state_holder : NULL;
	if (begin_folders(&d, &err) == 0 && take(&d, &err) == 0) {
		run_steps(&d, todo, n);
		deploy_record_outcome(&d);
	} else if (err.code == MRP_ELOCKED) {
		deploy_ends(&d, DEPLOY_SKIPPED, "%s", err.msg);
	} else {
		fail(&d, &err);
	}
	mrp_err_clear(&err);
	clean_up(&d);
	*result = (struct deploy_result){
		.status = d.status,
		.changes = d.has_changes,
		.recorded = d.record.id != 0 || d.status == DEPLOY_WAITING || d.done_elsewhere,
		.took_ms = (monotonic_us() - began_us) / 1000,
		.message = d.message,
	};
}

void deploy_cluster(struct creator *creator, struct http_client *client, const char *slug, struct deploy_result *result)
{
	deploy_by_steps(creator, client, slug, steps, ARRAY_SIZE(steps), result);
}
