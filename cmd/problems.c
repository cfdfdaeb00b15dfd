/* SPDX-License-Identifier: Apache-2.0 */
#include "problems.h"

#include "../lib/value/json.h"

int report_problems(const struct problems *problems, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < problems->list.n; i++) {
		problem_format(&text, &problems->list.v[i]);
		strbuf_addch(&text, '\n');
	}
	fputs(text.buf, stderr);
	if (!problems->errors)
		return 0;
	return mrp_err_set(err, MRP_EINVALID, "%zu mistake%s in the configs", problems->errors,
		problems->errors == 1 ? "" : "s");
}

static struct value *text_or_null(struct arena *arena, const char *text)
{
	return text ? value_string(arena, text) : value_null(arena);
}

static struct value *number_or_null(struct arena *arena, uint32_t n)
{
	return n ? value_int(arena, n) : value_null(arena);
}

void print_problems_json(const struct problems *problems, const struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct value *doc = value_object(&arena), *list = value_array(&arena), *error = value_null(&arena);

	if (err && err->code != MRP_OK) {
		mrp_err_format(&text, err);
		error = value_object(&arena);
		value_append(&arena, error, "message", value_string_n(&arena, text.buf, text.len));
		value_append(&arena, error, "exit_code", value_int(&arena, mrp_err_exit_code(err->code)));
	}
	for (size_t i = 0; i < problems->list.n; i++) {
		const struct problem *problem = &problems->list.v[i];
		struct value *item = value_object(&arena);

		value_append(&arena, item, "severity", value_string(&arena, problem->warning ? "warning" : "error"));
		value_append(&arena, item, "path", text_or_null(&arena, problem->loc.file));
		value_append(&arena, item, "line", number_or_null(&arena, problem->loc.line));
		value_append(&arena, item, "column", number_or_null(&arena, problem->loc.col));
		value_append(&arena, item, "subject", text_or_null(&arena, problem->subject));
		value_append(&arena, item, "field", text_or_null(&arena, problem->field));
		value_append(&arena, item, "message", text_or_null(&arena, problem->msg));
		value_push(&arena, list, item);
	}
	value_append(&arena, doc, "format_version", value_int(&arena, 1));
	value_append(&arena, doc, "error", error);
	value_append(&arena, doc, "problems", list);
	strbuf_reset(&text);
	json_pretty(&text, doc);
	fwrite(text.buf, 1, text.len, stdout);
}
