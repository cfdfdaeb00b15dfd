/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	_Alignas(max_align_t) char data[];
};

enum { CHUNK_BYTES = 32 * 1024 - sizeof(struct arena_chunk) - 16, ALIGN = 8 };

static void use_chunk(struct arena *arena, struct arena_chunk *chunk)
{
	arena->now = chunk;
	arena->at = chunk->data;
	arena->end = chunk->data + chunk->size;
}

static void *alloc_from(struct arena *arena, size_t size)
{
	/* after a reset, chunks that are there already come first */
	while (arena->now && arena->now->next) {
		use_chunk(arena, arena->now->next);
		if ((size_t)(arena->end - arena->at) >= size)
			goto out;
	}
	size_t chunk_size = MAX(size, (size_t)CHUNK_BYTES);
	struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + chunk_size);
	chunk->next = NULL;
	chunk->size = chunk_size;
	if (arena->now)
		arena->now->next = chunk;
	else
		arena->first = chunk;
	use_chunk(arena, chunk);
out:;
	void *p = arena->at;
	arena->at += size;
	return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > PTRDIFF_MAX / 2)
		BUG("arena_alloc of %zu bytes", size);
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if ((size_t)(arena->end - arena->at) < size || !arena->at)
		return alloc_from(arena, size);
	void *p = arena->at;
	arena->at += size;
	return p;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	/* most texts fit into what is left, and are then formatted once */
	size_t left = arena->at ? (size_t)(arena->end - arena->at) : 0;
	char *text = arena->at;
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(text, left, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("vsnprintf cannot format '%s'", fmt);
	bool fits = (size_t)n < left;
	text = arena_alloc(arena, (size_t)n + 1);
	if (!fits)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

void arena_reset(struct arena *arena)
{
	if (arena->first)
		use_chunk(arena, arena->first);
}

void arena_release(struct arena *arena)
{
	for (struct arena_chunk *chunk = arena->first, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	*arena = (struct arena)ARENA_INIT;
}
