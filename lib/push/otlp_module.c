/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP's protobuf encoding by protobuf-c (messages: otlp.proto), and gzip by zlib. */
#include <zlib.h>

#include "otlp.h"
#include "otlp.pb-c.h"

enum { GZIP_WINDOW = 15 + 16 }; /* 16: with gzip's header instead of zlib's */

/* protobuf-c wants strings that could be changed; it changes none. */
static char *mutable(const char *text)
{
	return (char *)(uintptr_t)text;
}

static Otlp__KeyValue *new_attribute(struct arena *arena, const char *key, const char *value)
{
	Otlp__AnyValue *any = arena_alloc(arena, sizeof(*any));
	Otlp__KeyValue *pair = arena_alloc(arena, sizeof(*pair));

	*any = (Otlp__AnyValue)OTLP__ANY_VALUE__INIT;
	any->string_value = mutable(value);
	*pair = (Otlp__KeyValue)OTLP__KEY_VALUE__INIT;
	pair->key = mutable(key);
	pair->value = any;
	return pair;
}

static Otlp__KeyValue **new_attributes(struct arena *arena, const struct metrics_point *point)
{
	Otlp__KeyValue **list = arena_alloc(arena, MAX(point->n_labels, (size_t)1) * sizeof(Otlp__KeyValue *));

	for (size_t i = 0; i < point->n_labels; i++)
		list[i] = new_attribute(arena, point->labels[i].name, point->labels[i].value);
	return list;
}

static Otlp__NumberPoint *new_number(
	struct arena *arena, const struct metrics_point *point, const struct push_context *context)
{
	Otlp__NumberPoint *number = arena_alloc(arena, sizeof(*number));

	*number = (Otlp__NumberPoint)OTLP__NUMBER_POINT__INIT;
	number->attributes = new_attributes(arena, point);
	number->n_attributes = point->n_labels;
	number->start_time_unix_nano = point->type == SERIES_COUNTER ? otlp_nano(point->start_ms) : 0;
	number->time_unix_nano = otlp_nano(context->time_ms);
	number->value_case = OTLP__NUMBER_POINT__VALUE_AS_DOUBLE;
	number->as_double = point->value;
	return number;
}

static Otlp__HistogramPoint *new_histogram(
	struct arena *arena, const struct metrics_point *point, const struct push_context *context)
{
	Otlp__HistogramPoint *histogram = arena_alloc(arena, sizeof(*histogram));

	*histogram = (Otlp__HistogramPoint)OTLP__HISTOGRAM_POINT__INIT;
	histogram->attributes = new_attributes(arena, point);
	histogram->n_attributes = point->n_labels;
	histogram->start_time_unix_nano = otlp_nano(point->start_ms);
	histogram->time_unix_nano = otlp_nano(context->time_ms);
	histogram->count = point->count;
	histogram->optional_sum_case = OTLP__HISTOGRAM_POINT__OPTIONAL_SUM_SUM;
	histogram->sum = point->sum;
	histogram->bucket_counts = (uint64_t *)(uintptr_t)point->counts;
	histogram->n_bucket_counts = point->n_bounds + 1;
	histogram->explicit_bounds = (double *)(uintptr_t)point->bounds;
	histogram->n_explicit_bounds = point->n_bounds;
	return histogram;
}

static void set_histogram(struct arena *arena, Otlp__Metric *metric, const struct metrics_point *points, size_t n,
	const struct push_context *context)
{
	Otlp__Histogram *histogram = arena_alloc(arena, sizeof(*histogram));

	*histogram = (Otlp__Histogram)OTLP__HISTOGRAM__INIT;
	histogram->aggregation_temporality = OTLP_CUMULATIVE;
	histogram->data_points = arena_alloc(arena, n * sizeof(Otlp__HistogramPoint *));
	histogram->n_data_points = n;
	for (size_t i = 0; i < n; i++)
		histogram->data_points[i] = new_histogram(arena, &points[i], context);
	metric->data_case = OTLP__METRIC__DATA_HISTOGRAM;
	metric->histogram = histogram;
}

static void set_numbers(struct arena *arena, Otlp__Metric *metric, const struct metrics_point *points, size_t n,
	const struct push_context *context)
{
	Otlp__NumberPoint **numbers = arena_alloc(arena, n * sizeof(Otlp__NumberPoint *));

	for (size_t i = 0; i < n; i++)
		numbers[i] = new_number(arena, &points[i], context);
	if (points->type == SERIES_COUNTER) {
		Otlp__Sum *sum = arena_alloc(arena, sizeof(*sum));

		*sum = (Otlp__Sum)OTLP__SUM__INIT;
		sum->aggregation_temporality = OTLP_CUMULATIVE;
		sum->is_monotonic = 1;
		sum->data_points = numbers;
		sum->n_data_points = n;
		metric->data_case = OTLP__METRIC__DATA_SUM;
		metric->sum = sum;
	} else {
		Otlp__Gauge *gauge = arena_alloc(arena, sizeof(*gauge));

		*gauge = (Otlp__Gauge)OTLP__GAUGE__INIT;
		gauge->data_points = numbers;
		gauge->n_data_points = n;
		metric->data_case = OTLP__METRIC__DATA_GAUGE;
		metric->gauge = gauge;
	}
}

