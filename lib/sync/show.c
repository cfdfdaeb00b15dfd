/* SPDX-License-Identifier: Apache-2.0 */
/* What plans for people have in common: how a value and a place look. */
#include "../value/json.h"
#include "plan.h"

enum { HASH_DIGITS = 7 };

/* "3f2a1bc (0755)" for {"sha256": ..., "mode": ...}; false when it is no file. */
static bool add_file(struct strbuf *out, const struct value *v)
{
	const char *sha256 = value_get_string(v, "sha256"), *mode = value_get_string(v, "mode");

	if (!sha256 || !mode || v->n != 2)
		return false;
	strbuf_addf(out, "%.*s (%s)", (int)HASH_DIGITS, sha256, mode);
	return true;
}

void plan_show_value(struct strbuf *out, const char *field, const struct value *v)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (!v) {
		strbuf_addstr(out, "(none)");
		return;
	}
	if (v->type == V_STRING && streq(v->s, PLAN_SENSITIVE)) {
		strbuf_addstr(out, PLAN_SENSITIVE);
		return;
	}
	if (skip_prefix(field, "files.", NULL) && add_file(out, v))
		return;
	json_compact(&text, v);
	strbuf_add_visible(out, text.buf, text.len);
}

void plan_add_place(struct strbuf *out, const struct plan *plan, const struct config_object *object)
{
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;

	config_add_path(&path, plan->config, object->path);
	strbuf_add_visible(out, path.buf, path.len);
	strbuf_addf(out, ":%u", object->line);
}
