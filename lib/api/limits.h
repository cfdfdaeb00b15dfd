/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one client, and all of them together, may take from the server: one row a limit, with the status that says so
 * and a counter for /metrics. The server in front (front.h, mhd_module.c) keeps them; sizes of bodies are in api.h.
 */
#ifndef MRP_API_LIMITS_H
#define MRP_API_LIMITS_H

#include <stdatomic.h>

#include "../base/base.h"

enum server_limit {
	LIMIT_CONNECTIONS,
	LIMIT_PER_ADDRESS,
	LIMIT_TARGET,
	LIMIT_HEADERS,
	LIMIT_BODY,
	LIMIT_BODIES,
	LIMIT_ANSWERS,
	LIMIT_SLOW_HEADERS,
	LIMIT_SLOW_BODY,
	LIMIT_SLOW_READER,
	LIMIT_COUNT,
};

struct server_limit_info {
	const char *name; /* in /metrics */
	int status;       /* of the answer; 0: the connection just ends */
	const char *text; /* for the client */
};

extern const struct server_limit_info server_limits[LIMIT_COUNT];

/* Those that options set. */
struct server_settings {
	int64_t connections, connections_per_address;
	int64_t header_timeout_ms;  /* for the request line and the headers, the TLS handshake included */
	int64_t request_timeout_ms; /* for the whole request, and again for the answer; more for large ones, by min_rate */
	int64_t idle_timeout_ms;    /* between two requests */
	int64_t min_rate, min_read_rate; /* bytes a second, averaged: of a request's body, of an answer */
};

extern const struct server_settings server_settings_default;

/* Counted by the server, told by /metrics. */
struct server_stats {
	atomic_long connections, connections_total, limits_hit[LIMIT_COUNT], access_log_lost;
	atomic_long tls_expires_at; /* seconds since 1970; 0: no TLS */
};

struct api;

/* Of this API, as long as it is open. */
struct server_stats *api_server_stats(struct api *api);

static inline void server_limit_hit(struct server_stats *stats, enum server_limit limit)
{
	atomic_fetch_add_explicit(&stats->limits_hit[limit], 1, memory_order_relaxed);
}

#endif
