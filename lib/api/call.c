/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request: checks, handler, response; and the life of the API as a whole. */
#include "call.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/random.h>
#include <time.h>

#include "../base/log.h"
#include "../base/text.h"
#include "access_log.h"
#include "config_cache.h"
#include "log_reader.h"
#include "reads.h"
#include "reports.h"

enum {
	PARSE_HERE_MAX =
		64 << 10, /* bytes of a write's JSON that the server's thread parses; more waits for the writer's */
	SWEEP_EVERY_MS = 600000,
	SWEEP_MAX = 1000,
};

const char *const api_header_names[HDR_COUNT] = {
	[HDR_HOST] = "Host",
	[HDR_ORIGIN] = "Origin",
	[HDR_CONTENT_TYPE] = "Content-Type",
	[HDR_CONTENT_ENCODING] = "Content-Encoding",
	[HDR_IF_MATCH] = "If-Match",
	[HDR_IF_NONE_MATCH] = "If-None-Match",
	[HDR_ENVIRONMENT] = "Mrprober-Environment",
	[HDR_LEASE] = "Mrprober-Lease",
	[HDR_REQUEST_ID] = "X-Request-Id",
	[HDR_FETCH_SITE] = "Sec-Fetch-Site",
	[HDR_AUTHORIZATION] = "Authorization",
	[HDR_PREFER] = "Prefer",
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t api_clock_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

static int run_sweep(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	int64_t removed;

	(void)job;
	if (blob_sweep(&removed, conn, clock_us(CLOCK_REALTIME) / 1000000, SWEEP_MAX, err) < 0)
		return -1;
	if (removed)
		log_info("removed %" PRId64 " blobs that nothing refers to", removed);
	if (reports_sweep(conn, api_clock_ms(), err) < 0)
		return -1;
	return store_run(conn, SQL_LEASE_SWEEP, STORE_ARGS(store_int(api_clock_ms())), err);
}

struct environment_job {
	struct write_job job;
	const char *name;
};

static int set_environment(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	const char *name = ((struct environment_job *)job)->name;
	cleanup(strbuf_release) struct strbuf known = STRBUF_INIT;

	if (store_meta(NULL, &known, conn, err) < 0)
		return -1;
	if (known.len && !streq(known.buf, name))
		return mrp_err_set(err, MRP_EREFUSED, "the database holds environment '%s', not '%s'", known.buf, name);
	return known.len ? 0 : store_set_environment(conn, name, err);
}

struct api *api_open(const struct api_options *options, struct mrp_err *err)
{
	const struct store_ops *store = store_ops_for(options->database, err);
	struct api *api = xcalloc(1, sizeof(*api));
	uint32_t random = 0;

	if (!store ||
		store->open(&api->write_conn, options->database, &store_schema, store_service_flags(store), err) < 0 ||
		store->open(&api->reader, options->database, &store_schema, STORE_READ, err) < 0)
		goto fail;
	if (options->s3 && !(api->logs = log_reader_new(options->s3, err)))
		goto fail;
	api->store = store;
	api->write_conn->ahead = api->ahead = ahead_new();
	api->state_dir = xstrdup(options->state_dir);
	api->metrics = api_metrics_new(api_routes_n);
	api->configs = config_cache_new();
	api->access = access_new();
	api->sweep.run = run_sweep;
	api->writer = writer_start(api->write_conn, &api->sweep, SWEEP_EVERY_MS);
	api->reports = reports_start(api->writer);
	if (store->begin_asking && !(api->reads = reads_start(store, options->database, err)))
		goto fail;
	if (options->environment) {
		struct environment_job job = { .job = { .run = set_environment }, .name = options->environment };

		if (writer_run(api->writer, &job.job, err) < 0)
			goto fail;
	}
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock_us(CLOCK_REALTIME);
	snprintf(api->request_id_prefix, sizeof(api->request_id_prefix), "%08" PRIx32, random);
	return api;
fail:
	api_close(api);
	return NULL;
}

void api_close(struct api *api)
{
	if (!api)
		return;
	reads_stop(api->reads);
	log_reader_free(api->logs);
	reports_stop(api->reports);
	writer_stop(api->writer);
	mrp_err_clear(&api->sweep.err);
	if (api->reader)
		api->reader->ops->close(api->reader);
	if (api->write_conn)
		api->write_conn->ops->close(api->write_conn);
	ahead_free(api->ahead);
	state_cache_free(api->state);
	config_cache_free(api->configs);
	access_free(api->access);
	api_metrics_free(api->metrics);
	free(api->state_dir);
	free(api);
}

struct api_call *api_call_new(struct api *api)
{
	struct api_call *call = xcalloc(1, sizeof(*call));

	call->api = api;
	strbuf_init(&call->response.body);
	strvec_init(&call->labels);
	return call;
}

void api_call_reset(struct api_call *call)
{
	struct strbuf body = call->response.body;
	struct strvec labels = call->labels;
	struct problems problems = call->problems;
	struct arena arena = call->arena;
	struct api *api = call->api;

	mrp_err_clear(&call->job.err);
	if (problems.list.n)
		problems_clear(&problems);
	if (labels.n)
		strvec_clear(&labels);
	strbuf_reset(&body);
	arena_reset(&arena);
	memset(call, 0, sizeof(*call));
	call->api = api;
	call->arena = arena;
	call->labels = labels;
	call->problems = problems;
	call->response.body = body;
	call->now_ms = clock_us(CLOCK_REALTIME) / 1000;
	call->started_us = clock_us(CLOCK_MONOTONIC);
}

void api_call_free(struct api_call *call)
{
	if (!call)
		return;
	api_call_reset(call);
	strbuf_release(&call->response.body);
	arena_release(&call->arena);
	free(call);
}

struct api_request *api_call_request(struct api_call *call)
{
	return &call->request;
}

struct api_response *api_call_response(struct api_call *call)
{
	return &call->response;
}

static void number_request(char id[72], const struct api *api)
{
	size_t len = strlen(api->request_id_prefix);
	int bits = 4;

	memcpy(id, api->request_id_prefix, len);
	id[len++] = '-';
	while (bits < 64 && api->requests >> bits)
		bits += 4;
	while (bits) {
		bits -= 4;
		id[len++] = "0123456789abcdef"[api->requests >> bits & 15];
	}
	id[len] = '\0';
}

/* The caller's id when it is harmless, so that a request can be followed through proxies; else one of ours. */
void api_set_request_id(struct api_call *call)
{
	const char *given = call->request.headers[HDR_REQUEST_ID];
	size_t len = given ? strlen(given) : 0;
	struct api *api = call->api;

	if (len && len <= 64 &&
		strspn(given, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len)
		memcpy(call->response.request_id, given, len + 1);
	else
		number_request(call->response.request_id, api);
	api->requests++;
}

/* The token before the path: who has none is not even told which paths there are. */
static int find_and_authenticate(struct api_call *call, struct mrp_err *err)
{
	struct mrp_err not_found = MRP_ERR_INIT;
	int found = api_find_route(call, &not_found), status = call->status;

	if (found == 0 && (call->route->roles & ACCESS_OPEN))
		return 0;
	call->status = 0;
	if (api_authenticate(call, err) < 0) {
		call->response.allow = NULL;
		mrp_err_clear(&not_found);
		return -1;
	}
	call->status = status;
	return found < 0 ? mrp_err_move(err, &not_found) : 0;
}

enum api_progress api_admit(struct api_call *call)
{
	struct mrp_err err = MRP_ERR_INIT;

	api_set_request_id(call);
	call->admitted = true;
	call->db = call->api->reader;
	if (find_and_authenticate(call, &err) == 0 && api_check_role(call, &err) == 0 &&
		api_parse_query(call, &err) == 0 && api_check_scope(call, &err) == 0)
		return API_GO_ON;
	api_problem(call, &err);
	return API_DONE;
}

/* Who reads with If-Match goes on from what it has (RFC 9110, 13.1.1). */
static int check_read(struct api_call *call, struct mrp_err *err)
{
	const char *match = call->request.headers[HDR_IF_MATCH], *etag = call->response.etag;

	if (!match || !etag || etag_listed(match, etag, false))
		return 0;
	return mrp_err_set(err, MRP_EPRECONDITION, "it has changed: its ETag is %s, not %s", etag, match);
}

static void run_read(struct api_call *call)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (api_check_environment(call, &err) < 0 || call->route->handle(call, &err) < 0 || check_read(call, &err) < 0)
		api_problem(call, &err);
}

enum api_progress api_begin(struct api_call *call)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (!call->admitted && api_admit(call) == API_DONE)
		return API_DONE;
	bool write = call->route->flags & RF_WRITE;
	if (!(write && call->request.body_len > PARSE_HERE_MAX) && api_parse_body(call, &err) < 0)
		goto fail;
	if (write)
		return API_WRITE;
	if (call->api->reads && reads_fit(call))
		return API_READ;
	run_read(call);
	return call->log_key ? API_LOG : API_DONE;
fail:
	api_problem(call, &err);
	return API_DONE;
}

