/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate that the server shows, and changes while it runs. A part of the module mhd. */
#ifndef MRP_API_MHD_TLS_H
#define MRP_API_MHD_TLS_H

#include "../base/err.h"
#include "limits.h"

struct tls;

/* TLS 1.2 and 1.3, with forward secrecy and authenticated ciphers only; in GnuTLS's language. */
extern const char tls_priorities[];

/* Reads both PEM files and checks that they belong together. One at a time in a process: libmicrohttpd's callback has
 * no place for whose it is. The expiry goes to `stats`. */
struct tls *tls_new(const char *cert_path, const char *key_path, struct server_stats *stats, struct mrp_err *err);
/* Read them again. -1: they are no good, the old ones stay. Handshakes that go on keep what they have begun with. */
int tls_reload(struct tls *tls, struct mrp_err *err);
/* NULL is fine. */
void tls_free(struct tls *tls);
/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. */
void *tls_callback(void);

#endif
