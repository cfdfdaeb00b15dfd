/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd in front of the API: a thread that reads, runs reads and sends, and a second one when some listeners
 * speak TLS and others do not. Connections come from front.c. A write suspends its connection until the writer's thread
 * has it on disk, so the thread goes on with others - unless there are none. So do reads that are asked in groups.
 */
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>

#include "../base/log.h"
#include "front.h"
#include "httpd.h"
#include "mhd_tls.h"

enum {
	DROPPED_MAX = 1 << 20,      /* bytes of body of a refused request that are read before it is answered */
	SPARE_MAX = 64,             /* exchanges kept for the next request */
	KEEP_BUFFER_MAX = 64 << 10, /* bytes of request body that a kept exchange may hold on to */
	BODIES_MAX = 512 << 20,     /* bytes of request bodies held at one time */
	ANSWERS_MAX = 256 << 20,    /* bytes of answers that wait to be read, before somebody loses his */
	ALONE_BODY_MAX = 64 << 10,  /* bytes of a body that is quickly written */
	READS_TOGETHER = 4,         /* connections from which on reads go to a thread of their own (measured) */
	/* bytes that a connection may use for its request line and headers, and for those of the answer; libmicrohttpd
	 * clears all of them for each request, and an idle connection keeps them */
	CONNECTION_MEMORY = API_HEADERS_MAX + API_TARGET_MAX + (8 << 10),
	CONNECTIONS_MAX = 1 << 20, /* front.c has the real limit */
};

struct httpd {
	struct api *api;
	struct front *front;
	struct server_stats *stats;
	struct access_log *access_log;
	struct tls *tls;
	struct MHD_Daemon *plain, *secure; /* NULL: no listener needs it */
	pthread_mutex_t lock;              /* the daemons' threads take turns with the API */
	atomic_int in_flight, submitted;
	atomic_bool stopping;
	struct exchange *spare;
	int n_spare;
	size_t body_bytes, answer_bytes;
};

/* One request and its response. */
struct exchange {
	struct httpd *httpd;
	struct api_call *call;
	struct MHD_Connection *connection;
	struct conn *conn;
	struct strbuf target, body, joined[HDR_COUNT];
	size_t max, counted; /* bytes a body may have; bytes added to httpd->body_bytes */
	size_t answer_bytes;
	enum server_limit over; /* LIMIT_COUNT: none */
	bool begun, refused, answered; /* refused: answered whatever its body is */
	atomic_bool done;              /* on another thread */
	struct exchange *next;
};

/* With one daemon there is one thread, and nobody to wait for. */
static void enter(struct httpd *httpd)
{
	if (httpd->plain && httpd->secure)
		pthread_mutex_lock(&httpd->lock);
}

static void leave(struct httpd *httpd)
{
	if (httpd->plain && httpd->secure)
		pthread_mutex_unlock(&httpd->lock);
}

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
	httpd->answer_bytes -= x->answer_bytes;
	atomic_fetch_sub(&httpd->in_flight, 1);
	if (httpd->n_spare >= SPARE_MAX || x->body.alloc > KEEP_BUFFER_MAX) {
		exchange_free(x);
		return;
	}
	strbuf_reset(&x->body);
	for (int i = 0; i < HDR_COUNT; i++)
		strbuf_reset(&x->joined[i]);
	x->counted = x->answer_bytes = 0;
	x->begun = x->refused = x->answered = false;
	atomic_store(&x->done, false);
	x->next = httpd->spare;
	httpd->spare = x;
	httpd->n_spare++;
}

static struct conn *conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_connection(
	void *ctx, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct httpd *httpd = ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = front_conn(httpd->front, info->connect_fd);
		if (!*socket_context)
			BUG("a connection that the front does not know");
	} else if (*socket_context) {
		front_gone(httpd->front, *socket_context);
		*socket_context = NULL;
	}
}

