/* SPDX-License-Identifier: Apache-2.0 */
/* [[HOST/]NAMESPACE/]TYPE as terraform reads it: any case, and what is left out is registry.terraform.io/hashicorp. */
#include <ctype.h>

#include "providers.h"

enum { PARTS = 3 };

static bool valid_part(const char *part, size_t len, bool host)
{
	if (!len || part[0] == '-' || part[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)part[i];

		/* international names have a plain form, and look-alikes do not help anybody */
		if (!isalnum(c) && c != '-' && !(host && (c == '.' || c == ':')))
			return false;
		if (!host && c == '-' && part[i - 1] == '-')
			return false;
	}
	return !host || memchr(part, '.', len) || memchr(part, ':', len) ||
		(len == 9 && strncasecmp(part, "localhost", len) == 0);
}

const char *provider_source(struct arena *arena, const char *text, struct mrp_err *err)
{
	static const char *const defaults[PARTS] = { "registry.terraform.io", "hashicorp", NULL };
	const char *parts[PARTS];
	size_t lens[PARTS], n = 0;

	for (const char *at = text;; at++) {
		size_t len = strcspn(at, "/");

		if (n == PARTS || !valid_part(at, len, n == 0 && strchr(text, '/') != strrchr(text, '/')))
			goto invalid;
		parts[n] = at;
		lens[n++] = len;
		at += len;
		if (!*at)
			break;
	}
	for (size_t missing = PARTS - n; n < PARTS; n++) {
		memmove(parts + 1, parts, (PARTS - 1) * sizeof(*parts));
		memmove(lens + 1, lens, (PARTS - 1) * sizeof(*lens));
		parts[0] = defaults[--missing];
		lens[0] = strlen(parts[0]);
	}
	char *whole = arena_printf(
		arena, "%.*s/%.*s/%.*s", (int)lens[0], parts[0], (int)lens[1], parts[1], (int)lens[2], parts[2]);
	for (char *c = whole; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	/* what nothing is said about is the one in every terraform */
	if (streq(whole, "registry.terraform.io/hashicorp/terraform") && !strchr(text, '/'))
		return TERRAFORM_BUILTIN;
	return whole;

invalid:
	mrp_err_set(err, MRP_EINVALID, "'%s' is not the source of a provider (like hashicorp/aws)", text);
	return NULL;
}
