/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "../base/log.h"
#include "../value/json.h"
#include "config_cluster.h"

enum {
	CHECK_EVERY_US = 1000000,
	HOST_SETS = 4096,       /* hosts whose class is remembered: so many sets of so many */
	HOST_WAYS = 8,
	BYTES_MAX = 128 << 20,  /* of texts and classes of all clusters */
};

struct cached_cluster {
	struct config_cluster *config;
	int64_t revision;                /* of the cluster in the database */
	uint8_t digest[SHA256_BYTES];    /* of what probers can refer to */
	uint64_t version, probers;       /* of the cache when they were last compared */
	uint64_t used;
};

VEC_DEFINE(cluster_vec, struct cached_cluster)

/* Which class a host had: right as long as the serial is the cluster's. */
struct host_slot {
	uint64_t serial; /* 0: free, as those after it in its set */
	const struct config_class *class;
	uint32_t hash;
	char host[64];
};

struct config_cache {
	atomic_bool written;
	int64_t checked_us;
	int64_t revision;      /* the database's counter of writes */
	uint64_t version;      /* moves when that does */
	uint64_t probers_version;
	int64_t probers_revision; /* the newest of the probers */
	struct strbuf environment;
	struct cached_prober_vec probers; /* by slug */
	struct cluster_vec clusters;      /* by slug */
	uint64_t uses;
	size_t bytes;
	struct host_slot *hosts;
};

struct config_cache *config_cache_new(void)
{
	struct config_cache *cache = xcalloc(1, sizeof(*cache));

	cache->revision = -1;
	cache->probers_revision = -1;
	strbuf_init(&cache->environment);
	cache->hosts = xcalloc((size_t)HOST_SETS * HOST_WAYS, sizeof(*cache->hosts));
	atomic_init(&cache->written, true);
	return cache;
}

static void prober_free(struct cached_prober *prober)
{
	arena_release(&prober->arena);
	free(prober->slug);
	free(prober);
}

void config_cache_free(struct config_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->clusters.n; i++)
		config_cluster_free(cache->clusters.v[i].config);
	cluster_vec_clear(&cache->clusters);
	for (size_t i = 0; i < cache->probers.n; i++)
		prober_free(cache->probers.v[i]);
	cached_prober_vec_clear(&cache->probers);
	strbuf_release(&cache->environment);
	free(cache->hosts);
	free(cache);
}

void config_cache_written(struct config_cache *cache)
{
	atomic_store(&cache->written, true);
}

