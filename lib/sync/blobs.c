/* SPDX-License-Identifier: Apache-2.0 */
#include "blobs.h"

enum { ASK_AT_ONCE = 1000 };

bool sync_hopeless(enum mrp_errcode code)
{
	return code == MRP_EUNREACHABLE || code == MRP_EINTERRUPTED || code == MRP_EPERM || code == MRP_EREFUSED ||
		code == MRP_ELOCKED || code == MRP_ENOSPC;
}

static int compare_blobs(const void *a, const void *b)
{
	return memcmp(((const struct blob *)a)->sha256, ((const struct blob *)b)->sha256, SHA256_BYTES);
}

typedef bool each_file_fn(void *ctx, const char *path, const char *sha256);

/* Calls `each` with the files of an object until it returns false. */
static void each_file(struct arena *scratch, const struct config_object *object, each_file_fn *each, void *ctx)
{
	/* most objects of a large tree share nothing but text: look before parsing */
	if (!strstr(object->text, "\"sha256\":") && !strstr(object->text, "\"initial_values\":"))
		return;
	const struct value *desired = plan_desired(scratch, object), *files = value_get(desired, "files");
	const char *initial = object->kind == KIND_RECIPE ? value_get_string(desired, "initial_values") : NULL;

	if (initial && !each(ctx, "initial_values", initial))
		return;
	for (uint32_t i = 0; files && files->type == V_OBJECT && i < files->n; i++) {
		const char *sha256 = value_get_string(files->members[i].value, "sha256");

		if (sha256 && !each(ctx, files->members[i].key, sha256))
			return;
	}
}

struct collection {
	struct blobs *blobs;
	const struct config_object *object;
};

static bool collect_file(void *ctx, const char *path, const char *sha256)
{
	struct collection *collection = ctx;
	struct blob blob = { .object = collection->object, .path = arena_strdup(&collection->blobs->arena, path) };

	if (sha256_from_hex(blob.sha256, sha256))
		blob_vec_push(&collection->blobs->list, blob);
	return true;
}

void blobs_collect(struct blobs *blobs, const struct plan *plan)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	size_t kept = 0;

	*blobs = (struct blobs){ .arena = ARENA_INIT };
	for (size_t i = 0; i < plan->changes.n; i++) {
		struct collection collection = { blobs, plan->changes.v[i].object };

		arena_reset(&scratch);
		if (collection.object)
			each_file(&scratch, collection.object, collect_file, &collection);
	}
	struct blob_vec *list = &blobs->list;
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), compare_blobs);
	for (size_t i = 0; i < list->n; i++) {
		if (!i || compare_blobs(&list->v[i], &list->v[kept - 1]) != 0)
			list->v[kept++] = list->v[i];
	}
	list->n = kept;
}

void blobs_release(struct blobs *blobs)
{
	for (size_t i = 0; i < blobs->list.n; i++)
		free(blobs->list.v[i].failure);
	blob_vec_clear(&blobs->list);
	arena_release(&blobs->arena);
}

static struct blob *find_blob(const struct blobs *blobs, const char *hex)
{
	struct blob key = { 0 };

	if (!blobs->list.n || !sha256_from_hex(key.sha256, hex))
		return NULL;
	return bsearch(&key, blobs->list.v, blobs->list.n, sizeof(key), compare_blobs);
}

static int ask_missing(struct blobs *blobs, struct http_client *client, size_t from, size_t to, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *body = value_object(&arena), *hashes = value_array(&arena);
	struct http_request request;
	struct api_result result;

	for (size_t i = from; i < to; i++) {
		char hex[SHA256_HEX + 1];

		sha256_to_hex(hex, blobs->list.v[i].sha256);
		value_push(&arena, hashes, value_string(&arena, hex));
	}
	value_append(&arena, body, "sha256", hashes);
	api_request(&request, "POST", body, "/v1/blobs/missing");
	request.only_reads = true;
	if (api_call(client, &request, &arena, &result, err) < 0)
		return -1;
	const struct value *missing = value_get(result.value, "missing");
	if (!missing || missing->type != V_ARRAY)
		return mrp_err_set(err, MRP_EHTTP, "POST %s/v1/blobs/missing: the answer has no 'missing'", http_url(client));
	value_for_each(hash, missing) {
		struct blob *blob = hash->type == V_STRING ? find_blob(blobs, hash->s) : NULL;

		if (blob && !blob->missing) {
			blob->missing = true;
			blobs->missing++;
		}
	}
	return 0;
}

