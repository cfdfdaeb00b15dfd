/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <inttypes.h>

#include "../value/json.h"
#include "select.h"

enum { SEND_MS = 30000 };

int duty_send(struct duty_call *call, enum frame_type type, const char *data, size_t len, struct mrp_err *err)
{
	return frame_write(call->conn->fd, type, data, len, SEND_MS, call->conn->stop_fd, err);
}

void duty_add_text(struct strbuf *out, const char *key, const char *text)
{
	strbuf_addf(out, "\"%s\":", key);
	json_add_string(out, text, strlen(text));
	strbuf_addch(out, ',');
}

void duty_add_number(struct strbuf *out, const char *key, int64_t n)
{
	strbuf_addf(out, "\"%s\":%" PRId64 ",", key, n);
}

void duty_end_object(struct strbuf *out)
{
	if (out->len && out->buf[out->len - 1] == ',')
		strbuf_setlen(out, out->len - 1);
	strbuf_addch(out, '}');
}

void duty_add_entry(struct strbuf *out, const struct duty_entry *entry)
{
	strbuf_addch(out, '{');
	duty_add_text(out, "id", entry->id);
	duty_add_text(out, "prober", entry->prober);
	if (entry->ran) {
		duty_add_text(out, "status", verdict_status_names[entry->status]);
		duty_add_text(out, "reason", verdict_reason_names[entry->reason]);
		duty_add_text(out, "message", entry->message);
		duty_add_number(out, "finished_ms", entry->finished_ms);
		if (entry->duration_us >= 0)
			duty_add_number(out, "duration_us", entry->duration_us);
	}
	if (entry->next_ms)
		duty_add_number(out, "next_ms", entry->next_ms);
	if (entry->paused_ms)
		duty_add_number(out, "paused_until_ms", entry->paused_ms == INT64_MAX ? 0 : entry->paused_ms);
	duty_add_number(out, "consecutive_failures", entry->failures);
	duty_add_number(out, "running", entry->running);
	duty_end_object(out);
}

void duty_add_record(struct strbuf *out, const struct log_record *record)
{
	strbuf_addch(out, '{');
	duty_add_text(out, "id", record->id);
	duty_add_text(out, "run_id", record->run_id);
	duty_add_text(out, "status", verdict_status_names[record->status]);
	duty_add_text(out, "reason", verdict_reason_names[record->reason]);
	duty_add_text(out, "message", record->message);
	duty_add_number(out, "exit_code", record->exit_code);
	duty_add_number(out, "signal", record->signal_number);
	duty_add_number(out, "started_ms", record->started_ms);
	duty_add_number(out, "duration_us", record->duration_us);
	strbuf_addf(out, "\"truncated\":%s", record->truncated[0] || record->truncated[1] ? "true" : "false");
	strbuf_addch(out, '}');
}

bool duty_flag(const struct duty_call *call, const char *name)
{
	const struct value *v = value_get(call->request, name);

	return v && v->type == V_BOOL && v->b;
}

int64_t duty_number(const struct duty_call *call, const char *name, int64_t absent)
{
	const struct value *v = value_get(call->request, name);

	return v && v->type == V_INT ? v->i : absent;
}

/* The only entry that the request is about. */
const char *duty_target(struct duty_call *call, struct mrp_err *err)
{
	const char *word = value_get_string(call->request, "prober");

	if (word)
		return duty_select_one(call->ops, word, call->arena, err);
	mrp_err_set(err, MRP_EUSAGE, "the request names no prober");
	return NULL;
}
