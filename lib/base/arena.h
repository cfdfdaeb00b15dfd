/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives and dies together: a tree parsed from one file, the objects of one request. Nothing is freed by
 * itself; arena_reset keeps the chunks for the next user, arena_release gives them back.
 */
#ifndef MRP_BASE_ARENA_H
#define MRP_BASE_ARENA_H

#include "base.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *first, *now;
	char *at, *end;
};

#define ARENA_INIT { NULL, NULL, NULL, NULL }

/* Aligned to 8 bytes (pointers, int64_t, double); never NULL; contents are not zeroed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_strdup(struct arena *arena, const char *s);
char *arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3);
void arena_reset(struct arena *arena);
void arena_release(struct arena *arena);

#endif
