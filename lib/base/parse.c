/* SPDX-License-Identifier: Apache-2.0 */
#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

int parse_int(int64_t *out, const char *text, int64_t min, int64_t max, struct mrp_err *err)
{
	char *end;

	if (!(*text >= '0' && *text <= '9') && !(*text == '-' && text[1] >= '0' && text[1] <= '9'))
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a whole number", text);
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (*end)
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a whole number", text);
	if (errno == ERANGE || n < min || n > max)
		return mrp_err_set(err, MRP_ERANGE, "'%s' is not between %" PRId64 " and %" PRId64, text, min, max);
	*out = n;
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* Digits followed by exactly one unit of the table. Returns 0, or the code of what is wrong. */
static enum mrp_errcode parse_with_unit(
	int64_t *out, const char *text, const struct unit *units, size_t n_units, int64_t max)
{
	int64_t n = 0;
	const char *p = text;
	bool too_large = false;

	for (; *p >= '0' && *p <= '9'; p++) {
		too_large |= __builtin_mul_overflow(n, 10, &n);
		too_large |= __builtin_add_overflow(n, *p - '0', &n);
	}
	if (p == text)
		return MRP_EPARSE;
	for (size_t i = 0; i < n_units; i++) {
		if (!streq(p, units[i].name))
			continue;
		if (too_large || n > max / units[i].factor)
			return MRP_ERANGE;
		*out = n * units[i].factor;
		return MRP_OK;
	}
	return MRP_EPARSE;
}

static bool only_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static const struct unit duration_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
};

int parse_duration(int64_t *out_ms, const char *text, struct mrp_err *err)
{
	static const int64_t max_ms = INT64_C(100) * 366 * 86400000;

	switch (parse_with_unit(out_ms, text, duration_units, ARRAY_SIZE(duration_units), max_ms)) {
	case MRP_OK:
		return 0;
	case MRP_ERANGE:
		return mrp_err_set(err, MRP_ERANGE, "'%s' is more than 100 years", text);
	default:
		if (only_digits(text))
			return mrp_err_set(err, MRP_EPARSE, "'%s' needs a unit (like %ss, %sm)", text, text, text);
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a duration (like 30s, 5m)", text);
	}
}

void format_duration(struct strbuf *out, int64_t ms)
{
	for (size_t i = ARRAY_SIZE(duration_units); i-- > 0;) {
		if (ms % duration_units[i].factor == 0 && (ms || i == 1)) {
			strbuf_addf(out, "%" PRId64 "%s", ms / duration_units[i].factor, duration_units[i].name);
			return;
		}
	}
}

int parse_size(int64_t *out_bytes, const char *text, struct mrp_err *err)
{
	static const struct unit units[] = { { "B", 1 }, { "KiB", INT64_C(1) << 10 }, { "MiB", INT64_C(1) << 20 },
		{ "GiB", INT64_C(1) << 30 }, { "TiB", INT64_C(1) << 40 } };

	switch (parse_with_unit(out_bytes, text, units, ARRAY_SIZE(units), INT64_C(1) << 60)) {
	case MRP_OK:
		return 0;
	case MRP_ERANGE:
		return mrp_err_set(err, MRP_ERANGE, "'%s' is too large", text);
	default:
		if (only_digits(text))
			return mrp_err_set(err, MRP_EPARSE, "'%s' needs a unit (like %sKiB, %sMiB)", text, text, text);
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a size (like 64KiB, 1GiB)", text);
	}
}

int parse_percent(double *out, const char *text, struct mrp_err *err)
{
	char *end;

	if (*text < '0' || *text > '9' || text[strspn(text, "0123456789.")] != '%')
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a percentage (like 10%%)", text);
	double n = strtod(text, &end);
	if (!streq(end, "%"))
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a percentage (like 10%%)", text);
	if (!(n >= 0 && n <= 100))
		return mrp_err_set(err, MRP_ERANGE, "'%s' is not between 0%% and 100%%", text);
	*out = n;
	return 0;
}
