/* SPDX-License-Identifier: Apache-2.0 */
#include "texts.h"

#include "diff.h"

enum { TEXTS_MAX = 20, BYTES_MAX = 32 << 10, LINES_SHOWN = 12, WAIT_MS = 5000 };

struct reader {
	struct plan *plan;
	struct http_client *client; /* opened when there is something to ask */
	const struct plan_field *fields[TEXTS_MAX]; /* what was tried: many objects may share a file */
	size_t tried;
};

static bool read_new(struct strbuf *out, const struct plan *plan, const struct plan_change *change, const char *path,
	const char *sha256)
{
	struct mrp_err err = MRP_ERR_INIT;
	int r = config_read_file(out, plan->config, change->object, path, sha256, &err);

	mrp_err_clear(&err);
	return r == 0 && out->len <= BYTES_MAX;
}

static bool read_old(struct strbuf *out, struct http_client *client, const char *sha256)
{
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	char hex[SHA256_HEX + 1];
	struct http_request request;
	struct mrp_err err = MRP_ERR_INIT;

	if (!sha256_from_hex(NULL, sha256))
		return false;
	api_request(&request, "GET", NULL, "/v1/blobs/%s", sha256);
	request.accept = NULL;
	int r = http_call(client, &request, &answer, &err);
	http_request_release(&request);
	mrp_err_clear(&err);
	if (r < 0 || answer.status != 200)
		return false;
	sha256_hex_of(hex, answer.body.buf, answer.body.len);
	strbuf_add(out, answer.body.buf, answer.body.len);
	return streq(hex, sha256);
}

/* One that both sides have, with different contents. */
static bool is_changed_file(const struct plan_field *field)
{
	if (!field->before || !field->after || field->before->type != V_OBJECT || field->after->type != V_OBJECT ||
		!skip_prefix(field->field, "files.", NULL))
		return false;
	const char *old = value_get_string(field->before, "sha256"), *new = value_get_string(field->after, "sha256");
	return old && new && !streq(old, new);
}

static bool same_contents(const struct plan_field *a, const struct plan_field *b)
{
	return streq(value_get_string(a->before, "sha256"), value_get_string(b->before, "sha256")) &&
		streq(value_get_string(a->after, "sha256"), value_get_string(b->after, "sha256"));
}

static void add_diff(struct reader *reader, const struct plan_change *change, struct plan_field *field)
{
	cleanup(strbuf_release) struct strbuf before = STRBUF_INIT, after = STRBUF_INIT, diff = STRBUF_INIT;
	const char *old = value_get_string(field->before, "sha256"), *new = value_get_string(field->after, "sha256");
	struct arena *arena = &reader->plan->arena;

	for (size_t i = 0; i < reader->tried; i++) {
		if (same_contents(reader->fields[i], field)) {
			field->diff = reader->fields[i]->diff;
			return;
		}
	}
	if (reader->tried == TEXTS_MAX)
		return;
	if (read_new(&after, reader->plan, change, field->field + strlen("files."), new) &&
		read_old(&before, reader->client, old) && text_diff(&diff, &before, &after, LINES_SHOWN))
		field->diff = arena_strndup(arena, diff.buf, diff.len);
	reader->fields[reader->tried++] = field;
}

void plan_read_texts(struct plan *plan, const struct http_options *http)
{
	struct http_options options = *http;
	struct reader reader = { .plan = plan };
	struct mrp_err err = MRP_ERR_INIT;

	options.max_answer_bytes = BYTES_MAX;
	options.total_timeout_ms = options.retry.total_ms = WAIT_MS;
	for (size_t i = 0; i < plan->changes.n; i++) {
		struct plan_change *change = &plan->changes.v[i];

		for (size_t k = 0; k < change->fields.n; k++) {
			if (!is_changed_file(&change->fields.v[k]))
				continue;
			if (!reader.client && !(reader.client = http_open(&options, &err))) {
				mrp_err_clear(&err);
				return;
			}
			add_diff(&reader, change, &change->fields.v[k]);
		}
	}
	http_close(reader.client);
}
