/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the API's own requests, by route: the server's thread alone counts, so no lock is needed. */
#ifndef MRP_API_METRICS_H
#define MRP_API_METRICS_H

#include "../base/base.h"

struct api_metrics;

struct api_metrics *api_metrics_new(size_t n_routes);
void api_metrics_free(struct api_metrics *metrics);
/* `route` is an index into api_routes, or n_routes for requests that fit none. */
void api_metrics_count(struct api_metrics *metrics, size_t route, const char *method, int status, int64_t duration_us);

#endif
