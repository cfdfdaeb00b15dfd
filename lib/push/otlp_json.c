/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP's JSON encoding: protobuf's JSON mapping with lowerCamelCase names, 64-bit numbers as strings, enums as numbers.
 */
#include <inttypes.h>
#include <math.h>

#include "../value/json.h"
#include "otlp.h"

static void add_string(struct strbuf *out, const char *text)
{
	json_add_string(out, text, strlen(text));
}

static void add_double(struct strbuf *out, double value)
{
	if (isnan(value))
		strbuf_addstr(out, "\"NaN\"");
	else if (isinf(value))
		strbuf_addstr(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
	else
		json_add_number(out, value);
}

static void add_attribute(struct strbuf *out, const char *key, const char *value, bool *first)
{
	strbuf_addstr(out, *first ? "{\"key\":" : ",{\"key\":");
	add_string(out, key);
	strbuf_addstr(out, ",\"value\":{\"stringValue\":");
	add_string(out, value);
	strbuf_addstr(out, "}}");
	*first = false;
}

/* What points of all types have: attributes and times. */
static void add_point_head(struct strbuf *out, const struct metrics_point *point, const struct push_context *context)
{
	bool first = true, cumulative = point->type == SERIES_COUNTER || point->type == SERIES_HISTOGRAM;

	strbuf_addstr(out, "{\"attributes\":[");
	for (size_t i = 0; i < point->n_labels; i++)
		add_attribute(out, point->labels[i].name, point->labels[i].value, &first);
	strbuf_addch(out, ']');
	if (cumulative)
		strbuf_addf(out, ",\"startTimeUnixNano\":\"%" PRIu64 "\"", otlp_nano(point->start_ms));
	strbuf_addf(out, ",\"timeUnixNano\":\"%" PRIu64 "\"", otlp_nano(context->time_ms));
}

static void add_histogram(struct strbuf *out, const struct metrics_point *point)
{
	strbuf_addf(out, ",\"count\":\"%" PRIu64 "\",\"sum\":", point->count);
	add_double(out, point->sum);
	strbuf_addstr(out, ",\"bucketCounts\":[");
	for (size_t i = 0; i <= point->n_bounds; i++)
		strbuf_addf(out, "%s\"%" PRIu64 "\"", i ? "," : "", point->counts[i]);
	strbuf_addstr(out, "],\"explicitBounds\":[");
	for (size_t i = 0; i < point->n_bounds; i++) {
		strbuf_addstr(out, i ? "," : "");
		add_double(out, point->bounds[i]);
	}
	strbuf_addch(out, ']');
}

static void add_points(
	struct strbuf *out, const struct metrics_point *points, size_t n, const struct push_context *context)
{
	strbuf_addstr(out, "\"dataPoints\":[");
	for (size_t i = 0; i < n; i++) {
		strbuf_addstr(out, i ? "," : "");
		add_point_head(out, &points[i], context);
		if (points[i].type == SERIES_HISTOGRAM) {
			add_histogram(out, &points[i]);
		} else {
			strbuf_addstr(out, ",\"asDouble\":");
			add_double(out, points[i].value);
		}
		strbuf_addch(out, '}');
	}
	strbuf_addch(out, ']');
}

static void add_metric(
	struct strbuf *out, const struct metrics_point *points, size_t n, const struct push_context *context)
{
	enum series_type type = points->type;

	strbuf_addstr(out, "{\"name\":");
	add_string(out, points->family);
	strbuf_addstr(out, ",\"description\":");
	add_string(out, points->help ? points->help : "");
	strbuf_addstr(out, ",\"unit\":");
	add_string(out, otlp_unit(points->unit));
	strbuf_addf(out, ",\"%s\":{",
		type == SERIES_HISTOGRAM         ? "histogram"
			: type == SERIES_COUNTER ? "sum"
						 : "gauge");
	add_points(out, points, n, context);
	if (type == SERIES_HISTOGRAM || type == SERIES_COUNTER)
		strbuf_addf(out, ",\"aggregationTemporality\":%d", OTLP_CUMULATIVE);
	strbuf_addstr(out, type == SERIES_COUNTER ? ",\"isMonotonic\":true}}" : "}}");
}

void otlp_add_json(struct strbuf *out, const struct push_points *points, const struct push_context *context)
{
	bool first = true;

	strbuf_addstr(out, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[");
	add_attribute(out, "service.name", "mrprober", &first);
	add_attribute(out, "service.version", MRP_VERSION, &first);
	if (context->host)
		add_attribute(out, "service.instance.id", context->host, &first);
	strbuf_addstr(out,
		"]},\"scopeMetrics\":[{\"scope\":{\"name\":\"mrprober\",\"version\":\"" MRP_VERSION
		"\"},\"metrics\":[");
	for (size_t i = 0, n; i < points->n; i += n) {
		n = otlp_metric_len(points, i);
		strbuf_addstr(out, i ? "," : "");
		add_metric(out, &points->v[i], n, context);
	}
	strbuf_addstr(out, "]}]}]}");
}