/* Called with each request line, before anything else: MHD's own parsing would lose the target as it was sent. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct httpd *httpd = ctx;

	enter(httpd);
	struct exchange *x = exchange_get(httpd);
	x->connection = connection;
	x->conn = conn_of(connection);
	x->over = LIMIT_COUNT;
	strbuf_reset(&x->target);
	strbuf_addstr(&x->target, target);
	api_call_reset(x->call);
	api_call_request(x->call)->target = x->target.buf;
	api_call_request(x->call)->peer = &x->conn->peer;
	front_phase(httpd->front, x->conn, PHASE_HEADERS, 0);
	leave(httpd);
	return x;
}

static void log_access(struct exchange *x, enum MHD_RequestTerminationCode why)
{
	struct httpd *httpd = x->httpd;
	struct access_entry entry;

	api_access_entry(&entry, x->call);
	entry.remote = x->conn->peer.address;
	entry.bytes = x->answer_bytes;
	entry.end = front_ended(httpd->front, x->conn)           ? "timeout"
		: why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? x->answered ? "ok" : "rejected"
							     : "aborted";
	if (!x->answered)
		entry.status = streq(entry.end, "timeout") ? server_limits[LIMIT_SLOW_BODY].status : 0;
	if (!access_log_write(httpd->access_log, &entry))
		atomic_fetch_add(&httpd->stats->access_log_lost, 1);
}

static void on_completed(
	void *ctx, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *con_cls;
	struct httpd *httpd = ctx;

	(void)connection;
	if (!x)
		return;
	enter(httpd);
	if (httpd->access_log)
		log_access(x, why);
	front_phase(httpd->front, x->conn, PHASE_IDLE, 0);
	exchange_put(x);
	leave(httpd);
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

static void add_headers(struct MHD_Response *r, const struct api_response *response, size_t len, bool closing)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ "Content-Type", response->content_type },
		{ "ETag", response->etag },
		{ "Location", response->location },
		{ "Allow", response->allow },
		{ "WWW-Authenticate", response->www_authenticate },
		{ "Cache-Control", response->cache_control },
		{ "Content-Security-Policy", response->csp },
		{ "X-Content-Type-Options", len ? "nosniff" : NULL },
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
	x->answered = true;
	x->answer_bytes = len;
	x->httpd->answer_bytes += len;
	front_phase(x->httpd->front, x->conn, PHASE_SEND, len);
	if (len) /* the buffer goes with the response, without a copy */
		r = MHD_create_response_from_buffer_with_free_callback(
			len, strbuf_detach(&response->body, NULL), free_body);
	else
		r = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
	if (!r)
		return MHD_NO;
	add_headers(r, response, len, x->over != LIMIT_COUNT || atomic_load(&x->httpd->stopping));
	enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)response->status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result refuse(struct exchange *x)
{
	const struct server_limit_info *limit = &server_limits[x->over];
	char why[96];

	snprintf(why, sizeof(why), "%s", limit->text);
	if (x->over == LIMIT_BODY)
		snprintf(why, sizeof(why), "the body is larger than %zu bytes", x->max);
	server_limit_hit(x->httpd->stats, x->over);
	api_refuse(x->call, limit->status, why);
	return send_response(x);
}

/* As the headers tell it; 0 when they do not. */
static unsigned long long body_length(const struct exchange *x)
{
	const char *length = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, "Content-Length");

	return length ? strtoull(length, NULL, 10) : 0;
}

/* Which limit the headers are over; LIMIT_COUNT: none. */
static enum server_limit check_head(const struct exchange *x)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (x->target.len > API_TARGET_MAX)
		return LIMIT_TARGET;
	if (info && info->header_size > API_HEADERS_MAX + x->target.len)
		return LIMIT_HEADERS;
	return body_length(x) > x->max ? LIMIT_BODY : LIMIT_COUNT;
}

/* The first call for a request: its headers are there. */
static enum MHD_Result begin(struct exchange *x, const char *method)
{
	struct api_request *request = api_call_request(x->call);

	x->begun = true;
	request->method = method;
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, x);
	x->max = api_body_max(method, x->target.buf);
	front_phase(x->httpd->front, x->conn, PHASE_BODY, 0);
	x->over = check_head(x);
	if (x->over == LIMIT_TARGET || x->over == LIMIT_HEADERS)
		return refuse(x);
	x->refused = api_admit(x->call) == API_DONE;
	if (x->refused) {
		if (body_length(x) <= DROPPED_MAX)
			return MHD_YES;
		x->over = LIMIT_BODY; /* closes the connection */
		return send_response(x);
	}
	return x->over == LIMIT_COUNT ? MHD_YES : refuse(x);
}

/* Collect the body. What is over the limit is read and dropped for a while, so that a client that sends before it reads
 * gets its answer, then the connection is cut. */
static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *size)
{
	size_t len = *size;

	*size = 0;
	x->counted += len;
	x->httpd->body_bytes += len;
	if (x->refused)
		return x->counted <= DROPPED_MAX ? MHD_YES : MHD_NO;
	if (x->over != LIMIT_COUNT)
		return x->counted <= 2 * x->max + (1 << 20) ? MHD_YES : MHD_NO;
	front_phase(x->httpd->front, x->conn, PHASE_BODY, x->counted);
	if (x->body.len + len > x->max)
		x->over = LIMIT_BODY;
	else if (x->httpd->body_bytes > BODIES_MAX)
		x->over = LIMIT_BODIES;
	if (x->over != LIMIT_COUNT)
		strbuf_release(&x->body);
	else
		strbuf_add(&x->body, data, len);
	return MHD_YES;
}

static void on_answered(void *ctx)
{
	struct exchange *x = ctx;

	struct httpd *httpd = x->httpd;

	atomic_store(&x->done, true);
	MHD_resume_connection(x->connection);
	atomic_fetch_sub(&httpd->submitted, 1);
}

/* With a single connection open, nobody else has to wait while this thread commits; with a few, reads gain less by a
 * common question than two switches of threads cost. */
