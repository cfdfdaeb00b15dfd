/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of a list over HTTP: with a token or a client certificate, tried again where that can help, as JSON. */
#ifndef MRP_MEESEEKS_PAGES_H
#define MRP_MEESEEKS_PAGES_H

#include "kube_exec.h"
#include "source.h"

enum { PAGES_MAX = 10000 };

struct pages_options {
	const char *url;
	const char *ca_file;
	const char *token_file;                      /* NULL: token, or iam */
	const char *token;                           /* NULL: iam */
	const struct node_mapping *iam;              /* who asks for an IAM token; NULL: nobody */
	const char *cert_file, *key_file, *tls_name; /* as in struct http_peer_options */
	struct kube_exec *exec;                      /* makes token or certificate; NULL: nobody */
	int64_t timeout_ms;                          /* of a request; 0: a minute */
	const struct http_patience *patience;
};

struct pages;

/* Asks no server. MRP_EUSAGE, MRP_EINVALID. Texts are borrowed. */
struct pages *pages_open(const struct pages_options *options, struct mrp_err *err);
void pages_close(struct pages *pages);

/* GET url + path. The answer's JSON in the arena; NULL: it could not be had (err set), or *expired: the server says
 * that the list which this page belongs to is no more (410 Gone). */
struct value *pages_get(struct pages *pages, const char *path, struct arena *arena, bool *expired, struct mrp_err *err);

#endif
