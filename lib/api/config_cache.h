/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agents run, ready to be sent. Thousands of agents ask every minute and nearly always nothing has changed, so an
 * answer is made from parts that are shared: a prober's entries on a cluster are one text for all hosts that the same
 * of its placements fit, with gaps where the host's name goes; hosts with the same texts are a class; a class has an
 * ETag. What does not change costs no work of the database.
 *
 * The database is asked for its counter of writes at most once a second, and at once after a write of this process
 * (config_cache_written). So writes through another process are seen a second late at most. All functions but that one
 * are for the thread of api_begin.
 */
#ifndef MRP_API_CONFIG_CACHE_H
#define MRP_API_CONFIG_CACHE_H

#include "../store/objects.h"

struct config_cache;
struct config_class;

struct config_cache *config_cache_new(void);
void config_cache_free(struct config_cache *cache);
/* Any thread: something was written. */
void config_cache_written(struct config_cache *cache);

/* The class of a host. MRP_ENOTFOUND when there is no such cluster. It is good until the next call. */
const struct config_class *config_cache_find(struct config_cache *cache, struct store_conn *db, const char *cluster,
	const char *host, int64_t now_us, struct mrp_err *err);
/* The ETag, without quotes: equal texts have equal ones. */
const char *config_class_etag(const struct config_class *class);
/* The JSON that the host gets. `host` is put in as it is. */
void config_class_format(struct strbuf *out, const struct config_class *class, const char *host);

#endif
