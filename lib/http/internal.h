/* SPDX-License-Identifier: Apache-2.0 */
/* Between http.c, errors.c and peer.c. */
#ifndef MRP_HTTP_INTERNAL_H
#define MRP_HTTP_INTERNAL_H

#include "http.h"

/* "localhost" or an address of the loopback network: never asked for through a proxy. */
bool http_host_is_loopback(const char *host);
/* True when the API is on this machine. */
bool http_is_local(const struct http_client *client);
/* Put "GET http://...: " in front of the message. */
void http_wrap_asked(const struct http_client *client, const struct http_request *request, struct mrp_err *err);
/* Set err from a transfer that brought no whole answer. Returns -1. */
int http_transfer_error(const struct http_client *client, const struct http_request *request,
	const struct wire_transfer *transfer, int tries, struct mrp_err *err);

#endif
