/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's emitter is not used: it knows nothing of the 1.2 core schema, so it would have to be told the style of every
 * scalar anyway, and it folds lines. Every text takes the first of these forms that holds it: plain, a literal block, in
 * double quotes with escapes. Whether plain does is decided by an allow list; quotes in doubt cost nothing.
 */
#include "yaml_write.h"

#include "../base/text.h"
#include "json.h"
#include "yaml_scalar.h"

#include <ctype.h>
#include <strings.h>

enum {
	STEP = 2,      /* of indentation */
	MAX_KEY = 128, /* libyaml wants a key before ':' within 1024 bytes; above this "? key" is easier to read anyway */
};

/* Code points that may stand unescaped: what YAML calls printable, without its other line breaks and byte order marks. */
static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff);
}

/* The code point at s, whose length in bytes is *n; a byte of broken UTF-8 counts for itself, with *n = 0. */
static uint32_t code_point(const char *s, size_t len, size_t *n)
{
	const unsigned char *u = (const unsigned char *)s;

	*n = utf8_sequence(s, len);
	switch (*n) {
	case 2:
		return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
	case 3:
		return (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
	case 4:
		return (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
	default:
		return u[0];
	}
}

static bool all_printable(const char *s, size_t len, bool lines)
{
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t c = code_point(s + i, len - i, &n);

		if (!n || !(is_printable(c) || (lines && (c == '\n' || c == '\t'))))
			return false;
	}
	return true;
}

/* What other readers, by YAML 1.1, take for no text: booleans, times, dates, numbers with '_' or ':'. */
static bool looks_like_more(const char *s, size_t len)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };
	size_t dots = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(s, words[i]) == 0)
			return true;
	}
	if (!strchr("0123456789+-.", s[0]))
		return false;
	if (s[0] == '0' && len > 1 && strchr("bBoOxX", s[1]))
		return true;
	for (size_t i = 0; i < len; i++)
		dots += s[i] == '.';
	/* with two dots it is an address or a version */
	return dots < 2 && strspn(s, "0123456789_:+-.,eETtZz ") == len;
}

static bool fits_plain(const char *s, size_t len)
{
	struct value meaning = { 0 };

	if (!len || !all_printable(s, len, false))
		return false;
	if (strchr("-?:,[]{}#&*!|>'\"%@`=<~ ", s[0]) && !(s[0] == '-' && (isalnum((unsigned char)s[1]) || (s[1] == '-' && s[2] != '-'))))
		return false;
	if (s[len - 1] == ' ' || s[len - 1] == ':' || strstr(s, ": ") || strstr(s, " #"))
		return false;
	if (skip_prefix(s, "...", NULL) || looks_like_more(s, len))
		return false;
	return yaml_scalar_resolve(&meaning, s, len) == SCALAR_OK && meaning.type == V_STRING;
}

static void add_quoted(struct strbuf *out, const char *s, size_t len)
{
	strbuf_addch(out, '"');
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		uint32_t c = code_point(s + i, len - i, &n);

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", (char)c);
		else if (c == '\n')
			strbuf_addstr(out, "\\n");
		else if (c == '\t')
			strbuf_addstr(out, "\\t");
		else if (n && is_printable(c))
			strbuf_add(out, s + i, n);
		else
			strbuf_addf(out, c < 0x100 ? "\\x%02X" : "\\u%04X", c);
	}
	strbuf_addch(out, '"');
}

/* A text of lines that a literal block shows as it is, without indentation or chomping to puzzle over. */
static bool fits_literal(const char *s, size_t len)
{
	if (!memchr(s, '\n', len) || strchr(" \t\n", s[0]) || !all_printable(s, len, true))
		return false;
	if (len > 1 && s[len - 1] == '\n' && s[len - 2] == '\n')
		return false;
	return s[len - 1] != ' ' && !strstr(s, " \n");
}

static void add_literal(struct strbuf *out, const char *s, size_t len, size_t indent)
{
	bool ends = s[len - 1] == '\n';

	strbuf_addstr(out, ends ? "|" : "|-");
	len -= ends;
	for (size_t at = 0; at <= len;) {
		const char *end = memchr(s + at, '\n', len - at);
		size_t n = end ? (size_t)(end - s) - at : len - at;

		strbuf_addch(out, '\n');
		if (n)
			strbuf_addchars(out, ' ', indent);
		strbuf_add(out, s + at, n);
		at += n + 1;
	}
}

