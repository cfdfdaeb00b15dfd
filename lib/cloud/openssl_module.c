/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys and signatures by OpenSSL, whose own memory of a key is cleared when the key is freed. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "jwt.h"

enum { MIN_BITS = 2048, SALT_BYTES = 32 };

/* OpenSSL would ask on the terminal for the password of an encrypted key. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf, (void)size, (void)writing, (void)ctx;
	return -1;
}

static void free_key(struct jwt_key *key)
{
	EVP_PKEY_free((EVP_PKEY *)key);
}

static struct jwt_key *load_key(const char *pem, size_t len, struct mrp_err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)MIN(len, (size_t)INT32_MAX));
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error(); /* its texts may quote the input */
	if (!key) {
		mrp_err_set(err, MRP_EINVALID, "it is no private key in PEM without a password");
	} else if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "RSA-PSS")) {
		mrp_err_set(err, MRP_EINVALID, "it is a key of another kind than RSA");
	} else if (EVP_PKEY_get_bits(key) < MIN_BITS) {
		mrp_err_set(
			err, MRP_EINVALID, "it has %d bits, at least %d are needed", EVP_PKEY_get_bits(key), MIN_BITS);
	} else {
		return (struct jwt_key *)key;
	}
	EVP_PKEY_free(key);
	return NULL;
}

static bool set_up(EVP_MD_CTX *md, EVP_PKEY *key)
{
	EVP_PKEY_CTX *pss = NULL; /* belongs to md */

	return EVP_DigestSignInit(md, &pss, EVP_sha256(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pss, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_mgf1_md(pss, EVP_sha256()) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pss, SALT_BYTES) == 1;
}

static int sign_ps256(struct strbuf *signature, struct jwt_key *key, const void *data, size_t len, struct mrp_err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t room = (size_t)EVP_PKEY_get_size((EVP_PKEY *)key);

	strbuf_grow(signature, room);
	bool done = md && set_up(md, (EVP_PKEY *)key) &&
		EVP_DigestSign(md, (unsigned char *)signature->buf + signature->len, &room, data, len) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	if (!done)
		return mrp_err_set(err, MRP_EFAILED, "cannot sign by PS256");
	strbuf_setlen(signature, signature->len + room);
	return 0;
}

const struct jwt_ops mrp_openssl_jwt = { load_key, free_key, sign_ps256 };
