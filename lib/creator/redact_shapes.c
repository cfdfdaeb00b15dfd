/* SPDX-License-Identifier: Apache-2.0 */
#include "redact_shapes.h"

#include <stdint.h>

enum {
	PARTS_MAX = 3,
	TOKEN_MAX = 8192, /* longer ones are taken in pieces */
	USER_MAX = 1024,
	LABEL_MAX = 40, /* of a PEM */
	ANY = TOKEN_MAX,
};

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char base64url[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
static const char base64[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";
static const char token68[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/";
static const char whole[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+/=";

/* Words with a prefix of their own, in parts between dots; then '=' as padding. */
static const struct token_shape {
	const char *prefix, *digits;
	bool show; /* the prefix, as it says what is hidden */
	struct {
		size_t min, max;
	} parts[PARTS_MAX];
} tokens[] = {
	/* Yandex Cloud documentation, "Secret Scanning Service": IAM tokens, OAuth tokens, API keys, secrets of static
	   keys */
	{ "t1.", base64url, false, { { 10, ANY }, { 60, ANY } } },
	{ "y0_", base64url, false, { { 40, ANY } } },
	{ "AQVN", base64url, false, { { 31, ANY } } },
	{ "YC", base64url, false, { { 38, 38 } } },
	/* a JSON web token: its header begins with {" */
	{ "eyJ", base64url, false, { { 8, ANY }, { 8, ANY }, { 8, ANY } } },
	/* of this API: lib/api/token.h */
	{ "mrp_", base62, false, { { 49, 49 } } },
	{ "ghp_", base62, false, { { 36, ANY } } },
	{ "gho_", base62, false, { { 36, ANY } } },
	{ "ghu_", base62, false, { { 36, ANY } } },
	{ "ghs_", base62, false, { { 36, ANY } } },
	{ "ghr_", base62, false, { { 36, ANY } } },
	{ "github_pat_", base64url, false, { { 22, ANY } } },
	{ "glpat-", base64url, false, { { 20, ANY } } },
	{ "hvs.", base64url, false, { { 24, ANY } } },
	/* RFC 6750, RFC 7617. A word of English after it is shorter */
	{ "Bearer ", token68, true, { { 16, ANY } } },
	{ "bearer ", token68, true, { { 16, ANY } } },
	{ "OAuth ", token68, true, { { 16, ANY } } },
	{ "Basic ", base64, true, { { 16, ANY } } },
};

static const char pem_begin[] = "-----BEGIN ", pem_end[] = "-----END ", pem_dashes[] = "-----", url[] = "://";

void shape_each_beginning(void (*each)(void *ctx, const char window[SHAPE_WINDOW]), void *ctx)
{
	char window[SHAPE_WINDOW];

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		memcpy(window, tokens[i].prefix, 2);
		window[2] = tokens[i].prefix[2];
		if (window[2])
			each(ctx, window);
		for (const char *p = tokens[i].digits; !window[2] && *p; p++) {
			const char more[SHAPE_WINDOW] = { window[0], window[1], *p };

			each(ctx, more);
		}
	}
	each(ctx, pem_begin);
	each(ctx, url);
}

static bool is_one_of(const char *digits, char c)
{
	return c && strchr(digits, c);
}

static size_t span(const char *text, size_t n, const char *digits, size_t max)
{
	size_t len = 0;

	while (len < n && len < max && is_one_of(digits, text[len]))
		len++;
	return len;
}

/* 1: the text begins with it, 0: not, -1: as far as it is there. */
static int begins(const char *text, size_t n, const char *prefix, bool ended)
{
	size_t len = strlen(prefix);

	if (memcmp(text, prefix, MIN(n, len)) != 0)
		return 0;
	return n >= len ? 1 : ended ? 0 : -1;
}

static enum shape_verdict look_for_token(
	struct shape_place *out, const struct token_shape *shape, const char *text, size_t n, bool ended)
{
	size_t at = strlen(shape->prefix), len = 0;
	bool cut = n >= TOKEN_MAX;

	n = cut ? TOKEN_MAX : n;
	ended = ended && !cut;
	out->keep = shape->show ? at : 0;
	for (int i = 0; i < PARTS_MAX && shape->parts[i].min; i++) {
		if (i && at == n)
			return ended || cut ? SHAPE_NONE : SHAPE_MORE;
		if (i && text[at++] != '.')
			return SHAPE_NONE;
		len = span(text + at, n - at, shape->digits, shape->parts[i].max);
		if (at + len == n && !ended && !cut)
			return SHAPE_MORE;
		if (len < shape->parts[i].min)
			return SHAPE_NONE;
		at += len;
	}
	if (len < ANY && at < n && is_one_of(shape->digits, text[at])) /* of exactly that length, and this is longer */
		return SHAPE_NONE;
	at += span(text + at, n - at, "=", 2);
	out->len = at - out->keep;
	if (at == n)
		return ended ? SHAPE_FOUND : cut ? SHAPE_RUNNING : SHAPE_MORE;
	return is_one_of(shape->digits, text[at]) ? SHAPE_RUNNING : SHAPE_FOUND;
}

/* What stands between "://" and '@' and has a ':' in it, or is long, is a password at the end. */
static enum shape_verdict look_for_user(struct shape_place *out, const char *text, size_t n, bool ended)
{
	size_t at = sizeof(url) - 1, colon = 0;

	for (size_t i = at; i < n && i < USER_MAX; i++) {
		char c = text[i];

		if (c == ':' && !colon)
			colon = i + 1;
		if (c == '@') {
			out->keep = colon ? colon : at;
			out->len = i - out->keep;
			return out->len && (colon || out->len >= 16) ? SHAPE_FOUND : SHAPE_NONE;
		}
		if ((unsigned char)c <= ' ' || strchr("/?#\"'<>\\`", c))
			return SHAPE_NONE;
	}
	return ended || n >= USER_MAX ? SHAPE_NONE : SHAPE_MORE;
}

static enum shape_verdict look_for_key(struct shape_place *out, const char *text, size_t n, bool ended)
{
	static const char label_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ", what[] = "PRIVATE KEY";
	size_t at = sizeof(pem_begin) - 1, len = span(text + at, n - at, label_chars, LABEL_MAX);

	if (at + len + sizeof(pem_dashes) - 1 > n && !ended)
		return begins(text + at + len, n - at - len, pem_dashes, false) ? SHAPE_MORE : SHAPE_NONE;
	if (begins(text + at + len, n - at - len, pem_dashes, ended) != 1 ||
		!memmem(text + at, len, what, sizeof(what) - 1))
		return SHAPE_NONE;
	*out = (struct shape_place){ 0, at + len + sizeof(pem_dashes) - 1 };
	return SHAPE_PEM;
}

enum shape_verdict shape_look(struct shape_place *out, const char *text, size_t n, char before, bool ended)
{
	bool inside = is_one_of(base64url, before); /* of a longer word, which is something else */
	enum shape_verdict verdict = SHAPE_NONE;
	int is;

	for (size_t i = 0; i < ARRAY_SIZE(tokens) && !inside; i++) {
		if (*text != *tokens[i].prefix || (is = begins(text, n, tokens[i].prefix, ended)) == 0)
			continue;
		verdict = is < 0 ? SHAPE_MORE : look_for_token(out, &tokens[i], text, n, ended);
		if (verdict != SHAPE_NONE)
			return verdict;
	}
	if ((is = begins(text, n, url, ended)) != 0)
		return is < 0 ? SHAPE_MORE : look_for_user(out, text, n, ended);
	if ((is = begins(text, n, pem_begin, ended)) != 0)
		return is < 0 ? SHAPE_MORE : look_for_key(out, text, n, ended);
	return SHAPE_NONE;
}

size_t shape_run(const char *text, size_t n)
{
	return span(text, n, whole, n);
}

size_t shape_pem(bool *done, const char *text, size_t n, bool ended)
{
	const char *end = memmem(text, n, pem_end, sizeof(pem_end) - 1);

	*done = ended;
	if (ended && !end)
		return n;
	if (!end)
		return n - MIN(n, sizeof(pem_end) - 2); /* what may begin it is not decided */
	const char *from = end + sizeof(pem_end) - 1, *stop = text + n;
	const char *close = memmem(from, MIN((size_t)(stop - from), (size_t)LABEL_MAX + 5), pem_dashes, 5);
	if (!close && !ended && stop - from < LABEL_MAX + 5)
		return (size_t)(end - text);
	*done = true;
	return (size_t)((close ? close + 5 : from) - text);
}
