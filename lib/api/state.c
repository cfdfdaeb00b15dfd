/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/state: one answer tells everything that a synchronize needs to know. The answer is kept; the counter that
 * every write moves says whether it is still right, also when another process wrote.
 */
#include <inttypes.h>

#include "call.h"

struct state_cache {
	int64_t revision;
	char etag[SHA256_HEX + 8];
	struct strbuf body;
};

VEC_DEFINE(entry_vec, struct digest_entry)

/* What the answer is made of: texts like `"slug":{...},` for each kind. */
struct state_parts {
	struct arena arena;
	struct entry_vec managed;
	struct strbuf kinds[KIND_COUNT], unmanaged[KIND_COUNT], destroying[KIND_COUNT];
};

void state_cache_free(struct state_cache *cache)
{
	if (!cache)
		return;
	strbuf_release(&cache->body);
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
}

static void add_group(struct strbuf *out, const char *name, const struct strbuf *kind_texts)
{
	strbuf_addf(out, ",\"%s\":{", name);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		strbuf_addf(out, "%s\"%s\":{%s}", kind ? "," : "", kinds[kind].plural, kind_texts[kind].buf);
	strbuf_addch(out, '}');
}

static void format_state(struct state_cache *cache, struct state_parts *parts, const char *environment)
{
	uint8_t root[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	struct strbuf *out = &cache->body;

	root_digest(root, parts->managed.v, parts->managed.n);
	sha256_to_hex(hex, root);
	snprintf(cache->etag, sizeof(cache->etag), "W/\"%s\"", hex);
	strbuf_reset(out);
	strbuf_addf(out, "{\"root\":\"%s\",\"environment\":", hex);
	if (*environment)
		json_add_string(out, environment, strlen(environment));
	else
		strbuf_addstr(out, "null");
	add_group(out, "kinds", parts->kinds);
	add_group(out, "unmanaged", parts->unmanaged);
	add_group(out, "destroying", parts->destroying);
	strbuf_addstr(out, "}\n");
}

static int rebuild(struct state_cache *cache, struct store_conn *db, int64_t revision, const char *environment,
	struct mrp_err *err)
{
	struct state_parts parts = { .arena = ARENA_INIT };
	struct store_row row;

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
		format_state(cache, &parts, environment);
		/* read before the rows: when a write came in between, the next request looks again */
		cache->revision = revision;
	}
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		strbuf_release(&parts.kinds[kind]);
		strbuf_release(&parts.unmanaged[kind]);
		strbuf_release(&parts.destroying[kind]);
	}
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
		strbuf_init(&cache->body);
		cache->revision = -1;
	}
	if (cache->revision != revision && rebuild(cache, call->db, revision, environment.buf, err) < 0)
		return -1;
	call->response.etag = arena_strdup(&call->arena, cache->etag);
	call->response.cache_control = "no-cache";
	if (api_not_modified(call))
		return 0;
	strbuf_add(&call->response.body, cache->body.buf, cache->body.len);
	respond_json(call, 200);
	return 0;
}
