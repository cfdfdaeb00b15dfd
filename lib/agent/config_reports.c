/* SPDX-License-Identifier: Apache-2.0 */
/* When reports go to the API: every so often, soon after a change, more seldom while it does not take them. */
#include "../base/log.h"
#include "../ev/loop.h"
#include "config_internal.h"

enum {
	SOON_MS = 2000,   /* after a change ... */
	LEAST_MS = 10000, /* ... but never closer together than this */
	BACKOFF_MAX = 10, /* intervals */
};

static int64_t next_report_us(const struct agent_source *source)
{
	int64_t wait = source->options.report_interval_ms, most = BACKOFF_MAX * wait;

	for (int64_t i = 0; i < source->report_failures && wait < most; i++)
		wait *= 2;
	return monotonic_us() + jittered_us(MIN(wait, most));
}

/* That the API cannot be reached the config's look says already. */
static void log_end(struct agent_source *source, const struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (err->code == source->report_said)
		return;
	source->report_said = err->code;
	if (err->code == MRP_OK)
		log_info("reports are taken again");
	else if (err->code != MRP_EUNREACHABLE) {
		mrp_err_format(&text, err);
		log_warning("a report was not taken: %s", text.buf);
	}
}

static void send_report(struct agent_source *source, const struct agent_report *report)
{
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	agent_report_format(&json, report);
	int result = source->backend->ops->report(source->backend, &json, &err);
	if (err.code != MRP_EINTERRUPTED) {
		source->report_failures = result < 0 ? source->report_failures + 1 : 0;
		source->report_due_us = next_report_us(source);
		source->report_sent_us = monotonic_us();
		log_end(source, &err);
		if (source->options.reported)
			source->options.reported(source->options.ctx, result == 0);
	}
	mrp_err_clear(&err);
}

/* A change brings the next report nearer, unless the API has trouble. */
static void note_change(struct agent_source *source)
{
	int64_t now = monotonic_us();
	int64_t soon = MAX(now + (int64_t)SOON_MS * 1000, source->report_sent_us + (int64_t)LEAST_MS * 1000);

	if (!source->report_failures)
		source->report_due_us = MIN(source->report_due_us, soon);
}

void source_send_reports(struct agent_source *source)
{
	if (!source->backend->ops->report || !source->options.want_report)
		return;
	pthread_mutex_lock(&source->lock);
	struct agent_report *report = steal(&source->report);
	bool changed = source->changed;
	source->changed = false;
	pthread_mutex_unlock(&source->lock);
	if (changed)
		note_change(source);
	if (report)
		send_report(source, report);
	agent_report_free(report);
	if (monotonic_us() < source->report_due_us)
		return;
	/* should the answer not come, it is asked for again */
	source->report_due_us = next_report_us(source);
	source->options.want_report(source->options.ctx);
}
