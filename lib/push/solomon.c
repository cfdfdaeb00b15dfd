/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of Yandex Monitoring's `POST /monitoring/v2/data/write` (documentation: "Method write" of MetricsData). It
 * knows four types: DGAUGE, IGAUGE, COUNTER (whole numbers that only grow) and RATE.
 *
 * A series must not change its type, so the type follows from the family alone: the agent's own counters and all counts
 * of histograms are whole and become COUNTER; a counter that a prober prints may have fractions and becomes DGAUGE.
 * Histograms have no type there and become series as in Prometheus's text: _bucket with `le`, _sum, _count.
 */
#include <math.h>

#include "../base/clock.h"
#include "../value/json.h"
#include "format.h"
#include "solomon_label.h"

struct metric {
	const char *family, *suffix, *type;
	const struct metrics_point *point;
	const char *le; /* or NULL */
	double value;
};

static void drop(struct push_encoded *out, const char *why)
{
	out->dropped++;
	out->why = why;
}

static void add_label(struct strbuf *json, const char *name, const char *value, bool *first)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (!*value)
		return; /* as good as absent */
	solomon_add_label_name(&text, name);
	strbuf_addf(json, "%s\"%s\":", *first ? "" : ",", text.buf);
	strbuf_reset(&text);
	solomon_add_label_value(&text, value);
	json_add_string(json, text.buf, text.len);
	*first = false;
}

static size_t count_labels(const struct metric *metric)
{
	size_t n = metric->le ? 1 : 0;

	for (size_t i = 0; i < metric->point->n_labels; i++)
		n += metric->point->labels[i].value[0] != '\0';
	return n;
}

static void add_metric(struct push_encoded *out, const struct metric *metric)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;
	struct strbuf *json = &out->body;
	bool first = true;

	if (!isfinite(metric->value)) {
		drop(out, "its value is not finite");
		return;
	}
	if (count_labels(metric) > SOLOMON_LABELS_MAX) {
		drop(out, "it has more labels than Monitoring takes");
		return;
	}
	if (out->samples == SOLOMON_METRICS_MAX) {
		drop(out, "a histogram has more buckets than Monitoring takes");
		return;
	}
	strbuf_addf(&name, "%s%s", metric->family, metric->suffix);
	solomon_add_label_value(&value, name.buf);
	strbuf_addstr(json, out->samples++ ? ",{\"name\":" : "{\"name\":");
	json_add_string(json, value.buf, value.len);
	strbuf_addf(json, ",\"type\":\"%s\",\"labels\":{", metric->type);
	for (size_t i = 0; i < metric->point->n_labels; i++)
		add_label(json, metric->point->labels[i].name, metric->point->labels[i].value, &first);
	if (metric->le)
		add_label(json, "le", metric->le, &first);
	strbuf_addstr(json, "},\"value\":");
	json_add_number(json, metric->value);
	strbuf_addch(json, '}');
}

static void add_histogram(struct push_encoded *out, const struct metrics_point *point)
{
	struct metric metric = { point->family, "_bucket", "COUNTER", point, NULL, 0 };
	uint64_t below = 0;

	for (size_t i = 0; i <= point->n_bounds; i++) {
		cleanup(strbuf_release) struct strbuf le = STRBUF_INIT;

		if (i < point->n_bounds)
			json_add_number(&le, point->bounds[i]);
		else
			strbuf_addstr(&le, "+Inf");
		below += point->counts[i];
		metric.le = le.buf;
		metric.value = (double)below;
		add_metric(out, &metric);
	}
	add_metric(out, &(struct metric){ point->family, "_sum", "DGAUGE", point, NULL, point->sum });
	add_metric(out, &(struct metric){ point->family, "_count", "COUNTER", point, NULL, (double)point->count });
}

int push_solomon_encode(
	struct push_encoded *out, struct push_points *points, const struct push_context *context, struct mrp_err *err)
{
	(void)err;
	strbuf_addstr(&out->body, "{\"ts\":\"");
	time_format(&out->body, context->time_ms);
	strbuf_addstr(&out->body, "\",\"metrics\":[");
	for (size_t i = 0; i < points->n; i++) {
		const struct metrics_point *point = &points->v[i];
		bool whole = point->type == SERIES_COUNTER && skip_prefix(point->family, "mrprober_", NULL);

		if (point->type == SERIES_HISTOGRAM)
			add_histogram(out, point);
		else
			add_metric(out,
				&(struct metric){
					point->family, "", whole ? "COUNTER" : "DGAUGE", point, NULL, point->value });
	}
	strbuf_addstr(&out->body, "]}");
	if (!out->samples)
		strbuf_reset(&out->body);
	return 0;
}

/* {"writtenMetricsCount", "errorMessage"}; an example of the documentation has "metrics_written". -1: it does not say.
 */
static int64_t written_count(const struct value *json)
{
	int64_t written = push_count(json, "writtenMetricsCount");

	return written >= 0 ? written : push_count(json, "metrics_written");
}

static void read_count(struct push_reply *out, int status, int64_t written, const char *said, uint64_t samples)
{
	out->fate = PUSH_TAKEN;
	out->rejected = (uint64_t)written < samples ? samples - (uint64_t)written : 0;
	if (out->rejected || (said && *said))
		out->said = push_said(status, said);
}

void push_solomon_read(struct push_reply *out, const struct http_peer_answer *answer, uint64_t samples)
{
	static const int again[] = { 408, 500, 502, 503, 504, 0 };
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const struct value *json = json_parse(&arena, answer->body.buf, answer->body.len, "answer", &err);

	mrp_err_clear(&err);
	if (json && json->type != V_OBJECT)
		json = NULL;
	*out = (struct push_reply){ PUSH_AGAIN };
	int64_t written = json ? written_count(json) : -1;
	const char *said = json ? value_get_string(json, "errorMessage") : NULL;
	if (json && !said)
		said = value_get_string(json, "message");
	/* a refusal that says how much was written is a refusal of the rest */
	if (written > 0 || (written == 0 && answer->status == 200)) {
		read_count(out, answer->status, written, said, samples);
	} else if (answer->status == 200) {
		out->said = push_said(200, "it does not say how many metrics were written");
	} else {
		out->fate = push_fate_of_error(answer->status, again);
		out->said = push_said(answer->status, said);
	}
}