static bool runs_here(const struct exchange *x, enum api_progress what)
{
	long others = atomic_load_explicit(&x->httpd->stats->connections, memory_order_relaxed) - 1;

	return what != API_LOG && others < (what == API_READ ? READS_TOGETHER - 1 : 1) &&
		x->body.len <= ALONE_BODY_MAX;
}

static enum MHD_Result run(struct exchange *x)
{
	struct api_request *request = api_call_request(x->call);

	if (x->refused)
		return send_response(x);
	if (x->httpd->answer_bytes > ANSWERS_MAX && !front_evict_reader(x->httpd->front))
		x->over = LIMIT_ANSWERS;
	if (x->over != LIMIT_COUNT)
		return refuse(x);
	front_phase(x->httpd->front, x->conn, PHASE_WORK, 0);
	request->body = x->body.buf;
	request->body_len = x->body.len;
	enum api_progress what = api_begin(x->call);
	if (what == API_DONE || (runs_here(x, what) && api_run_here(x->call)))
		return send_response(x);
	atomic_fetch_add(&x->httpd->submitted, 1);
	MHD_suspend_connection(x->connection); /* before the other thread may resume it */
	api_submit(x->call, on_answered, x);
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **con_cls)
{
	struct exchange *x = *con_cls;
	struct httpd *httpd = ctx;
	enum MHD_Result result;

	(void)connection, (void)url, (void)version;
	enter(httpd);
	if (!x->begun)
		result = begin(x, method);
	else if (*size)
		result = take_body(x, data, size);
	else
		result = atomic_load(&x->done) ? send_response(x) : run(x);
	leave(httpd);
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

/* Another thread than the daemon's: it puts the connection into a queue of its own. */
static int take_connection(void *ctx, const struct conn *conn, const struct sockaddr *address, socklen_t len)
{
	struct httpd *httpd = ctx;
	struct MHD_Daemon *daemon = conn->peer.tls ? httpd->secure : httpd->plain;

	return MHD_add_connection(daemon, conn->fd, address, len) == MHD_YES ? 0 : -1;
}

static struct MHD_Daemon *start_daemon(struct httpd *httpd, bool tls, struct mrp_err *err)
{
	const struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities },
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, tls_callback() },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET |
			(tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, on_request, httpd, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, httpd,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, httpd, MHD_OPTION_URI_LOG_CALLBACK, on_target, httpd,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY,
		tls ? tls_options : &tls_options[ARRAY_SIZE(tls_options) - 1], MHD_OPTION_END);

	if (!daemon)
		mrp_err_errno(err, "cannot start the HTTP server");
	return daemon;
}

static void free_httpd(struct httpd *httpd)
{
	/* they close their connections, which the front wants to hear of */
	if (httpd->plain)
		MHD_stop_daemon(httpd->plain);
	if (httpd->secure)
		MHD_stop_daemon(httpd->secure);
	front_free(httpd->front);
	for (struct exchange *x = httpd->spare, *next; x; x = next) {
		next = x->next;
		exchange_free(x);
	}
	tls_free(httpd->tls);
	pthread_mutex_destroy(&httpd->lock);
	free(httpd);
}

static struct httpd *httpd_start(struct api *api, const struct httpd_options *options, struct mrp_err *err)
{
	struct httpd *httpd = xcalloc(1, sizeof(*httpd));
	const struct front_ops ops = { take_connection, httpd };
	bool plain = false, secure = false;

	httpd->api = api;
	httpd->stats = api_server_stats(api);
	httpd->access_log = options->access_log;
	pthread_mutex_init(&httpd->lock, NULL);
	MHD_set_panic_func(on_panic, NULL);
	for (size_t i = 0; i < options->n_listeners; i++) {
		plain |= !options->listeners[i].tls;
		secure |= options->listeners[i].tls;
	}
	if (secure && !(httpd->tls = tls_new(options->tls_cert, options->tls_key, httpd->stats, err)))
		goto fail;
	/* both before the first connection: enter() looks at them */
	if ((plain && !(httpd->plain = start_daemon(httpd, false, err))) ||
		(secure && !(httpd->secure = start_daemon(httpd, true, err))))
		goto fail;
	if (front_start(&httpd->front, options->listeners, options->n_listeners, &options->settings, httpd->stats,
		    &ops, err) == 0)
		return httpd;
fail:
	free_httpd(httpd);
	return NULL;
}

static int httpd_reload(struct httpd *httpd, struct mrp_err *err)
{
	return httpd->tls ? tls_reload(httpd->tls, err) : 0;
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

	atomic_store(&httpd->stopping, true);
	front_quiesce(httpd->front);
	/* a write always ends, and its connection cannot be closed before */
	while (atomic_load(&httpd->submitted) || (atomic_load(&httpd->in_flight) && monotonic_ms() < end))
		poll(NULL, 0, 10);
	free_httpd(httpd);
}

extern const struct httpd_ops mhd_httpd_ops;
const struct httpd_ops mhd_httpd_ops = {
	.start = httpd_start,
	.reload = httpd_reload,
	.stop = httpd_stop,
};
