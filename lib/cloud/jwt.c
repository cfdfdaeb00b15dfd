/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt.h"

#include <inttypes.h>

#include "../value/json.h"

void jwt_add_base64url(struct strbuf *out, const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = MIN((size_t)3, len - i);
		uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);

		for (size_t k = 0; k <= n; k++)
			strbuf_addch(out, digits[bits >> (18 - 6 * k) & 63]);
	}
}

static void add_member(struct strbuf *json, const char *name, const char *value)
{
	strbuf_addf(json, "\"%s\":", name);
	json_add_string(json, value, strlen(value));
}

int jwt_make(struct strbuf *out, const struct jwt_claims *claims, const struct jwt_ops *ops, struct jwt_key *key,
	struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf header = STRBUF_INIT, payload = STRBUF_INIT, signature = STRBUF_INIT;
	size_t begin = out->len;

	strbuf_addstr(&header, "{\"typ\":\"JWT\",\"alg\":\"PS256\",");
	add_member(&header, "kid", claims->key_id);
	strbuf_addch(&header, '}');
	strbuf_addch(&payload, '{');
	add_member(&payload, "iss", claims->issuer);
	strbuf_addch(&payload, ',');
	add_member(&payload, "aud", claims->audience);
	strbuf_addf(&payload, ",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", claims->issued_at, claims->expires_at);

	jwt_add_base64url(out, header.buf, header.len);
	strbuf_addch(out, '.');
	jwt_add_base64url(out, payload.buf, payload.len);
	if (ops->sign_ps256(&signature, key, out->buf + begin, out->len - begin, err) < 0)
		return -1;
	strbuf_addch(out, '.');
	jwt_add_base64url(out, signature.buf, signature.len);
	return 0;
}
