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
