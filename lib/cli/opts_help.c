/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows as the lines of -h. */
#include "opts.h"

#include "../base/text.h"
#include "wrap.h"

enum { INDENT = 2, HELP_COLUMN = 28 };

void mrp_opt_names(struct strbuf *out, const struct mrp_opt *opt)
{
	if (opt->letter)
		strbuf_addf(out, "-%c", opt->letter);
	if (opt->letter && opt->name)
		strbuf_addstr(out, ", ");
	if (opt->name)
		strbuf_addf(out, "--%s%s", mrp_opt_has_no(opt) ? "[no-]" : "", opt->name);
	if (mrp_opt_has_arg(opt))
		strbuf_addf(out, " %s", opt->arg);
}

void mrp_opts_synopsis(struct strbuf *out, const struct mrp_opt *opts)
{
	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->flags & OPTF_HIDDEN)
			continue;
		strbuf_addstr(out, " [");
		if (opt->letter)
			strbuf_addf(out, "-%c", opt->letter);
		if (opt->letter && opt->name)
			strbuf_addch(out, '|');
		if (opt->name)
			strbuf_addf(out, "--%s%s", mrp_opt_has_no(opt) ? "[no-]" : "", opt->name);
		if (mrp_opt_has_arg(opt))
			strbuf_addf(out, "%c%s", MRP_NBSP, opt->arg);
		strbuf_addch(out, ']');
		if (opt->type == OPT_TYPE_LIST || opt->type == OPT_TYPE_COUNT)
			strbuf_addstr(out, "...");
	}
}

void mrp_opts_help(struct strbuf *out, const struct mrp_opt *opts, size_t columns)
{
	cleanup(strbuf_release) struct strbuf names = STRBUF_INIT;

	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->flags & OPTF_HIDDEN)
			continue;
		strbuf_reset(&names);
		mrp_opt_names(&names, opt);
		mrp_wrap_entry(out, names.buf, opt->help, INDENT, HELP_COLUMN, columns);
	}
}
