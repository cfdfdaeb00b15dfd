/* SPDX-License-Identifier: Apache-2.0 */
/* Where each value of an object comes from, and which lower layers it hides. */
#ifndef MRP_CONFIG_EXPLAIN_H
#define MRP_CONFIG_EXPLAIN_H

#include "config.h"

/* {format_version, kind, slug, environment, values: [{path, value, origin: {path, line, column}, sensitive, hides: [{value,
 * origin}]}]} of one object; `origin` is null for defaults. Values of sensitive variables are "***", and !env and !file are
 * never read. Mistakes in the files involved go to `problems`. MRP_ENOTFOUND (with a hint) when no config describes it, or
 * not in this environment. */
int config_explain(struct value **out, struct arena *arena, const struct config_options *options, enum kind kind,
	const char *slug, struct problems *problems, struct mrp_err *err);

/* The same for people: a line a value. */
void config_explain_format(struct strbuf *out, const struct value *explanation);

#endif
