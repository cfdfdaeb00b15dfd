/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sliding window. A job is one request from its first try to its end; between two tries it waits in its place in
 * the window, so a server in trouble is not given more and more new requests. errors.c says what went wrong.
 */
#include "http.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "../base/module.h"
#include "internal.h"

enum { PARALLEL_MAX = 256 };

const struct http_options http_options_default = {
	.parallel = 16,
	.connect_timeout_ms = 5000,
	.total_timeout_ms = 300000,
	.stall_timeout_ms = 30000,
	.max_answer_bytes = (size_t)256 << 20,
	.retry = { .first_ms = 100, .longest_ms = 5000, .total_ms = 30000, .max_errors = 4 },
	.interrupt_fd = -1,
};

enum job_state { JOB_FREE, JOB_RUNNING, JOB_WAITING };

struct job {
	enum job_state state;
	struct http_request request;
	struct wire_transfer transfer;
	struct strvec headers;
	char *url;
	int tries;
	int64_t began_ms, due_ms; /* due_ms: when JOB_WAITING */
};

struct http_client {
	struct http_options options;
	char *base, *host, *socket_path, *shown, *authorization, *lease;
	const struct wire_ops *ops;
	struct wire *wire;
	struct http_clock clock;
	struct job *jobs; /* options.parallel of them */
	bool was_there;
	int64_t hold_until_ms; /* the server asked for a pause: nothing new begins before */
	struct http_traffic traffic;
};

static int64_t real_monotonic_ms(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_wall_s(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

static uint64_t real_chance(void *ctx)
{
	uint64_t number = 0;

	(void)ctx;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)real_monotonic_ms(NULL) * UINT64_C(0x9e3779b97f4a7c15);
	return number;
}

static const struct http_clock real_clock = { real_monotonic_ms, real_wall_s, real_chance, NULL };

void http_request_release(struct http_request *request)
{
	free(request->path);
	free(request->if_match);
	free(request->if_none_match);
	strbuf_release(&request->body);
	*request = (struct http_request)HTTP_REQUEST_INIT;
}

void http_answer_release(struct http_answer *answer)
{
	free(answer->etag);
	free(answer->content_type);
	free(answer->location);
	strbuf_release(&answer->body);
	strbuf_release(&answer->head);
	*answer = (struct http_answer)HTTP_ANSWER_INIT;
}

bool http_host_is_loopback(const char *host)
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return streq(host, "localhost") || streq(host, "[::1]");
}

bool http_is_local(const struct http_client *client)
{
	return http_host_is_loopback(client->host);
}

static int open_wire(struct http_client *client, struct mrp_err *err)
{
	const struct http_options *options = &client->options;
	const struct wire_options wire_options = {
		.host = client->host,
		.loopback = http_host_is_loopback(client->host),
		.max_connections = options->parallel,
		.connect_timeout_ms = options->connect_timeout_ms,
		.total_timeout_ms = options->total_timeout_ms,
		.stall_timeout_ms = options->stall_timeout_ms,
		.max_answer_bytes = options->max_answer_bytes,
		.ca_file = options->ca_file,
		.socket_path = client->socket_path,
	};

	client->wire = client->ops->open(&wire_options, err);
	return client->wire ? 0 : -1;
}

/* A line end in a header's value would begin another header. The value may be a secret, so it is not shown. */
static int check_header(const char *value, const char *what, struct mrp_err *err)
{
	for (const char *p = value; p && *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return mrp_err_set(err, MRP_EUSAGE, "%s holds a control character, which no header can carry", what);
	}
	return 0;
}

/* unix:PATH, also written http+unix://PATH: what is in the URL of a request does not matter then. */
static int set_url(struct http_client *client, const char *url, struct mrp_err *err)
{
	const char *path;

	if (!skip_prefix(url, "unix:", &path) && !skip_prefix(url, "http+unix:", &path)) {
		if (client->ops->check_url(&client->base, &client->host, url, err) < 0)
			return -1;
		client->shown = xstrdup(client->base);
		return 0;
	}
	if (skip_prefix(path, "//", NULL) && path[2] == '/')
		path += 2;
	if (!*path || ends_with(path, "/"))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' names no socket (like unix:/run/mrprober/api.sock)", url);
	client->socket_path = xstrdup(path);
	client->shown = xasprintf("unix:%s", path);
	client->base = xstrdup("http://localhost");
	client->host = xstrdup("localhost");
	return 0;
}

