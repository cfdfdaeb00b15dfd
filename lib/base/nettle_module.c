/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>

#include "hash_ops.h"

_Static_assert(sizeof(struct sha256_ctx) <= SHA256_CTX_BYTES, "nettle's context fits");
_Static_assert(_Alignof(struct sha256_ctx) <= _Alignof(uint64_t), "nettle's context is aligned");
_Static_assert(BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) == 44, "length of the base64 text");

static void init(void *ctx)
{
	sha256_init(ctx);
}

static void update(void *ctx, size_t len, const uint8_t *data)
{
	sha256_update(ctx, len, data);
}

static void digest(void *ctx, size_t len, uint8_t *out)
{
	sha256_digest(ctx, len, out);
}

static void hmac(uint8_t *out, const void *key, size_t key_len, const void *data, size_t len)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, key_len, key);
	hmac_sha256_update(&ctx, len, data);
	hmac_sha256_digest(&ctx, SHA256_DIGEST_SIZE, out);
	explicit_bzero(&ctx, sizeof(ctx));
}

const struct hash_ops mrp_nettle_hash = {
	.init = init,
	.update = update,
	.digest = digest,
	.hmac = hmac,
	.base64 = base64_encode_raw,
	.equal = memeql_sec,
};
