/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <ctype.h>
#include <fnmatch.h>

size_t utf8_sequence(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n;
	uint32_t code, least;

	if (!len)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] < 0xe0)
		n = 2, code = u[0] & 0x1f, least = 0x80;
	else if (u[0] >= 0xe0 && u[0] < 0xf0)
		n = 3, code = u[0] & 0x0f, least = 0x800;
	else if (u[0] >= 0xf0 && u[0] < 0xf5)
		n = 4, code = u[0] & 0x07, least = 0x10000;
	else
		return 0;
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (u[i] & 0x3f);
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return n;
}

bool utf8_valid(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

size_t utf8_columns(const char *s, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(s + i, len - i);
		unsigned char c = (unsigned char)s[i], d = n > 1 ? (unsigned char)s[i + 1] : 0;
		bool combining = n == 2 && (c == 0xcc || (c == 0xcd && d < 0xb0)); /* U+0300-U+036F */

		columns += !combining;
		i += n ? n : 1;
	}
	return columns;
}

bool glob_match(const char *glob, const char *text)
{
	return fnmatch(glob, text, FNM_PATHNAME) == 0;
}

static bool match_part(const char *glob, size_t glob_len, const char *text, size_t text_len)
{
	cleanup(freep) char *glob_part = xstrndup(glob, glob_len), *part = xstrndup(text, text_len);

	return fnmatch(glob_part, part, FNM_PATHNAME) == 0;
}

/* Folder by folder. Only the last two-star part is tried again, one folder further on: each other part takes exactly one
 * folder, so when an earlier one fits somewhere, its first place is as good as any. That keeps bad globs cheap. */
bool glob_match_path(const char *glob, const char *path)
{
	const char *again_glob = NULL, *again_path = NULL;

	if (!strstr(glob, "**"))
		return fnmatch(glob, path, FNM_PATHNAME) == 0;
	while (!streq(glob, "**")) {
		if (skip_prefix(glob, "**/", &glob)) {
			again_glob = glob;
			again_path = path;
			continue;
		}
		size_t glob_len = strcspn(glob, "/"), len = strcspn(path, "/");
		bool last = !path[len];
		if (last == !glob[glob_len] && match_part(glob, glob_len, path, len)) {
			if (last)
				return true;
			glob += glob_len + 1;
			path += len + 1;
			continue;
		}
		const char *slash = again_path ? strchr(again_path, '/') : NULL;
		if (!slash)
			return false;
		glob = again_glob;
		path = again_path = slash + 1;
	}
	return true;
}

/* Edit distance with transpositions, by three rolling rows; words longer than the rows are simply far away. */
static size_t distance(const char *a, const char *b)
{
	enum { MAX_WORD = 64 };
	size_t rows[3][MAX_WORD + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > MAX_WORD || b_len > MAX_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			bool same = a[i - 1] == b[j - 1];
			size_t best = MIN(MIN(last[j] + 1, now[j - 1] + 1), last[j - 1] + !same);

			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, before[j - 2] + 1);
			now[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *nearest_word(const char *text, const char *const *words, size_t n)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX, len = strlen(text);

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(text, words[i]);

		if (len >= 3 && strncmp(text, words[i], len) == 0)
			d = MIN(d, 1); /* an abbreviation */
		if (d < best_distance) {
			best = words[i];
			best_distance = d;
		}
	}
	return best_distance <= (len <= 3 ? 1 : len <= 6 ? 2 : 3) ? best : NULL;
}

bool slug_valid(const char *s, size_t len)
{
	if (len < 1 || len > 63)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');

		if (!alnum && (s[i] != '-' || i == 0 || i == len - 1))
			return false;
	}
	return true;
}
