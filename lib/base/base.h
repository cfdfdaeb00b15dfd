/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file may use: attributes, scope-bound cleanup, checked allocation, impossible states. It knows nothing
 * above it. Where to read next: err.h (how failures travel), strbuf.h, vec.h, arena.h.
 */
#ifndef MRP_BASE_BASE_H
#define MRP_BASE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banned.h"

#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* cleanup(fn): when the variable's scope ends, fn(&variable) is called. Initialize such a variable where it stands. */
#define cleanup(fn) __attribute__((cleanup(fn)))

/* Hand a scoped pointer out: returns *p and leaves NULL behind, so that cleanup has nothing to do. */
#define steal(p)                                                                                                       \
	({                                                                                                             \
		__typeof__(p) steal_p_ = (p);                                                                          \
		__typeof__(*steal_p_) steal_v_ = *steal_p_;                                                            \
		*steal_p_ = NULL;                                                                                      \
		steal_v_;                                                                                              \
	})

/* Ends the program with the place and abort(): for states that only a bug can bring. */
#define BUG(...) mrp_bug(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void mrp_bug(const char *file, int line, const char *fmt, ...) PRINTF(3, 4);

/* Like malloc and friends, but they never return NULL: out of memory ends the program with one line on stderr. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF(1, 0);

/* For cleanup(freep): frees *(void **)p. */
void freep(void *p);

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* True when s starts with prefix; *rest (may be NULL) is what follows it. */
bool skip_prefix(const char *s, const char *prefix, const char **rest);
bool ends_with(const char *s, const char *suffix);

#endif