/* The first write that names an environment decides which one this API holds. */
static int learn_environment(struct api_call *call, struct mrp_err *err)
{
	const char *name = call->request.headers[HDR_ENVIRONMENT];
	cleanup(strbuf_release) struct strbuf known = STRBUF_INIT;

	if (!name)
		return 0;
	if (store_meta(NULL, &known, call->db, err) < 0)
		return -1;
	return known.len ? 0 : store_set_environment(call->db, name, err);
}

static int run_write(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	struct api_call *call = (struct api_call *)job;

	call->db = conn;
	if (!call->body && api_parse_body(call, err) < 0)
		return -1;
	if (api_check_environment(call, err) < 0 || api_check_lease(call, err) < 0 || call->route->handle(call, err) < 0)
		return -1;
	return learn_environment(call, err);
}

static void foresee_blob(struct ahead *ahead, const char *hex)
{
	uint8_t sha256[SHA256_BYTES];

	if (hex && sha256_from_hex(sha256, hex))
		ahead_want_blob(ahead, sha256);
}

void api_foresee(const struct api_call *call, struct ahead *ahead)
{
	const struct value *body = call->body && call->body->type == V_OBJECT ? call->body : NULL;
	const struct value *files = body ? value_get(body, "files") : NULL;

	if (call->route->handle == blob_upload)
		foresee_blob(ahead, call->args[0]);
	if (call->route->kind == KIND_COUNT)
		return;
	const char *slug = call->args[0] ? call->args[0] : body ? value_get_string(body, "slug") : NULL;
	if (slug && slug_valid(slug, strlen(slug)))
		ahead_want_object(ahead, call->route->kind, slug);
	for (uint32_t i = 0; files && files->type == V_OBJECT && i < files->n; i++) {
		const struct value *file = files->members[i].value;

		foresee_blob(ahead, file->type == V_OBJECT ? value_get_string(file, "sha256") : NULL);
	}
	foresee_blob(ahead, body ? value_get_string(body, "initial_values") : NULL);
}

