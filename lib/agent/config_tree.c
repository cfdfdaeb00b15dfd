/* SPDX-License-Identifier: Apache-2.0 */
#include "config_tree.h"

#include "../config/config.h"
#include "../config/reader.h"
#include "../config/source.h"
#include "../value/json.h"

enum { TEXT_MAX = 32 << 20 }; /* bytes of one prober's entries; as in the API */

/* The cluster as agents may know it. */
static struct value *visible_cluster(struct arena *arena, const struct config_object *object, struct mrp_err *err)
{
	struct value *cluster = json_parse(arena, object->text, object->len, "a cluster", err);
	struct value *variables = cluster ? value_get(cluster, "variables") : NULL;

	for (uint32_t i = 0; variables && i < variables->n; i++) {
		if (cluster_hides(cluster, variables->members[i].key, variables->members[i].value))
			value_set(arena, variables->members[i].value, "value", NULL);
	}
	return cluster;
}

static void add_entries(struct strbuf *out, const struct value *entries, bool first)
{
	for (uint32_t i = 0; i < entries->n; i++) {
		if (!first || i)
			strbuf_addch(out, ',');
		json_compact(out, entries->items[i]);
	}
}

static int add_prober(struct strbuf *out, const struct config_object *object, const struct resolve_target *target,
	bool *first, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const struct value *prober = json_parse(&arena, object->text, object->len, "a prober", err);
	const struct value *placements = prober ? value_get(prober, "placements") : NULL;
	struct value *entries = value_array(&arena);
	size_t start = out->len;

	if (!prober)
		return -1;
	bool *matched = arena_zalloc(&arena, (placements ? placements->n : 0) + 1);
	if (!resolve_match(matched, prober, target->cluster, target->host))
		return 0;
	resolve_prober(&arena, entries, prober, matched, target);
	add_entries(out, entries, *first);
	if (out->len - start > TEXT_MAX) {
		strbuf_setlen(out, start);
		entries = value_array(&arena);
		value_push(&arena, entries,
			resolve_failure(&arena, prober, NULL, "matrix: what it makes is larger than 32 MiB"));
		add_entries(out, entries, *first);
	}
	*first &= entries->n == 0;
	return 0;
}

static int add_probers(
	struct strbuf *out, const struct config *config, const struct resolve_target *target, struct mrp_err *err)
{
	size_t n;
	const struct config_object *objects = config_objects(config, &n);
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (objects[i].kind == KIND_PROBER && add_prober(out, &objects[i], target, &first, err) < 0)
			return -1;
	}
	return 0;
}

/* The revision comes before what it is the hash of, as in the API's answer. */
static void add_config(struct strbuf *out, const struct strbuf *entries, const struct resolve_target *target)
{
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX + 1];

	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(MRP_VERSION), (const uint8_t *)MRP_VERSION);
	sha256_update(&ctx, entries->len, (const uint8_t *)entries->buf);
	sha256_digest(&ctx, SHA256_BYTES, digest);
	sha256_to_hex(hex, digest);
	hex[SHA256_HEX / 2] = '\0'; /* as long as the API's */
	agent_config_begin(out, target, hex);
	strbuf_add(out, entries->buf, entries->len);
	agent_config_end(out);
}

/* The log has all of them; who asks for a reload, or for the status, sees this line alone. */
static int refuse(const char *path, const struct problems *problems, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf first = STRBUF_INIT;

	problems_format_first(&first, problems);
	return mrp_err_set(err, MRP_EINVALID, "the configs in '%s' have %zu mistake%s: %s", path, problems->errors,
		problems->errors > 1 ? "s" : "", first.buf);
}

int config_tree_resolve(struct strbuf *out, const char *path, const char *environment, const char *cluster,
	const char *host, struct problems *problems, struct mrp_err *err)
{
	const struct config_options options = { .path = path, .environment = environment, .threads = 1 };
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf entries = STRBUF_INIT;
	cleanup(config_freep) struct config *config = NULL;

	if (config_load(&config, &options, problems, err) < 0)
		return -1;
	if (problems->errors)
		return refuse(path, problems, err);
	const struct config_object *object = config_find(config, KIND_CLUSTER, cluster);
	if (!object)
		return mrp_err_set(err, MRP_ENOTFOUND, "the configs in '%s' have no cluster '%s' in environment '%s'",
			path, cluster, config_environment(config));
	const struct resolve_target target = { cluster, host, config_environment(config),
		visible_cluster(&arena, object, err) };
	if (!target.object || add_probers(&entries, config, &target, err) < 0)
		return -1;
	add_config(out, &entries, &target);
	return 0;
}

int config_tree_read(struct strbuf *out, const char *path, const char *prober, const char *file, struct mrp_err *err)
{
	struct config_source *tree = config_source_worktree(path, err);
	cleanup(freep) char *name = xasprintf("probers/%s/%s", prober, file);

	if (!tree)
		return -1;
	int result = tree->ops->read(tree, out, NULL, name, CONFIG_FILE_MAX_BYTES, err);
	tree->ops->free(tree);
	return result < 0 ? mrp_err_wrap(err, "'%s/%s'", path, name) : 0;
}