static Otlp__Metric *new_metric(
	struct arena *arena, const struct metrics_point *points, size_t n, const struct push_context *context)
{
	Otlp__Metric *metric = arena_alloc(arena, sizeof(*metric));

	*metric = (Otlp__Metric)OTLP__METRIC__INIT;
	metric->name = mutable(points->family);
	metric->description = mutable(points->help ? points->help : "");
	metric->unit = mutable(otlp_unit(points->unit));
	if (points->type == SERIES_HISTOGRAM)
		set_histogram(arena, metric, points, n, context);
	else
		set_numbers(arena, metric, points, n, context);
	return metric;
}

static void fill_metrics(struct arena *arena, Otlp__ScopeMetrics *scope, const struct push_points *points,
	const struct push_context *context)
{
	scope->metrics = arena_alloc(arena, MAX(points->n, (size_t)1) * sizeof(Otlp__Metric *));
	for (size_t i = 0, n; i < points->n; i += n) {
		n = otlp_metric_len(points, i);
		scope->metrics[scope->n_metrics++] = new_metric(arena, &points->v[i], n, context);
	}
}

static void encode(struct strbuf *out, const struct push_points *points, const struct push_context *context)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	Otlp__ExportRequest request = OTLP__EXPORT_REQUEST__INIT;
	Otlp__ResourceMetrics all = OTLP__RESOURCE_METRICS__INIT, *all_list = &all;
	Otlp__Resource resource = OTLP__RESOURCE__INIT;
	Otlp__ScopeMetrics by_scope = OTLP__SCOPE_METRICS__INIT, *scope_list = &by_scope;
	Otlp__Scope scope = OTLP__SCOPE__INIT;
	Otlp__KeyValue *attributes[] = { new_attribute(&arena, "service.name", "mrprober"),
		new_attribute(&arena, "service.version", MRP_VERSION),
		new_attribute(&arena, "service.instance.id", context->host ? context->host : "") };

	resource.attributes = attributes;
	resource.n_attributes = context->host ? 3 : 2;
	scope.name = mutable("mrprober");
	scope.version = mutable(MRP_VERSION);
	by_scope.scope = &scope;
	fill_metrics(&arena, &by_scope, points, context);
	all.resource = &resource;
	all.scope_metrics = &scope_list;
	all.n_scope_metrics = 1;
	request.resource_metrics = &all_list;
	request.n_resource_metrics = 1;

	size_t size = otlp__export_request__get_packed_size(&request);
	strbuf_grow(out, size);
	otlp__export_request__pack(&request, (uint8_t *)out->buf + out->len);
	strbuf_setlen(out, out->len + size);
}

static int decode_response(struct otlp_said *out, const void *data, size_t len)
{
	Otlp__ExportResponse *response = otlp__export_response__unpack(NULL, len, data);

	if (!response)
		return -1;
	if (response->partial_success) {
		out->rejected = response->partial_success->rejected_data_points;
		out->message = xstrdup(response->partial_success->error_message);
	}
	otlp__export_response__free_unpacked(response, NULL);
	return 0;
}

static int decode_status(struct otlp_said *out, const void *data, size_t len)
{
	Otlp__Status *status = otlp__status__unpack(NULL, len, data);

	if (!status)
		return -1;
	out->message = xstrdup(status->message);
	otlp__status__free_unpacked(status, NULL);
	return 0;
}

static int gzip(struct strbuf *out, const void *data, size_t len, struct mrp_err *err)
{
	z_stream stream = { .next_in = (unsigned char *)(uintptr_t)data, .avail_in = (unsigned)len };

	if (len > UINT32_MAX ||
		deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return mrp_err_set(err, MRP_EFAILED, "cannot set up zlib");
	size_t room = deflateBound(&stream, len);
	strbuf_grow(out, room);
	stream.next_out = (unsigned char *)out->buf + out->len;
	stream.avail_out = (unsigned)room;
	int code = deflate(&stream, Z_FINISH);
	size_t written = room - stream.avail_out;
	deflateEnd(&stream);
	if (code != Z_STREAM_END)
		return mrp_err_set(err, MRP_EFAILED, "cannot compress %zu bytes", len);
	strbuf_setlen(out, out->len + written);
	return 0;
}

const struct otlp_ops mrp_otlp = { encode, decode_response, decode_status, gzip };
