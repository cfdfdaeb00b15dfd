/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output `json`: {"status": "ok|warning|critical|unknown", "message": "...", "metrics": [{"name", "value", "unit",
 * "labels"}]}. Only `status` is required; keys that are not known are ignored, so that programs may say more.
 *
 * The status decides. A program that says "ok" and exits with something else has two opinions, which is an error; with
 * any other status the exit code may be 0 or not, as both are common.
 */
#include "internal.h"

#include "../base/text.h"
#include "../value/json.h"

static const char *const statuses[] = { "ok", "warning", "critical", "unknown" };

/* What is wrong goes to reading->out, and -1 is returned. */
#define BAD(reading, ...) (verdict_bad_output(reading, "output: " __VA_ARGS__), -1)

static int read_status(struct reading *reading, const struct value *root)
{
	struct verdict *out = reading->out;
	const char *status = value_get_string(root, "status");
	size_t i = 0;

	if (!status)
		return BAD(reading, "'status' is not there, or no string");
	while (i < ARRAY_SIZE(statuses) && !streq(statuses[i], status))
		i++;
	if (i == ARRAY_SIZE(statuses))
		return BAD(reading, "status '%.40s' is none of ok, warning, critical, unknown", status);
	if (i == 0 && reading->exit_code)
		return BAD(reading, "status 'ok' contradicts the exit code");
	verdict_by_exit_code(out, (int)i);
	if (i == 1)
		verdict_warning(out, reading->warning_fails);
	else if (i == 3)
		out->status = VERDICT_ERROR;
	out->message = statuses[i];
	return 0;
}

static int read_message(struct reading *reading, const struct value *root)
{
	const struct value *v = value_get(root, "message");

	if (!v || v->type == V_NULL)
		return 0;
	if (v->type != V_STRING)
		return BAD(reading, "'message' is %s, not a string", value_type_name(v));
	const char *message = message_make(reading->arena, v->s, v->n);
	if (*message)
		reading->out->message = message;
	return 0;
}

static int read_labels(struct verdict_value *out, struct reading *reading, const struct value *v, uint32_t i)
{
	if (!v || v->type == V_NULL)
		return 0;
	if (v->type != V_OBJECT)
		return BAD(reading, "metrics[%u].labels is %s, not an object", i, value_type_name(v));
	struct label *labels = arena_alloc(reading->arena, v->n * sizeof(*labels));
	for (uint32_t k = 0; k < v->n; k++) {
		const struct member *m = &v->members[k];
		const char *objection = label_objection(m->key);

		if (objection)
			return BAD(reading, "metrics[%u]: label '%.80s' %s", i, m->key, objection);
		if (m->value->type != V_STRING)
			return BAD(reading, "metrics[%u]: label '%s' is %s, not a string", i, m->key,
				value_type_name(m->value));
		labels[k] = (struct label){ m->key, m->value->s };
	}
	labels_sort(labels, v->n);
	out->labels = labels;
	out->n_labels = v->n;
	return 0;
}

/* 1: a value; 0: null, the program could not tell. */
static int read_number(double *out, struct reading *reading, const struct value *v, uint32_t i)
{
	if (!v)
		return BAD(reading, "metrics[%u] has no 'value'", i);
	if (v->type == V_NULL)
		return 0;
	if (v->type != V_INT && v->type != V_REAL)
		return BAD(reading, "metrics[%u].value is %s, not a number", i, value_type_name(v));
	*out = v->type == V_INT ? (double)v->i : v->r;
	return 1;
}

/* 1: *out is one; 0: it has no value; -1: wrong. */
static int read_metric(struct verdict_value *out, struct reading *reading, const struct value *v, uint32_t i)
{
	*out = (struct verdict_value){ .unit = "" };
	if (v->type != V_OBJECT)
		return BAD(reading, "metrics[%u] is %s, not an object", i, value_type_name(v));
	const struct value *unit = value_get(v, "unit");
	out->metric = value_get_string(v, "name");
	if (!out->metric || !*out->metric)
		return BAD(reading, "metrics[%u] has no 'name'", i);
	if (unit && unit->type != V_NULL && unit->type != V_STRING)
		return BAD(reading, "metrics[%u].unit is %s, not a string", i, value_type_name(unit));
	if (unit && unit->type == V_STRING)
		out->unit = unit->s;
	if (read_labels(out, reading, value_get(v, "labels"), i) < 0)
		return -1;
	return read_number(&out->value, reading, value_get(v, "value"), i);
}

static int compare_values(const void *a, const void *b)
{
	const struct verdict_value *x = *(const struct verdict_value *const *)a,
				   *y = *(const struct verdict_value *const *)b;
	int r = strcmp(x->metric, y->metric);

	r = r ? r : strcmp(x->unit, y->unit);
	return r ? r : labels_compare(x->labels, x->n_labels, y->labels, y->n_labels);
}

static int check_repeated(struct reading *reading, const struct verdict_value *values, size_t n)
{
	cleanup(freep) const struct verdict_value **sorted = xcalloc(n ? n : 1, sizeof(struct verdict_value *));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &values[i];
	qsort(sorted, n, sizeof(struct verdict_value *), compare_values);
	for (size_t i = 0; i + 1 < n; i++) {
		if (compare_values(&sorted[i], &sorted[i + 1]) == 0)
			return BAD(reading, "metric '%.80s' is there twice with the same unit and labels",
				sorted[i]->metric);
	}
	return 0;
}

static int read_metrics(struct reading *reading, const struct value *root)
{
	const struct value *v = value_get(root, "metrics");
	size_t n = 0;

	if (!v || v->type == V_NULL)
		return 0;
	if (v->type != V_ARRAY)
		return BAD(reading, "'metrics' is %s, not an array", value_type_name(v));
	if (v->n > VERDICT_SERIES_MAX)
		return BAD(reading, "%u metrics are more than the %d that are allowed", v->n, VERDICT_SERIES_MAX);
	struct verdict_value *values = arena_alloc(reading->arena, v->n * sizeof(*values));
	for (uint32_t i = 0; i < v->n; i++) {
		int r = read_metric(&values[n], reading, v->items[i], i);

		if (r < 0)
			return -1;
		n += (size_t)r;
	}
	if (check_repeated(reading, values, n) < 0)
		return -1;
	reading->out->values = values;
	reading->out->n_values = n;
	return 0;
}

void read_json(struct reading *reading)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(strbuf_release) struct strbuf why = STRBUF_INIT;
	const char *at = reading->text;

	while (at < reading->end && is_blank(*at))
		at++;
	if (at == reading->end) {
		verdict_bad_output(reading, "output is empty, where a JSON object is expected");
		return;
	}
	const struct value *root =
		json_parse(reading->arena, reading->text, (size_t)(reading->end - reading->text), "output", &err);

	if (!root) {
		mrp_err_format(&why, &err);
		verdict_bad_output(reading, "%s", why.buf);
	} else if (root->type != V_OBJECT) {
		verdict_bad_output(reading, "output: %s, not an object", value_type_name(root));
	} else if (read_status(reading, root) == 0 && read_message(reading, root) == 0) {
		read_metrics(reading, root);
	}
}
