/* SPDX-License-Identifier: Apache-2.0 */
/* What hash.c has from the module `nettle`. A context is a `struct sha256_ctx` of hash.h: memory, for nettle's own. */
#ifndef MRP_BASE_HASH_OPS_H
#define MRP_BASE_HASH_OPS_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_CTX_BYTES = 128 };

/* What the module exports as "mrp_nettle_hash". */
struct hash_ops {
	void (*init)(void *ctx);
	void (*update)(void *ctx, size_t len, const uint8_t *data);
	void (*digest)(void *ctx, size_t len, uint8_t *out);
	void (*hmac)(uint8_t *out, const void *key, size_t key_len, const void *data, size_t len);
	void (*base64)(char *out, size_t len, const uint8_t *data); /* with padding, without NUL */
	int (*equal)(const void *a, const void *b, size_t len);
};

extern const struct hash_ops mrp_nettle_hash;

#endif
