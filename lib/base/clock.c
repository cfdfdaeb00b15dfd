/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

int64_t time_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void time_text(char out[TIME_TEXT], int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t len = strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));

	snprintf(out + len, TIME_TEXT - len, ".%03dZ", (int)(ms % 1000));
}

void time_format(struct strbuf *out, int64_t ms)
{
	char text[TIME_TEXT];

	time_text(text, ms);
	strbuf_addstr(out, text);
}

void time_format_age(struct strbuf *out, int64_t ms)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	int64_t seconds = MAX(ms, 0) / 1000;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (seconds >= 2 * units[i].seconds || units[i].seconds == 1) {
			strbuf_addf(out, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
			return;
		}
	}
}

int64_t time_parse(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t ms = 0, scale = 100;
	int hours, minutes;
	char sign;

	if (!rest)
		return -1;
	if (*rest == '.') {
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
			ms += (*rest - '0') * scale;
	}
	if (streq(rest, "Z"))
		return (int64_t)timegm(&tm) * 1000 + ms;
	if (strlen(rest) != 6 || sscanf(rest, "%c%2d:%2d", &sign, &hours, &minutes) != 3 || (sign != '+' && sign != '-'))
		return -1;
	return ((int64_t)timegm(&tm) - (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60)) * 1000 + ms;
}