/* The index of the slug, or where it would be. */
static size_t find_prober(const struct config_cache *cache, const char *slug, bool *there)
{
	size_t low = 0, high = cache->probers.n;

	*there = false;
	while (low < high && !*there) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(slug, cache->probers.v[middle]->slug);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Adds to the end when the slug is new: the caller sorts. */
static int put_prober(struct config_cache *cache, const struct store_row *row, size_t *added, struct mrp_err *err)
{
	struct cached_prober *prober = xcalloc(1, sizeof(*prober));
	bool there;

	prober->slug = xstrdup(store_col_text(row, 0));
	prober->revision = row->col[1].i;
	prober->object = json_parse(&prober->arena, row->col[2].p, row->col[2].n, "a stored prober", err);
	if (!prober->object) {
		prober_free(prober);
		err->code = MRP_EFAILED;
		return -1;
	}
	size_t n = cache->probers.n;
	cache->probers.n -= *added; /* those are not sorted yet */
	size_t i = find_prober(cache, prober->slug, &there);
	cache->probers.n = n;
	if (there) {
		prober_free(cache->probers.v[i]);
		cache->probers.v[i] = prober;
	} else {
		cached_prober_vec_push(&cache->probers, prober);
		(*added)++;
	}
	return 0;
}

static int compare_probers(const void *a, const void *b)
{
	return strcmp((*(struct cached_prober *const *)a)->slug, (*(struct cached_prober *const *)b)->slug);
}

static void sort_probers(struct config_cache *cache)
{
	if (cache->probers.n > 1)
		qsort(cache->probers.v, cache->probers.n, sizeof(*cache->probers.v), compare_probers);
}

static int read_new_probers(struct config_cache *cache, struct store_conn *db, struct mrp_err *err)
{
	int64_t newest = cache->probers_revision;
	struct store_row row;
	size_t added = 0;
	int r = store_start(db, SQL_PROBERS_SINCE, STORE_ARGS(store_int(newest)), err);

	while (r >= 0 && (r = store_step(db, SQL_PROBERS_SINCE, &row, err)) > 0) {
		newest = MAX(newest, row.col[1].i);
		if (put_prober(cache, &row, &added, err) < 0)
			r = -1;
	}
	store_finish(db, SQL_PROBERS_SINCE);
	sort_probers(cache);
	if (r == 0)
		cache->probers_revision = newest;
	return r < 0 ? -1 : 0;
}

/* Some are gone: keep those that are there. */
static int drop_deleted_probers(struct config_cache *cache, struct store_conn *db, struct mrp_err *err)
{
	cleanup(freep) bool *keep = xcalloc(cache->probers.n + 1, sizeof(*keep));
	struct store_row row;
	size_t kept = 0;
	bool there;
	int r = store_start(db, SQL_PROBERS_SLUGS, NULL, 0, err);

	while (r >= 0 && (r = store_step(db, SQL_PROBERS_SLUGS, &row, err)) > 0) {
		size_t i = find_prober(cache, store_col_text(&row, 0), &there);

		if (there)
			keep[i] = true;
	}
	store_finish(db, SQL_PROBERS_SLUGS);
	for (size_t i = 0; i < cache->probers.n && r == 0; i++) {
		if (keep[i])
			cache->probers.v[kept++] = cache->probers.v[i];
		else
			prober_free(cache->probers.v[i]);
	}
	if (r == 0)
		cache->probers.n = kept;
	return r;
}

/* A revision comes once only, so count and newest revision tell whether anything has changed. */
static int check_probers(struct config_cache *cache, struct store_conn *db, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(&row, db, SQL_PROBERS_STAMP, NULL, 0, err);

	if (r <= 0)
		return r < 0 ? -1 : mrp_err_set(err, MRP_EFAILED, "the database does not count its probers");
	size_t count = (size_t)row.col[0].i;
	int64_t newest = row.col[1].type == ST_INT ? row.col[1].i : -1;
	store_finish(db, SQL_PROBERS_STAMP);
	if (newest == cache->probers_revision && count == cache->probers.n)
		return 0;
	cache->probers_version++; /* first: a failure half-way must not leave clusters that point at what is gone */
	if (newest > cache->probers_revision && read_new_probers(cache, db, err) < 0)
		return -1;
	if (count != cache->probers.n && drop_deleted_probers(cache, db, err) < 0)
		return -1;
	cache->probers_revision = MAX(newest, cache->probers.n ? cache->probers_revision : -1);
	return 0;
}

/* Has anything been written? */
static int check_database(struct config_cache *cache, struct store_conn *db, int64_t now_us, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf environment = STRBUF_INIT;
	int64_t revision;

	if (now_us - cache->checked_us < CHECK_EVERY_US && !atomic_exchange(&cache->written, false))
		return 0;
	cache->checked_us = now_us;
	if (store_meta(&revision, &environment, db, err) < 0) {
		if (cache->revision < 0)
			goto fail;
		/* what was good a second ago is better than nothing, and agents have no use for a failure */
		log_warning("agents get what they got before: %s", err->msg);
		mrp_err_clear(err);
		return 0;
	}
	if (!streq(environment.buf, cache->environment.buf)) {
		for (size_t i = 0; i < cache->clusters.n; i++)
			cache->clusters.v[i].revision = -1;
		strbuf_reset(&cache->environment);
		strbuf_addstr(&cache->environment, environment.buf);
		cache->version++;
	}
	if (revision == cache->revision)
		return 0;
	cache->version++;
	if (check_probers(cache, db, err) < 0)
		goto fail;
	cache->revision = revision; /* read before the rows: what came in between is seen the next time */
	return 0;
fail:
	atomic_store(&cache->written, true);
	return -1;
}

/* What `${name}` can mean, in one number. */
static void digest_names(uint8_t digest[SHA256_BYTES], const struct value *object)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct value *variables = value_get(object, "variables"), *list = value_get(object, "sensitive_variables");

	for (uint32_t i = 0; variables && i < variables->n; i++) {
		const struct value *entry = variables->members[i].value;
		static const char *const parts[] = { "value", "sensitive" };

		json_add_string(&text, variables->members[i].key, strlen(variables->members[i].key));
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
			const struct value *part = value_get(entry, parts[k]);

			strbuf_addch(&text, part ? ':' : '-');
			if (part)
				json_canonical(&text, part);
		}
	}
	if (list)
		json_canonical(&text, list);
	sha256_of(digest, text.buf, text.len);
}

