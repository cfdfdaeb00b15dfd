/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens in memory, so that a request costs a hash and no look into the database. What another process changes is
 * seen within TOKENS_STALE_MS; that a token has expired, at once. Belongs to the thread of api_begin.
 */
#ifndef MRP_API_TOKEN_CACHE_H
#define MRP_API_TOKEN_CACHE_H

#include "token.h"

struct token_cache;

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *cache);
/* Look into the database unless that was done a moment ago. On failure nothing is known: refuse. */
int token_cache_refresh(struct token_cache *cache, struct store_conn *conn, int64_t monotonic_us, struct mrp_err *err);
/* The next refresh looks. */
void token_cache_expire(struct token_cache *cache);
/* True when a token was ever made, whatever became of it. */
bool token_cache_any(const struct token_cache *cache);
/* The row, also when it is revoked or expired; NULL when there is none. Lives until the next refresh. last_used_s may be
 * changed, for the cache alone. */
struct token_row *token_cache_find(struct token_cache *cache, const char *text);

#endif