struct upload {
	struct blobs *blobs;
	const struct plan *plan;
	struct http_client *client;
	size_t next;
	void (*uploaded)(void *ctx);
	void *ctx;
	struct mrp_err *stop; /* the failure that stopped everything */
};

static void note_failure(struct blobs *blobs, struct blob *blob, const char *why)
{
	free(blob->failure);
	blob->failure = xasprintf("file '%s': %s", blob->path, why);
	blobs->failures++;
}

static bool next_upload(void *ctx, struct http_request *request)
{
	struct upload *upload = ctx;
	struct blobs *blobs = upload->blobs;

	for (; upload->stop->code == MRP_OK && upload->next < blobs->list.n; upload->next++) {
		struct blob *blob = &blobs->list.v[upload->next];
		cleanup(strbuf_release) struct strbuf content = STRBUF_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		char hex[SHA256_HEX + 1];

		if (!blob->missing)
			continue;
		sha256_to_hex(hex, blob->sha256);
		if (config_read_file(&content, upload->plan->config, blob->object, blob->path, hex, &err) < 0) {
			cleanup(strbuf_release) struct strbuf why = STRBUF_INIT;

			mrp_err_format(&why, &err);
			note_failure(blobs, blob, why.buf);
			mrp_err_clear(&err);
			continue;
		}
		api_request_put_blob(request, hex, content.buf, content.len);
		request->tag = blob;
		upload->next++;
		return true;
	}
	return false;
}

static void upload_done(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err)
{
	struct upload *upload = ctx;

	if (err->code != MRP_OK || api_check_written(upload->client, request, answer, err) < 0) {
		note_failure(upload->blobs, request->tag, err->msg);
		if (sync_hopeless(err->code) && upload->stop->code == MRP_OK)
			mrp_err_move(upload->stop, err);
	}
	if (upload->uploaded)
		upload->uploaded(upload->ctx);
}

int blobs_upload(struct blobs *blobs, const struct plan *plan, struct http_client *client, void (*uploaded)(void *ctx),
	void *ctx, struct mrp_err *err)
{
	struct upload upload = { .blobs = blobs, .plan = plan, .client = client, .uploaded = uploaded, .ctx = ctx,
		.stop = err };
	struct mrp_err run_err = MRP_ERR_INIT;

	mrp_err_clear(err);
	for (size_t from = 0; from < blobs->list.n; from += ASK_AT_ONCE) {
		if (ask_missing(blobs, client, from, MIN(from + ASK_AT_ONCE, blobs->list.n), err) < 0)
			return -1;
	}
	if (!blobs->missing)
		return 0;
	if (http_run(client, next_upload, upload_done, &upload, &run_err) < 0)
		return mrp_err_move(err, &run_err);
	return err->code == MRP_OK ? 0 : -1;
}

struct search {
	const struct blobs *blobs;
	const char *failure;
};

static bool look_for_failure(void *ctx, const char *path, const char *sha256)
{
	struct search *search = ctx;
	const struct blob *blob = find_blob(search->blobs, sha256);

	(void)path;
	search->failure = blob ? blob->failure : NULL;
	return !search->failure;
}

const char *blobs_failure(const struct blobs *blobs, const struct config_object *object)
{
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	struct search search = { blobs, NULL };

	if (blobs->failures)
		each_file(&scratch, object, look_for_failure, &search);
	return search.failure;
}
