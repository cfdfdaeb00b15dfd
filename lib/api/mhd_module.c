/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd in front of the API: one thread that accepts, reads, runs reads and sends. A write suspends its
 * connection until the writer's thread has it on disk, so the thread goes on with others - unless there are none.
 */
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "httpd.h"

enum {
	CONNECTIONS_MAX = 1000,
	IDLE_TIMEOUT_S = 60,
	SPARE_MAX = 64,             /* exchanges kept for the next request */
	KEEP_BUFFER_MAX = 64 << 10, /* bytes of request body that a kept exchange may hold on to */
	BODIES_MAX = 512 << 20,     /* bytes of request bodies held at one time */
	ALONE_BODY_MAX = 64 << 10,  /* bytes of a body that is quickly written */
	CONNECTION_MEMORY = API_HEADERS_MAX + API_TARGET_MAX,
};

struct httpd {
	struct api *api;
	struct MHD_Daemon *daemon;
	atomic_int in_flight, writing;
	atomic_bool stopping;
	struct exchange *spare;
	int n_spare;
	size_t body_bytes;
};

/* One request and its response. */
struct exchange {
	struct httpd *httpd;
	struct api_call *call;
	struct MHD_Connection *connection;
	struct strbuf target, body, joined[HDR_COUNT];
	size_t max, counted; /* bytes a body may have; bytes added to httpd->body_bytes */
	bool begun, too_large, full;
	atomic_bool written;
	struct exchange *next;
};

static struct exchange *exchange_get(struct httpd *httpd)
{
	struct exchange *x = httpd->spare;

	if (x) {
		httpd->spare = x->next;
		httpd->n_spare--;
	} else {
		x = xcalloc(1, sizeof(*x));
		x->httpd = httpd;
		x->call = api_call_new(httpd->api);
		strbuf_init(&x->target);
		strbuf_init(&x->body);
		for (int i = 0; i < HDR_COUNT; i++)
			strbuf_init(&x->joined[i]);
	}
	atomic_fetch_add(&httpd->in_flight, 1);
	return x;
}

static void exchange_free(struct exchange *x)
{
	api_call_free(x->call);
	strbuf_release(&x->target);
	strbuf_release(&x->body);
	for (int i = 0; i < HDR_COUNT; i++)
		strbuf_release(&x->joined[i]);
	free(x);
}

static void exchange_put(struct exchange *x)
{
	struct httpd *httpd = x->httpd;

	httpd->body_bytes -= x->counted;
	atomic_fetch_sub(&httpd->in_flight, 1);
	if (httpd->n_spare >= SPARE_MAX || x->body.alloc > KEEP_BUFFER_MAX) {
		exchange_free(x);
		return;
	}
	strbuf_reset(&x->body);
	for (int i = 0; i < HDR_COUNT; i++)
		strbuf_reset(&x->joined[i]);
	x->counted = 0;
	x->begun = x->too_large = x->full = false;
	atomic_store(&x->written, false);
	x->next = httpd->spare;
	httpd->spare = x;
	httpd->n_spare++;
}

/* Called with each request line, before anything else: MHD's own parsing would lose the target as it was sent. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = exchange_get(ctx);

	x->connection = connection;
	strbuf_reset(&x->target);
	strbuf_addstr(&x->target, target);
	api_call_reset(x->call);
	return x;
}

static void on_completed(
	void *ctx, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode why)
{
	(void)ctx, (void)connection, (void)why;
	if (*con_cls)
		exchange_put(*con_cls);
	*con_cls = NULL;
}

static enum MHD_Result take_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct exchange *x = ctx;
	const char **headers = api_call_request(x->call)->headers;

	(void)kind;
	for (int i = 0; i < HDR_COUNT && value; i++) {
		if (strcasecmp(name, api_header_names[i]) != 0)
			continue;
		if (headers[i]) { /* repeated: one list, as RFC 9110 has it */
			struct strbuf *joined = &x->joined[i];

			if (!joined->len)
				strbuf_addstr(joined, headers[i]);
			strbuf_addf(joined, ", %s", value);
			value = joined->buf;
		}
		headers[i] = value;
		break;
	}
	return MHD_YES;
}

static void free_body(void *body)
{
	free(body);
}

static void add_headers(struct MHD_Response *r, const struct api_response *response, bool closing)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ "Content-Type", response->content_type },
		{ "ETag", response->etag },
		{ "Location", response->location },
		{ "Allow", response->allow },
		{ "Cache-Control", response->cache_control },
		{ "Content-Security-Policy", response->csp },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Request-Id", response->request_id },
		{ "Connection", closing ? "close" : NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		if (headers[i].value)
			MHD_add_response_header(r, headers[i].name, headers[i].value);
	}
	if (response->retry_after_s) {
		char text[16];

		snprintf(text, sizeof(text), "%d", response->retry_after_s);
		MHD_add_response_header(r, "Retry-After", text);
	}
}

static enum MHD_Result send_response(struct exchange *x)
{
	struct api_response *response = api_call_response(x->call);
	size_t len = response->body.len;
	struct MHD_Response *r;