/* libcurl would say it with each request, and not why. */
static int check_ca_file(const char *path, struct mrp_err *err)
{
	if (!path || access(path, R_OK) == 0)
		return 0;
	mrp_err_errno(err, "cannot read CA certificates '%s'", path);
	err->code = MRP_EUSAGE;
	return -1;
}

struct http_client *http_open(const struct http_options *options, struct mrp_err *err)
{
	const struct wire_ops *ops = options->wire ? options->wire : module_table("curl", "mrp_curl_wire", err);

	if (!ops || check_header(options->token, "the token", err) < 0 ||
		check_header(options->environment, "the name of the environment", err) < 0)
		return NULL;
	struct http_client *client = xcalloc(1, sizeof(*client));
	client->options = *options;
	client->options.parallel = MAX(1, MIN(options->parallel, PARALLEL_MAX));
	client->options.environment = options->environment ? xstrdup(options->environment) : NULL;
	client->options.url = client->options.token = client->options.ca_file = NULL;
	client->authorization = options->token ? xasprintf("Authorization: Bearer %s", options->token) : NULL;
	client->clock = options->clock ? *options->clock : real_clock;
	client->ops = ops;
	client->jobs = xcalloc((size_t)client->options.parallel, sizeof(*client->jobs));
	client->options.ca_file = options->ca_file;
	if (check_ca_file(options->ca_file, err) < 0 || set_url(client, options->url, err) < 0 || open_wire(client, err) < 0) {
		http_close(client);
		return NULL;
	}
	return client;
}

void http_close(struct http_client *client)
{
	if (!client)
		return;
	if (client->wire)
		client->ops->close(client->wire);
	if (client->authorization)
		explicit_bzero(client->authorization, strlen(client->authorization));
	free(client->authorization);
	free((char *)client->options.environment);
	free(client->lease);
	free(client->base);
	free(client->host);
	free(client->socket_path);
	free(client->shown);
	free(client->jobs);
	free(client);
}

void http_closep(struct http_client **client)
{
	http_close(*client);
	*client = NULL;
}

void http_set_interrupt(struct http_client *client, bool (*interrupted)(void), int fd)
{
	client->options.interrupted = interrupted;
	client->options.interrupt_fd = fd;
}

void http_set_lease(struct http_client *client, const char *name, int64_t fence)
{
	free(client->lease);
	client->lease = name ? xasprintf("Mrprober-Lease: %s;fence=%" PRId64, name, fence) : NULL;
}

const char *http_url(const struct http_client *client)
{
	return client->shown;
}

uint64_t http_requests_sent(const struct http_client *client)
{
	return client->traffic.requests;
}

void http_add_traffic(struct http_traffic *sum, const struct http_client *client)
{
	if (!client)
		return;
	sum->requests += client->traffic.requests;
	sum->bytes_sent += client->traffic.bytes_sent;
	sum->bytes_received += client->traffic.bytes_received;
}

