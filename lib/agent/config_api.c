/* SPDX-License-Identifier: Apache-2.0 */
/* The API as a source: GET /v1/agent-config with an ETag, contents by their hash, and reports. */
#include "config_backend.h"

#include <time.h>

#include "../http/api.h"
#include "config_stored.h"

enum {
	PARALLEL = 4,          /* blobs in flight: each may take FILES_BLOB_MAX of memory */
	RETRY_TOTAL_MS = 3000, /* within one look; the next one comes anyway */
	RETRY_AFTER_MAX_MS = 3600 * 1000,
};

struct api_backend {
	struct config_backend base;
	struct http_client *client;
	char *config_path, *report_path;
	char *known; /* ETag of the last answer that was a config; NULL: none */
};

static void api_free(struct config_backend *backend)
{
	struct api_backend *api = (struct api_backend *)backend;

	http_close(api->client);
	free(api->config_path);
	free(api->report_path);
	free(api->known);
	free(backend->name);
	free(backend->origin);
	free(api);
}

static void api_known(struct config_backend *backend, const char *etag)
{
	struct api_backend *api = (struct api_backend *)backend;

	free(api->known);
	api->known = etag ? xstrdup(etag) : NULL;
}

/* What the header asks for, or -1. */
static int64_t wanted_pause(const struct http_answer *answer)
{
	static const char name[] = "\nRetry-After:";
	const char *found = strcasestr(answer->head.buf, name);

	if (!found)
		return -1;
	found += strlen(name);
	found += strspn(found, " \t");
	cleanup(freep) char *text = xstrndup(found, strcspn(found, "\r\n"));
	return MIN(retry_after_ms(text, (int64_t)time(NULL)), (int64_t)RETRY_AFTER_MAX_MS);
}

/* A status that is no config and no 304. */
static enum look_end refused(struct api_backend *api, const struct http_request *request,
	const struct http_answer *answer, struct config_look *out, struct mrp_err *err)
{
	out->retry_after_ms = wanted_pause(answer);
	http_answer_error(api->client, request, answer, err);
	return LOOK_FAILED;
}

static enum look_end take(struct api_backend *api, const struct http_request *request, struct http_answer *answer,
	struct config_look *out, struct mrp_err *err)
{
	if (answer->status == 304 && api->known)
		return LOOK_UNCHANGED;
	if (answer->status != 200)
		return refused(api, request, answer, out, err);
	cleanup(strbuf_release) struct strbuf asked = STRBUF_INIT;
	http_add_asked(&asked, api->client, request);
	/* a proxy's page, or somebody else's API: its ETag is not remembered */
	if (!answer->content_type || !skip_prefix(answer->content_type, "application/json", NULL)) {
		mrp_err_set(err, MRP_EHTTP, "%s: answered 200 with %s, not JSON (is this the mrprober API?)", asked.buf,
			answer->content_type ? answer->content_type : "no content type");
		return LOOK_FAILED;
	}
	if (answer->body.len > CONFIG_MAX) {
		mrp_err_set(err, MRP_ETOOBIG, "%s: the config is larger than %d MiB", asked.buf, (int)CONFIG_MAX >> 20);
		return LOOK_FAILED;
	}
	free(api->known);
	api->known = answer->etag ? xstrdup(answer->etag) : NULL;
	out->etag = steal(&answer->etag);
	out->json = answer->body;
	strbuf_init(&answer->body);
	return LOOK_FOUND;
}

static enum look_end api_look(struct config_backend *backend, bool again, struct config_look *out, struct mrp_err *err)
{
	struct api_backend *api = (struct api_backend *)backend;
	cleanup(http_request_release) struct http_request request = HTTP_REQUEST_INIT;
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;

	api_request(&request, "GET", NULL, "%s", api->config_path);
	if (again)
		api_known(backend, NULL);
	request.if_none_match = api->known ? xstrdup(api->known) : NULL;
	if (http_call(api->client, &request, &answer, err) < 0)
		return LOOK_FAILED;
	return take(api, &request, &answer, out, err);
}

