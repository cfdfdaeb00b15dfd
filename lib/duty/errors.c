/* SPDX-License-Identifier: Apache-2.0 */
#include "errors.h"

#include "../value/json.h"

/* Numbers of the enum may differ between two builds, names do not. */
static const struct {
	enum mrp_errcode code;
	const char *name;
} codes[] = {
	{ MRP_EFAILED, "failed" },
	{ MRP_EUSAGE, "usage" },
	{ MRP_EINVALID, "invalid" },
	{ MRP_ENOTFOUND, "not-found" },
	{ MRP_EREFUSED, "refused" },
	{ MRP_EUNREACHABLE, "unreachable" },
	{ MRP_EPERM, "permission" },
	{ MRP_ELOCKED, "locked" },
	{ MRP_EBUSY, "busy" },
	{ MRP_ENOSPC, "no-space" },
};

void duty_error_format(struct strbuf *json, const struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const char *name = codes[0].name;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i].code == err->code)
			name = codes[i].name;
	}
	mrp_err_format(&text, err);
	strbuf_addf(json, "{\"code\":\"%s\",\"message\":", name);
	json_add_string(json, text.buf, text.len);
	strbuf_addch(json, '}');
}

int duty_error_parse(const char *json, size_t len, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const struct value *v = json_parse(&arena, json, len, "the agent's answer", err);
	const char *name = v && v->type == V_OBJECT ? value_get_string(v, "code") : NULL;
	const char *message = name ? value_get_string(v, "message") : NULL;

	if (!message)
		return v ? mrp_err_set(err, MRP_EPARSE, "the agent's answer makes no sense") : -1;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (streq(codes[i].name, name))
			return mrp_err_set(err, codes[i].code, "%s", message);
	}
	return mrp_err_set(err, MRP_EFAILED, "%s", message);
}
