/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What terraform is told. Its working folder is the recipe's, its plan lies beside that. The JSON of the plan never
 * leaves the memory of this process.
 */
#include "internal.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../value/json.h"
#include "half_made.h"
#include "lock_info.h"
#include "snapshot.h"

enum { TERRAFORM_FAILED = 1, PLAN_CHANGES = 2, CACHE_LOCK_WAIT_MS = 100, COMPARED_MAX = 1000 };

/* "terraform plan failed (exit code 1): Invalid value for variable" */
static int terraform_failed(struct deploy *d, const char *what, int code, struct mrp_err *err)
{
	struct lock_info lock;

	stage_log_end(&d->log);
	cleanup(freep) char *reason = stage_log_reason(&d->log);
	if (lock_info_find(&lock, d->log.text.buf)) {
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

		d->locked = true;
		lock_info_format(&text, &lock, time_now_ms());
		if (!*lock.who && d->before.run_id) {
			strbuf_addstr(&text, ", and the run that died before was ");
			evidence_format(&text, &d->before, time_now_ms());
		}
		return mrp_err_set(err, MRP_EFAILED,
			"the terraform state is %s; if that run is dead: mrprober creator-once --unlock %s", text.buf,
			d->slug);
	}
	return mrp_err_set(err, MRP_EFAILED, "terraform %s failed (exit code %d)%s%s", what, code, reason ? ": " : "",
		reason ? reason : "");
}

/* The exit code, or -1. `args` ends with NULL. */
static int terraform(struct deploy *d, struct program *program, const char *const *args, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec argv = STRVEC_INIT;

	strvec_push(&argv, d->creator->options.terraform);
	for (; *args; args++)
		strvec_push(&argv, *args);
	program->argv = (const char *const *)argv.v;
	program->gentle = true;
	return deploy_run(d, program, err);
}

/* As terraform(), for commands that have nothing to say but 0; `what` is for people. */
static int terraform_must(struct deploy *d, const char *what, const char *const *args, struct mrp_err *err)
{
	struct program program = { 0 };
	int code = terraform(d, &program, args, err);

	return code > 0 ? terraform_failed(d, what, code, err) : code;
}

/* --- init --- */

/* Of the files of the recipe; "" when programs of it may have written others. */
static void recipe_digest(char out[SHA256_HEX + 1], const struct deploy *d)
{
	const struct value *files = value_get(d->inputs.recipe, "files");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	*out = '\0';
	if (!files || d->scan.programs.n)
		return;
	json_canonical(&text, files);
	sha256_hex_of(out, text.buf, text.len);
}

static bool compared_before(struct creator *creator, const char *files)
{
	pthread_mutex_lock(&creator->compared_lock);
	bool known = *files && strvec_contains(&creator->compared, files);
	pthread_mutex_unlock(&creator->compared_lock);
	return known;
}

static void remember_compared(struct creator *creator, const char *files)
{
	pthread_mutex_lock(&creator->compared_lock);
	if (creator->compared.n >= COMPARED_MAX)
		strvec_clear(&creator->compared);
	if (*files && !strvec_contains(&creator->compared, files))
		strvec_push(&creator->compared, files);
	pthread_mutex_unlock(&creator->compared_lock);
}

/* What terraform thinks that the recipe needs must be what we think. The answer for the same files is the same. */
static int compare_providers(struct deploy *d, struct mrp_err *err)
{
	static const char *const args[] = { "providers", "-no-color", NULL };
	struct program program = { .keep_stdout = true };
	char files[SHA256_HEX + 1];

	recipe_digest(files, d);
	if (compared_before(d->creator, files))
		return 0;
	int code = terraform(d, &program, args, err);
	if (code > 0)
		code = terraform_failed(d, "providers", code, err);
	if (code == 0)
		code = gate_compare(&d->scan, &d->creator->providers, program.out.buf, program.out.len, err);
	if (code == 0)
		remember_compared(d->creator, files);
	program_release(&program);
	return code;
}

