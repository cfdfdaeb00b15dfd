/* SPDX-License-Identifier: Apache-2.0 */
#include "token_cache.h"

#include "../base/arena.h"

VEC_DEFINE(token_vec, struct token_row)

struct token_cache {
	struct token_meta meta;
	bool loaded;
	int64_t checked_us;
	struct token_vec rows; /* by hash */
	struct arena arena;
};

struct token_cache *token_cache_new(void)
{
	return xcalloc(1, sizeof(struct token_cache));
}

void token_cache_free(struct token_cache *cache)
{
	if (!cache)
		return;
	token_vec_clear(&cache->rows);
	arena_release(&cache->arena);
	explicit_bzero(&cache->meta, sizeof(cache->meta));
	free(cache);
}

static int add_row(void *ctx, const struct token_row *row)
{
	struct token_cache *cache = ctx;
	struct token_row copy = *row;

	copy.name = arena_strdup(&cache->arena, row->name);
	copy.cluster = arena_strdup(&cache->arena, row->cluster);
	copy.variables = arena_strdup(&cache->arena, row->variables);
	token_vec_push(&cache->rows, copy);
	return 0;
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(((const struct token_row *)a)->hash, ((const struct token_row *)b)->hash, SHA256_BYTES);
}

int token_cache_refresh(struct token_cache *cache, struct store_conn *conn, int64_t monotonic_us, struct mrp_err *err)
{
	struct token_meta meta;

	if (cache->loaded && monotonic_us - cache->checked_us < TOKENS_STALE_MS * 1000)
		return 0;
	if (token_meta_get(&meta, conn, err) < 0)
		goto fail;
	if (!cache->loaded || meta.generation != cache->meta.generation || meta.any != cache->meta.any) {
		cache->loaded = false;
		cache->rows.n = 0;
		arena_reset(&cache->arena);
		/* the rows may be newer than `meta`: then they are read once more, next time */
		if (token_each(conn, add_row, cache, err) < 0)
			goto fail;
		if (cache->rows.n > 1)
			qsort(cache->rows.v, cache->rows.n, sizeof(*cache->rows.v), compare_hashes);
		cache->meta = meta;
		cache->loaded = true;
	}
	cache->checked_us = monotonic_us;
	return 0;
fail:
	token_cache_expire(cache);
	return -1;
}

void token_cache_expire(struct token_cache *cache)
{
	cache->checked_us = INT64_MIN / 2;
}

bool token_cache_any(const struct token_cache *cache)
{
	return cache->meta.any;
}

/* The search stops where hashes differ, which tells nothing without the key: whoever does not know it cannot choose the
 * hash of what is tried. That it is the very one is then checked in constant time. */
struct token_row *token_cache_find(struct token_cache *cache, const char *text)
{
	struct token_row wanted;

	if (!token_well_formed(text) || !cache->rows.n)
		return NULL;
	token_hash(wanted.hash, cache->meta.key, text);
	struct token_row *row = bsearch(&wanted, cache->rows.v, cache->rows.n, sizeof(*cache->rows.v), compare_hashes);
	return row && secret_equal(row->hash, wanted.hash, SHA256_BYTES) ? row : NULL;
}
