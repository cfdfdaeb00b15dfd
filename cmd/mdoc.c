/* SPDX-License-Identifier: Apache-2.0 */
#include "mdoc.h"

#include "options.h"

#include <ctype.h>

/* What stands for the character at *p; *p may be moved on. */
static void add_char(struct strbuf *out, const char *text, const char **p)
{
	bool line_start = *p == text || (*p)[-1] == '\n' || out->buf[out->len - 1] == '\n';

	if (line_start && (**p == '.' || **p == '\''))
		strbuf_addstr(out, "\\&");
	if (**p == '\\')
		strbuf_addstr(out, "\\e");
	else if (**p == '-' && ((*p)[1] == '-' || (*p > text && (*p)[-1] == '-')))
		strbuf_addstr(out, "\\-");
	else if (**p == '\n' && (*p)[1] == '\n')
		strbuf_addstr(out, "\n.Pp");
	else
		strbuf_addch(out, **p);
	if (strchr(".!?", **p) && (*p)[1] == ' ') { /* roff wants each sentence on a line of its own */
		strbuf_addch(out, '\n');
		++*p;
	}
}

void mdoc_add_text(struct strbuf *out, const char *text)
{
	for (const char *p = text; *p; p++)
		add_char(out, text, &p);
	strbuf_addch(out, '\n');
}

void mdoc_add_sentence(struct strbuf *out, const char *text)
{
	cleanup(strbuf_release) struct strbuf sentence = STRBUF_INIT;

	strbuf_addstr(&sentence, text);
	if (!sentence.len)
		return;
	if (strchr(" ,;.", text[strspn(text, "abcdefghijklmnopqrstuvwxyz'")])) /* an address or a name keeps its case */
		sentence.buf[0] = (char)toupper((unsigned char)sentence.buf[0]);
	if (!strchr(".:!?", sentence.buf[sentence.len - 1]))
		strbuf_addch(&sentence, '.');
	mdoc_add_text(out, sentence.buf);
}

static void drop_brackets(struct strbuf *text, size_t from)
{
	size_t to = from;

	for (size_t i = from; i < text->len; i++) {
		if (text->buf[i] != '<' && text->buf[i] != '>')
			text->buf[to++] = text->buf[i];
	}
	strbuf_setlen(text, to);
}

/* "<file>" as "file": the page shows by its typeface what is to be replaced. */
static void add_arg(struct strbuf *out, const char *arg)
{
	size_t from = out->len;

	strbuf_addf(out, " Ar %s", arg);
	drop_brackets(out, from);
}

static void add_flag(struct strbuf *out, const struct mrp_opt *opt, const char *between)
{
	if (opt->letter)
		strbuf_addf(out, "Fl %c", opt->letter);
	if (opt->letter && opt->name)
		strbuf_addstr(out, between);
	if (opt->name)
		strbuf_addf(out, "Fl -%s%s", mrp_opt_has_no(opt) ? "[no-]" : "", opt->name);
	if (mrp_opt_has_arg(opt))
		add_arg(out, opt->arg);
}

static void add_synopsis_options(struct strbuf *out, const struct mrp_opt *opts)
{
	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->flags & OPTF_HIDDEN)
			continue;
		strbuf_addstr(out, ".Op ");
		add_flag(out, opt, " | ");
		if (opt->type == OPT_TYPE_LIST || opt->type == OPT_TYPE_COUNT)
			strbuf_addstr(out, " Ns ...");
		strbuf_addch(out, '\n');
	}
}

/* "<name> [<value>]", each word as an argument. */
static void add_synopsis_args(struct strbuf *out, const char *args)
{
	while (args && *args) {
		size_t len = strcspn(args, " ");

		if (args[0] == '[' && args[len - 1] == ']')
			strbuf_addf(out, ".Op Ar %.*s\n", (int)len - 2, args + 1);
		else
			strbuf_addf(out, ".Ar %.*s\n", (int)len, args);
		args += len + strspn(args + len, " ");
	}
}

static void add_one_synopsis(struct strbuf *out, const struct mrp_cmd *cmd, const char *path)
{
	strbuf_addf(out, ".Nm mrprober %s\n", path);
	add_synopsis_options(out, cmd->opts);
	size_t from = out->len;
	add_synopsis_args(out, cmd->args);
	drop_brackets(out, from);
}

void mdoc_add_synopsis(struct strbuf *out, const struct mrp_cmd *cmd, const char *path)
{
	if (!cmd) {
		strbuf_addstr(out, ".Nm mrprober\n");
		add_synopsis_options(out, global_opts);
		strbuf_addstr(out, ".Ar command\n.Op Ar options\n.Op Ar arguments\n");
		return;
	}
	if (cmd->run)
		add_one_synopsis(out, cmd, path);
	for (const struct mrp_cmd *const *sub = cmd->subs; sub && *sub; sub++) {
		cleanup(freep) char *name = xasprintf("%s %s", path, (*sub)->name);

		if (!((*sub)->needs & CMD_HIDDEN))
			mdoc_add_synopsis(out, *sub, name);
	}
}

void mdoc_add_options(struct strbuf *out, const struct mrp_opt *opts)
{
	bool any = false;

	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->flags & OPTF_HIDDEN)
			continue;
		if (!any)
			strbuf_addstr(out, ".Bl -tag -width Ds\n");
		any = true;
		strbuf_addstr(out, ".It ");
		add_flag(out, opt, " , ");
		strbuf_addch(out, '\n');
		mdoc_add_sentence(out, opt->help);
	}
	if (any)
		strbuf_addstr(out, ".El\n");
}

void mdoc_add_subs(struct strbuf *out, const struct mrp_cmd *cmd, const char *path)
{
	for (const struct mrp_cmd *const *sub = cmd->subs; sub && *sub; sub++) {
		if ((*sub)->needs & CMD_HIDDEN)
			continue;
		strbuf_addf(out, ".Ss mrprober %s %s%s%s\n", path, (*sub)->name, (*sub)->args ? " " : "",
			(*sub)->args ? (*sub)->args : "");
		mdoc_add_sentence(out, (*sub)->summary);
		if ((*sub)->description) {
			strbuf_addstr(out, ".Pp\n");
			mdoc_add_text(out, (*sub)->description);
		}
		mdoc_add_options(out, (*sub)->opts);
		cleanup(freep) char *name = xasprintf("%s %s", path, (*sub)->name);
		mdoc_add_subs(out, *sub, name);
	}
}

void mdoc_add_commands(struct strbuf *out, const struct mrp_cmd *const *table)
{
	strbuf_addstr(out, ".Bl -tag -width Ds\n");
	for (; *table; table++) {
		if ((*table)->needs & CMD_HIDDEN)
			continue;
		strbuf_addf(out, ".It Xr mrprober-%s 1\n", (*table)->name);
		mdoc_add_sentence(out, (*table)->summary);
	}
	strbuf_addstr(out, ".El\n");
}
