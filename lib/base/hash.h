/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) and what is made of it, by nettle, which uses the processor's SHA instructions and asks for them
 * when it is loaded. That is dear in a virtual machine, so it is a module. An installation without it is broken: the
 * first call ends the program and says why.
 */
#ifndef MRP_BASE_HASH_H
#define MRP_BASE_HASH_H

#include "base.h"

#include "hash_ops.h"

enum { SHA256_BYTES = 32, SHA256_HEX = 64, SHA256_BASE64 = 44 };

/* A hash in parts: init, any number of updates, digest. Nothing has to be released. */
struct sha256_ctx {
	uint64_t memory[SHA256_CTX_BYTES / sizeof(uint64_t)];
};
void sha256_init(struct sha256_ctx *ctx);
void sha256_update(struct sha256_ctx *ctx, size_t len, const uint8_t *data);
/* The first `len` bytes of the digest, at most SHA256_BYTES. */
void sha256_digest(struct sha256_ctx *ctx, size_t len, uint8_t *out);

void sha256_of(uint8_t out[SHA256_BYTES], const void *data, size_t len);
/* `out` gets 64 lower-case hex digits and a NUL. */
void sha256_to_hex(char out[SHA256_HEX + 1], const uint8_t digest[SHA256_BYTES]);
void sha256_hex_of(char out[SHA256_HEX + 1], const void *data, size_t len);
/* As content security policies and subresource integrity spell it; `out` gets 44 characters and a NUL. */
void sha256_base64_of(char out[SHA256_BASE64 + 1], const void *data, size_t len);
/* HMAC-SHA-256 (RFC 2104). */
void hmac_sha256_of(uint8_t out[SHA256_BYTES], const void *key, size_t key_len, const void *data, size_t len);
/* As memcmp() == 0, but it takes as long wherever the first difference is. */
bool secret_equal(const void *a, const void *b, size_t len);
/* True when s is 64 lower-case hex digits; `out` may be NULL. */
bool sha256_from_hex(uint8_t out[SHA256_BYTES], const char *s);

#endif
