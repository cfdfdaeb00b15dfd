/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of HTTP/1.1 answers; see http1.h. */
#include "http1.h"
#include "common.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_ERROR_BODY 400 /* bytes kept of an answer that is not 2xx */

void http1_start(struct http1 *http)
{
	http->state = HTTP1_STATUS_LINE;
	http->status = 0;
	http->chunked = http->has_length = http->close = false;
	http->left = http->line_len = http->body_len = 0;
	if (http->body)
		*http->body = '\0';
}

void http1_release(struct http1 *http)
{
	free(http->body);
	*http = (struct http1){ 0 };
}

static void keep(struct http1 *http, const char *data, size_t len)
{
	if (!http->keep_body) {
		if (http->status / 100 == 2 || http->body_len >= MAX_ERROR_BODY)
			return;
		if (len > MAX_ERROR_BODY - http->body_len)
			len = MAX_ERROR_BODY - http->body_len;
	}
	if (http->body_len + len + 1 > http->body_size) {
		http->body_size = (http->body_len + len + 1) * 2;
		http->body = xreallocarray(http->body, http->body_size, 1);
	}
	memcpy(http->body + http->body_len, data, len);
	http->body_len += len;
	http->body[http->body_len] = '\0';
}

/* The value of a header line called `name`, or NULL. */
static const char *header_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

static int take_status_line(struct http1 *http)
{
	const char *line = http->line;

	if (strncmp(line, "HTTP/1.", 7) || strlen(line) < 12 || line[8] != ' ')
		return -1;
	http->status = atoi(line + 9);
	if (http->status < 100 || http->status > 599)
		return -1;
	http->close = line[7] == '0';
	http->state = HTTP1_HEADER;
	return 0;
}

static int take_header(struct http1 *http)
{
	const char *value;
	char *end;

	if ((value = header_value(http->line, "content-length"))) {
		http->left = strtoul(value, &end, 10);
		http->has_length = true;
		return *end ? -1 : 0;
	}
	if ((value = header_value(http->line, "transfer-encoding")))
		http->chunked = !strcasecmp(value, "chunked");
	else if ((value = header_value(http->line, "connection")))
		http->close = !strcasecmp(value, "close");
	return 0;
}

/* The empty line after the headers: what follows? */
static void headers_done(struct http1 *http)
{
	if (http->status < 200)
		http1_start(http);
	else if (http->status == 204 || http->status == 304)
		http->state = HTTP1_DONE;
	else if (http->chunked)
		http->state = HTTP1_CHUNK_SIZE;
	else if (!http->has_length)
		http->state = HTTP1_BODY_TO_END;
	else
		http->state = http->left ? HTTP1_BODY : HTTP1_DONE;
}

static int take_chunk_size(struct http1 *http)
{
	char *end;

	http->left = strtoul(http->line, &end, 16);
	if (end == http->line || (*end && *end != ';' && *end != ' '))
		return -1;
	http->state = http->left ? HTTP1_CHUNK : HTTP1_TRAILER;
	return 0;
}

/* `line` is complete, without its end. */
static int take_line(struct http1 *http)
{
	bool empty = !*http->line;

	switch (http->state) {
	case HTTP1_STATUS_LINE:
		return take_status_line(http);
	case HTTP1_HEADER:
		if (!empty)
			return take_header(http);
		headers_done(http);
		return 0;
	case HTTP1_CHUNK_SIZE:
		return take_chunk_size(http);
	case HTTP1_CHUNK_END:
		http->state = HTTP1_CHUNK_SIZE;
		return empty ? 0 : -1;
	case HTTP1_TRAILER:
		if (empty)
			http->state = HTTP1_DONE;
		return 0;
	default:
		return -1;
	}
}

/* Move bytes to `line`; a whole line is taken. Returns the bytes used, or -1. */
static long feed_line(struct http1 *http, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t n = end ? (size_t)(end - data) : len;
	size_t room = sizeof(http->line) - 1 - http->line_len;
	size_t copied = n < room ? n : room;

	memcpy(http->line + http->line_len, data, copied);
	http->line_len += copied;
	if (!end)
		return (long)n;
	if (http->line_len && http->line[http->line_len - 1] == '\r')
		http->line_len--;
	http->line[http->line_len] = '\0';
	http->line_len = 0;
	return take_line(http) < 0 ? -1 : (long)n + 1;
}

static size_t feed_body(struct http1 *http, const char *data, size_t len)
{
	size_t n = len < http->left ? len : http->left;

	keep(http, data, n);
	http->left -= n;
	if (!http->left)
		http->state = http->state == HTTP1_CHUNK ? HTTP1_CHUNK_END : HTTP1_DONE;
	return n;
}

long http1_feed(struct http1 *http, const char *data, size_t len)
{
	size_t used = 0;
	long n;

	while (used < len && http->state != HTTP1_DONE) {
		switch (http->state) {
		case HTTP1_BODY:
		case HTTP1_CHUNK:
			used += feed_body(http, data + used, len - used);
			break;
		case HTTP1_BODY_TO_END:
			keep(http, data + used, len - used);
			used = len;
			break;
		default:
			n = feed_line(http, data + used, len - used);
			if (n < 0)
				return -1;
			used += (size_t)n;
		}
	}
	return (long)used;
}

bool http1_end(struct http1 *http)
{
	http->close = true;
	if (http->state == HTTP1_BODY_TO_END)
		http->state = HTTP1_DONE;
	return http->state == HTTP1_DONE;
}
