/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte string. `buf` is never NULL and always has a NUL after `len` bytes, also just after STRBUF_INIT.
 * Contents may hold NUL bytes when added by length. Release with strbuf_release (fits cleanup()).
 */
#ifndef MRP_BASE_STRBUF_H
#define MRP_BASE_STRBUF_H

#include "base.h"

struct strbuf {
	char *buf;
	size_t len;
	size_t alloc; /* 0: buf is the shared empty string */
};

extern char strbuf_empty[1];

#define STRBUF_INIT { strbuf_empty, 0, 0 }

void strbuf_init(struct strbuf *sb);
void strbuf_release(struct strbuf *sb);
/* Make room for `extra` more bytes and the NUL. */
void strbuf_grow(struct strbuf *sb, size_t extra);
void strbuf_setlen(struct strbuf *sb, size_t len);
static inline void strbuf_reset(struct strbuf *sb)
{
	strbuf_setlen(sb, 0);
}
void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
static inline void strbuf_addch(struct strbuf *sb, char c)
{
	if (sb->len + 2 > sb->alloc)
		strbuf_grow(sb, 1);
	sb->buf[sb->len++] = c;
	sb->buf[sb->len] = '\0';
}
void strbuf_addchars(struct strbuf *sb, char c, size_t n);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF(2, 3);
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap) PRINTF(2, 0);
/* Outside text for people: broken UTF-8, control characters and those that turn the direction of text become \xNN,
 * so that a terminal obeys none of it. */
void strbuf_add_visible(struct strbuf *sb, const char *s, size_t len);
/* The contents as a malloc'ed string, yours to free; the strbuf is empty afterwards. */
char *strbuf_detach(struct strbuf *sb, size_t *len);

#endif
