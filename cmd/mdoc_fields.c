/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables as lists of a manual page. */
#include "../lib/metrics/metrics.h"
#include "mdoc.h"

enum { MAX_DEPTH = 6 };

/* "a slug (a-z, 0-9 and '-', at most 63)": "slug" */
static void add_form(struct strbuf *out, const char *form)
{
	const char *detail = strstr(form, " (");

	if (!skip_prefix(form, "a ", &form))
		skip_prefix(form, "an ", &form);
	strbuf_add(out, form, detail ? (size_t)(detail - form) : strlen(form));
}

static void add_type(struct strbuf *out, const struct field *field)
{
	static const char *const names[] = {
		[F_STRING] = "text",
		[F_BOOL] = "true or false",
		[F_INT] = "whole number",
		[F_NUMBER] = "number",
		[F_DURATION] = "duration",
		[F_SIZE] = "size",
		[F_PERCENT] = "percentage",
		[F_ENUM] = "one of",
		[F_PATTERN] = "text",
		[F_ANY] = "anything",
		[F_LIST] = "list of ",
		[F_MAP] = "map of ",
		[F_OBJECT] = "map",
		[F_MATRIX] = "list, or ${name}",
		[F_EITHER] = "",
	};

	strbuf_addstr(out, names[field->type]);
	if (field->type == F_LIST || field->type == F_MAP)
		add_type(out, field->sub);
	for (size_t i = 0; field->type == F_ENUM && field->words[i]; i++)
		strbuf_addf(out, "%s %s", i ? "," : "", field->words[i]);
	if (field->type == F_PATTERN && field->form)
		strbuf_setlen(out, out->len - strlen("text"));
	if ((field->type == F_PATTERN || field->type == F_EITHER) && field->form)
		add_form(out, field->form);
	if (field->type == F_EITHER)
		strbuf_addstr(out, ", or map");
}

static void add_rows(struct strbuf *out, const struct field *fields, const char *prefix, int depth);

static void add_nested(struct strbuf *out, const struct field *field, const char *path, int depth)
{
	const char *suffix = "";

	while (field->type == F_LIST || field->type == F_MAP) {
		suffix = field->type == F_LIST ? "[]" : ".NAME";
		field = field->sub;
	}
	if ((field->type != F_OBJECT && field->type != F_EITHER) || depth >= MAX_DEPTH)
		return;
	cleanup(freep) char *prefix = xasprintf("%s%s.", path, suffix);
	add_rows(out, field->sub, prefix, depth + 1);
}

static void add_rows(struct strbuf *out, const struct field *fields, const char *prefix, int depth)
{
	for (const struct field *field = fields; field->name; field++) {
		cleanup(strbuf_release) struct strbuf type = STRBUF_INIT;
		cleanup(freep) char *path = xasprintf("%s%s", prefix, field->name);

		if (!(field->flags & FF_CONFIG))
			continue;
		add_type(&type, field);
		strbuf_addf(
			out, ".It Ic %s Pq \"%s%s\"\n", path, type.buf, field->flags & FF_REQUIRED ? "; required" : "");
		mdoc_add_sentence(out, field->help && *field->help ? field->help : "see above");
		add_nested(out, field, path, depth);
	}
}

void mdoc_add_fields(struct strbuf *out, const struct field *fields)
{
	strbuf_addstr(out, ".Bl -tag -width Ds\n");
	add_rows(out, fields, "", 0);
	strbuf_addstr(out, ".El\n");
}

static void add_family(void *out, const char *name, const char *help)
{
	strbuf_addf(out, ".It Ic %s\n", name);
	mdoc_add_sentence(out, help);
}

void mdoc_add_metrics(struct strbuf *out)
{
	strbuf_addstr(out, ".Bl -tag -width Ds\n");
	metrics_each_family(add_family, out);
	strbuf_addstr(out, ".El\n");
}
