/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output `nagios`: exit codes, text and performance data by the Monitoring Plugins Development Guidelines
 * (https://www.monitoring-plugins.org/doc/guidelines.html):
 *
 *	TEXT | 'label'=value[UOM];[warn];[crit];[min];[max] ...
 *	LONG TEXT
 *	LONG TEXT | more performance data
 *	more performance data
 *
 * The exit code alone decides: performance data that make no sense are left out one by one and change no verdict.
 * Thresholds are read over, as they belong to the plugin. A decimal comma is not taken for a point, since "1,234" may
 * be a thousand or one and a bit, and no value is better than a wrong one.
 */
#include "internal.h"
#include "number.h"

#include <math.h>

VEC_DEFINE(value_vec, struct verdict_value)

static const char *word_end(const char *s, const char *end)
{
	while (s < end && !is_blank(*s))
		s++;
	return s;
}

/* What stands between quotes, where two quotes mean one. Returns the second quote, or NULL. */
static const char *quoted_end(const char *s, const char *end, bool *doubled)
{
	while ((s = memchr(s, '\'', (size_t)(end - s)))) {
		if (s + 1 == end || s[1] != '\'')
			return s;
		*doubled = true;
		s += 2;
	}
	return NULL;
}

static const char *undouble(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		copy[n++] = s[i];
		i += s[i] == '\'';
	}
	return text_make(arena, copy, n);
}

/* Returns what follows "label=", or NULL when there is no such thing. */
static const char *read_label(const char **label, struct arena *arena, const char *s, const char *end)
{
	bool quoted = *s == '\'', doubled = false;
	const char *stop;

	s += quoted;
	if (quoted) {
		stop = quoted_end(s, end, &doubled);
		if (!stop || stop + 1 == end || stop[1] != '=')
			return NULL;
	} else {
		stop = memchr(s, '=', (size_t)(word_end(s, end) - s));
	}
	if (!stop || stop == s)
		return NULL;
	*label = (doubled ? undouble : text_make)(arena, s, (size_t)(stop - s));
	return stop + 1 + quoted;
}

/* "UOM is a string of zero or more characters, not including numbers, semicolons, or quotes"; what else shows that the
 * number before was not understood is refused too. */
static bool is_unit(const char *s, const char *end)
{
	for (; s < end; s++) {
		if (strchr("0123456789\"'=,.:+-", *s)) /* a NUL too */
			return false;
	}
	return true;
}

/* One item at `s`, which is not blank. Returns where it ends; *value->metric stays NULL when it is none. */
static const char *read_item(struct verdict_value *value, struct arena *arena, const char *s, const char *end)
{
	const char *label = NULL, *at = read_label(&label, arena, s, end);
	double number;

	if (!at)
		return word_end(s, end);
	const char *stop = word_end(at, end), *unit = number_read(&number, at, stop);
	if (!unit || !isfinite(number))
		return stop; /* also "U": the plugin could not tell */
	const char *semicolon = memchr(unit, ';', (size_t)(stop - unit));
	const char *unit_end = semicolon ? semicolon : stop;
	if (is_unit(unit, unit_end)) {
		*value = (struct verdict_value){ .metric = label,
			.value = number,
			.unit = unit == unit_end ? "" : text_make(arena, unit, (size_t)(unit_end - unit)) };
	}
	return stop;
}

static void read_perfdata(struct value_vec *values, struct arena *arena, const char *s, const char *end)
{
	while (s < end && values->n < VERDICT_SERIES_MAX) {
		struct verdict_value value = { 0 };

		if (is_blank(*s)) {
			s++;
			continue;
		}
		s = read_item(&value, arena, s, end);
		if (value.metric)
			value_vec_push(values, value);
	}
}

static int compare_metrics(const void *a, const void *b)
{
	const struct verdict_value *x = *(const struct verdict_value *const *)a,
				   *y = *(const struct verdict_value *const *)b;
	int r = strcmp(x->metric, y->metric);

	return r ? r : (x > y) - (x < y);
}

/* Of equal labels the last one stays. */
static void drop_repeated(struct value_vec *values)
{
	size_t n = 0;

	if (values->n < 2)
		return;
	cleanup(freep) struct verdict_value **sorted = xcalloc(values->n, sizeof(struct verdict_value *));
	for (size_t i = 0; i < values->n; i++)
		sorted[i] = &values->v[i];
	qsort(sorted, values->n, sizeof(struct verdict_value *), compare_metrics);
	for (size_t i = 0; i + 1 < values->n; i++) {
		if (streq(sorted[i]->metric, sorted[i + 1]->metric))
			sorted[i]->metric = NULL;
	}
	for (size_t i = 0; i < values->n; i++) {
		if (values->v[i].metric)
			values->v[n++] = values->v[i];
	}
	values->n = n;
}

/* Performance data begin at the first bar of the first line and end with it, and begin again at the first bar after it.
 */
static void read_all_perfdata(struct value_vec *values, struct arena *arena, const char *s, const char *end)
{
	bool first = true, inside = false;

	while (s < end && is_blank(*s))
		s++;
	for (const char *next; s < end; s = next, first = false) {
		const char *newline = memchr(s, '\n', (size_t)(end - s)), *stop = newline ? newline : end;
		const char *bar = inside ? NULL : memchr(s, '|', (size_t)(stop - s));

		next = newline ? newline + 1 : end;
		if (inside || bar)
			read_perfdata(values, arena, bar ? bar + 1 : s, stop);
		inside |= bar && !first;
	}
}

void read_nagios(struct reading *reading)
{
	struct verdict *out = reading->out;
	cleanup(value_vec_clear) struct value_vec values = VEC_INIT;

	verdict_by_exit_code(out, reading->exit_code);
	if (reading->exit_code == 1)
		verdict_warning(out, reading->warning_fails);
	else if (reading->exit_code > 2 || reading->exit_code < 0)
		out->status = VERDICT_ERROR;
	out->message = message_first_line(reading, true);
	read_all_perfdata(&values, reading->arena, reading->text, reading->end);
	drop_repeated(&values);
	if (!values.n)
		return;
	struct verdict_value *copy = arena_alloc(reading->arena, values.n * sizeof(*copy));
	memcpy(copy, values.v, values.n * sizeof(*copy));
	out->values = copy;
	out->n_values = values.n;
}
