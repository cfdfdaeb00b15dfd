/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_scalar.h"

#include <errno.h>
#include <math.h>

static size_t count_digits(const char *s)
{
	size_t n = 0;

	while (s[n] >= '0' && s[n] <= '9')
		n++;
	return n;
}

static enum scalar_result whole_number(struct value *v, const char *digits, int base, bool negative)
{
	uint64_t limit = negative ? UINT64_C(1) << 63 : INT64_MAX;

	errno = 0;
	unsigned long long n = strtoull(digits, NULL, base);
	if (errno == ERANGE || n > limit)
		return SCALAR_TOO_LARGE;
	v->type = V_INT;
	v->i = negative ? (int64_t)(0 - n) : (int64_t)n;
	return SCALAR_OK;
}

static enum scalar_result number(struct value *v, const char *s)
{
	const char *p = s + (*s == '-' || *s == '+');

	if (p == s && s[0] == '0' && (s[1] == 'o' || s[1] == 'x')) {
		bool hex = s[1] == 'x';
		size_t n = strspn(s + 2, hex ? "0123456789abcdefABCDEF" : "01234567");

		return n && !s[2 + n] ? whole_number(v, s + 2, hex ? 16 : 8, false) : SCALAR_OK;
	}
	size_t whole = count_digits(p), fraction = 0;
	const char *end = p + whole;
	if (whole && !*end)
		return whole_number(v, p, 10, *s == '-');
	if (*end == '.') {
		fraction = count_digits(end + 1);
		end += 1 + fraction;
	}
	if (!whole && !fraction)
		return SCALAR_OK;
	if (*end == 'e' || *end == 'E') {
		end += 1 + (end[1] == '-' || end[1] == '+');
		size_t exponent = count_digits(end);
		if (!exponent)
			return SCALAR_OK;
		end += exponent;
	}
	if (*end)
		return SCALAR_OK;
	double r = strtod(s, NULL);
	if (!isfinite(r))
		return SCALAR_TOO_LARGE;
	v->type = V_REAL;
	v->r = r;
	return SCALAR_OK;
}

enum scalar_result yaml_scalar_resolve(struct value *v, const char *s, size_t len)
{
	static const struct {
		const char *text;
		uint8_t len, type;
		bool truth;
	} words[] = { { "null", 4, V_NULL, 0 }, { "Null", 4, V_NULL, 0 }, { "NULL", 4, V_NULL, 0 }, { "~", 1, V_NULL, 0 },
		{ "true", 4, V_BOOL, 1 }, { "True", 4, V_BOOL, 1 }, { "TRUE", 4, V_BOOL, 1 }, { "false", 5, V_BOOL, 0 },
		{ "False", 5, V_BOOL, 0 }, { "FALSE", 5, V_BOOL, 0 } };
	static const char *const not_finite[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN" };

	v->type = V_STRING;
	switch (*s) {
	case '\0':
		v->type = V_NULL;
		return SCALAR_OK;
	case 'n': case 'N': case 't': case 'T': case 'f': case 'F': case '~':
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			if (len != words[i].len || memcmp(s, words[i].text, len) != 0)
				continue;
			v->type = words[i].type;
			v->b = words[i].truth;
			break;
		}
		return SCALAR_OK;
	case '.': case '-': case '+':
		for (size_t i = 0; i < ARRAY_SIZE(not_finite); i++) {
			bool sign = *s != '.';

			if (streq(s + sign, not_finite[i]) && (!sign || i < 3)) /* .nan has no sign */
				return SCALAR_NOT_FINITE;
		}
		return number(v, s);
	case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		return number(v, s);
	default:
		return SCALAR_OK;
	}
}
