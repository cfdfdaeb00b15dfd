/* SPDX-License-Identifier: Apache-2.0 */
/* One cluster of the cache of agents' configs: its part of the probers, resolved as far as hosts have asked for. */
#ifndef MRP_API_CONFIG_CLUSTER_H
#define MRP_API_CONFIG_CLUSTER_H

#include "../model/resolve.h"
#include "config_cache.h"

/* A prober as it is stored. */
struct cached_prober {
	char *slug;
	int64_t revision;
	struct arena arena;
	struct value *object;
};

VEC_DEFINE(cached_prober_vec, struct cached_prober *)

struct config_cluster;

/* `object` is the cluster as GET shows it, without sensitive values; it is borrowed, as `environment` is (NULL: none). */
struct config_cluster *config_cluster_new(const char *slug);
void config_cluster_free(struct config_cluster *cluster);
const char *config_cluster_slug(const struct config_cluster *cluster);
/* The cluster or its environment have changed: everything is resolved anew. The object is copied. */
void config_cluster_set(struct config_cluster *cluster, const struct value *object, const char *environment);
/* The probers have changed: what is still right stays. Sorted by slug. They are borrowed until the next call. */
void config_cluster_set_probers(struct config_cluster *cluster, const struct cached_prober_vec *probers);
/* The class of a host, made when it is not there. */
const struct config_class *config_cluster_find(struct config_cluster *cluster, const char *host);
/* Forget classes and texts; they are made again when somebody asks. */
void config_cluster_clear(struct config_cluster *cluster);
/* Bytes that clearing would free. */
size_t config_cluster_bytes(const struct config_cluster *cluster);
/* Another number whenever classes found before are gone, unlike that of any other cluster; never 0. */
uint64_t config_cluster_serial(const struct config_cluster *cluster);

#endif
