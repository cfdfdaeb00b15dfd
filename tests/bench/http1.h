/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of HTTP/1.1 answers for the load generator: it is given bytes as they come from a
 * socket and says when an answer is complete. It understands what a server may send to a
 * client that never pipelines: Content-Length, chunked, 1xx before the answer, and answers
 * that end with the connection. Bodies are skipped unless they are asked for.
 */
#ifndef BENCH_HTTP1_H
#define BENCH_HTTP1_H

#include <stdbool.h>
#include <stddef.h>

enum http1_state {
	HTTP1_STATUS_LINE,
	HTTP1_HEADER,
	HTTP1_BODY,        /* `left` bytes of it */
	HTTP1_BODY_TO_END, /* until the connection is closed */
	HTTP1_CHUNK_SIZE,
	HTTP1_CHUNK,     /* `left` bytes of it */
	HTTP1_CHUNK_END, /* the empty line after a chunk */
	HTTP1_TRAILER,
	HTTP1_DONE,
};

struct http1 {
	enum http1_state state;
	int status;
	bool chunked, has_length;
	bool close;     /* the server closes the connection after this answer */
	bool keep_body; /* set by the caller: all of the body, else only the start of an error's */
	size_t left;
	char line[1024]; /* a header line as far as it has come; the rest of a long one is dropped */
	size_t line_len;
	char *body; /* kept part, with a NUL after it */
	size_t body_len, body_size;
};

/* Get ready for the next answer; allocated memory is used again. */
void http1_start(struct http1 *http);

/*
 * Take bytes of an answer. Returns how many were used, which is all of them unless the answer
 * ended before, or -1 when this is not HTTP.
 */
long http1_feed(struct http1 *http, const char *data, size_t len);

/* The server closed the connection. Returns whether the answer is complete with that. */
bool http1_end(struct http1 *http);

void http1_release(struct http1 *http);

#endif
