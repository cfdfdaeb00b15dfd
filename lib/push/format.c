/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include "../base/parse.h"

const struct push_format push_formats[] = {
	[PUSH_MONITORING] = {
		.name = "Yandex Monitoring",
		.content_type = "application/json",
		.token = true,
		.encode = push_solomon_encode,
		.read = push_solomon_read,
	},
	[PUSH_OTLP] = {
		.name = "OTLP",
		.content_type = "application/x-protobuf",
		.gzip = true,
		.encode = push_otlp_encode,
		.read = push_otlp_read,
	},
	[PUSH_OTLP_JSON] = {
		.name = "OTLP",
		.content_type = "application/json",
		.gzip = true,
		.encode = push_otlp_encode_json,
		.read = push_otlp_read,
	},
};

enum { MAX_SAID_BYTES = 300 };

static const struct label *copy_labels(struct arena *arena, const struct label *labels, size_t n)
{
	struct label *copy = arena_alloc(arena, MAX(n, (size_t)1) * sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = (struct label){ arena_strdup(arena, labels[i].name), arena_strdup(arena, labels[i].value) };
	return copy;
}

static const void *copy_array(struct arena *arena, const void *data, size_t size)
{
	return size ? memcpy(arena_alloc(arena, size), data, size) : NULL;
}

size_t push_point_samples(const struct metrics_point *point)
{
	return point->type == SERIES_HISTOGRAM ? point->n_bounds + 3 : 1;
}

void push_points_add(struct push_points *points, const struct metrics_point *point)
{
	struct arena *arena = &points->arena;
	struct metrics_point copy = *point;
	bool histogram = point->type == SERIES_HISTOGRAM;

	copy.family = arena_strdup(arena, point->family);
	copy.help = point->help ? arena_strdup(arena, point->help) : NULL;
	copy.unit = point->unit ? arena_strdup(arena, point->unit) : NULL;
	copy.labels = copy_labels(arena, point->labels, point->n_labels);
	copy.bounds = histogram ? copy_array(arena, point->bounds, point->n_bounds * sizeof(*point->bounds)) : NULL;
	copy.counts =
		histogram ? copy_array(arena, point->counts, (point->n_bounds + 1) * sizeof(*point->counts)) : NULL;
	if (points->n == points->alloc) {
		points->alloc = points->alloc ? points->alloc * 2 : 256;
		points->v = xrealloc(points->v, points->alloc * sizeof(*points->v));
	}
	points->v[points->n++] = copy;
	points->samples += push_point_samples(point);
}

void push_points_reset(struct push_points *points)
{
	arena_reset(&points->arena);
	points->n = points->samples = 0;
}

void push_points_release(struct push_points *points)
{
	arena_release(&points->arena);
	free(points->v);
	*points = (struct push_points)PUSH_POINTS_INIT;
}

enum push_fate push_fate_of_error(int status, const int *again)
{
	if (status == 429)
		return PUSH_AGAIN;
	for (; *again; again++) {
		if (status == *again)
			return PUSH_AGAIN;
	}
	return status == 401 ? PUSH_TOKEN : PUSH_FINAL;
}

char *push_said(int status, const char *said)
{
	return said && *said ? xasprintf("answered %d: %.*s", status, (int)MAX_SAID_BYTES, said)
			     : xasprintf("answered %d", status);
}

int64_t push_count(const struct value *json, const char *key)
{
	const struct value *count = value_get(json, key);
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n = -1;

	if (count && count->type == V_INT)
		return MAX(count->i, -1);
	if (count && count->type == V_STRING && parse_int(&n, count->s, 0, INT64_MAX, &err) < 0)
		mrp_err_clear(&err);
	return n;
}