static int read_cluster(struct config_cache *cache, struct cached_cluster *cluster, struct store_conn *db, struct mrp_err *err)
{
	const char *slug = config_cluster_slug(cluster->config);
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf body = STRBUF_INIT;
	uint8_t digest[SHA256_BYTES];
	bool first = cluster->revision < 0;
	int64_t revision;
	int there = object_read(&body, &revision, db, KIND_CLUSTER, slug, false, err);

	if (there <= 0)
		return there;
	if (revision == cluster->revision)
		return 1;
	const struct value *object = json_parse(&arena, body.buf, body.len, "a stored cluster", err);
	if (!object) {
		err->code = MRP_EFAILED;
		return -1;
	}
	digest_names(digest, object);
	if (first || memcmp(digest, cluster->digest, sizeof(digest)) != 0)
		config_cluster_set(cluster->config, object, cache->environment.len ? cache->environment.buf : NULL);
	memcpy(cluster->digest, digest, sizeof(digest));
	cluster->revision = revision;
	return 1;
}

static size_t find_cluster(const struct config_cache *cache, const char *slug, bool *there)
{
	size_t low = 0, high = cache->clusters.n;

	*there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(slug, config_cluster_slug(cache->clusters.v[middle].config));

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void insert_cluster(struct config_cache *cache, size_t at, struct cached_cluster cluster)
{
	cluster_vec_push(&cache->clusters, cluster);
	memmove(&cache->clusters.v[at + 1], &cache->clusters.v[at], (cache->clusters.n - 1 - at) * sizeof(cluster));
	cache->clusters.v[at] = cluster;
}

static void remove_cluster(struct config_cache *cache, size_t at)
{
	cache->bytes -= config_cluster_bytes(cache->clusters.v[at].config);
	config_cluster_free(cache->clusters.v[at].config);
	cache->clusters.n--;
	memmove(&cache->clusters.v[at], &cache->clusters.v[at + 1], (cache->clusters.n - at) * sizeof(*cache->clusters.v));
}

/* Clusters that nobody has asked for lately go first, with all that is theirs. */
static void make_room(struct config_cache *cache)
{
	while (cache->bytes > BYTES_MAX && cache->clusters.n > 1) {
		size_t oldest = 0;

		for (size_t i = 1; i < cache->clusters.n; i++) {
			if (cache->clusters.v[i].used < cache->clusters.v[oldest].used)
				oldest = i;
		}
		remove_cluster(cache, oldest);
	}
	if (cache->bytes > BYTES_MAX) {
		config_cluster_clear(cache->clusters.v[0].config);
		cache->bytes = config_cluster_bytes(cache->clusters.v[0].config);
	}
}

static int cluster_not_found(const char *slug, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_ENOTFOUND, "cluster '%s' is not there", slug);
}