static void foresee(const struct write_job *job, struct ahead *ahead)
{
	const struct api_call *call = (const struct api_call *)job;

	api_foresee_lease(call, ahead);
	api_foresee(call, ahead);
}

static void write_done(struct write_job *job)
{
	struct api_call *call = (struct api_call *)job;

	if (job->err.code) {
		if (!job->failed) /* the handler was content, the commit was not */
			call->status = 0;
		api_problem(call, &job->err);
	} else {
		config_cache_written(call->api->configs);
	}
	if (call->done)
		call->done(call->done_ctx);
}

static struct write_job *write_job_of(struct api_call *call, void (*done)(void *ctx), void *ctx)
{
	call->done = done;
	call->done_ctx = ctx;
	call->job.run = run_write;
	call->job.done = write_done;
	call->job.foresee = foresee;
	call->job.late = call->request.body_len <= PARSE_HERE_MAX; /* a large one may be the one that has no room */
	return &call->job;
}

void api_submit(struct api_call *call, void (*done)(void *ctx), void *ctx)
{
	struct write_job *job = write_job_of(call, done, ctx);

	if (call->log_key)
		log_reader_submit(call->api->logs, call);
	else if (call->route->flags & RF_WRITE)
		writer_submit(call->api->writer, job);
	else
		reads_submit(call->api->reads, call);
}

bool api_run_here(struct api_call *call)
{
	if (!(call->route->flags & RF_WRITE)) {
		run_read(call);
		return true;
	}
	return writer_run_here(call->api->writer, write_job_of(call, NULL, NULL));
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
};

static void wake_waiter(void *ctx)
{
	struct waiter *waiter = ctx;

	pthread_mutex_lock(&waiter->lock);
	waiter->done = true;
	pthread_cond_signal(&waiter->answered);
	pthread_mutex_unlock(&waiter->lock);
}

void api_run(struct api_call *call)
{
	struct waiter waiter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };

	if (api_begin(call) != API_DONE) {
		api_submit(call, wake_waiter, &waiter);
		pthread_mutex_lock(&waiter.lock);
		while (!waiter.done)
			pthread_cond_wait(&waiter.answered, &waiter.lock);
		pthread_mutex_unlock(&waiter.lock);
	}
	api_answered(call);
}

void api_answered(struct api_call *call)
{
	size_t route = call->route ? (size_t)(call->route - api_routes) : api_routes_n;
	int64_t duration_us = clock_us(CLOCK_MONOTONIC) - call->started_us;

	api_metrics_count(call->api->metrics, route, call->request.method, call->response.status, duration_us);
}

void api_access_entry(struct access_entry *out, const struct api_call *call)
{
	*out = (struct access_entry){
		.time_ms = call->now_ms,
		.request_id = call->response.request_id[0] ? call->response.request_id : NULL,
		.method = call->request.method,
		.route = call->route ? call->route->path : NULL,
		.target = call->request.target,
		.status = call->response.status,
		.duration_us = clock_us(CLOCK_MONOTONIC) - call->started_us,
		.token_id = call->response.token_id,
		.role = call->response.role,
	};
}

struct server_stats *api_server_stats(struct api *api)
{
	return &api->server;
}
