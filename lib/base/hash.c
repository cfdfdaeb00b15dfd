/* SPDX-License-Identifier: Apache-2.0 */
#include "hash.h"

#include <stdatomic.h>

#include "module.h"

static const struct hash_ops *load(void)
{
	struct mrp_err err = MRP_ERR_INIT;
	const struct hash_ops *ops = module_table("nettle", "mrp_nettle_hash", &err);

	if (!ops)
		BUG("%s", err.msg);
	return ops;
}

static const struct hash_ops *hash_ops(void)
{
	static const struct hash_ops *_Atomic loaded;
	const struct hash_ops *ops = atomic_load_explicit(&loaded, memory_order_acquire);

	if (!ops) {
		ops = load(); /* the same in each thread */
		atomic_store_explicit(&loaded, ops, memory_order_release);
	}
	return ops;
}

void sha256_init(struct sha256_ctx *ctx)
{
	hash_ops()->init(ctx);
}

void sha256_update(struct sha256_ctx *ctx, size_t len, const uint8_t *data)
{
	hash_ops()->update(ctx, len, data);
}

void sha256_digest(struct sha256_ctx *ctx, size_t len, uint8_t *out)
{
	hash_ops()->digest(ctx, len, out);
}

void sha256_of(uint8_t out[SHA256_BYTES], const void *data, size_t len)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, SHA256_BYTES, out);
}

void sha256_to_hex(char out[SHA256_HEX + 1], const uint8_t digest[SHA256_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[SHA256_HEX] = '\0';
}

void sha256_hex_of(char out[SHA256_HEX + 1], const void *data, size_t len)
{
	uint8_t digest[SHA256_BYTES];

	sha256_of(digest, data, len);
	sha256_to_hex(out, digest);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool sha256_from_hex(uint8_t out[SHA256_BYTES], const char *s)
{
	for (int i = 0; i < SHA256_BYTES; i++) {
		int high = hex_digit(s[2 * i]);
		int low = high < 0 ? -1 : hex_digit(s[2 * i + 1]);

		if (low < 0)
			return false;
		if (out)
			out[i] = (uint8_t)(high << 4 | low);
	}
	return s[SHA256_HEX] == '\0';
}

void sha256_base64_of(char out[SHA256_BASE64 + 1], const void *data, size_t len)
{
	uint8_t digest[SHA256_BYTES];

	sha256_of(digest, data, len);
	hash_ops()->base64(out, sizeof(digest), digest);
	out[SHA256_BASE64] = '\0';
}

void hmac_sha256_of(uint8_t out[SHA256_BYTES], const void *key, size_t key_len, const void *data, size_t len)
{
	hash_ops()->hmac(out, key, key_len, data, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return hash_ops()->equal(a, b, len);
}
