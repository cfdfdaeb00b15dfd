/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's name matters in two ways: by the globs of placements, and where ${host} stands. The globs of all placements
 * that fit the cluster are collected, each list once; which of them fit a host is a string of bits, and equal bits make
 * a class. For ${host} probers are resolved with a name that nobody can have, and cut there.
 */
#include "config_cluster.h"

#include <sys/random.h>

#include "../base/text.h"
#include "../model/agent.h"
#include "../value/json.h"

enum { TEXT_MAX = 32 << 20 }; /* bytes of one prober's entries */

/* The entries of one prober, joined by commas. */
struct text {
	char *bits; /* which placements fit: '0' and '1' */
	char *json; /* without the host's name */
	size_t len;
	size_t *gaps; /* offsets where the name goes */
	size_t n_gaps;
	uint8_t hash[SHA256_BYTES];
	struct text *next;
};

/* A prober of which a placement fits the cluster, whatever the host. */
struct placed {
	char *slug;
	int64_t revision;
	const struct cached_prober *prober; /* borrowed */
	struct text *texts;
};

VEC_DEFINE(placed_vec, struct placed)
VEC_DEFINE(globs_vec, const struct value *)

struct config_class {
	const struct config_cluster *cluster;
	char *bits; /* which conditions fit */
	const struct text **texts;
	size_t n;
	char etag[SHA256_HEX / 2 + 1];
	struct config_class *next;
};

struct config_cluster {
	char *slug, *environment;
	struct arena arena;
	struct value *object;
	struct placed_vec placed;
	struct globs_vec conditions; /* lists of globs of hosts, borrowed from probers */
	struct config_class *classes;
	size_t bytes;
	uint64_t serial;
};

static uint64_t next_serial = 1;

/* What stands for the host while probers are resolved. */
static const char *host_mark(void)
{
	static char mark[48];

	if (!*mark) {
		uint64_t random[2] = { 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03 };

		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			random[0] ^= (uintptr_t)&mark;
		snprintf(mark, sizeof(mark), "host-%016llx%016llx", (unsigned long long)random[0],
			(unsigned long long)random[1]);
	}
	return mark;
}

static void text_free(struct text *text)
{
	free(text->bits);
	free(text->json);
	free(text->gaps);
	free(text);
}

static void drop_texts(struct config_cluster *cluster, struct placed *placed)
{
	for (struct text *text = placed->texts, *next; text; text = next) {
		next = text->next;
		cluster->bytes -= sizeof(*text) + text->len;
		text_free(text);
	}
	placed->texts = NULL;
}

static void drop_classes(struct config_cluster *cluster)
{
	for (struct config_class *class = cluster->classes, *next; class; class = next) {
		next = class->next;
		cluster->bytes -= sizeof(*class) + class->n * sizeof(*class->texts);
		free(class->bits);
		free(class->texts);
		free(class);
	}
	cluster->classes = NULL;
	cluster->serial = next_serial++;
}

void config_cluster_clear(struct config_cluster *cluster)
{
	drop_classes(cluster);
	for (size_t i = 0; i < cluster->placed.n; i++)
		drop_texts(cluster, &cluster->placed.v[i]);
}

static void drop_placed(struct config_cluster *cluster, struct placed_vec *placed)
{
	for (size_t i = 0; i < placed->n; i++) {
		drop_texts(cluster, &placed->v[i]);
		free(placed->v[i].slug);
	}
	placed_vec_clear(placed);
}

struct config_cluster *config_cluster_new(const char *slug)
{
	struct config_cluster *cluster = xcalloc(1, sizeof(*cluster));

	cluster->slug = xstrdup(slug);
	cluster->serial = next_serial++;
	return cluster;
}

void config_cluster_free(struct config_cluster *cluster)
{
	if (!cluster)
		return;
	drop_classes(cluster);
	drop_placed(cluster, &cluster->placed);
	globs_vec_clear(&cluster->conditions);
	arena_release(&cluster->arena);
	free(cluster->environment);
	free(cluster->slug);
	free(cluster);
}

const char *config_cluster_slug(const struct config_cluster *cluster)
{
	return cluster->slug;
}

size_t config_cluster_bytes(const struct config_cluster *cluster)
{
	return cluster->bytes;
}

uint64_t config_cluster_serial(const struct config_cluster *cluster)
{
	return cluster->serial;
}