/* --- contents ------------------------------------------------------------------------------------------------ */

struct download {
	struct api_backend *api;
	const struct missing_vec *missing;
	size_t next;
	struct config_files *files;
	struct mrp_err *err; /* the first failure; nothing more is asked for after it */
};

static bool next_blob(void *ctx, struct http_request *request)
{
	struct download *download = ctx;

	if (download->next == download->missing->n || download->err->code != MRP_OK)
		return false;
	const struct missing_file *file = &download->missing->v[download->next++];
	api_request(request, "GET", NULL, "/v1/blobs/%s", file->sha256);
	request->accept = NULL;
	request->tag = (void *)(uintptr_t)file;
	return true;
}

static void blob_done(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct download *download = ctx;
	const struct missing_file *file = request->tag;
	int result = err->code == MRP_OK ? 0 : -1;

	if (download->err->code != MRP_OK)
		return;
	if (result == 0 && answer->status != 200)
		result = http_answer_error(download->api->client, request, answer, err);
	if (result == 0)
		result = config_files_put(download->files, file, answer->body.buf, answer->body.len, err);
	if (result == 0)
		return;
	mrp_err_wrap(err, "prober '%s': file '%s'", file->prober, file->path);
	mrp_err_move(download->err, err);
}

static int api_fetch(struct config_backend *backend, const struct missing_vec *missing, struct config_files *files,
	struct mrp_err *err)
{
	struct api_backend *api = (struct api_backend *)backend;
	struct download download = { .api = api, .missing = missing, .files = files, .err = err };
	struct mrp_err run_err = MRP_ERR_INIT;

	mrp_err_clear(err);
	if (http_run(api->client, next_blob, blob_done, &download, &run_err) < 0 && err->code == MRP_OK)
		return mrp_err_move(err, &run_err);
	mrp_err_clear(&run_err);
	return err->code == MRP_OK ? 0 : -1;
}

/* --- reports ------------------------------------------------------------------------------------------------- */

static int api_report(struct config_backend *backend, const struct strbuf *json, struct mrp_err *err)
{
	struct api_backend *api = (struct api_backend *)backend;
	cleanup(http_request_release) struct http_request request = HTTP_REQUEST_INIT;
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;

	api_request(&request, "PUT", NULL, "%s", api->report_path);
	request.content_type = "application/json";
	request.only_reads = true; /* an end of this agent need not wait for the answer */
	strbuf_add(&request.body, json->buf, json->len);
	if (http_call(api->client, &request, &answer, err) < 0)
		return -1;
	if (answer.status != 204 && answer.status != 200)
		return http_answer_error(api->client, &request, &answer, err);
	return 0;
}

static const struct config_backend_ops api_ops = {
	.look = api_look,
	.fetch = api_fetch,
	.known = api_known,
	.report = api_report,
	.free = api_free,
	.interval_ms = 30000,
};

struct config_backend *config_backend_api(
	const struct agent_source_options *options, int interrupt_fd, struct mrp_err *err)
{
	struct http_options http = *options->http;
	struct api_backend *api = xcalloc(1, sizeof(*api));

	http.parallel = PARALLEL;
	http.max_answer_bytes = MAX((size_t)FILES_BLOB_MAX, (size_t)CONFIG_MAX);
	http.retry.total_ms = MIN(http.retry.total_ms, (int64_t)RETRY_TOTAL_MS);
	http.interrupted = NULL;
	http.interrupt_fd = interrupt_fd;
	api->base.ops = &api_ops;
	api->client = http_open(&http, err);
	if (!api->client) {
		api_free(&api->base);
		return NULL;
	}
	api->base.name = xstrdup(http_url(api->client));
	api->base.origin = xstrdup("api");
	/* both names need no escaping: agent_check_names */
	api->config_path = xasprintf("/v1/agent-config?cluster=%s&host=%s", options->cluster, options->host);
	api->report_path = xasprintf("/v1/agents/%s/%s", options->cluster, options->host);
	return &api->base;
}
