/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text, quickly: a page has some hundred thousand of them. */
#include "lines.h"

#include <math.h>

char *put_uint(char *p, uint64_t n)
{
	char digits[20];
	int len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while (n /= 10);
	while (len)
		*p++ = digits[--len];
	return p;
}

char *put_decimal(char *p, uint64_t n, unsigned digits)
{
	uint64_t scale = 1;

	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	p = put_uint(p, n / scale);
	uint64_t rest = n % scale;
	if (!rest)
		return p;
	*p++ = '.';
	for (scale /= 10; rest; scale /= 10) {
		*p++ = (char)('0' + rest / scale);
		rest %= scale;
	}
	return p;
}

static char *put_word(char *p, const char *word)
{
	size_t len = strlen(word);

	memcpy(p, word, len);
	return p + len;
}

char *put_double(char *p, double d)
{
	double size = fabs(d), millionths = size * 1e6;

	if (isnan(d))
		return put_word(p, "NaN");
	if (isinf(d))
		return put_word(p, d > 0 ? "+Inf" : "-Inf");
	/* below 2^53 both steps are exact or rounded once, as the reader's own step is, so equality is proof enough */
	if (millionths < 0x1p53) {
		uint64_t n = nearest(millionths);

		if ((double)n / 1e6 == size) {
			if (signbit(d))
				*p++ = '-';
			return put_decimal(p, n, 6);
		}
	}
	int len = snprintf(p, NUMBER_MAX, "%.15g", d);
	if (strtod(p, NULL) != d)
		len = snprintf(p, NUMBER_MAX, "%.17g", d);
	return p + len;
}
