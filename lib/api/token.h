/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a token: "mrp_", 256 random bits in base 62, six characters of checksum. The prefix lets people and
 * scanners of repositories see what it is; the checksum lets a mistyped or cut one be told from one that is not known.
 *
 * The database has HMAC-SHA-256 of the text under a key of its own. A slow hash as for passwords would add nothing:
 * nobody can try 2^256 texts, however fast each try is; but every request would pay for it. The key makes the hashes of
 * one database useless against another one.
 */
#ifndef MRP_API_TOKEN_H
#define MRP_API_TOKEN_H

#include "../store/tokens.h"

enum {
	TOKEN_BYTES = 32,
	TOKEN_DIGITS = 43, /* of base 62, for 256 bits */
	TOKEN_CHECK = 6,
	TOKEN_LEN = 4 + TOKEN_DIGITS + TOKEN_CHECK,
};

/* The text of these bits. */
void token_format(char out[TOKEN_LEN + 1], const uint8_t bits[TOKEN_BYTES]);
/* Does it look like one? Says nothing about whether it was ever made. */
bool token_well_formed(const char *text);
void token_hash(uint8_t out[SHA256_BYTES], const uint8_t key[TOKEN_KEY_BYTES], const char *text);

/* Make a token as `row` says (id and hash are not looked at) inside a transaction; *id and `text` are the new one's.
 * The text is nowhere else. */
int token_make(char text[TOKEN_LEN + 1], int64_t *id, struct store_conn *conn, struct token_row *row,
	struct mrp_err *err);

/* A running API looks at the table at most this long after a change; who changes it waits as long before it says so, so
 * that what it says is true. */
enum { TOKENS_STALE_MS = 100 };

#endif