	api_answered(x->call);
	if (len) /* the buffer goes with the response, without a copy */
		r = MHD_create_response_from_buffer_with_free_callback(
			len, strbuf_detach(&response->body, NULL), free_body);
	else
		r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	if (!r)
		return MHD_NO;
	add_headers(r, response, x->too_large || atomic_load(&x->httpd->stopping));
	enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)response->status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result refuse(struct exchange *x)
{
	char why[64];

	snprintf(why, sizeof(why), "the body is larger than %zu bytes", x->max);
	if (x->too_large)
		api_refuse(x->call, MRP_ETOOBIG, why);
	else
		api_refuse(x->call, MRP_EBUSY, "too many large requests at one time");
	return send_response(x);
}

/* The first call for a request: its headers are there. */
static enum MHD_Result begin(struct exchange *x, const char *method)
{
	struct api_request *request = api_call_request(x->call);
	const char *length = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Content-Length");

	x->begun = true;
	request->method = method;
	request->target = x->target.buf;
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, x);
	x->max = api_body_max(method, x->target.buf);
	if (!length || strtoull(length, NULL, 10) <= x->max)
		return MHD_YES;
	x->too_large = true;
	return refuse(x);
}

/* Collect the body. What is over the limit is read and dropped for a while, so that a client that sends before it reads
 * gets its answer, then the connection is cut. */
static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *size)
{
	size_t len = *size;

	*size = 0;
	if (x->too_large || x->full) {
		x->counted += len;
		x->httpd->body_bytes += len;
		return x->counted <= 2 * x->max + (1 << 20) ? MHD_YES : MHD_NO;
	}
	x->counted += len;
	x->httpd->body_bytes += len;
	x->too_large = x->body.len + len > x->max;
	x->full = x->httpd->body_bytes > BODIES_MAX;
	if (x->too_large || x->full)
		strbuf_release(&x->body);
	else
		strbuf_add(&x->body, data, len);
	return MHD_YES;
}

static void on_written(void *ctx)
{
	struct exchange *x = ctx;

	struct httpd *httpd = x->httpd;

	atomic_store(&x->written, true);
	MHD_resume_connection(x->connection);
	atomic_fetch_sub(&httpd->writing, 1);
}

/* With a single connection open, nobody else has to wait while this thread commits. */
static bool alone(const struct exchange *x)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(x->httpd->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info && info->num_connections == 1 && x->body.len <= ALONE_BODY_MAX;
}

static enum MHD_Result run(struct exchange *x)
{
	struct api_request *request = api_call_request(x->call);

	if (x->too_large || x->full) {
		return refuse(x);
	}
	request->body = x->body.buf;
	request->body_len = x->body.len;
	if (api_begin(x->call) == API_DONE)
		return send_response(x);
	if (alone(x) && api_write_here(x->call))
		return send_response(x);
	atomic_fetch_add(&x->httpd->writing, 1);
	MHD_suspend_connection(x->connection); /* before the writer may resume it */
	api_submit(x->call, on_written, x);
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **con_cls)
{
	struct exchange *x = *con_cls;

	(void)ctx, (void)connection, (void)url, (void)version;
	if (!x->begun)
		return begin(x, method);
	if (*size)
		return take_body(x, data, size);
	return atomic_load(&x->written) ? send_response(x) : run(x);
}

static void on_log(void *ctx, const char *fmt, va_list ap) PRINTF(2, 0);
static void on_log(void *ctx, const char *fmt, va_list ap)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	(void)ctx;
	strbuf_vaddf(&text, fmt, ap);
	while (text.len && text.buf[text.len - 1] == '\n')
		strbuf_setlen(&text, text.len - 1);
	log_debug("http: %s", text.buf);
}

static void on_panic(void *ctx, const char *file, unsigned line, const char *reason)
{
	(void)ctx;
	mrp_bug(file, (int)line, "%s", reason ? reason : "libmicrohttpd gave up");
}

/* Targets are decoded by the API itself, from what on_target got. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *connection, char *s)
{
	(void)ctx, (void)connection;
	return strlen(s);
}

static struct httpd *httpd_start(struct api *api, int listen_fd, struct mrp_err *err)
{
	struct httpd *httpd = xcalloc(1, sizeof(*httpd));

	httpd->api = api;
	MHD_set_panic_func(on_panic, NULL);
	httpd->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, httpd, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
		listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, httpd,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
	if (httpd->daemon)
		return httpd;
	mrp_err_errno(err, "cannot start the HTTP server");
	free(httpd);
	return NULL;
}

static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void httpd_stop(struct httpd *httpd, int64_t grace_ms)
{
	int64_t end = monotonic_ms() + grace_ms;
	int fd = MHD_quiesce_daemon(httpd->daemon);

	atomic_store(&httpd->stopping, true);
	if (fd >= 0)
		close(fd);
	/* a write always ends, and its connection cannot be closed before */
	while (atomic_load(&httpd->writing) || (atomic_load(&httpd->in_flight) && monotonic_ms() < end))
		poll(NULL, 0, 10);
	MHD_stop_daemon(httpd->daemon);
	for (struct exchange *x = httpd->spare, *next; x; x = next) {
		next = x->next;
		exchange_free(x);
	}
	free(httpd);
}

extern const struct httpd_ops mhd_httpd_ops;
const struct httpd_ops mhd_httpd_ops = {
	.start = httpd_start,
	.stop = httpd_stop,
};
