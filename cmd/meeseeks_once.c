/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober meeseeks` without --loop: each mapping once, said to people or to programs. */
#include "meeseeks.h"

#include <unistd.h>

#include "../lib/cli/prompt.h"
#include "dispatch.h"

static void print_names(struct strbuf *out, char sign, enum mrp_style style, bool color, const struct strvec *names)
{
	for (size_t i = 0; i < names->n; i++) {
		strbuf_addf(out, "%s%c ", mrp_style(style, color), sign);
		strbuf_add_visible(out, names->v[i], strlen(names->v[i]));
		strbuf_addf(out, "%s\n", mrp_style(STYLE_PLAIN, color));
	}
}

/* What people read before they answer, whatever the format of the result is. */
static void print_changes(const struct meeseeks_run *run, const struct keeper *keeper, const struct changes *changes)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	bool is_text = run->args->format == FORMAT_TEXT, color = is_text && run->ctx->color_out;

	if (!is_text && (run->args->check || run->args->yes || !mrp_can_prompt()))
		return;

	keeper_add_name(&out, keeper);
	strbuf_addf(&out, ": %zu to add, %zu to remove", changes->added.n, changes->removed.n);
	if (changes->changed.n)
		strbuf_addf(&out, ", %zu to change", changes->changed.n);
	strbuf_addf(&out, "; %zu node%s then%s\n", changes->after, changes->after == 1 ? "" : "s",
		changes->added.n || changes->removed.n || changes->changed.n ? "" : ", written in another form");
	print_names(&out, '+', STYLE_ADD, color, &changes->added);
	print_names(&out, '-', STYLE_REMOVE, color, &changes->removed);
	print_names(&out, '~', STYLE_CHANGE, color, &changes->changed);
	fwrite(out.buf, 1, out.len, is_text ? stdout : stderr);
	flush_stdout();
}

static void say(
	const struct meeseeks_run *run, const struct keeper *keeper, const struct changes *changes, const char *what)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;

	if (run->ctx->quiet || run->args->format != FORMAT_TEXT)
		return;
	keeper_add_name(&name, keeper);
	printf("%s: %s, %zu node%s\n", name.buf, what, changes->after, changes->after == 1 ? "" : "s");
}

static int check(struct keeper *keeper, const struct changes *changes, struct mrp_err *err)
{
	if (meeseeks_guard(keeper->meeseeks, changes, err) == 0)
		return MRP_EXIT_DIFFERENCES;
	if (!changes->after) /* there is nothing to compare with */
		return -1;
	keeper->doubt = xasprintf("writing this would be refused: %s", err->msg);
	fprintf(stderr, "mrprober: %s\n", keeper->doubt);
	mrp_err_clear(err);
	return MRP_EXIT_DIFFERENCES;
}

/* 1: go on; 0: the person said no. */
static int confirm(const struct meeseeks_run *run, bool *asked, struct mrp_err *err)
{
	bool yes = run->args->yes;

	*asked = !yes;
	if (!yes && mrp_prompt_yes_no(&yes, "Write this?", "--yes", err) < 0)
		return -1;
	if (!yes)
		fputs("nothing was done\n", stderr);
	return yes;
}

static int keep_once(struct meeseeks_run *run, struct keeper *keeper, struct changes *changes, struct mrp_err *err)
{
	bool asked;

	if (meeseeks_compare(keeper->meeseeks, run->http, changes, err) < 0)
		return -1;
	if (!changes_any(changes)) {
		/* an empty list that stays is as suspicious as one that comes */
		if (meeseeks_guard(keeper->meeseeks, changes, err) < 0)
			return -1;
		if (mrp_term_is_terminal(STDOUT_FILENO))
			say(run, keeper, changes, "nothing to change");
		keeper_succeeded(keeper, changes, false);
		return MRP_EXIT_OK;
	}
	print_changes(run, keeper, changes);
	if (run->args->check)
		return check(keeper, changes, err);
	if (meeseeks_guard(keeper->meeseeks, changes, err) < 0)
		return -1;
	int go_on = confirm(run, &asked, err);
	if (go_on <= 0)
		return go_on < 0 ? -1 : MRP_EXIT_FAILED;
	if (keeper_write(run, keeper, changes, asked, err) < 0)
		return -1;
	say(run, keeper, changes, "written");
	keeper_succeeded(keeper, changes, true);
	return MRP_EXIT_OK;
}

static int print_failure(const struct keeper *keeper, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT, text = STRBUF_INIT;
	int code = mrp_err_exit_code(err->code);

	keeper_add_name(&name, keeper);
	mrp_err_format(&text, err);
	fprintf(stderr, "mrprober: %s: %s\n", name.buf, text.buf);
	mrp_err_clear(err);
	return code;
}

/* Of two ends the one that somebody has to look at first. */
static int worse(int a, int b)
{
	if (a == b || b == MRP_EXIT_OK || b == MRP_EXIT_DIFFERENCES)
		return a == MRP_EXIT_OK ? b : a;
	return a == MRP_EXIT_OK || a == MRP_EXIT_DIFFERENCES ? b : MRP_EXIT_FAILED;
}

/* For a program: how it has ended. */
static const char *status_word(
	const struct keeper *keeper, int code, const struct changes *changes, const struct mrp_err *err)
{
	if (keeper->written)
		return "written";
	if (code == MRP_EXIT_FAILED)
		return "declined";
	if (code == MRP_EXIT_DIFFERENCES || (code < 0 && err->code == MRP_EUSAGE && changes_any(changes)))
		return "differs";
	return code == MRP_EXIT_OK ? "in-sync" : err->code == MRP_EREFUSED ? "refused" : "failed";
}

static int keep_and_say(struct meeseeks_run *run, struct keeper *keeper, struct strbuf *json, struct mrp_err *err)
{
	struct changes changes = CHANGES_INIT;
	int code = keep_once(run, keeper, &changes, err);

	keeper->failed = code < 0;
	if (run->args->format == FORMAT_JSON)
		meeseeks_json_add(
			json, keeper, status_word(keeper, code, &changes, err), &changes, code < 0 ? err : NULL);
	changes_clear(&changes);
	return code < 0 && run->args->config ? print_failure(keeper, err) : code;
}

int meeseeks_once(struct meeseeks_run *run, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	int code = MRP_EXIT_OK;

	for (size_t i = 0; i < run->keepers.n; i++) {
		int one = keep_and_say(run, &run->keepers.v[i], &json, err);

		code = one < 0 ? one : worse(code, one);
	}
	if (run->args->format == FORMAT_JSON) {
		meeseeks_json_print(&json);
		run->printed = true;
	}
	struct mrp_err metrics_err = MRP_ERR_INIT;
	if (meeseeks_write_metrics(run, &metrics_err) < 0) {
		if (code >= 0)
			return mrp_err_move(err, &metrics_err);
		mrp_err_clear(&metrics_err);
	}
	return code;
}
