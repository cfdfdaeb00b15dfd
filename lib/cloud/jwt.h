/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens (RFC 7519) signed by PS256 (RFC 7518 section 3.5). The arithmetic is OpenSSL's, in a module. */
#ifndef MRP_CLOUD_JWT_H
#define MRP_CLOUD_JWT_H

#include "../base/err.h"

struct jwt_key;

/* What the module `openssl` exports as "mrp_openssl_jwt". */
struct jwt_ops {
	/* An RSA key of at least 2048 bits in PEM; text before the PEM is passed over. No message holds any of it. */
	struct jwt_key *(*load_key)(const char *pem, size_t len, struct mrp_err *err);
	void (*free_key)(struct jwt_key *key);
	/* RSASSA-PSS with SHA-256, MGF1 with SHA-256, a salt of 32 bytes; appended to `signature`. */
	int (*sign_ps256)(
		struct strbuf *signature, struct jwt_key *key, const void *data, size_t len, struct mrp_err *err);
};

extern const struct jwt_ops mrp_openssl_jwt;

/* base64url without padding (RFC 4648 section 5); appended. */
void jwt_add_base64url(struct strbuf *out, const void *data, size_t len);

struct jwt_claims {
	const char *key_id;            /* kid */
	const char *issuer, *audience; /* iss, aud */
	int64_t issued_at, expires_at; /* iat, exp: seconds since 1970 */
};

/* header.claims.signature; appended. */
int jwt_make(struct strbuf *out, const struct jwt_claims *claims, const struct jwt_ops *ops, struct jwt_key *key,
	struct mrp_err *err);

#endif