void config_cluster_set(struct config_cluster *cluster, const struct value *object, const char *environment)
{
	config_cluster_clear(cluster);
	arena_reset(&cluster->arena);
	cluster->object = value_copy(&cluster->arena, object);
	free(cluster->environment);
	cluster->environment = environment ? xstrdup(environment) : NULL;
}

/* Add the placement's globs of hosts, when it has any and they are not there yet. */
static void add_condition(struct config_cluster *cluster, const struct value *placement)
{
	const struct value *hosts = value_get(placement, "hosts");

	for (size_t i = 0; hosts && i < cluster->conditions.n; i++) {
		if (value_equal(cluster->conditions.v[i], hosts))
			return;
	}
	if (hosts)
		globs_vec_push(&cluster->conditions, hosts);
}

/* True when some host of the cluster may run it. */
static bool collect_conditions(struct config_cluster *cluster, const struct value *prober)
{
	const struct value *placements = value_get(prober, "placements");
	bool fits = false;

	for (uint32_t i = 0; placements && i < placements->n; i++) {
		if (!placement_matches(placements->items[i], cluster->slug, NULL))
			continue;
		fits = true;
		add_condition(cluster, placements->items[i]);
	}
	return fits;
}

void config_cluster_set_probers(struct config_cluster *cluster, const struct cached_prober_vec *probers)
{
	struct placed_vec before = cluster->placed;
	size_t k = 0;

	drop_classes(cluster);
	cluster->placed = (struct placed_vec)VEC_INIT;
	cluster->conditions.n = 0;
	for (size_t i = 0; i < probers->n; i++) {
		const struct cached_prober *prober = probers->v[i];
		struct placed placed = { .revision = prober->revision, .prober = prober };

		if (!collect_conditions(cluster, prober->object))
			continue;
		/* both are sorted by slug */
		while (k < before.n && strcmp(before.v[k].slug, prober->slug) < 0)
			k++;
		if (k < before.n && before.v[k].revision == prober->revision && streq(before.v[k].slug, prober->slug))
			placed.texts = steal(&before.v[k].texts);
		placed.slug = xstrdup(prober->slug);
		placed_vec_push(&cluster->placed, placed);
	}
	drop_placed(cluster, &before);
}

/* Take the mark out of the JSON and note where it was. */
static void cut_gaps(struct text *text, const struct strbuf *json)
{
	const char *mark = host_mark(), *from = json->buf, *end = json->buf + json->len;
	size_t mark_len = strlen(mark), alloc = 0;
	struct strbuf out = STRBUF_INIT;

	for (const char *at; (at = memmem(from, (size_t)(end - from), mark, mark_len)); from = at + mark_len) {
		strbuf_add(&out, from, (size_t)(at - from));
		if (text->n_gaps == alloc) {
			alloc = alloc ? 2 * alloc : 4;
			text->gaps = xrealloc(text->gaps, alloc * sizeof(*text->gaps));
		}
		text->gaps[text->n_gaps++] = out.len;
	}
	strbuf_add(&out, from, (size_t)(end - from));
	text->json = strbuf_detach(&out, &text->len);
}

static void hash_text(struct text *text)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, text->len, (const uint8_t *)text->json);
	sha256_update(&ctx, text->n_gaps * sizeof(*text->gaps), (const uint8_t *)text->gaps);
	sha256_digest(&ctx, SHA256_BYTES, text->hash);
}

static void format_entries(struct strbuf *out, const struct value *entries)
{
	for (uint32_t i = 0; i < entries->n && out->len <= TEXT_MAX; i++) {
		if (i)
			strbuf_addch(out, ',');
		json_compact(out, entries->items[i]);
	}
}

static struct text *make_text(struct config_cluster *cluster, const struct placed *placed, const bool *matched)
{
	const struct resolve_target target = { cluster->slug, host_mark(), cluster->environment, cluster->object };
	const struct value *prober = placed->prober->object;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	struct value *entries = value_array(&arena);
	struct text *text = xcalloc(1, sizeof(*text));

	resolve_prober(&arena, entries, prober, matched, &target);
	format_entries(&json, entries);
	if (json.len > TEXT_MAX) {
		strbuf_reset(&json);
		json_compact(&json, resolve_failure(&arena, prober, NULL, "matrix: what it makes is larger than 32 MiB"));
	}
	cut_gaps(text, &json);
	hash_text(text);
	return text;
}