static bool stop_wanted(const struct http_client *client)
{
	struct pollfd poll_fd = { .fd = client->options.interrupt_fd, .events = POLLIN };

	if (client->options.interrupted)
		return client->options.interrupted();
	return poll_fd.fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

static bool only_reads(const struct http_request *request)
{
	return request->only_reads || streq(request->method, "GET") || streq(request->method, "HEAD");
}

static bool harmless_twice(const struct http_request *request)
{
	return only_reads(request) || streq(request->method, "PUT") || streq(request->method, "DELETE") ||
		request->if_match || request->harmless_twice;
}

static void set_headers(const struct http_client *client, struct job *job)
{
	const struct http_request *request = &job->request;

	if (client->authorization)
		strvec_push(&job->headers, client->authorization);
	if (client->options.environment)
		strvec_pushf(&job->headers, "Mrprober-Environment: %s", client->options.environment);
	if (client->lease)
		strvec_push(&job->headers, client->lease);
	if (request->content_type)
		strvec_pushf(&job->headers, "Content-Type: %s", request->content_type);
	if (request->accept)
		strvec_pushf(&job->headers, "Accept: %s", request->accept);
	if (request->if_match)
		strvec_pushf(&job->headers, "If-Match: %s", request->if_match);
	if (request->if_none_match)
		strvec_pushf(&job->headers, "If-None-Match: %s", request->if_none_match);
	for (size_t i = 0; request->headers && i < request->headers->n; i++)
		strvec_push(&job->headers, request->headers->v[i]);
}

static void begin_job(struct http_client *client, struct job *job, struct http_request *request)
{
	*job = (struct job){ .request = *request, .transfer = WIRE_TRANSFER_INIT, .headers = STRVEC_INIT };
	*request = (struct http_request)HTTP_REQUEST_INIT;
	job->url = xasprintf("%s%s", client->base, job->request.path);
	set_headers(client, job);
	job->transfer.method = job->request.method;
	job->transfer.url = job->url;
	job->transfer.headers = &job->headers;
	job->transfer.body = job->request.content_type ? job->request.body.buf : NULL;
	job->transfer.body_len = job->request.body.len;
	job->transfer.fresh = !harmless_twice(&job->request);
	job->began_ms = job->due_ms = client->clock.monotonic_ms(client->clock.ctx);
	job->state = JOB_WAITING;
}

static int start_try(struct http_client *client, struct job *job, struct mrp_err *err)
{
	wire_transfer_reset(&job->transfer);
	if (client->ops->start(client->wire, &job->transfer, err) < 0)
		return -1;
	job->state = JOB_RUNNING;
	job->tries++;
	client->traffic.requests++;
	return 0;
}

static void end_job(struct job *job, http_done_fn *done, void *ctx, struct mrp_err *err)
{
	struct wire_transfer *transfer = &job->transfer;
	struct http_answer answer = {
		.status = err->code == MRP_OK ? transfer->status : 0,
		.body = transfer->answer,
		.head = transfer->head,
		.etag = steal(&transfer->etag),
		.content_type = steal(&transfer->content_type),
		.location = steal(&transfer->location),
	};

	strbuf_init(&transfer->answer);
	strbuf_init(&transfer->head);
	wire_transfer_reset(transfer);
	strvec_clear(&job->headers);
	freep(&job->url);
	struct http_request request = job->request;
	job->state = JOB_FREE; /* first: `done` may lead to a new request in this place */
	done(ctx, &request, &answer, err);
	http_request_release(&request);
	http_answer_release(&answer);
	mrp_err_clear(err);
}

/* A try has ended: wait for another one, or end the job. */
static void judge(struct http_client *client, struct job *job, http_done_fn *done, void *ctx)
{
	struct wire_transfer *transfer = &job->transfer;
	int64_t now = client->clock.monotonic_ms(client->clock.ctx);
	struct retry_try attempt = {
		.end = transfer->end,
		.status = transfer->status,
		.retry_after_ms = retry_after_ms(transfer->retry_after, client->clock.wall_s(client->clock.ctx)),
		.number = job->tries,
		.elapsed_ms = now - job->began_ms,
		.harmless_twice = harmless_twice(&job->request),
		.sent_none = transfer->sent_none,
		.was_there = client->was_there,
	};
	struct mrp_err err = MRP_ERR_INIT;

	client->traffic.bytes_sent += transfer->bytes_sent;
	client->traffic.bytes_received += transfer->bytes_received;
	client->was_there |= transfer->end == WIRE_ANSWERED;
	int64_t wait = retry_wait(&client->options.retry, &attempt, client->clock.chance(client->clock.ctx));
	if (wait < 0 || stop_wanted(client)) {
		if (transfer->end != WIRE_ANSWERED)
			http_transfer_error(client, &job->request, transfer, job->tries, &err);
		/* it may have been done: that it is not known is no failure of the server */
		if (transfer->end != WIRE_ANSWERED && stop_wanted(client))
			err.code = MRP_EINTERRUPTED;
		end_job(job, done, ctx, &err);
		return;
	}
	if (transfer->end == WIRE_ANSWERED && attempt.retry_after_ms > 0)
		client->hold_until_ms = MAX(client->hold_until_ms, now + attempt.retry_after_ms);
	job->due_ms = now + wait;
	job->state = JOB_WAITING;
}

static struct job *job_of(struct http_client *client, const struct wire_transfer *transfer)
{
	for (int i = 0; i < client->options.parallel; i++) {
		if (&client->jobs[i].transfer == transfer)
			return &client->jobs[i];
	}
	BUG("a transfer of no job");
}

/* True when nobody misses the answer of a request that is in flight: it changes nothing. */
static bool can_cancel(const struct http_client *client, const struct job *job)
{
	return job->state == JOB_RUNNING && client->ops->cancel && only_reads(&job->request);
}

/* Jobs that only wait for another try end now, and those that only read. */
static void give_up_jobs(struct http_client *client, http_done_fn *done, void *ctx)
{
	for (int i = 0; i < client->options.parallel; i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct job *job = &client->jobs[i];

		if (can_cancel(client, job))
			client->ops->cancel(client->wire, &job->transfer);
		else if (job->state != JOB_WAITING)
			continue;
		mrp_err_set(&err, MRP_EINTERRUPTED, "interrupted");
		http_wrap_asked(client, &job->request, &err);
		end_job(job, done, ctx, &err);
	}
}

/* Fill the window and start what is due. Returns the number of jobs in it; *timeout_ms is until the next one is due. */
static int fill_window(
	struct http_client *client, http_next_fn *next, http_done_fn *done, void *ctx, int *timeout_ms)
{
	int64_t now = client->clock.monotonic_ms(client->clock.ctx), nearest = now + 1000;
	bool more = true;
	int active = 0;

	for (int i = 0; i < client->options.parallel; i++) {
		struct job *job = &client->jobs[i];
		struct http_request request = HTTP_REQUEST_INIT;
		struct mrp_err err = MRP_ERR_INIT;

		if (job->state == JOB_FREE && more && now >= client->hold_until_ms) {
			more = next(ctx, &request);
			if (more)
				begin_job(client, job, &request);
		}
		if (job->state == JOB_WAITING && job->due_ms <= now && start_try(client, job, &err) < 0)
			end_job(job, done, ctx, &err);
		active += job->state != JOB_FREE;
		if (job->state == JOB_WAITING)
			nearest = MIN(nearest, job->due_ms);
	}
	if (!active && now < client->hold_until_ms) {
		nearest = MIN(nearest, client->hold_until_ms);
		active = more;
	}
	*timeout_ms = (int)MAX(0, nearest - now);
	return active;
}

static int active_jobs(const struct http_client *client)
{
	int active = 0;

	for (int i = 0; i < client->options.parallel; i++)
		active += client->jobs[i].state != JOB_FREE;
	return active;
}

int http_run(struct http_client *client, http_next_fn *next, http_done_fn *done, void *ctx, struct mrp_err *err)
{
	for (;;) {
		bool stop = stop_wanted(client);
		int timeout_ms = 1000;

		if (stop)
			give_up_jobs(client, done, ctx);
		int active = stop ? active_jobs(client) : fill_window(client, next, done, ctx, &timeout_ms);
		if (!active && stop)
			return mrp_err_set(err, MRP_EINTERRUPTED, "interrupted");
		if (!active)
			return 0;
		/* once interrupted the descriptor stays readable and would end every wait at once */
		struct wire_transfer *ended =
			client->ops->wait(client->wire, timeout_ms, stop ? -1 : client->options.interrupt_fd);
		if (ended)
			judge(client, job_of(client, ended), done, ctx);
	}
}

struct one_call {
	const struct http_request *request;
	struct http_answer *answer;
	struct mrp_err *err;
	bool given;
};

static bool next_of_one(void *ctx, struct http_request *request)
{
	struct one_call *call = ctx;

	if (call->given)
		return false;
	call->given = true;
	*request = *call->request;
	request->path = xstrdup(call->request->path);
	request->if_match = call->request->if_match ? xstrdup(call->request->if_match) : NULL;
	request->if_none_match = call->request->if_none_match ? xstrdup(call->request->if_none_match) : NULL;
	strbuf_init(&request->body);
	strbuf_add(&request->body, call->request->body.buf, call->request->body.len);
	return true;
}

static void done_of_one(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct one_call *call = ctx;

	(void)request;
	http_answer_release(call->answer);
	*call->answer = *answer;
	*answer = (struct http_answer)HTTP_ANSWER_INIT;
	mrp_err_move(call->err, err);
}

int http_call(struct http_client *client, const struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct mrp_err run_err = MRP_ERR_INIT;
	struct one_call call = { .request = request, .answer = answer, .err = err };

	mrp_err_clear(err);
	/* interrupted before it began: `done` was never called */
	if (http_run(client, next_of_one, done_of_one, &call, &run_err) < 0 && !call.given)
		return mrp_err_move(err, &run_err);
	mrp_err_clear(&run_err);
	return err->code == MRP_OK ? 0 : -1;
}
