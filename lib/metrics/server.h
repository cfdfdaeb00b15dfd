/* SPDX-License-Identifier: Apache-2.0 */
/* Between server.c, which knows what to answer, and the module, which speaks HTTP. */
#ifndef MRP_METRICS_SERVER_H
#define MRP_METRICS_SERVER_H

#include "../base/err.h"
#include "metrics.h"

/* What is served at /metrics, in pieces, by one thread. */
struct page_source {
	const char *title; /* of the index page; a literal */
	void *(*begin)(void *ctx, enum exposition exposition);
	bool (*next)(void *page, struct strbuf *out); /* appends; false: there was no more */
	void (*end)(void *page);
	void *ctx;
};

/* As metrics_server_start, for any source, which is copied; ends with metrics_server_stop. */
struct metrics_server *metrics_server_start_for(
	char **url, const struct page_source *source, const char *listen, struct mrp_err *err);

struct page_server;

struct page_server_ops {
	/* Serve on a listening socket, with a thread of its own; the socket stays the caller's. */
	struct page_server *(*start)(const struct page_source *source, int fd, struct mrp_err *err);
	void (*stop)(struct page_server *server);
};

/* What a client would rather have, by its Accept header (RFC 9110, NULL: none): OpenMetrics when it names it and likes
 * it no less than plain text. */
enum exposition exposition_negotiate(const char *accept);
/* Whether it takes gzip, by its Accept-Encoding (NULL: none). */
bool gzip_accepted(const char *accept_encoding);

#endif
