/* SPDX-License-Identifier: Apache-2.0 */
/* File contents, named by their SHA-256: they never change, so caches may keep them for good. */
#include "call.h"

enum { MISSING_MAX = 100000 };

static int hash_arg(uint8_t out[SHA256_BYTES], const char *text, struct mrp_err *err)
{
	if (sha256_from_hex(out, text))
		return 0;
	return mrp_err_set(err, MRP_ENOTFOUND, "'%s' is not a SHA-256 in lower-case hex", text);
}

int blob_download(struct api_call *call, struct mrp_err *err)
{
	uint8_t sha256[SHA256_BYTES];
	const char *name = call->args[0];
	int64_t size;

	if (hash_arg(sha256, name, err) < 0)
		return -1;
	int there = blob_get(&call->response.body, &size, call->db, sha256, err);
	if (there <= 0)
		return there < 0 ? -1 : mrp_err_set(err, MRP_ENOTFOUND, "blob '%s' is not here", name);
	call->response.etag = arena_printf(&call->arena, "\"%s\"", name);
	/* caches that serve others must not spare them the token */
	call->response.cache_control = call->caller.known ? "private, max-age=31536000, immutable"
							  : "public, max-age=31536000, immutable";
	if (api_not_modified(call))
		return 0;
	call->response.status = 200;
	call->response.content_type = "application/octet-stream";
	return 0;
}

int blob_upload(struct api_call *call, struct mrp_err *err)
{
	uint8_t sha256[SHA256_BYTES], content[SHA256_BYTES];
	const char *name = call->args[0];

	if (hash_arg(sha256, name, err) < 0)
		return -1;
	sha256_of(content, call->request.body, call->request.body_len);
	if (memcmp(sha256, content, sizeof(content)) != 0) {
		char hex[SHA256_HEX + 1];

		sha256_to_hex(hex, content);
		return mrp_err_set(err, MRP_EINVALID, "the content hashes to '%s', not to its name '%s'", hex, name);
	}
	int new = blob_put(call->db, sha256, call->request.body, call->request.body_len, call->now_ms / 1000, err);
	if (new < 0)
		return -1;
	call->response.etag = arena_printf(&call->arena, "\"%s\"", name);
	if (new)
		call->response.location = arena_printf(&call->arena, "/v1/blobs/%s", name);
	call->response.status = new ? 201 : 204;
	return 0;
}

/* A blob that nothing refers to and that will soon be removed counts as missing: its upload gives it a new life, so
 * that the object which is about to name it does not come too late. */
int blob_missing(struct api_call *call, struct mrp_err *err)
{
	const struct value *hashes = call->body->type == V_OBJECT ? value_get(call->body, "sha256") : NULL;
	struct value *answer = value_object(&call->arena), *missing = value_array(&call->arena);

	if (!hashes || hashes->type != V_ARRAY || hashes->n > MISSING_MAX) {
		problems_add(&call->problems, (struct mrp_loc){ 0 }, "sha256", "should be a list of at most %d hashes",
			(int)MISSING_MAX);
		return mrp_err_set(err, MRP_EINVALID, "the body is not valid");
	}
	uint8_t *wanted = arena_alloc(&call->arena, ((size_t)hashes->n + 1) * SHA256_BYTES);
	bool *usable = arena_alloc(&call->arena, ((size_t)hashes->n + 1) * sizeof(*usable));
	for (uint32_t i = 0; i < hashes->n; i++) {
		const struct value *hash = hashes->items[i];

		if (hash->type != V_STRING || !sha256_from_hex(wanted + (size_t)i * SHA256_BYTES, hash->s)) {
			problems_add(&call->problems, (struct mrp_loc){ 0 },
				arena_printf(&call->arena, "sha256[%u]", i), "is not a SHA-256 in lower-case hex");
			return mrp_err_set(err, MRP_EINVALID, "the body is not valid");
		}
	}
	if (blobs_usable(usable, call->db, wanted, hashes->n, call->now_ms / 1000, err) < 0)
		return -1;
	for (uint32_t i = 0; i < hashes->n; i++) {
		if (!usable[i])
			value_push(&call->arena, missing, hashes->items[i]);
	}
	value_append(&call->arena, answer, "missing", missing);
	respond_value(call, 200, answer);
	return 0;
}