static int lock_cache(int *fd, struct deploy *d, const struct strvec *sources, struct mrp_err *err)
{
	const struct timespec pause = { .tv_nsec = CACHE_LOCK_WAIT_MS * 1000000 };
	const struct creator *creator = d->creator;

	while (cache_lock_try(fd, &creator->options.cli, &creator->providers, (const char *const *)sources->v,
		       sources->n, d->evidence.run_id, err) < 0) {
		if (err->code != MRP_ELOCKED || deploy_time_left_ms(d) <= 0 || programs_stopped(creator->programs))
			return -1;
		mrp_err_clear(err);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A text of the backend's settings with {environment} and {cluster} filled in. */
static struct value *fill_in(struct deploy *d, const struct value *v)
{
	struct strbuf out = STRBUF_INIT;
	const char *rest;

	if (v->type != V_STRING)
		return (struct value *)v;
	for (const char *p = v->s; *p;) {
		if (skip_prefix(p, "{environment}", &rest))
			strbuf_addstr(&out, d->creator->prefix);
		else if (skip_prefix(p, "{cluster}", &rest))
			strbuf_addstr(&out, d->slug);
		else
			strbuf_addch(&out, *p), rest = p + 1;
		p = rest;
	}
	struct value *filled = value_string_n(&d->inputs.arena, out.buf, out.len);
	strbuf_release(&out);
	return filled;
}

/* With what the options say over it. */
static struct value *backend_settings(struct deploy *d)
{
	const struct creator_options *options = &d->creator->options;
	const struct value *given = options->backend_settings;
	struct arena *arena = &d->inputs.arena;
	struct value *settings = value_object(arena);

	if (streq(options->backend, "local")) {
		cleanup(freep) char *path =
			creator_path(d->creator, "states/%s/%s.tfstate", d->creator->prefix, d->slug);

		value_append(arena, settings, "path", value_string(arena, path));
	}
	for (uint32_t i = 0; given && i < given->n; i++)
		value_set(arena, settings, given->members[i].key, fill_in(d, given->members[i].value));
	return settings;
}

static int write_backend(struct deploy *d, struct mrp_err *err)
{
	const char *backend = d->creator->options.backend;
	struct value *settings = backend_settings(d);
	const char *path = streq(backend, "local") ? value_get_string(settings, "path") : NULL;
	const char *slash = path ? strrchr(path, '/') : NULL;
	cleanup(freep) char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;

	if (folder && *folder && make_folders(folder, 0700, err) < 0)
		return -1;
	return workdir_backend(d->recipe_folder, backend, settings, err);
}

bool deploy_left_lock(struct deploy *d)
{
	struct value *settings = backend_settings(d);
	const char *path = value_get_string(settings, "path"), *slash = path ? strrchr(path, '/') : NULL;

	if (!streq(d->creator->options.backend, "local") || !slash)
		return false;
	cleanup(freep) char *lock = xasprintf("%.*s/.%s.lock.info", (int)(slash - path), path, slash + 1);
	return access(lock, F_OK) == 0;
}

int deploy_init(struct deploy *d, struct mrp_err *err)
{
	static const char *const args[] = { "init", "-input=false", "-no-color", "-get=false", NULL };
	cleanup(strvec_clear) struct strvec sources = STRVEC_INIT;
	cleanup(fd_closep) int lock = -1;

	if (deploy_enter(d, "init", err) < 0 || compare_providers(d, err) < 0 || write_backend(d, err) < 0)
		return -1;
	gate_sources(&sources, &d->scan, &d->creator->providers);
	if (lock_cache(&lock, d, &sources, err) < 0 || terraform_must(d, "init", args, err) < 0 ||
		(lock >= 0 && cache_lock_done(&d->creator->options.cli, lock, err) < 0))
		return -1;
	return 1;
}

/* --- plan --- */

static int read_plan(struct deploy *d, struct mrp_err *err)
{
	const char *const args[] = { "show", "-json", "-no-color", d->plan_path, NULL };
	struct program program = { .keep_stdout = true };

	int code = terraform(d, &program, args, err);
	if (code > 0)
		code = terraform_failed(d, "show", code, err);
	if (code == 0) {
		d->plan = json_parse(&d->plan_arena, program.out.buf, program.out.len, "terraform's plan", err);
		code = d->plan ? 0 : -1;
	}
	program_release(&program);
	return code;
}

static void show_plan(struct deploy *d)
{
	const struct creator_options *options = &d->creator->options;

	if (!options->plan_only || !options->show)
		return;
	stage_log_end(&d->log);
	stage_log_redact(&d->log, d->more_secrets);
	options->show(options->ctx, d->slug, d->log.text.buf, d->log.text.len);
}

static const char *const plan_args[] = { "plan", "-input=false", "-no-color", "-detailed-exitcode" };

int deploy_plan(struct deploy *d, struct mrp_err *err)
{
	cleanup(freep) char *out = xasprintf("-out=%s", d->plan_path);
	cleanup(strvec_clear) struct strvec args = STRVEC_INIT;
	struct program program = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(plan_args); i++)
		strvec_push(&args, plan_args[i]);
	strvec_push(&args, out);
	if (d->inputs.destroy)
		strvec_push(&args, "-destroy");
	for (size_t i = 0; !d->inputs.destroy && i < d->mark.half_made.n; i++) /* those that no state has do no harm */
		strvec_pushf(&args, "-replace=%s", d->mark.half_made.v[i]);
	if (deploy_enter(d, "plan", err) < 0)
		return -1;
	int code = terraform(d, &program, (const char *const *)args.v, err);
	if (code < 0 || (code > 0 && code != PLAN_CHANGES))
		return code < 0 ? -1 : terraform_failed(d, "plan", code, err);
	d->has_changes = code == PLAN_CHANGES;
	if (read_plan(d, err) < 0)
		return -1;
	d->record.exit_code = code;
	deploy_more_secrets(d, d->plan);
	if (gate_judge_plan(&d->scan, d->plan, err) < 0 ||
		plan_changes_of(&d->changes, &d->plan_arena, d->plan, d->more_secrets, err) < 0)
		return -1;
	d->record.changes = &d->changes;
	d->record.plan_digest = d->has_changes || d->mark.is ? d->changes.digest : NULL;
	show_plan(d);
	return 1;
}

/* --- guards --- */

static void format_changes(struct strbuf *out, const struct deploy *d)
{
	plan_changes_format(out, &d->changes);
	if (d->has_changes && !d->changes.added && !d->changes.changed && !d->changes.destroyed)
		strbuf_addstr(out, d->changes.outputs ? "; outputs change" : "; the state is brought up to date");
}

/* Why somebody has to look at the plan; "" when nobody has. */
static void why_approve(struct strbuf *why, const struct deploy *d)
{
	if (d->mark.is) {
		strbuf_addstr(why, "terraform was killed while it made ");
		dirty_format(why, &d->mark);
		strbuf_addstr(why,
			", so the state may lack something or be wrong: look what is there, then approve this plan");
		if (d->mark.half_made.n && !d->inputs.destroy)
			strbuf_addstr(why, ", which makes anew what the state has of it");
	}
	if (d->inputs.max_destroy >= 0 && d->changes.destroyed > d->inputs.max_destroy)
		strbuf_addf(why,
			"%sthe plan destroys %" PRId64 ", more than max_destroy (%" PRId64 ") allows without approval",
			why->len ? "; " : "", d->changes.destroyed, d->inputs.max_destroy);
}

/* 1: it may be applied. */
static int check_approval(struct deploy *d, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf why = STRBUF_INIT;

	why_approve(&why, d);
	if (!why.len)
		return 1;
	if (record_find_approval(&d->record.approved_deployment, &d->record, d->changes.digest, err) < 0)
		return -1;
	return d->record.approved_deployment ? 1 : deploy_ends(d, DEPLOY_REFUSED, "%s", why.buf);
}

int deploy_guard(struct deploy *d, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	bool nothing = !d->has_changes && !d->inputs.destroy;

	format_changes(&text, d);
	if (nothing && !d->mark.is)
		return deploy_ends(d, DEPLOY_NO_CHANGES, "no changes");
	if (d->creator->options.plan_only || d->inputs.plan_only)
		return deploy_ends(d, DEPLOY_PLANNED, "%s", text.buf);
	deploy_say(d, LOG_INFO, "plan: %s", text.buf);
	int r = check_approval(d, err);
	return r > 0 && nothing ? deploy_ends(d, DEPLOY_NO_CHANGES, "no changes") : r;
}

/* --- apply --- */

/* It was killed, has crashed, or has given up at the second interrupt, with what it was making still going on. */
static bool did_not_finish(struct deploy *d, const struct program *program, int code)
{
	stage_log_end(&d->log);
	return program->killed || code > TERRAFORM_FAILED ||
		(program->stopped && strstr(d->log.text.buf, "Two interrupts received"));
}

/* The API hears of it when the run ends, if it ends in a way that it can be told: so the disk first. */
static void note_killed(struct deploy *d)
{
	cleanup(strvec_clear) struct strvec half = STRVEC_INIT, whole = STRVEC_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	half_made_of(&half, &whole, d->log.text.buf, d->log.text.len);
	for (size_t i = 0; i < d->mark.half_made.n; i++) { /* of before, unless it was made now */
		if (!strvec_contains(&whole, d->mark.half_made.v[i]) && !strvec_contains(&half, d->mark.half_made.v[i]))
			strvec_push(&half, d->mark.half_made.v[i]);
	}
	dirty_add(&d->killed, &half);
	if (dirty_write(d->dirty_path, &d->killed, &err) < 0)
		deploy_say(d, LOG_ERROR, "%s", err.msg);
	mrp_err_clear(&err);
}

int deploy_apply(struct deploy *d, struct mrp_err *err)
{
	const char *const args[] = { "apply", "-input=false", "-no-color", "-auto-approve", d->plan_path, NULL };
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct program program = { 0 };

	/* after a kill of anything below, what was deployed is what this says */
	d->record.deployed = d->inputs.destroy ? NULL : snapshot_of(d);
	if (deploy_enter(d, "apply", err) < 0)
		return -1;
	int code = terraform(d, &program, args, err);
	if (did_not_finish(d, &program, code))
		note_killed(d);
	if (code)
		return code < 0 ? -1 : terraform_failed(d, "apply", code, err);
	format_changes(&text, d);
	deploy_ends(d, d->inputs.destroy ? DEPLOY_DESTROYED : DEPLOY_APPLIED, "%s", text.buf);
	return 0;
}
