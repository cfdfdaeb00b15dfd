/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages over HTTP by libmicrohttpd, in one thread. A page is made piece by piece as it is sent, compressed when the
 * client takes that, so a slow reader costs a piece of memory and not a page.
 *
 * Whoever can reach the port may ask; the places are few, and a connection that does nothing, or an answer that takes
 * too long to be read, is closed.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <time.h>
#include <zlib.h>

#include "../base/log.h"
#include "server.h"

enum {
	CONNECTIONS_MAX = 32,
	PER_ADDRESS_MAX = 16, /* one machine cannot keep all others away */
	IDLE_SECONDS = 10,
	ANSWER_SECONDS = 60,
	BLOCK_BYTES = 32 << 10,
	CONNECTION_MEMORY = BLOCK_BYTES + (16 << 10),
	GZIP_LEVEL = 1,
	GZIP_WINDOW = 15 + 16, /* the largest, in a gzip wrapper */
};

struct page_server {
	struct MHD_Daemon *daemon;
	struct page_source source;
	char *index;
};

/* A page on its way. */
struct sending {
	const struct page_source *source;
	void *page;
	struct strbuf piece;
	size_t at; /* in the piece */
	bool gzip, ended;
	z_stream z;
	time_t end;
};

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Something of the page to send; false at its end. */
static bool refill(struct sending *s)
{
	while (s->at == s->piece.len) {
		s->at = 0;
		strbuf_reset(&s->piece);
		if (!s->source->next(s->page, &s->piece))
			return false;
	}
	return true;
}

static size_t send_plain(struct sending *s, char *buf, size_t max)
{
	size_t n = 0;

	while (n < max && refill(s)) {
		size_t len = MIN(max - n, s->piece.len - s->at);

		memcpy(buf + n, s->piece.buf + s->at, len);
		s->at += len;
		n += len;
	}
	return n;
}

static size_t send_gzip(struct sending *s, char *buf, size_t max)
{
	s->z.next_out = (Bytef *)buf;
	s->z.avail_out = (uInt)max;
	while (s->z.avail_out && !s->ended) {
		bool more = refill(s);

		s->z.next_in = (Bytef *)s->piece.buf + s->at;
		s->z.avail_in = (uInt)(s->piece.len - s->at);
		s->ended = deflate(&s->z, more ? Z_NO_FLUSH : Z_FINISH) == Z_STREAM_END;
		s->at = s->piece.len - s->z.avail_in;
	}
	return max - s->z.avail_out;
}

static ssize_t on_send(void *ctx, uint64_t position, char *buf, size_t max)
{
	struct sending *s = ctx;

	(void)position;
	if (now() > s->end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t n = s->gzip ? send_gzip(s, buf, max) : send_plain(s, buf, max);
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_sent(void *ctx)
{
	struct sending *s = ctx;

	s->source->end(s->page);
	strbuf_release(&s->piece);
	if (s->gzip)
		deflateEnd(&s->z);
	free(s);
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct MHD_Response *page_response(struct page_server *server, struct MHD_Connection *connection)
{
	static const char *const types[] = {
		[EXPOSITION_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
		[EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
	};
	enum exposition exposition = exposition_negotiate(header_of(connection, "Accept"));
	struct sending *s = xcalloc(1, sizeof(*s));

	strbuf_init(&s->piece);
	s->end = now() + ANSWER_SECONDS;
	s->gzip = gzip_accepted(header_of(connection, "Accept-Encoding")) &&
		deflateInit2(&s->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK;
	s->source = &server->source;
	s->page = s->source->begin(s->source->ctx, exposition);
	struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_send, s, on_sent);
	if (!r) {
		on_sent(s);
		return NULL;
	}
	MHD_add_response_header(r, "Content-Type", types[exposition]);
	MHD_add_response_header(r, "Vary", "Accept, Accept-Encoding");
	if (s->gzip)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	return r;
}

static struct MHD_Response *text_response(const char *type, const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);

	if (r)
		MHD_add_response_header(r, "Content-Type", type);
	return r;
}

#define INDEX_PAGE                                                                         \
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>%s</title></head>\n<body>\n"      \
	"<h1>%s</h1>\n<ul>\n<li><a href=\"/metrics\">Metrics</a></li>\n"                      \
	"<li><a href=\"/healthz\">Health</a></li>\n</ul>\n</body>\n</html>\n"

static struct MHD_Response *route(unsigned *status, struct page_server *server, struct MHD_Connection *connection,
	const char *path, const char *method)
{
	bool page = streq(path, "/metrics"), health = streq(path, "/healthz"), index = streq(path, "/");

	*status = MHD_HTTP_NOT_FOUND;
	if (!page && !health && !index)
		return text_response("text/plain; charset=utf-8", "not found; there are /metrics and /healthz\n");
	*status = MHD_HTTP_METHOD_NOT_ALLOWED;
	if (!streq(method, "GET") && !streq(method, "HEAD")) {
		struct MHD_Response *r = text_response("text/plain; charset=utf-8", "only GET and HEAD\n");

		if (r)
			MHD_add_response_header(r, "Allow", "GET, HEAD");
		return r;
	}
	*status = MHD_HTTP_OK;
	if (page)
		return page_response(server, connection);
	return health ? text_response("text/plain; charset=utf-8", "ok\n")
		      : text_response("text/html; charset=utf-8", server->index);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path, const char *method,
	const char *version, const char *data, size_t *size, void **con_cls)
{
	static int seen;
	unsigned status;

	(void)version, (void)data;
	if (!*con_cls) { /* the headers; a body follows, or nothing */
		*con_cls = &seen;
		return MHD_YES;
	}
	if (*size) { /* nobody wants it */
		*size = 0;
		return MHD_YES;
	}
	struct MHD_Response *r = route(&status, ctx, connection, path, method);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	enum MHD_Result result = MHD_queue_response(connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static void on_log(void *ctx, const char *fmt, va_list ap) PRINTF(2, 0);
static void on_log(void *ctx, const char *fmt, va_list ap)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	(void)ctx;
	strbuf_vaddf(&text, fmt, ap);
	while (text.len && text.buf[text.len - 1] == '\n')
		strbuf_setlen(&text, text.len - 1);
	log_debug("metrics: %s", text.buf);
}

static struct page_server *start(const struct page_source *source, int fd, struct mrp_err *err)
{
	struct page_server *server = xcalloc(1, sizeof(*server));

	server->source = *source;
	server->index = xasprintf(INDEX_PAGE, source->title, source->title);
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL,
		NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)PER_ADDRESS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (server->daemon)
		return server;
	mrp_err_errno(err, "cannot start the server of metrics");
	free(server->index);
	free(server);
	return NULL;
}

static void stop(struct page_server *server)
{
	/* else it would close the socket, which is not its own */
	MHD_quiesce_daemon(server->daemon);
	MHD_stop_daemon(server->daemon);
	free(server->index);
	free(server);
}

extern const struct page_server_ops mhd_page_server_ops;
const struct page_server_ops mhd_page_server_ops = { .start = start, .stop = stop };
