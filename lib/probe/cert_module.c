/* SPDX-License-Identifier: Apache-2.0 */
#include "cert.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

/* Seconds until it ends; false when its date makes no sense. */
static bool time_left(int64_t *out, const X509 *cert)
{
	int days, secs;

	if (!cert || !ASN1_TIME_diff(&days, &secs, NULL, X509_get0_notAfter(cert)))
		return false;
	*out = days * INT64_C(86400) + secs;
	return true;
}

static void format_time(char out[32], const X509 *cert)
{
	struct tm tm;

	out[0] = '\0';
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void format_name(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());

	out[0] = '\0';
	if (!bio)
		return;
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	int n = BIO_read(bio, out, (int)size - 1);
	out[MAX(n, 0)] = '\0';
	BIO_free(bio);
}

void cert_read(struct cert_info *cert, const struct ssl_st *ssl)
{
	STACK_OF(X509) *chain = SSL_get_verify_result(ssl) == X509_V_OK ? SSL_get0_verified_chain(ssl) : NULL;
	const X509 *first = SSL_get0_peer_certificate(ssl), *peer = first;
	int64_t left;

	*cert = (struct cert_info){ .protocol = SSL_get_version(ssl), .cipher = SSL_get_cipher_name(ssl) };
	cert->known = time_left(&cert->left_s, peer);
	if (!cert->known)
		return;
	for (int i = 0; chain && i < sk_X509_num(chain); i++) {
		if (time_left(&left, sk_X509_value(chain, i)) && left < cert->left_s) {
			cert->left_s = left;
			first = sk_X509_value(chain, i);
		}
	}
	format_time(cert->ends, first);
	format_name(cert->subject, sizeof(cert->subject), X509_get_subject_name(peer));
	format_name(cert->issuer, sizeof(cert->issuer), X509_get_issuer_name(peer));
}

void cert_report(struct check *check, const struct cert_info *cert)
{
	if (!cert->known)
		return;
	check_value(check, "certificate_validity", "s", (double)cert->left_s);
	check_detail(check, "TLS: %s, %s", cert->protocol, cert->cipher);
	check_detail(check, "certificate: %s, by %s", cert->subject, cert->issuer);
	check_detail(check, "certificate valid until: %s", cert->ends);
}

const char *cert_verify_text(long code)
{
	switch (code) {
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "its certificate is not valid yet";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "its certificate has expired";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return "its certificate is not signed by a CA known here";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "its certificate is self-signed, by no CA known here";
	case X509_V_ERR_CERT_REVOKED:
		return "its certificate was revoked";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "its certificate is for another name";
	default:
		return NULL;
	}
}
