/* SPDX-License-Identifier: Apache-2.0 */
/* Walking over the command line by the rows of option tables. What a value means is in opts_value.c. */
#include "opts.h"

#include "../base/text.h"

/* A row that was found, and how it was named. */
struct match {
	struct mrp_opt_group *group;
	const struct mrp_opt *opt;
	bool no; /* --no-x */
};

struct walk {
	struct mrp_opt_group *groups;
	size_t n_groups;
	int argc, at; /* words, and the next one to look at */
	char **argv;
	bool *help;
};

bool mrp_opt_has_arg(const struct mrp_opt *opt)
{
	return opt->type != OPT_TYPE_BOOL && opt->type != OPT_TYPE_TRISTATE && opt->type != OPT_TYPE_COUNT;
}

bool mrp_opt_has_no(const struct mrp_opt *opt)
{
	return opt->name && !mrp_opt_has_arg(opt) && !(opt->flags & OPTF_NO_NO);
}

static bool names_row(const struct mrp_opt *opt, const char *name, size_t len)
{
	return opt->name && strlen(opt->name) == len && memcmp(opt->name, name, len) == 0;
}

const struct mrp_opt *mrp_opt_find(const struct mrp_opt *opts, const char *name, size_t len, bool *no)
{
	bool starts_no = len > 3 && memcmp(name, "no-", 3) == 0;

	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		bool plain = names_row(opt, name, len);

		*no = !plain;
		if (plain || (starts_no && mrp_opt_has_no(opt) && names_row(opt, name + 3, len - 3)))
			return opt;
	}
	return NULL;
}

const struct mrp_opt *mrp_opt_find_letter(const struct mrp_opt *opts, char letter)
{
	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->letter == letter)
			return opt;
	}
	return NULL;
}

/* In the first group that has it. */
static bool find(struct walk *walk, const char *name, size_t len, char letter, struct match *match)
{
	for (size_t i = 0; i < walk->n_groups; i++) {
		const struct mrp_opt *opts = walk->groups[i].opts;
		bool no = false;
		const struct mrp_opt *opt = name ? mrp_opt_find(opts, name, len, &no) : mrp_opt_find_letter(opts, letter);

		if (opt) {
			*match = (struct match){ &walk->groups[i], opt, no };
			return true;
		}
	}
	return false;
}

static void mark_seen(const struct match *match)
{
	size_t row = (size_t)(match->opt - match->group->opts);

	if (row >= 64)
		BUG("more than 64 options in one table");
	match->group->seen |= UINT64_C(1) << row;
}

static void *member(const struct match *match)
{
	return (char *)match->group->base + match->opt->offset;
}

static void set_without_arg(const struct match *match)
{
	if (match->opt->type == OPT_TYPE_BOOL)
		*(bool *)member(match) = !match->no;
	else if (match->opt->type == OPT_TYPE_TRISTATE || match->no)
		*(int *)member(match) = !match->no;
	else
		*(int *)member(match) = MAX(*(int *)member(match), 0) + 1;
}

static int unknown_long(struct walk *walk, const char *name, size_t len, struct mrp_err *err)
{
	cleanup(freep) char *given = xstrndup(name, len);
	cleanup(freep) const char **words = NULL;
	size_t n = 0;

	for (size_t i = 0; i < walk->n_groups; i++) {
		for (const struct mrp_opt *opt = walk->groups[i].opts; opt && opt->type; opt++) {
			if (!opt->name || opt->flags & OPTF_HIDDEN)
				continue;
			words = xrealloc(words, (n + 1) * sizeof(*words));
			words[n++] = opt->name;
		}
	}
	const char *near = nearest_word(given, words, n);
	if (near)
		return mrp_err_set(err, MRP_EUSAGE, "unknown option '--%s'; did you mean '--%s'?", given, near);
	return mrp_err_set(err, MRP_EUSAGE, "unknown option '--%s'", given);
}

/* The value of `match`: what is glued to it, or the next word. */
static int set_with_arg(
	struct walk *walk, const struct match *match, const char *glued, const char *shown, struct mrp_err *err)
{
	const char *text = glued;

	if (!text) {
		if (walk->at >= walk->argc)
			return mrp_err_set(err, MRP_EUSAGE, "option '%s' needs a value (%s)", shown, match->opt->arg);
		text = walk->argv[walk->at++];
	}
	return mrp_opt_set(match->opt, match->group->base, text, shown, err);
}

static int parse_long(struct walk *walk, const char *word, struct mrp_err *err)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const char *glued = name[len] ? name + len + 1 : NULL;
	struct match match;

	if (streq(name, "help")) {
		*walk->help = true;
		return 0;
	}
	if (!find(walk, name, len, '\0', &match))
		return unknown_long(walk, name, len, err);
	mark_seen(&match);
	if (mrp_opt_has_arg(match.opt)) {
		cleanup(freep) char *shown = xasprintf("--%s", match.opt->name);

		return set_with_arg(walk, &match, glued, shown, err);
	}
	if (glued)
		return mrp_err_set(err, MRP_EUSAGE, "option '--%.*s' takes no value", (int)len, name);
	set_without_arg(&match);
	return 0;
}

/* "-qv", "-ojson", "-o json" */
static int parse_letters(struct walk *walk, const char *word, struct mrp_err *err)
{
	for (const char *p = word + 1; *p && !*walk->help; p++) {
		char shown[] = { '-', *p, '\0' };
		struct match match;

		if (!find(walk, NULL, 0, *p, &match)) {
			if (*p == 'h') {
				*walk->help = true;
				return 0;
			}
			return mrp_err_set(
				err, MRP_EUSAGE, "unknown option '%s'", p == word + 1 && word[2] ? word : shown);
		}
		mark_seen(&match);
		if (mrp_opt_has_arg(match.opt))
			return set_with_arg(walk, &match, p[1] ? p + 1 : NULL, shown, err);
		set_without_arg(&match);
	}
	return 0;
}

/* "-5" is a number, as no option is a digit. */
static bool is_argument(const char *word)
{
	return word[0] != '-' || !word[1] || (word[1] >= '0' && word[1] <= '9');
}

int mrp_opts_parse(struct mrp_opt_group *groups, size_t n_groups, int *argc, char **argv, unsigned flags, bool *help,
	struct mrp_err *err)
{
	struct walk walk = { groups, n_groups, *argc, 0, argv, help };
	int kept = 0;

	*help = false;
	while (walk.at < walk.argc) {
		char *word = argv[walk.at++];

		if (streq(word, "--"))
			break;
		if (is_argument(word)) {
			argv[kept++] = word;
			if (flags & OPTS_STOP_AT_ARGUMENT)
				break;
			continue;
		}
		if ((word[1] == '-' ? parse_long : parse_letters)(&walk, word, err) < 0)
			return -1;
		if (*help)
			return 0;
	}
	while (walk.at < walk.argc)
		argv[kept++] = argv[walk.at++];
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}
