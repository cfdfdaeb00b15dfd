/* SPDX-License-Identifier: Apache-2.0 */
#include "redact_forms.h"

#include <ctype.h>

#include "../base/text.h"

struct receiver {
	void (*each)(void *ctx, const char *form, size_t len);
	void *ctx;
};

static void give(const struct receiver *to, struct strbuf *form)
{
	to->each(to->ctx, form->buf, form->len);
	explicit_bzero(form->buf, form->len);
	strbuf_release(form);
}

enum { JSON_PLAIN, JSON_HTML, JSON_ASCII, JSON_SLASHES, JSON_HCL, JSON_WAYS };

/* The code point of a valid sequence. */
static uint32_t code_point(const char *s, size_t len)
{
	uint32_t c = (unsigned char)*s & (0xffU >> (len + 1));

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static void add_unicode(struct strbuf *out, uint32_t c)
{
	if (c >= 0x10000) {
		c -= 0x10000;
		strbuf_addf(out, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
	} else {
		strbuf_addf(out, "\\u%04x", c);
	}
}

/* One of `len` bytes, when `left` are left. */
static void add_json_char(struct strbuf *out, const char *s, size_t len, size_t left, int way)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = *s ? strchr(special, *s) : NULL;

	if (len > 1 && (way == JSON_ASCII || (way == JSON_HTML && code_point(s, len) >> 1 == 0x2028 >> 1)))
		add_unicode(out, code_point(s, len));
	else if (len > 1)
		strbuf_add(out, s, len);
	else if (found)
		strbuf_addf(out, "\\%c", letters[found - special]);
	else if ((unsigned char)*s < 0x20 || (way == JSON_HTML && strchr("<>&", *s)))
		strbuf_addf(out, "\\u%04x", (unsigned char)*s);
	else if (way == JSON_SLASHES && *s == '/')
		strbuf_addstr(out, "\\/");
	else if (way == JSON_HCL && (*s == '$' || *s == '%') && left > 1 && s[1] == '{')
		strbuf_addf(out, "%c%c", *s, *s);
	else
		strbuf_addch(out, *s);
}

/* As libraries write strings: nothing beyond what must be; as Go does, and so terraform, with <, > and & escaped; in
 * ASCII only; with slashes escaped; and as HCL, where "${" and "%{" begin templates. `more` times again: JSON within
 * JSON. */
static void give_json(const struct receiver *to, const char *secret, size_t len, int more)
{
	for (int way = 0; way < JSON_WAYS; way++) {
		struct strbuf form = STRBUF_INIT;

		for (size_t i = 0, n; i < len; i += n) {
			n = utf8_sequence(secret + i, len - i);
			n = n ? n : 1;
			add_json_char(&form, secret + i, n, len - i, way);
		}
		if (more && form.len != len) /* escapes only make it longer */
			give_json(to, form.buf, form.len, more - 1);
		give(to, &form);
	}
}

/* RFC 3986: unreserved characters stay; some libraries leave more; a space may be '+' in queries; hex digits come in
 * both cases. */
static void give_url(const struct receiver *to, const char *secret, size_t len)
{
	static const char *const plain[] = { "-._~", "-._~/", "-._~!*'()", "-._~$&+,/:;=@", "-._*" };

	for (size_t way = 0; way < ARRAY_SIZE(plain) * 4; way++) {
		const char *digits = way & 1 ? "0123456789abcdef" : "0123456789ABCDEF";
		struct strbuf form = STRBUF_INIT;

		for (size_t i = 0; i < len; i++) {
			unsigned char c = (unsigned char)secret[i];

			if (isascii(c) && (isalnum(c) || (c && strchr(plain[way / 4], c))))
				strbuf_addch(&form, (char)c);
			else if (c == ' ' && way & 2)
				strbuf_addch(&form, '+');
			else
				strbuf_addf(&form, "%%%c%c", digits[c >> 4], digits[c & 15]);
		}
		give(to, &form);
	}
}

/* Three bytes are four digits, so a secret within something larger is spelled in one of three ways, by how many bytes
 * are before it; its first and last digit depend on the neighbours then, and are left out. With nothing around, it is
 * the first way with its last digits, which cover less than a byte of it more. */
static void give_base64(const struct receiver *to, const char *secret, size_t len)
{
	static const char *const digits[] = { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" };

	for (size_t way = 0; way < 6; way++) {
		size_t before = way % 3, first = (before * 8 + 5) / 6, end = (before + len) * 8 / 6;
		struct strbuf form = STRBUF_INIT;

		for (size_t digit = first; digit < end; digit++) {
			size_t bit = digit * 6 - before * 8, i = bit / 8;
			unsigned two = (unsigned)(unsigned char)secret[i] << 8 |
				(i + 1 < len ? (unsigned char)secret[i + 1] : 0);

			strbuf_addch(&form, digits[way / 3][two >> (10 - bit % 8) & 63]);
		}
		give(to, &form);
	}
}

static void give_all(const struct receiver *to, const char *secret, size_t len)
{
	to->each(to->ctx, secret, len);
	give_json(to, secret, len, 1);
	give_url(to, secret, len);
	give_base64(to, secret, len);
}

/* Brackets alone on a line tell nothing, and would hide too much. */
static bool tells_something(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] >= 0x80 || isalnum((unsigned char)line[i]))
			return true;
	}
	return false;
}

/* Programs indent, prefix and wrap what they print: each line stands for itself. */
static void give_lines(const struct receiver *to, const char *secret, size_t len)
{
	const char *end = secret + len;

	while (secret < end) {
		const char *stop = memchr(secret, '\n', (size_t)(end - secret)), *next = stop ? stop + 1 : end;

		stop = stop ? stop : end;
		while (secret < stop && isspace((unsigned char)*secret))
			secret++;
		while (secret < stop && isspace((unsigned char)stop[-1]))
			stop--;
		if (tells_something(secret, (size_t)(stop - secret)))
			give_all(to, secret, (size_t)(stop - secret));
		secret = next;
	}
}

void redact_each_form(const char *secret, size_t len, void (*each)(void *ctx, const char *form, size_t len), void *ctx)
{
	const struct receiver to = { each, ctx };

	give_all(&to, secret, len);
	if (len &&
		(memchr(secret, '\n', len) || isspace((unsigned char)*secret) ||
			isspace((unsigned char)secret[len - 1])))
		give_lines(&to, secret, len);
}
