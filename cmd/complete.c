/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mrprober __complete WORD...`: what could stand for the last word, by the protocol of cobra's completion scripts: a
 * candidate, a tab and its description per line, then ":<flags>". It walks over the words by the rows, as the parser
 * does, but forgives everything. Where the names of objects come from: complete_sources.c.
 */
#include "dispatch.h"

#include "../lib/cli/complete.h"
#include "../lib/cli/words.h"
#include "complete_sources.h"
#include "options.h"

#include <unistd.h>

struct walk {
	struct mrp_complete c;
	const struct mrp_cmd *cmd;   /* NULL: not reached yet */
	const struct mrp_opt *waits; /* its value is the next word */
	bool options_ended;
	bool unknown;                /* there is a command, but not one of ours */
	struct strvec args, aliases; /* aliases: on the way to the command, against loops */
};

static const struct mrp_opt *tables(const struct walk *walk, size_t i)
{
	if (i == 0)
		return walk->cmd ? walk->cmd->opts : global_opts;
	return walk->cmd ? common_opts : NULL;
}

/* Options of the program change what sources find: -C, --context, --api-url, --environment. */
static void note_global(struct walk *walk, const struct mrp_opt *opt, const char *value)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	bool no;

	if (!opt->name) { /* -C */
		if (chdir(value) < 0)
			return;
	} else if (mrp_opt_find(common_opts, opt->name, strlen(opt->name), &no) &&
		mrp_opt_set(opt, &walk->c.ctx->globals, arena_strdup(&walk->c.ctx->arena, value), "", &ignored) < 0) {
		mrp_err_clear(&ignored);
	}
}

static bool is_common(const struct walk *walk, const struct mrp_opt *opt)
{
	const struct mrp_opt *own = walk->cmd ? walk->cmd->opts : NULL;

	for (; own && own->type; own++) {
		if (own == opt)
			return false;
	}
	return true;
}

static void take_value(struct walk *walk, const struct mrp_opt *opt, const char *value)
{
	if (is_common(walk, opt))
		note_global(walk, opt, value);
}

static const struct mrp_opt *find_long(const struct walk *walk, const char *name, size_t len)
{
	const struct mrp_opt *opt = NULL;
	bool no;

	for (size_t i = 0; i < 2 && !opt; i++)
		opt = mrp_opt_find(tables(walk, i), name, len, &no);
	return opt;
}

static void take_option(struct walk *walk, const char *word)
{
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");
		const struct mrp_opt *opt = find_long(walk, word + 2, len);

		if (!opt || !mrp_opt_has_arg(opt))
			return;
		if (word[2 + len])
			take_value(walk, opt, word + 2 + len + 1);
		else
			walk->waits = opt;
		return;
	}
	for (const char *p = word + 1; *p; p++) {
		const struct mrp_opt *opt = NULL;

		for (size_t i = 0; i < 2 && !opt; i++)
			opt = mrp_opt_find_letter(tables(walk, i), *p);
		if (!opt || !mrp_opt_has_arg(opt))
			continue;
		if (p[1])
			take_value(walk, opt, p + 1);
		else
			walk->waits = opt;
		return;
	}
}

static void take_words(struct walk *walk, char *const *words, size_t n);

/* The first word that is no option: a command, an alias (its words are taken instead), or nothing we know. */
static void take_command(struct walk *walk, const char *word)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	cleanup(strvec_clear) struct strvec words = STRVEC_INIT;

	walk->cmd = cmd_find(mrp_commands, word);
	walk->unknown = !walk->cmd;
	if (walk->cmd || strvec_contains(&walk->aliases, word))
		return;
	const struct mrp_alias *alias =
		settings_load_aliases(walk->c.ctx, &ignored) == 0 ? mrp_alias_find(walk->c.ctx, word) : NULL;
	strvec_push(&walk->aliases, word);
	if (alias && mrp_split_words(&words, alias->words, &ignored) == 0)
		take_words(walk, words.v, words.n);
	mrp_err_clear(&ignored);
}

static void take_words(struct walk *walk, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *word = words[i];

		if (walk->waits) {
			take_value(walk, walk->waits, word);
			walk->waits = NULL;
		} else if (!walk->options_ended && streq(word, "--")) {
			walk->options_ended = true;
		} else if (!walk->options_ended && word[0] == '-' && word[1]) {
			take_option(walk, word);
		} else if (!walk->cmd) {
			take_command(walk, word);
			if (!walk->cmd)
				return;
		} else {
			const struct mrp_cmd *sub = walk->args.n ? NULL : cmd_find(walk->cmd->subs, word);

			if (sub)
				walk->cmd = sub;
			else
				strvec_push(&walk->args, word);
		}
	}
}

static void add_commands(struct mrp_complete *c, const struct mrp_cmd *const *table)
{
	for (; table && *table; table++) {
		if (!((*table)->needs & CMD_HIDDEN))
			mrp_complete_add(c, (*table)->name, (*table)->summary);
	}
}

static void add_options(struct mrp_complete *c, const struct mrp_opt *opts)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;

	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->flags & OPTF_HIDDEN)
			continue;
		strbuf_reset(&name);
		if (opt->name)
			strbuf_addf(&name, "--%s", opt->name);
		else
			strbuf_addf(&name, "-%c", opt->letter);
		mrp_complete_add(c, name.buf, opt->help);
		if (!mrp_opt_has_no(opt) || !skip_prefix(c->word, "--no", NULL))
			continue;
		strbuf_reset(&name);
		strbuf_addf(&name, "--no-%s", opt->name);
		mrp_complete_add(c, name.buf, opt->help);
	}
}

static void add_word(void *ctx, const char *word, size_t len)
{
	cleanup(freep) char *copy = xstrndup(word, len);

	mrp_complete_add(ctx, copy, NULL);
}

static void complete_value(struct walk *walk, const struct mrp_opt *opt)
{
	struct mrp_complete *c = &walk->c;

	if (opt->complete)
		opt->complete(c, (int)walk->args.n, walk->args.v, c->word);
	else if (opt->type == OPT_TYPE_ENUM)
		mrp_opt_words(opt, add_word, c);
	else if (opt->flags & OPTF_FILE)
		mrp_complete_files(c, 0, NULL, c->word);
	else if (opt->flags & OPTF_FOLDER)
		mrp_complete_folders(c, 0, NULL, c->word);
}

static void complete_option(struct walk *walk)
{
	struct mrp_complete *c = &walk->c;
	const char *equals = strchr(c->word, '=');

	if (skip_prefix(c->word, "--", NULL) && equals) {
		const struct mrp_opt *opt = find_long(walk, c->word + 2, (size_t)(equals - c->word - 2));

		if (!opt || !mrp_opt_has_arg(opt))
			return;
		c->prefix = arena_strndup(&c->ctx->arena, c->word, (size_t)(equals - c->word) + 1);
		c->word = equals + 1;
		complete_value(walk, opt);
		return;
	}
	if (walk->cmd) {
		struct mrp_opt common[MAX_COMMON_OPTS];

		common_opts_beside(common, walk->cmd->opts);
		add_options(c, walk->cmd->opts);
		add_options(c, common);
	} else {
		add_options(c, global_opts);
	}
	mrp_complete_add(c, "--help", "print the usage");
}

static void complete_word(struct walk *walk)
{
	struct mrp_complete *c = &walk->c;

	if (walk->waits) {
		complete_value(walk, walk->waits);
	} else if (walk->unknown) { /* a command that we do not know: an external one */
		mrp_complete_files(c, 0, NULL, c->word);
	} else if (!walk->options_ended && c->word[0] == '-') {
		complete_option(walk);
	} else if (!walk->cmd) {
		add_commands(c, mrp_commands);
		complete_other_commands(c);
	} else {
		if (!walk->args.n)
			add_commands(c, walk->cmd->subs);
		if (walk->cmd->complete)
			walk->cmd->complete(c, (int)walk->args.n, walk->args.v, c->word);
	}
}

static int run_complete(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct walk walk = {
		.c = { .ctx = ctx, .lines = STRVEC_INIT, .flags = COMPLETE_NO_FILES },
		.args = STRVEC_INIT,
		.aliases = STRVEC_INIT,
	};
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

	(void)err;
	walk.c.word = argc ? argv[argc - 1] : "";
	take_words(&walk, argv, argc ? (size_t)argc - 1 : 0);
	complete_word(&walk);
	mrp_complete_format(&out, &walk.c);
	fputs(out.buf, stdout);
	problems_clear(&ctx->warnings); /* the terminal shows a half-typed line; nothing may be printed over it */
	strvec_clear(&walk.c.lines);
	strvec_clear(&walk.args);
	strvec_clear(&walk.aliases);
	return 0;
}

const struct mrp_cmd cmd_complete = {
	.name = "__complete",
	.summary = "candidates for the last word, for completion scripts",
	.args = "<word>...",
	.max_args = ANY_NUMBER,
	.needs = CMD_HIDDEN | CMD_RAW_ARGS,
	.run = run_complete,
};
