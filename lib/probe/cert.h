/* SPDX-License-Identifier: Apache-2.0 */
/* What a TLS connection says about its certificates. Compiled into the modules that use OpenSSL. */
#ifndef MRP_PROBE_CERT_H
#define MRP_PROBE_CERT_H

#include "check.h"

struct ssl_st;

struct cert_info {
	bool known;
	int64_t left_s; /* until the first certificate of the verified chain (unverified: of the peer) ends; may be < 0
			 */
	char ends[32];  /* "2026-11-28T05:22:03Z" */
	char subject[200], issuer[200];
	const char *protocol, *cipher; /* literals of OpenSSL */
};

void cert_read(struct cert_info *cert, const struct ssl_st *ssl);
/* The value certificate_validity, and lines for people. */
void cert_report(struct check *check, const struct cert_info *cert);
/* What X509_V_ERR_... means to people; NULL when OpenSSL's words have to do. */
const char *cert_verify_text(long code);

#endif
