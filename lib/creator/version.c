/* SPDX-License-Identifier: Apache-2.0 */
#include "version.h"

#include <ctype.h>

struct version {
	int64_t part[3];
	int parts;       /* how many were written */
	char suffix[64]; /* prerelease; "" for a release */
};

/* Digits without a useless zero, of a number that cannot overflow. */
static bool read_part(int64_t *part, const char **at)
{
	const char *start = *at;

	for (*part = 0; isdigit((unsigned char)**at); (*at)++) {
		if (*at - start >= 15)
			return false;
		*part = *part * 10 + (**at - '0');
	}
	return *at > start && (*start != '0' || *at == start + 1);
}

/* Up to the end of the text. What follows a '+' says nothing about order. */
static bool read_suffix(struct version *version, const char *at)
{
	const char *start = at + (*at == '-');
	size_t len = strcspn(start, "+");

	version->suffix[0] = '\0';
	if (*at == '-') {
		if (!len || len >= sizeof(version->suffix))
			return false;
		memcpy(version->suffix, start, len);
		version->suffix[len] = '\0';
	} else
		len = 0;
	for (const char *c = start; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.' && c != start + len)
			return false;
	}
	return start[len] == '\0' || (start[len] == '+' && start[len + 1]);
}

static bool read_version(struct version *version, const char *at)
{
	*version = (struct version){ 0 };
	do {
		if (version->parts == 3 || !read_part(&version->part[version->parts++], &at))
			return false;
	} while (*at == '.' && at++);
	return (*at == '\0' || ((*at == '-' || *at == '+') && version->parts == 3)) && read_suffix(version, at);
}

bool version_valid(const char *text)
{
	struct version version;

	return read_version(&version, text) && version.parts == 3;
}

static int compare(const struct version *a, const struct version *b)
{
	for (int i = 0; i < 3; i++) {
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	}
	return 0;
}

/* ~> 1.2.3 moves the last part that is written, ~> 1 and ~> 1.2 the second. */
static bool pessimistic(const struct version *version, const struct version *bound)
{
	return compare(version, bound) >= 0 && version->part[0] == bound->part[0] &&
		(bound->parts < 3 || version->part[1] == bound->part[1]);
}

static bool known_sign(const char *sign)
{
	static const char *const signs[] = { "", "=", "!=", ">", ">=", "<", "<=", "~>" };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (streq(sign, signs[i]))
			return true;
	}
	return false;
}

static bool meets(const struct version *version, const char *sign, const struct version *bound)
{
	int order = compare(version, bound);
	bool same = order == 0 && streq(version->suffix, bound->suffix);

	if (streq(sign, "") || streq(sign, "="))
		return same;
	if (streq(sign, "!="))
		return !same;
	/* ranges speak about releases */
	if (version->suffix[0])
		return false;
	if (streq(sign, "~>"))
		return pessimistic(version, bound);
	if (streq(sign, ">="))
		return order >= 0;
	if (streq(sign, "<"))
		return order < 0 && !bound->suffix[0];
	if (streq(sign, ">"))
		return order > 0 || (order == 0 && bound->suffix[0]);
	return order < 0 || (order == 0 && !bound->suffix[0]);
}

/* One of the list: a sign and a version, with spaces where people put them. */
static bool read_bound(char sign[3], struct version *bound, const char *at, size_t len)
{
	char text[100];
	size_t n;

	while (len && *at == ' ')
		at++, len--;
	while (len && at[len - 1] == ' ')
		len--;
	n = strspn(at, "=!<>~");
	if (n > 2 || n >= len || len >= sizeof(text))
		return false;
	memcpy(sign, at, n);
	sign[n] = '\0';
	if (!known_sign(sign))
		return false;
	at += n, len -= n;
	while (len && *at == ' ')
		at++, len--;
	memcpy(text, at, len);
	text[len] = '\0';
	return read_version(bound, text);
}

int constraint_admits(bool *admits, const char *constraint, const char *version_text, struct mrp_err *err)
{
	struct version version, bound;
	bool all = true;
	char sign[3];

	if (!read_version(&version, version_text))
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not a version", version_text);
	for (const char *at = constraint;; at++) {
		size_t len = strcspn(at, ",");

		if (!read_bound(sign, &bound, at, len))
			return mrp_err_set(
				err, MRP_EPARSE, "'%s' is not a version constraint (like \"~> 1.2\")", constraint);
		all = all && meets(&version, sign, &bound);
		at += len;
		if (!*at)
			break;
	}
	*admits = all;
	return 0;
}
