/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <sys/random.h>

static const char prefix[] = "mrp_";
static const char digits[62 + 1] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void format_number(char *out, size_t n_digits, const uint8_t *bytes, size_t n_bytes)
{
	uint8_t number[TOKEN_BYTES];

	memcpy(number, bytes, n_bytes);
	/* long division by 62, the last digit first */
	for (size_t i = n_digits; i-- > 0;) {
		unsigned rest = 0;

		for (size_t k = 0; k < n_bytes; k++) {
			unsigned part = rest << 8 | number[k];

			number[k] = (uint8_t)(part / 62);
			rest = part % 62;
		}
		out[i] = digits[rest];
	}
	explicit_bzero(number, sizeof(number));
}

static void checksum(char out[TOKEN_CHECK], const char *text)
{
	uint8_t hash[SHA256_BYTES];

	sha256_of(hash, text, TOKEN_LEN - TOKEN_CHECK);
	format_number(out, TOKEN_CHECK, hash, 4);
}

void token_format(char out[TOKEN_LEN + 1], const uint8_t bits[TOKEN_BYTES])
{
	memcpy(out, prefix, strlen(prefix));
	format_number(out + strlen(prefix), TOKEN_DIGITS, bits, TOKEN_BYTES);
	checksum(out + TOKEN_LEN - TOKEN_CHECK, out);
	out[TOKEN_LEN] = '\0';
}

bool token_well_formed(const char *text)
{
	char check[TOKEN_CHECK];

	if (strnlen(text, TOKEN_LEN + 1) != TOKEN_LEN || !skip_prefix(text, prefix, NULL))
		return false;
	checksum(check, text);
	return memcmp(check, text + TOKEN_LEN - TOKEN_CHECK, TOKEN_CHECK) == 0;
}

void token_hash(uint8_t out[SHA256_BYTES], const uint8_t key[TOKEN_KEY_BYTES], const char *text)
{
	hmac_sha256_of(out, key, TOKEN_KEY_BYTES, text, strlen(text));
}

static int random_bytes(void *out, size_t len, struct mrp_err *err)
{
	/* up to 256 bytes come whole, and once the kernel has gathered enough randomness they always come */
	if (getrandom(out, len, 0) != (ssize_t)len)
		return mrp_err_errno(err, "cannot get random bytes");
	return 0;
}

int token_make(char text[TOKEN_LEN + 1], int64_t *id, struct store_conn *conn, struct token_row *row,
	struct mrp_err *err)
{
	uint8_t bits[TOKEN_BYTES], key[TOKEN_KEY_BYTES];
	int r = -1;

	if (random_bytes(key, sizeof(key), err) == 0 && random_bytes(bits, sizeof(bits), err) == 0 &&
		token_key_set(key, conn, key, err) == 0) {
		token_format(text, bits);
		token_hash(row->hash, key, text);
		r = token_insert(id, conn, row, err);
	}
	explicit_bzero(bits, sizeof(bits));
	explicit_bzero(key, sizeof(key));
	return r;
}
