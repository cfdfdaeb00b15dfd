/* SPDX-License-Identifier: Apache-2.0 */
/* What checks say while they run, and what they read from their options. How they end is in engine.c. */
#include "check.h"

#include "../base/parse.h"

void check_warn(struct check *check, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list ap;

	if (check->warning)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	check->warning = arena_strndup(&check->job->arena, text.buf, text.len);
}

void check_value(struct check *check, const char *metric, const char *unit, double value)
{
	verdict_value_vec_push(
		&check->values, (struct verdict_value){ .metric = metric, .unit = unit, .value = value });
}

void check_labeled(struct check *check, const char *metric, const char *unit, const char *label,
	const char *label_value, double value)
{
	struct label *labels = arena_alloc(&check->job->arena, sizeof(*labels));

	*labels = (struct label){ label, label_value };
	verdict_value_vec_push(&check->values, (struct verdict_value){ metric, unit, labels, 1, value });
}

void check_detail(struct check *check, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	strbuf_add_visible(&check->details, text.buf, text.len);
	strbuf_addch(&check->details, '\n');
}

void check_max_time(struct check *check, const char *what, int64_t took_us)
{
	int64_t max_ms = option_duration(check, "max_time", 0);

	if (max_ms && took_us > max_ms * 1000)
		check_warn(
			check, "%s took %.3f s, more than %s", what, seconds(took_us), option_text(check, "max_time"));
}

/* --- options ------------------------------------------------------------------------------------------------------ */

const char *option_text(const struct check *check, const char *name)
{
	return value_get_string(check->options, name);
}

bool option_bool(const struct check *check, const char *name)
{
	const struct value *v = value_get(check->options, name);

	return v && v->type == V_BOOL && v->b;
}

int64_t option_int(const struct check *check, const char *name, int64_t absent)
{
	const struct value *v = value_get(check->options, name);

	return v && v->type == V_INT ? v->i : absent;
}

/* The normal form has been checked, so what cannot be read is as absent. */
static int64_t option_measure(const struct check *check, const char *name, int64_t absent,
	int (*parse)(int64_t *out, const char *text, struct mrp_err *err))
{
	const char *text = option_text(check, name);
	struct mrp_err ignored = MRP_ERR_INIT;
	int64_t n = absent;

	if (text && parse(&n, text, &ignored) < 0)
		mrp_err_clear(&ignored);
	return n;
}

int64_t option_duration(const struct check *check, const char *name, int64_t absent)
{
	return option_measure(check, name, absent, parse_duration);
}

int64_t option_size(const struct check *check, const char *name, int64_t absent)
{
	return option_measure(check, name, absent, parse_size);
}

double option_percent(const struct check *check, const char *name, double absent)
{
	const char *text = option_text(check, name);
	struct mrp_err ignored = MRP_ERR_INIT;
	double percent = absent;

	if (text && parse_percent(&percent, text, &ignored) < 0)
		mrp_err_clear(&ignored);
	return percent;
}

int option_ip_version(const struct check *check)
{
	const char *text = option_text(check, "ip_version");

	return !text ? 0 : streq(text, "4") ? 4 : streq(text, "6") ? 6 : 0;
}
