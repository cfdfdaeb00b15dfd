/* SPDX-License-Identifier: Apache-2.0 */
/* The server in front of the API: sockets, limits, time-outs. A module (mhd) gives the table. */
#ifndef MRP_API_HTTPD_H
#define MRP_API_HTTPD_H

#include "api.h"

struct httpd;

struct httpd_ops {
	/* Serve `api` on a listening socket, which is taken over on success; one thread of its own. */
	struct httpd *(*start)(struct api *api, int listen_fd, struct mrp_err *err);
	/* Accept nothing new, wait up to `grace_ms` for what is in flight, close. */
	void (*stop)(struct httpd *httpd, int64_t grace_ms);
};

const struct httpd_ops *httpd_ops_get(struct mrp_err *err);

/* A listening socket and the URL it is reached by (yours to free); port 0 picks a free one. Only loopback addresses:
 * MRP_EUSAGE for others, also for "" (every address). MRP_EFAILED when the port is in use. */
int httpd_listen(int *fd, char **url, const char *host, int port, struct mrp_err *err);

#endif
