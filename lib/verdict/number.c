/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Up to 2^53 and powers of ten up to 10^22 a double is exact, so one multiplication or division rounds as strtod does
 * (Clinger 1990). Nearly every number that programs print is such a one; the others are left to strtod.
 */
#include "number.h"

static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

enum { POWER_MAX = ARRAY_SIZE(powers) - 1, DIGITS_MAX = 18 };

struct decimal {
	uint64_t digits; /* the first DIGITS_MAX significant ones */
	int n_digits;    /* significant ones, up to DIGITS_MAX + 1 */
	int exponent;
	bool any;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *read_digits(struct decimal *d, const char *s, const char *end, int step)
{
	for (; s < end && is_digit(*s); s++) {
		d->any = true;
		d->exponent += step;
		if (!d->n_digits && *s == '0')
			continue;
		if (d->n_digits < DIGITS_MAX)
			d->digits = d->digits * 10 + (uint64_t)(*s - '0');
		d->n_digits += d->n_digits <= DIGITS_MAX;
	}
	return s;
}

/* An exponent is one only when digits follow: "5e" is 5 of unit "e". */
static const char *read_exponent(struct decimal *d, const char *s, const char *end)
{
	const char *p = s + 1;
	bool minus = p < end && *p == '-';
	int n = 0;

	if (s == end || (*s != 'e' && *s != 'E'))
		return s;
	p += p < end && (*p == '+' || *p == '-');
	if (p == end || !is_digit(*p))
		return s;
	for (; p < end && is_digit(*p); p++)
		n = MIN(n * 10 + (*p - '0'), 100000);
	d->exponent += minus ? -n : n;
	return p;
}

static double slow(const char *s, size_t len)
{
	char small[64];

	if (len < sizeof(small)) {
		memcpy(small, s, len);
		small[len] = '\0';
		return strtod(small, NULL);
	}
	cleanup(freep) char *copy = xstrndup(s, len);
	return strtod(copy, NULL);
}

const char *number_read(double *out, const char *s, const char *end)
{
	struct decimal d = { 0 };
	const char *start = s;
	bool minus = s < end && *s == '-';

	s += s < end && (*s == '-' || *s == '+');
	s = read_digits(&d, s, end, 0);
	if (s < end && *s == '.')
		s = read_digits(&d, s + 1, end, -1);
	if (!d.any)
		return NULL;
	s = read_exponent(&d, s, end);
	if (d.n_digits > DIGITS_MAX || d.digits >> 53 || d.exponent < -POWER_MAX || d.exponent > POWER_MAX) {
		*out = slow(start, (size_t)(s - start));
		return s;
	}
	double n = (double)d.digits;
	n = d.exponent < 0 ? n / powers[-d.exponent] : n * powers[d.exponent];
	*out = minus ? -n : n;
	return s;
}
