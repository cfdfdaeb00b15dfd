/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What redact_set.c makes and redact.c looks into: all texts that are to be found, by their first three bytes. A bit
 * for each hash of these says whether any begins so.
 */
#ifndef MRP_CREATOR_REDACT_INTERNAL_H
#define MRP_CREATOR_REDACT_INTERNAL_H

#include "redact.h"
#include "redact_shapes.h"

enum { WINDOW = SHAPE_WINDOW, HASH_BITS = 16 };

struct pattern {
	uint32_t hash; /* of its first bytes */
	char *text;
	size_t len;
};

VEC_DEFINE(pattern_vec, struct pattern)

struct redact_set {
	unsigned flags;
	bool first[256]; /* does anything begin with this byte? */
	uint8_t bits[(1 << HASH_BITS) / 8];
	struct pattern_vec patterns; /* by hash */
};

static inline uint32_t hash_of(uint32_t three_bytes)
{
	return (three_bytes * UINT32_C(2654435761)) >> (32 - HASH_BITS);
}

static inline uint32_t hash_window(const char *text)
{
	return hash_of((uint32_t)(unsigned char)text[0] | (uint32_t)(unsigned char)text[1] << 8 |
		(uint32_t)(unsigned char)text[2] << 16);
}

/* The first pattern with that hash, or where it would be. */
size_t redact_find(const struct redact_set *set, uint32_t hash);

#endif
