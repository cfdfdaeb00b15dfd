/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/state: one answer tells everything that a synchronize needs to know. The answer is kept; the counter that
 * every write moves says whether it is still right, also when another process wrote.
 *
 * There are two of it: digests of clusters, and the root digest that is made of them, let their readers try values of
 * sensitive variables, so those who may not have them get the same without. Its ETag is then the counter.
 */
#include <inttypes.h>

#include "call.h"

struct state_view {
	char etag[SHA256_HEX + 8];
	struct strbuf body;
};

enum { VIEW_WHOLE, VIEW_PUBLIC, VIEW_COUNT };

struct state_cache {
	int64_t revision;
	struct state_view views[VIEW_COUNT];
};

VEC_DEFINE(entry_vec, struct digest_entry)

/* What the answer is made of: texts like `"slug":{...},` for each kind. */
struct state_parts {
	struct arena arena;
	struct entry_vec managed;
	struct strbuf kinds[KIND_COUNT], public_clusters, unmanaged[KIND_COUNT], destroying[KIND_COUNT];
};

void state_cache_free(struct state_cache *cache)
{
	if (!cache)
		return;
	for (int i = 0; i < VIEW_COUNT; i++)
		strbuf_release(&cache->views[i].body);
	free(cache);
}

static void add_row(struct state_parts *parts, const struct store_row *row)
{
	int kind = kind_from_name(store_col_text(row, 0));
	const char *slug = store_col_text(row, 1);
	int64_t revision = row->col[2].i;
	bool managed = row->col[3].i, destroying = row->col[4].i;
	char hex[SHA256_HEX + 1];

	if (kind < 0 || row->col[5].n != SHA256_BYTES)
		return;
	struct strbuf *out = destroying ? &parts->destroying[kind]
		: managed               ? &parts->kinds[kind]
					: &parts->unmanaged[kind];
	strbuf_addf(out, "%s\"%s\":{", out->len ? "," : "", slug);
	if (managed && !destroying) {
		struct digest_entry entry = { .kind = kind, .slug = arena_strdup(&parts->arena, slug) };

		memcpy(entry.digest, row->col[5].p, SHA256_BYTES);
		entry_vec_push(&parts->managed, entry);
		sha256_to_hex(hex, entry.digest);
		strbuf_addf(out, "\"digest\":\"%s\",", hex);
	}
	strbuf_addf(out, "\"revision\":%" PRId64 "}", revision);
	if (out == &parts->kinds[KIND_CLUSTER])
		strbuf_addf(&parts->public_clusters, "%s\"%s\":{\"revision\":%" PRId64 "}",
			parts->public_clusters.len ? "," : "", slug, revision);
}

static void add_group(
	struct strbuf *out, const char *name, const struct strbuf *kind_texts, const struct strbuf *clusters)
{
	strbuf_addf(out, ",\"%s\":{", name);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		strbuf_addf(out, "%s\"%s\":{%s}", kind ? "," : "", kinds[kind].plural,
			kind == KIND_CLUSTER && clusters ? clusters->buf : kind_texts[kind].buf);
	strbuf_addch(out, '}');
}

static void format_view(struct strbuf *out, const struct state_parts *parts, const char *root_hex, const char *environment)
{
	strbuf_reset(out);
	strbuf_addch(out, '{');
	if (root_hex)
		strbuf_addf(out, "\"root\":\"%s\",", root_hex);
	strbuf_addstr(out, "\"environment\":");
	if (*environment)
		json_add_string(out, environment, strlen(environment));
	else
		strbuf_addstr(out, "null");
	add_group(out, "kinds", parts->kinds, root_hex ? NULL : &parts->public_clusters);
	add_group(out, "unmanaged", parts->unmanaged, NULL);
	add_group(out, "destroying", parts->destroying, NULL);
	strbuf_addstr(out, "}\n");
}

static void format_state(struct state_cache *cache, struct state_parts *parts, int64_t revision, const char *environment)
{
	uint8_t root[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	struct state_view *whole = &cache->views[VIEW_WHOLE], *public = &cache->views[VIEW_PUBLIC];

	root_digest(root, parts->managed.v, parts->managed.n);
	sha256_to_hex(hex, root);
	snprintf(whole->etag, sizeof(whole->etag), "W/\"%s\"", hex);
	snprintf(public->etag, sizeof(public->etag), "W/\"r%" PRId64 "\"", revision);
	format_view(&whole->body, parts, hex, environment);
	format_view(&public->body, parts, NULL, environment);
}

static int rebuild(struct state_cache *cache, struct store_conn *db, int64_t revision, const char *environment,
	struct mrp_err *err)
{
	struct state_parts parts = { .arena = ARENA_INIT };
	struct store_row row;

	strbuf_init(&parts.public_clusters);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		strbuf_init(&parts.kinds[kind]);
		strbuf_init(&parts.unmanaged[kind]);
		strbuf_init(&parts.destroying[kind]);
	}
	int r = store_start(db, SQL_OBJECT_DIGESTS, NULL, 0, err);
	while (r >= 0 && (r = store_step(db, SQL_OBJECT_DIGESTS, &row, err)) > 0)
		add_row(&parts, &row);
	store_finish(db, SQL_OBJECT_DIGESTS);
	if (r == 0) {
		format_state(cache, &parts, revision, environment);
		/* read before the rows: when a write came in between, the next request looks again */
		cache->revision = revision;
	}
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		strbuf_release(&parts.kinds[kind]);
		strbuf_release(&parts.unmanaged[kind]);
		strbuf_release(&parts.destroying[kind]);
	}
	strbuf_release(&parts.public_clusters);
	entry_vec_clear(&parts.managed);
	arena_release(&parts.arena);
	return r;
}

int state_get(struct api_call *call, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf environment = STRBUF_INIT;
	struct state_cache *cache = call->api->state;
	int64_t revision;

	if (store_meta(&revision, &environment, call->db, err) < 0)
		return -1;
	if (!cache) {
		cache = call->api->state = xcalloc(1, sizeof(*cache));
		for (int i = 0; i < VIEW_COUNT; i++)
			strbuf_init(&cache->views[i].body);
		cache->revision = -1;
	}
	if (cache->revision != revision && rebuild(cache, call->db, revision, environment.buf, err) < 0)
		return -1;
	const struct state_view *view = &cache->views[api_sees_digests(call) ? VIEW_WHOLE : VIEW_PUBLIC];
	call->response.etag = arena_strdup(&call->arena, view->etag);
	call->response.cache_control = "no-cache";
	if (api_not_modified(call))
		return 0;
	strbuf_add(&call->response.body, view->body.buf, view->body.len);
	respond_json(call, 200);
	return 0;
}
