/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people do by hand. Giving back a lock of the terraform state that a dead run has left: only the evidence of that
 * run proves that it is dead, and only on the host where it ran; everywhere else it takes somebody who says so
 * (--force). And saying that a state is right which a killed terraform has left.
 */
#include "internal.h"

#include <unistd.h>

#include "../base/clock.h"
#include "lock_info.h"

/* 0 when it may be done; *what says what is known. */
static int judge(struct strbuf *what, const struct creator *creator, const char *slug, struct mrp_err *err)
{
	cleanup(freep) char *path = creator_path(creator, "runs/%s.json", slug);
	struct evidence evidence;
	int there = evidence_read(&evidence, path, err);

	if (there < 0)
		return -1;
	enum evidence_of judgement = there ? evidence_judge(&evidence) : EVIDENCE_UNKNOWN;
	if (there)
		evidence_format(what, &evidence, time_now_ms());
	else
		strbuf_addf(what, "no run of cluster '%s' has left anything in '%s'", slug, creator->folder);
	evidence_release(&evidence);
	if (judgement == EVIDENCE_ALIVE)
		return mrp_err_set(err, MRP_EREFUSED, "the run is alive: %s", what->buf);
	if (judgement == EVIDENCE_UNKNOWN && !creator->options.force)
		return mrp_err_set(err, MRP_EREFUSED,
			"nothing here proves that who holds the lock is dead (%s); --force says that you know",
			what->buf);
	return 0;
}

/* Who had the lock of an apply and is dead has not ended it: all creators shall know that. */
static int mark_dirty(struct deploy *d, const char *lock, struct mrp_err *err)
{
	cleanup(freep) char *message = xasprintf("the terraform state was %s, who is dead: terraform was killed while "
						 "it applied; the next plan waits for "
						 "approval",
		lock);
	struct record record;

	d->mark.is = true;
	if (dirty_read(&d->mark, d->half_path, err) < 0)
		return -1;
	record_init(&record, d->client, d->slug);
	record.creator = d->record.creator;
	record.state_holder = d->record.state_holder;
	record.dirty = &d->mark;
	int r = record_end(&record, "interrupted", "unlock", message, err);
	record_release(&record);
	if (r == 0)
		unlink(d->half_path);
	return r;
}

static int force_unlock(struct deploy *d, const struct lock_info *info, struct mrp_err *err)
{
	const char *const argv[] = { d->creator->options.terraform, "force-unlock", "-force", info->id, NULL };
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct program program = { .argv = argv, .gentle = true };

	lock_info_format(&text, info, time_now_ms());
	if (!*info->id)
		return mrp_err_set(
			err, MRP_EFAILED, "the state is %s, and terraform does not say which lock that is", text.buf);
	deploy_enter_quietly(d, "unlock");
	int code = deploy_run(d, &program, err);
	if (code > 0)
		return mrp_err_set(err, MRP_EFAILED, "terraform force-unlock failed (exit code %d)", code);
	if (code < 0 || (lock_info_may_be_apply(info) && mark_dirty(d, text.buf, err) < 0))
		return -1;
	return deploy_ends(d, DEPLOY_PLANNED, "unlocked: the state was %s%s", text.buf,
		lock_info_may_be_apply(info)
			? "; terraform was killed while it applied, so the next plan waits for approval"
			: "");
}

/* A plan that looks at nothing out there tries to take the lock, and says who has it. */
static int unlock(struct deploy *d, struct mrp_err *err)
{
	const char *const argv[] = { d->creator->options.terraform, "plan", "-input=false", "-no-color",
		"-refresh=false", NULL };
	struct program program = { .argv = argv, .gentle = true };
	struct lock_info info;

	deploy_enter_quietly(d, "unlock");
	int code = deploy_run(d, &program, err);
	if (code < 0)
		return -1;
	stage_log_end(&d->log);
	if (code > 0 && lock_info_find(&info, d->log.text.buf))
		return force_unlock(d, &info, err);
	if (code > 0)
		return mrp_err_set(err, MRP_EFAILED, "terraform plan failed (exit code %d)", code);
	return deploy_ends(d, DEPLOY_PLANNED, "nothing to do: the state is not locked");
}

static deploy_step_fn *const unlock_steps[] = { deploy_fetch, deploy_gate, deploy_write_workdir, deploy_init, unlock };

/* Somebody has looked at what a killed terraform has left, and says that the state is right. */
static int clean(struct deploy *d, struct mrp_err *err)
{
	static const struct dirty none = { .is = false };
	cleanup(strbuf_release) struct strbuf what = STRBUF_INIT;
	struct record record;

	if (!d->mark.is)
		return deploy_ends(d, DEPLOY_PLANNED, "nothing to do: the cluster is not dirty");
	dirty_format(&what, &d->mark);
	cleanup(freep) char *message = xasprintf(
		"somebody says that the state is right, of %s, too, which terraform made when it was killed", what.buf);
	record_init(&record, d->client, d->slug);
	record.creator = d->record.creator;
	record.state_holder = d->record.state_holder;
	record.dirty = &none;
	int r = record_end(&record, "planned", "clean", message, err);
	record_release(&record);
	if (r < 0)
		return -1;
	unlink(d->dirty_path);
	return deploy_ends(d, DEPLOY_PLANNED, "clean: %s is believed to be as the state says", what.buf);
}

static deploy_step_fn *const clean_steps[] = { deploy_fetch, clean };

static int by_hand(struct creator *creator, const char *slug, deploy_step_fn *const *steps, size_t n, char **text,
	struct mrp_err *err)
{
	struct http_client *client = http_open(creator->options.api, err);
	struct deploy_result result;

	if (!client)
		return -1;
	creator->options.plan_only = creator->at_once = true;
	deploy_by_steps(creator, client, slug, steps, n, &result);
	http_close(client);
	*text = result.message;
	if (result.status == DEPLOY_PLANNED)
		return 0;
	mrp_err_set(err, result.status == DEPLOY_SKIPPED ? MRP_ELOCKED : MRP_EFAILED, "%s", result.message);
	free(steal(text));
	return -1;
}

int creator_unlock(struct creator *creator, const char *slug, char **text, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf what = STRBUF_INIT;

	if (judge(&what, creator, slug, err) < 0)
		return -1;
	return by_hand(creator, slug, unlock_steps, ARRAY_SIZE(unlock_steps), text, err);
}

int creator_clean(struct creator *creator, const char *slug, char **text, struct mrp_err *err)
{
	return by_hand(creator, slug, clean_steps, ARRAY_SIZE(clean_steps), text, err);
}