/* Bring the cluster up to date, when anything has changed since it was last looked at. */
static int update_cluster(struct config_cache *cache, size_t at, struct store_conn *db, struct mrp_err *err)
{
	struct cached_cluster *cluster = &cache->clusters.v[at];

	if (cluster->version == cache->version)
		return 0;
	size_t bytes = config_cluster_bytes(cluster->config);
	if (cluster->probers != cache->probers_version)
		config_cluster_set_probers(cluster->config, &cache->probers);
	cluster->probers = cache->probers_version;
	int there = read_cluster(cache, cluster, db, err);
	cache->bytes += config_cluster_bytes(cluster->config) - bytes;
	if (there > 0)
		cluster->version = cache->version;
	if (there == 0) {
		cleanup(freep) char *slug = xstrdup(config_cluster_slug(cluster->config));

		remove_cluster(cache, at);
		return cluster_not_found(slug, err);
	}
	return there < 0 ? -1 : 0;
}

static uint32_t hash_host(const char *cluster, const char *host)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *cluster; cluster++)
		hash = (hash ^ (unsigned char)*cluster) * 1099511628211ULL;
	hash = (hash ^ '/') * 1099511628211ULL;
	for (; *host; host++)
		hash = (hash ^ (unsigned char)*host) * 1099511628211ULL;
	return (uint32_t)(hash ^ hash >> 32);
}

/* The host's slot, or the one that it may have. In a full set the hash says which: hosts poll in turns, and giving up
 * the one that was asked for longest ago would then lose all of them when there is one too many. */
static struct host_slot *find_slot(struct config_cache *cache, const char *cluster, const char *host)
{
	uint32_t hash = hash_host(cluster, host);
	struct host_slot *set = &cache->hosts[(size_t)(hash % HOST_SETS) * HOST_WAYS];
	struct host_slot *slot = &set[hash / HOST_SETS % HOST_WAYS];

	for (size_t i = 0; i < HOST_WAYS; i++) {
		if (!set[i].serial || (set[i].hash == hash && streq(set[i].host, host))) {
			slot = &set[i];
			break;
		}
	}
	slot->hash = hash;
	return slot;
}

static const struct config_class *look_class_up(
	struct config_cache *cache, struct config_cluster *config, const char *host)
{
	size_t bytes = config_cluster_bytes(config);
	const struct config_class *class = config_cluster_find(config, host);

	cache->bytes += config_cluster_bytes(config) - bytes;
	return class;
}

static const struct config_class *find_class(struct config_cache *cache, struct config_cluster *config, const char *host)
{
	uint64_t serial = config_cluster_serial(config);

	if (strlen(host) >= sizeof(cache->hosts->host))
		return look_class_up(cache, config, host);
	struct host_slot *slot = find_slot(cache, config_cluster_slug(config), host);
	if (slot->serial == serial && streq(slot->host, host))
		return slot->class;
	slot->class = look_class_up(cache, config, host);
	slot->serial = serial;
	memcpy(slot->host, host, strlen(host) + 1);
	return slot->class;
}

const struct config_class *config_cache_find(struct config_cache *cache, struct store_conn *db, const char *slug,
	const char *host, int64_t now_us, struct mrp_err *err)
{
	bool there;

	if (check_database(cache, db, now_us, err) < 0)
		return NULL;
	make_room(cache); /* before anything is given out */
	size_t at = find_cluster(cache, slug, &there);
	if (!there) {
		struct cached_cluster cluster = { .config = config_cluster_new(slug), .revision = -1 };

		insert_cluster(cache, at, cluster);
	}
	if (update_cluster(cache, at, db, err) < 0) {
		if (!there && at < cache->clusters.n && streq(config_cluster_slug(cache->clusters.v[at].config), slug))
			remove_cluster(cache, at);
		return NULL;
	}
	cache->clusters.v[at].used = ++cache->uses;
	return find_class(cache, cache->clusters.v[at].config, host);
}
