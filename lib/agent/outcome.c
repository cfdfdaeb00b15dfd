/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <ctype.h>
#include <time.h>

#include "../base/parse.h"

static const char *signal_name(int number)
{
	const char *name = sigabbrev_np(number);

	return name ? name : "a signal without a name";
}

/* A number that the limit of output has cut is another number. Text that has no words stays as it is. */
static size_t without_last_word(const struct strbuf *text)
{
	size_t len = text->len;

	while (len && text->buf[len - 1] != '|' && !isspace((unsigned char)text->buf[len - 1]))
		len--;
	return len ? len : text->len;
}

/* What people print to stderr is better than nothing, where the output is for people. */
static void judge_output(struct verdict *out, struct arena *arena, const struct entry *entry, enum output_format format,
	const struct run_result *result)
{
	bool mute = format == OUTPUT_EXIT && !result->output[RUN_STDOUT].len;
	const struct strbuf *text = &result->output[mute ? RUN_STDERR : RUN_STDOUT];

	size_t len = text->len;

	if (format == OUTPUT_NAGIOS && result->truncated[RUN_STDOUT])
		len = without_last_word(text);
	verdict_read(out, arena, format, entry->warning_fails, result->exit_code, text->buf, len);
}

void outcome_verdict(struct verdict *out, struct arena *arena, const struct entry *entry, enum run_kind kind,
	const struct run_spec *spec, const struct run_result *result)
{
	cleanup(strbuf_release) struct strbuf timeout = STRBUF_INIT;

	switch (result->end) {
	case RUN_EXITED:
		judge_output(out, arena, entry, kind == RUN_HEAL ? OUTPUT_EXIT : entry->output, result);
		break;
	case RUN_SIGNALED:
		verdict_set(out, arena, VERDICT_ERROR, REASON_SIGNAL, "killed by signal %d (SIG%s)",
			result->signal_number, signal_name(result->signal_number));
		break;
	case RUN_TIMEOUT:
		format_duration(&timeout, spec->timeout_ms);
		verdict_set(out, arena, VERDICT_FAILURE, REASON_TIMEOUT, "did not end within %s", timeout.buf);
		break;
	case RUN_LIMIT:
		if (result->what && streq(result->what, "output"))
			verdict_set(out, arena, VERDICT_ERROR, REASON_LIMIT, "printed more than its limit, %zu bytes",
				spec->max_output_bytes);
		else
			verdict_set(out, arena, VERDICT_ERROR, REASON_LIMIT, "went over its limit of %s",
				result->what ? result->what : "resources");
		break;
	case RUN_SPAWN:
		verdict_set(out, arena, VERDICT_ERROR, REASON_SPAWN, "'%s' cannot be started: %s%s%s", spec->argv[0],
			result->what ? result->what : "", result->what ? ": " : "", strerror(result->error_number));
		break;
	case RUN_CANCELED:
		verdict_set(out, arena, VERDICT_ERROR, REASON_SIGNAL, "ended before its time");
		break;
	}
}

static int64_t clock_us(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void outcome_record(struct log_record *out, const struct agent_run *run, const struct run_result *result)
{
	int64_t ago_us = run->started_us ? clock_us(CLOCK_MONOTONIC) - run->started_us : 0;

	*out = (struct log_record){
		.id = run->entry->id,
		.run_id = run->id,
		.message = run->verdict.message,
		.status = run->verdict.status,
		.reason = run->verdict.reason,
		.started_ms = (clock_us(CLOCK_REALTIME) - ago_us) / 1000,
		.duration_us = run->started_us ? run->ended_us - run->started_us : 0,
		.output = { "", "" },
	};
	strbuf_init(&out->text);
	if (!result)
		return;
	out->exit_code = result->end == RUN_EXITED ? result->exit_code : 0;
	out->signal_number = result->end == RUN_SIGNALED ? result->signal_number : 0;
	for (int i = 0; i < 2; i++) {
		out->output[i] = result->output[i].buf;
		out->output_len[i] = result->output[i].len;
		out->truncated[i] = result->truncated[i];
	}
}

bool outcome_is_kept(const struct entry *entry, const struct verdict *verdict)
{
	return entry->keep_logs == KEEP_LOGS_ALL ||
		(entry->keep_logs == KEEP_LOGS_FAILURES && verdict->status != VERDICT_SUCCESS);
}
