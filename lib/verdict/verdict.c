/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

const char *const verdict_status_names[] = {
	[VERDICT_SUCCESS] = "success",
	[VERDICT_FAILURE] = "failure",
	[VERDICT_ERROR] = "error",
};

const char *const verdict_reason_names[] = {
	[REASON_OK] = "ok",
	[REASON_EXIT] = "exit",
	[REASON_WARNING] = "warning",
	[REASON_SIGNAL] = "signal",
	[REASON_TIMEOUT] = "timeout",
	[REASON_SPAWN] = "spawn",
	[REASON_LIMIT] = "limit",
	[REASON_LATE] = "late",
	[REASON_OUTPUT] = "output",
	[REASON_CONFIG] = "config",
};

static void (*const readers[])(struct reading *) = {
	[OUTPUT_EXIT] = read_exit_code,
	[OUTPUT_NAGIOS] = read_nagios,
	[OUTPUT_PROMETHEUS] = read_prometheus,
	[OUTPUT_JSON] = read_json,
};

void verdict_read(struct verdict *out, struct arena *arena, enum output_format format, bool warning_fails,
	int exit_code, const char *output, size_t len)
{
	struct reading reading = { out, arena, output, output + len, exit_code, warning_fails };

	*out = (struct verdict){ .message = "" };
	readers[format](&reading);
}

void verdict_by_exit_code(struct verdict *out, int exit_code)
{
	out->status = exit_code == 0 ? VERDICT_SUCCESS : VERDICT_FAILURE;
	out->reason = exit_code == 0 ? REASON_OK : REASON_EXIT;
}

void verdict_warning(struct verdict *out, bool warning_fails)
{
	out->status = warning_fails ? VERDICT_FAILURE : VERDICT_SUCCESS;
	out->reason = REASON_WARNING;
}

static const char *format_message(struct arena *arena, const char *before, const char *fmt, va_list ap) PRINTF(3, 0);
static const char *format_message(struct arena *arena, const char *before, const char *fmt, va_list ap)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, before);
	strbuf_vaddf(&text, fmt, ap);
	return message_make(arena, text.buf, text.len);
}

void verdict_set(struct verdict *out, struct arena *arena, enum verdict_status status, enum verdict_reason reason,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*out = (struct verdict){ status, reason, format_message(arena, "", fmt, ap) };
	va_end(ap);
}

void verdict_bad_output(struct reading *reading, const char *fmt, ...)
{
	char before[32] = "";
	va_list ap;

	if (reading->exit_code)
		snprintf(before, sizeof(before), "exit code %d; ", reading->exit_code);
	va_start(ap, fmt);
	*reading->out =
		(struct verdict){ VERDICT_ERROR, REASON_OUTPUT, format_message(reading->arena, before, fmt, ap) };
	va_end(ap);
}
