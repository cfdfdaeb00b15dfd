/* SPDX-License-Identifier: Apache-2.0 */
/* Between server.c, which knows what to answer, and the module, which speaks HTTP. */
#ifndef MRP_METRICS_SERVER_H
#define MRP_METRICS_SERVER_H

#include "../base/err.h"
#include "metrics.h"

struct page_server;

struct page_server_ops {
	/* Serve on a listening socket, with a thread of its own; the socket stays the caller's. */
	struct page_server *(*start)(struct metrics *metrics, int fd, struct mrp_err *err);
	void (*stop)(struct page_server *server);
};

/* What a client would rather have, by its Accept header (RFC 9110, NULL: none): OpenMetrics when it names it and likes
 * it no less than plain text. */
enum exposition exposition_negotiate(const char *accept);
/* Whether it takes gzip, by its Accept-Encoding (NULL: none). */
bool gzip_accepted(const char *accept_encoding);

#endif
