/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp.h"

#include "../base/module.h"
#include "../value/json.h"

size_t otlp_metric_len(const struct push_points *points, size_t first)
{
	const struct metrics_point *point = &points->v[first];
	size_t n = 1;

	while (first + n < points->n && streq(points->v[first + n].family, point->family) &&
		points->v[first + n].type == point->type)
		n++;
	return n;
}

const char *otlp_unit(const char *unit)
{
	static const struct {
		const char *unit, *ucum;
	} units[] = { { "seconds", "s" }, { "milliseconds", "ms" }, { "bytes", "By" }, { "ratio", "1" },
		{ "percent", "%" }, { "celsius", "Cel" } };

	for (size_t i = 0; unit && i < ARRAY_SIZE(units); i++) {
		if (streq(unit, units[i].unit))
			return units[i].ucum;
	}
	return unit ? unit : "";
}

static int by_family(const void *a, const void *b)
{
	const struct metrics_point *x = a, *y = b;
	int order = strcmp(x->family, y->family);

	return order ? order : (int)x->type - (int)y->type;
}

typedef void encode_fn(struct strbuf *out, const struct push_points *points, const struct push_context *context);

static int encode(struct push_encoded *out, struct push_points *points, const struct push_context *context,
	encode_fn *add, const struct otlp_ops *ops, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf plain = STRBUF_INIT;

	if (!points->n)
		return 0;
	qsort(points->v, points->n, sizeof(*points->v), by_family);
	add(&plain, points, context);
	out->samples = points->n;
	return ops->gzip(&out->body, plain.buf, plain.len, err);
}

int push_otlp_encode(
	struct push_encoded *out, struct push_points *points, const struct push_context *context, struct mrp_err *err)
{
	const struct otlp_ops *ops = module_table("otlp", "mrp_otlp", err);

	return ops ? encode(out, points, context, ops->encode, ops, err) : -1;
}

int push_otlp_encode_json(
	struct push_encoded *out, struct push_points *points, const struct push_context *context, struct mrp_err *err)
{
	const struct otlp_ops *ops = module_table("otlp", "mrp_otlp", err);

	return ops ? encode(out, points, context, otlp_add_json, ops, err) : -1;
}

static bool is_type(const struct http_peer_answer *answer, const char *type)
{
	return answer->content_type && strncasecmp(answer->content_type, type, strlen(type)) == 0;
}

/* {"partialSuccess": {"rejectedDataPoints", "errorMessage"}}, or an error's {"code", "message"}. */
static int decode_json(struct otlp_said *out, const struct strbuf *body)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const struct value *json = json_parse(&arena, body->buf, body->len, "answer", &err);

	mrp_err_clear(&err);
	if (!json || json->type != V_OBJECT)
		return -1;
	const struct value *partial = value_get(json, "partialSuccess");
	const char *message = value_get_string(json, "message");
	if (partial && partial->type == V_OBJECT) {
		message = value_get_string(partial, "errorMessage");
		out->rejected = push_count(partial, "rejectedDataPoints");
	}
	out->message = message ? xstrdup(message) : NULL;
	return 0;
}

static int decode(struct otlp_said *out, const struct http_peer_answer *answer)
{
	struct mrp_err err = MRP_ERR_INIT;
	const struct otlp_ops *ops = module_table("otlp", "mrp_otlp", &err);
	bool success = answer->status / 100 == 2;

	mrp_err_clear(&err);
	if (is_type(answer, "application/json"))
		return decode_json(out, &answer->body);
	if (!is_type(answer, "application/x-protobuf") || !ops)
		return -1;
	return (success ? ops->decode_response : ops->decode_status)(out, answer->body.buf, answer->body.len);
}

void push_otlp_read(struct push_reply *out, const struct http_peer_answer *answer, uint64_t samples)
{
	static const int again[] = { 502, 503, 504, 0 };
	struct otlp_said said = { 0 };
	int status = answer->status, decoded = decode(&said, answer);

	*out = (struct push_reply){ PUSH_TAKEN };
	if (status / 100 != 2) {
		out->fate = push_fate_of_error(status, again);
		if (out->fate == PUSH_TOKEN)
			out->fate = PUSH_FINAL;
		out->said = push_said(status, said.message);
	} else if (decoded < 0 && answer->body.len) {
		/* a page of some proxy does not pass for success */
		out->fate = PUSH_AGAIN;
		out->said = push_said(status, "it is no OTLP");
	} else if (said.rejected > 0 || (said.message && *said.message)) {
		out->rejected = MIN((uint64_t)MAX(said.rejected, 0), samples);
		out->said = push_said(status, said.message);
	}
	free(said.message);
}
