/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, globs, nearest words: questions about text that need no allocation. */
#ifndef MRP_BASE_TEXT_H
#define MRP_BASE_TEXT_H

#include "base.h"

/* Bytes (1-4) of the valid UTF-8 sequence at s, or 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
size_t utf8_sequence(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);
/* Terminal columns of valid UTF-8 text, counting each code point as one, combining marks as none. */
size_t utf8_columns(const char *s, size_t len);

/* Shell glob (fnmatch(3)); a glob without a slash matches names, '/' is matched literally only. */
bool glob_match(const char *glob, const char *text);
/* For paths: as glob_match, and a part that is two stars stands for any number of folders, at the end for everything
 * beneath. */
bool glob_match_path(const char *glob, const char *path);

/* The word of `words` nearest to `text` (optimal string alignment), or NULL when none is near enough to be what was
 * meant. Borrowed from words. */
const char *nearest_word(const char *text, const char *const *words, size_t n);

/* ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ */
bool slug_valid(const char *s, size_t len);

#endif
