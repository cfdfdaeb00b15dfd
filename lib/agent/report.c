/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <time.h>

#include "../base/text.h"
#include "../base/vec.h"
#include "../value/json.h"

enum { FAILURES_MAX = INT32_MAX, DURATION_MAX_S = 31622400, CLOSING = 8 };

VEC_DEFINE(item_vec, struct report_item)

struct agent_report {
	struct arena arena;
	const char *config_revision;
	struct item_vec items;
};

/* How much is said, by how much has room. */
enum detail {
	DETAIL_ALL,
	DETAIL_FAILURES_TALK,  /* no messages of successes */
	DETAIL_SUCCESSES_BARE, /* their status only */
	DETAIL_BARE,           /* of failures, too */
};

struct agent_report *agent_report_new(const char *config_revision)
{
	struct agent_report *report = xcalloc(1, sizeof(*report));

	if (config_revision)
		report->config_revision = arena_strdup(&report->arena, config_revision);
	return report;
}

void agent_report_free(struct agent_report *report)
{
	if (!report)
		return;
	item_vec_clear(&report->items);
	arena_release(&report->arena);
	free(report);
}

/* Cut between two characters. */
static size_t cut(const char *text)
{
	size_t len = strlen(text), at = 0;

	while (at < len) {
		size_t n = utf8_sequence(text + at, len - at);

		if (!n || at + n > REPORT_MESSAGE_MAX)
			break;
		at += n;
	}
	return at;
}

void agent_report_add(struct agent_report *report, const struct report_item *item)
{
	struct report_item copy = *item;

	copy.id = arena_strdup(&report->arena, item->id);
	copy.message = item->message && *item->message
		? arena_strndup(&report->arena, item->message, cut(item->message))
		: NULL;
	item_vec_push(&report->items, copy);
}

static void add_time(struct strbuf *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	strbuf_addf(out, ",\"finished_at\":\"%s.%03dZ\"", text, (int)(ms % 1000));
}

static void add_item(struct strbuf *out, const struct report_item *item, enum detail detail)
{
	bool success = item->status == VERDICT_SUCCESS;

	json_add_string(out, item->id, strlen(item->id));
	strbuf_addf(out, ":{\"status\":\"%s\"", verdict_status_names[item->status]);
	if (detail >= (success ? DETAIL_SUCCESSES_BARE : DETAIL_BARE)) {
		strbuf_addch(out, '}');
		return;
	}
	strbuf_addf(out, ",\"reason\":\"%s\"", verdict_reason_names[item->reason]);
	if (item->message && (detail == DETAIL_ALL || !success)) {
		strbuf_addstr(out, ",\"message\":");
		json_add_string(out, item->message, strlen(item->message));
	}
	if (item->finished_ms > 0)
		add_time(out, item->finished_ms);
	if (item->duration_s >= 0) {
		strbuf_addstr(out, ",\"duration_seconds\":");
		json_add_number(out, MIN(item->duration_s, (double)DURATION_MAX_S));
	}
	if (item->consecutive_failures > 0)
		strbuf_addf(out, ",\"consecutive_failures\":%d",
			(int)MIN(item->consecutive_failures, (int64_t)FAILURES_MAX));
	strbuf_addch(out, '}');
}

/* False when not everything had room; then what is there is whole all the same. */
static bool format(struct strbuf *out, const struct agent_report *report, enum detail detail)
{
	size_t start = out->len;
	bool fits = true;

	strbuf_addf(out, "{\"version\":\"%s\"", MRP_VERSION);
	if (report->config_revision) {
		strbuf_addstr(out, ",\"config_revision\":");
		json_add_string(out, report->config_revision, strlen(report->config_revision));
	}
	strbuf_addstr(out, ",\"probers\":{");
	for (size_t i = 0; i < report->items.n && fits; i++) {
		size_t before = out->len;

		if (i)
			strbuf_addch(out, ',');
		add_item(out, &report->items.v[i], detail);
		fits = out->len - start + CLOSING <= REPORT_MAX;
		if (!fits)
			strbuf_setlen(out, before);
	}
	strbuf_addstr(out, "}}");
	return fits;
}

void agent_report_format(struct strbuf *out, const struct agent_report *report)
{
	size_t start = out->len;

	for (enum detail detail = DETAIL_ALL; !format(out, report, detail) && detail < DETAIL_BARE; detail++)
		strbuf_setlen(out, start);
}
