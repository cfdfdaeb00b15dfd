/* SPDX-License-Identifier: Apache-2.0 */
#include "solomon_label.h"

#include <ctype.h>

#include "../base/hash.h"

enum { HASH_DIGITS = 6 };

/* "cluster" and "project" are older names of what is now folderId and cloudId, and still labels of the storage. */
static const char *const reserved[] = { "name", "service", "cluster", "project", "cloudId", "folderId" };

static bool fits_name(char c, bool first)
{
	bool letter = isascii((unsigned char)c) && isalpha((unsigned char)c);

	return letter || (!first && (isdigit((unsigned char)c) || c == '.' || c == '_'));
}

static bool fits_value(char c, bool first)
{
	(void)first;
	return c >= 0x20 && c < 0x7f && !strchr("*?|\"'\\`", c);
}

/* Replace what does not fit and cut; a text that had to be changed ends with '_' and a hash. A first character that
 * does not fit gets `lead` in front instead when there is one. */
static void add_fitted(
	struct strbuf *out, const char *text, size_t max, bool (*fits)(char c, bool first), const char *lead)
{
	cleanup(strbuf_release) struct strbuf fitted = STRBUF_INIT;
	char hash[SHA256_HEX + 1];
	bool changed = false;

	if (!fits(text[0], true))
		strbuf_addstr(&fitted, lead);
	for (const char *p = text; *p; p++) {
		bool ok = fits(*p, fitted.len == 0);

		strbuf_addch(&fitted, ok ? *p : '_');
		changed |= !ok;
	}
	if (!changed && fitted.len <= max) {
		strbuf_add(out, fitted.buf, fitted.len);
		return;
	}
	sha256_hex_of(hash, text, strlen(text));
	strbuf_add(out, fitted.buf, MIN(fitted.len, max - HASH_DIGITS - 1));
	strbuf_addf(out, "_%.*s", HASH_DIGITS, hash);
}

void solomon_add_label_name(struct strbuf *out, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (streq(name, reserved[i])) {
			strbuf_addf(out, "mrprober_%s", name);
			return;
		}
	}
	add_fitted(out, name, SOLOMON_LABEL_NAME_MAX, fits_name, "l");
}

void solomon_add_label_value(struct strbuf *out, const char *value)
{
	add_fitted(out, value, SOLOMON_LABEL_VALUE_MAX, fits_value, "");
}
