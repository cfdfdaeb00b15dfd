/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of what a client takes, with weights: "a/b;version=1;q=0.5, c/d" (RFC 9110, 12.4 and 12.5). */
#include "server.h"

#include <strings.h>

struct choice {
	const char *name; /* lower or upper case, not terminated */
	size_t len;
	double q; /* 0: not acceptable */
};

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* 0.000 to 1.000; anything else counts as 1, as if it had not been said. */
static double read_weight(const char *s)
{
	double q = 0, step = 0.1;

	if (s[0] != '0')
		return 1;
	if (s[1] == '.') {
		for (s += 2; *s >= '0' && *s <= '9'; s++, step /= 10)
			q += (*s - '0') * step;
	}
	return q;
}

/* The next of the list at *at. False: there is none. */
static bool next_choice(struct choice *out, const char **at)
{
	const char *s = *at + strspn(*at, " \t,");

	if (!*s)
		return false;
	*out = (struct choice){ s, strcspn(s, " \t,;"), 1 };
	for (s += out->len; *(s = skip_blanks(s)) == ';'; s += strcspn(s, ",;")) {
		s = skip_blanks(s + 1);
		if (strncasecmp(s, "q=", 2) == 0)
			out->q = read_weight(s + 2);
	}
	*at = s + strcspn(s, ",");
	return true;
}

static bool is(const struct choice *choice, const char *name)
{
	return strlen(name) == choice->len && strncasecmp(choice->name, name, choice->len) == 0;
}

enum exposition exposition_negotiate(const char *accept)
{
	static const char *const text_names[] = { "*/*", "text/*",
		"text/plain" }; /* the last one that is there counts */
	double openmetrics = 0, text[ARRAY_SIZE(text_names)] = { -1, -1, -1 }, plain = 0;
	struct choice choice;

	while (accept && next_choice(&choice, &accept)) {
		if (is(&choice, "application/openmetrics-text"))
			openmetrics = MAX(openmetrics, choice.q);
		for (size_t i = 0; i < ARRAY_SIZE(text_names); i++) {
			if (is(&choice, text_names[i]))
				text[i] = MAX(text[i], choice.q);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(text_names); i++)
		plain = text[i] >= 0 ? text[i] : plain;
	return openmetrics > 0 && openmetrics >= plain ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS;
}

bool gzip_accepted(const char *accept_encoding)
{
	double gzip = -1, any = 0;
	struct choice choice;

	while (accept_encoding && next_choice(&choice, &accept_encoding)) {
		if (is(&choice, "gzip") || is(&choice, "x-gzip"))
			gzip = choice.q;
		else if (is(&choice, "*"))
			any = choice.q;
	}
	return (gzip >= 0 ? gzip : any) > 0;
}
