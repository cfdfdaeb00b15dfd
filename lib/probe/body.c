/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <ctype.h>
#include <regex.h>

static void release_regex(regex_t *regex)
{
	regfree(regex);
}

static int compile(regex_t *regex, const char *text, const char *shown, struct mrp_err *err)
{
	char why[128];
	int code = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);

	if (code == 0)
		return 0;
	regerror(code, regex, why, sizeof(why));
	memset(regex, 0, sizeof(*regex));
	return mrp_err_set(err, MRP_EINVALID, "'%s' is no regular expression: %s", shown, why);
}

/* The larger number of "{2}", "{2,}", "{2,5}"; 1 when these are not repeats. */
static unsigned long repeats(const char *p)
{
	char *end;
	unsigned long least, most;

	if (!isdigit((unsigned char)p[1]) && p[1] != ',')
		return 1;
	least = strtoul(p + 1, &end, 10);
	most = *end == ',' && isdigit((unsigned char)end[1]) ? strtoul(end + 1, NULL, 10) : least;
	return MAX(MAX(least, most), 1UL);
}

/* glibc writes repeats out, so nested ones take memory by their product; and a back-reference makes it try all ways. */
static int check_cost(const char *regex, struct mrp_err *err)
{
	unsigned long product = 1;

	for (const char *p = regex; *p; p++) {
		if (*p == '\\' && p[1]) {
			if (p[1] >= '1' && p[1] <= '9')
				return mrp_err_set(err, MRP_EINVALID,
					"'%s' has a back-reference, which could take for ever", regex);
			p++;
		} else if (*p == '{') {
			unsigned long n = repeats(p);

			if (n > REGEX_REPEATS_MAX || product * n > REGEX_REPEATS_MAX)
				return mrp_err_set(err, MRP_EINVALID, "'%s' has repeats that multiply to more than %d",
					regex, (int)REGEX_REPEATS_MAX);
			product *= n;
		}
	}
	return 0;
}

/* Tied to the beginning: then there is one place to start from, where it would be as many as there are bytes, and the
 * time is no product. */
static int compile_tied(regex_t *regex, const char *text, struct mrp_err *err)
{
	cleanup(freep) char *tied = xasprintf("^.*(%s)", text);

	return compile(regex, tied, text, err);
}

int body_matches(bool *out, const char *body, size_t len, const char *regex, struct mrp_err *err)
{
	cleanup(release_regex) regex_t alone = { 0 }, tied = { 0 };
	cleanup(freep) char *copy = NULL;

	if (check_cost(regex, err) < 0 || compile(&alone, regex, regex, err) < 0 || compile_tied(&tied, regex, err) < 0)
		return -1;
	len = MIN(len, (size_t)BODY_REGEX_MAX);
	copy = xmalloc(len + 1);
	memcpy(copy, body, len);
	copy[len] = '\0';
	for (char *p = memchr(copy, '\0', len); p; p = memchr(p, '\0', (size_t)(copy + len - p)))
		*p = ' '; /* where a string would end */
	*out = regexec(&tied, copy, 0, NULL, 0) == 0;
	return 0;
}