static void add_key(struct strbuf *out, const char *s)
{
	size_t len = strlen(s);

	if (fits_plain(s, len))
		strbuf_add(out, s, len);
	else
		add_quoted(out, s, len);
}

static void add_string(struct strbuf *out, const struct value *v, size_t indent)
{
	if (v->flags & (VF_ENV | VF_FILE))
		strbuf_addstr(out, v->flags & VF_ENV ? "!env " : "!file ");
	if (fits_plain(v->s, v->n))
		strbuf_add(out, v->s, v->n);
	else if (fits_literal(v->s, v->n))
		add_literal(out, v->s, v->n, indent);
	else
		add_quoted(out, v->s, v->n);
}

static void add_real(struct strbuf *out, double r)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	size_t whole;

	json_add_number(&text, r);
	whole = 1 + strspn(text.buf + 1, "0123456789");
	strbuf_add(out, text.buf, whole);
	/* without a point a number beyond 64 bits is a whole one that is too large, and 1e+20 is text to YAML 1.1 */
	if (text.buf[whole] != '.')
		strbuf_addstr(out, ".0");
	strbuf_addstr(out, text.buf + whole);
}

static void add_value(struct strbuf *out, const struct value *v, size_t indent, bool on_line);

/* A member's or item's value after its ':' or '-'. `inline_child`: a child may begin on the same line ("- - 1"). */
static void add_child(struct strbuf *out, const struct value *v, size_t indent, bool inline_child)
{
	bool nested = (v->type == V_ARRAY || v->type == V_OBJECT) && v->n;

	if (!nested || inline_child)
		strbuf_addch(out, ' ');
	add_value(out, v, indent, !nested || inline_child);
}

static void add_object(struct strbuf *out, const struct value *v, size_t indent, bool on_line)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		bool explicit = strlen(m->key) > MAX_KEY;

		if (i || !on_line) {
			strbuf_addch(out, '\n');
			strbuf_addchars(out, ' ', indent);
		}
		if (explicit)
			strbuf_addstr(out, "? ");
		add_key(out, m->key);
		if (explicit) {
			strbuf_addch(out, '\n');
			strbuf_addchars(out, ' ', indent);
		}
		strbuf_addch(out, ':');
		add_child(out, m->value, indent + STEP, explicit);
	}
}

static void add_array(struct strbuf *out, const struct value *v, size_t indent, bool on_line)
{
	for (uint32_t i = 0; i < v->n; i++) {
		if (i || !on_line) {
			strbuf_addch(out, '\n');
			strbuf_addchars(out, ' ', indent);
		}
		strbuf_addch(out, '-');
		add_child(out, v->items[i], indent + STEP, true);
	}
}

/* `indent` is that of the value's own lines; `on_line`: the first of them is begun already. */
static void add_value(struct strbuf *out, const struct value *v, size_t indent, bool on_line)
{
	switch ((enum value_type)v->type) {
	case V_NULL:
		strbuf_addstr(out, "null");
		break;
	case V_BOOL:
		strbuf_addstr(out, v->b ? "true" : "false");
		break;
	case V_INT:
		strbuf_addf(out, "%lld", (long long)v->i);
		break;
	case V_REAL:
		add_real(out, v->r);
		break;
	case V_STRING:
		add_string(out, v, indent);
		break;
	case V_ARRAY:
		if (v->n)
			add_array(out, v, indent, on_line);
		else
			strbuf_addstr(out, "[]");
		break;
	case V_OBJECT:
		if (v->n)
			add_object(out, v, indent, on_line);
		else
			strbuf_addstr(out, "{}");
		break;
	}
}

void value_to_yaml(struct strbuf *out, const struct value *v)
{
	/* the root's own lines have no indentation, but the lines of a literal block need some */
	add_value(out, v, v->type == V_STRING ? STEP : 0, true);
	strbuf_addch(out, '\n');
}