/* The prober's text for a host, or NULL when it does not run there. */
static const struct text *find_text(struct config_cluster *cluster, struct placed *placed, const char *host)
{
	const struct value *prober = placed->prober->object;
	size_t n = value_get(prober, "placements")->n;
	cleanup(freep) bool *matched = xmalloc(n + 1);
	cleanup(freep) char *bits = xmalloc(n + 1);

	if (!resolve_match(matched, prober, cluster->slug, host))
		return NULL;
	for (size_t i = 0; i < n; i++)
		bits[i] = matched[i] ? '1' : '0';
	bits[n] = '\0';
	for (const struct text *text = placed->texts; text; text = text->next) {
		if (streq(text->bits, bits))
			return text;
	}
	struct text *text = make_text(cluster, placed, matched);
	text->bits = steal(&bits);
	text->next = placed->texts;
	placed->texts = text;
	cluster->bytes += sizeof(*text) + text->len;
	return text;
}

static void set_etag(struct config_class *class)
{
	const struct config_cluster *cluster = class->cluster;
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX + 1];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	/* another version may resolve or write in another way */
	sha256_update(&ctx, sizeof(MRP_VERSION), (const uint8_t *)MRP_VERSION);
	sha256_update(&ctx, strlen(cluster->slug) + 1, (const uint8_t *)cluster->slug);
	if (cluster->environment)
		sha256_update(&ctx, strlen(cluster->environment), (const uint8_t *)cluster->environment);
	for (size_t i = 0; i < class->n; i++)
		sha256_update(&ctx, SHA256_BYTES, class->texts[i]->hash);
	sha256_digest(&ctx, SHA256_BYTES, digest);
	sha256_to_hex(hex, digest);
	memcpy(class->etag, hex, sizeof(class->etag) - 1); /* half of it is long enough */
}

static struct config_class *make_class(struct config_cluster *cluster, const char *host)
{
	struct config_class *class = xcalloc(1, sizeof(*class));

	class->cluster = cluster;
	class->texts = xmalloc((cluster->placed.n + 1) * sizeof(*class->texts));
	for (size_t i = 0; i < cluster->placed.n; i++) {
		const struct text *text = find_text(cluster, &cluster->placed.v[i], host);

		if (text && text->len) /* an empty list of values makes no entry */
			class->texts[class->n++] = text;
	}
	set_etag(class);
	cluster->bytes += sizeof(*class) + class->n * sizeof(*class->texts);
	return class;
}

const struct config_class *config_cluster_find(struct config_cluster *cluster, const char *host)
{
	cleanup(freep) char *bits = xmalloc(cluster->conditions.n + 1);

	for (size_t i = 0; i < cluster->conditions.n; i++) {
		const struct value *globs = cluster->conditions.v[i];
		bool fits = false;

		for (uint32_t k = 0; k < globs->n && !fits; k++)
			fits = glob_match(globs->items[k]->s, host);
		bits[i] = fits ? '1' : '0';
	}
	bits[cluster->conditions.n] = '\0';
	for (const struct config_class *class = cluster->classes; class; class = class->next) {
		if (streq(class->bits, bits))
			return class;
	}
	struct config_class *class = make_class(cluster, host);
	class->bits = steal(&bits);
	class->next = cluster->classes;
	cluster->classes = class;
	return class;
}

const char *config_class_etag(const struct config_class *class)
{
	return class->etag;
}

static void add_text(struct strbuf *out, const struct text *text, const char *host)
{
	size_t from = 0;

	for (size_t i = 0; i < text->n_gaps; i++) {
		strbuf_add(out, text->json + from, text->gaps[i] - from);
		strbuf_addstr(out, host);
		from = text->gaps[i];
	}
	strbuf_add(out, text->json + from, text->len - from);
}

void config_class_format(struct strbuf *out, const struct config_class *class, const char *host)
{
	const struct config_cluster *cluster = class->cluster;
	const struct resolve_target target = { cluster->slug, host, cluster->environment, NULL };

	agent_config_begin(out, &target, class->etag);
	for (size_t i = 0; i < class->n; i++) {
		if (i)
			strbuf_addch(out, ',');
		add_text(out, class->texts[i], host);
	}
	agent_config_end(out);
}
