/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober meeseeks --format json`: {format_version, variables: [{cluster, variable, status, nodes, added, removed,
 * changed, error: {message, exit_code}}]}, a line a variable. */
#include "meeseeks.h"

#include "../lib/value/json.h"

enum { FORMAT_VERSION = 1 };

static void add_text(struct strbuf *out, const char *name, const char *text)
{
	strbuf_addf(out, "\"%s\": ", name);
	if (text)
		json_add_string(out, text, strlen(text));
	else
		strbuf_addstr(out, "null");
}

static void add_names(struct strbuf *out, const char *name, const struct strvec *names)
{
	strbuf_addf(out, ", \"%s\": [", name);
	for (size_t i = 0; i < names->n; i++) {
		if (i)
			strbuf_addstr(out, ", ");
		json_add_string(out, names->v[i], strlen(names->v[i]));
	}
	strbuf_addch(out, ']');
}

/* As other commands have it; what --check doubts is what a write would end with. */
static void add_error(struct strbuf *out, const struct keeper *keeper, const struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (err)
		mrp_err_format(&text, err);
	else if (keeper->doubt)
		strbuf_addstr(&text, keeper->doubt);
	strbuf_addstr(out, ", \"error\": ");
	if (!text.len) {
		strbuf_addstr(out, "null");
		return;
	}
	strbuf_addch(out, '{');
	add_text(out, "message", text.buf);
	strbuf_addf(out, ", \"exit_code\": %d}", err ? mrp_err_exit_code(err->code) : MRP_EXIT_REFUSED);
}

void meeseeks_json_add(struct strbuf *out, const struct keeper *keeper, const char *status,
	const struct changes *changes, const struct mrp_err *err)
{
	strbuf_addstr(out, out->len ? ",\n    {" : "\n    {");
	add_text(out, "cluster", mapping_cluster(keeper->mapping));
	strbuf_addstr(out, ", ");
	add_text(out, "variable", mapping_variable(keeper->mapping));
	strbuf_addstr(out, ", ");
	add_text(out, "status", status);
	if (changes->before || changes->after)
		strbuf_addf(out, ", \"nodes\": %zu", changes->after);
	else
		strbuf_addstr(out, err ? ", \"nodes\": null" : ", \"nodes\": 0");
	add_names(out, "added", &changes->added);
	add_names(out, "removed", &changes->removed);
	add_names(out, "changed", &changes->changed);
	add_error(out, keeper, err);
	strbuf_addch(out, '}');
}

void meeseeks_json_print(const struct strbuf *rows)
{
	printf("{\n  \"format_version\": %d,\n  \"variables\": [", FORMAT_VERSION);
	fwrite(rows->buf, 1, rows->len, stdout);
	fputs(rows->len ? "\n  ]\n}\n" : "]\n}\n", stdout);
}
