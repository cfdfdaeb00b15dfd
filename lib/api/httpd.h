/* SPDX-License-Identifier: Apache-2.0 */
/* The server in front of the API: sockets, limits, time-outs. A module (mhd) gives the table. */
#ifndef MRP_API_HTTPD_H
#define MRP_API_HTTPD_H

#include "../base/listen.h"
#include "access_log.h"
#include "api.h"
#include "limits.h"

struct httpd;

struct httpd_options {
	struct listener *listeners; /* the caller's; they must outlive the server */
	size_t n_listeners;
	struct server_settings settings;
	const char *tls_cert, *tls_key; /* PEM files; NULL when no listener wants TLS */
	struct access_log *access_log;  /* NULL: none; must outlive the server */
};

struct httpd_ops {
	/* Serve `api`, with threads of its own; requests run one at a time. */
	struct httpd *(*start)(struct api *api, const struct httpd_options *options, struct mrp_err *err);
	/* Read certificate and key again; connections go on. -1: they are no good, the old ones stay. */
	int (*reload)(struct httpd *httpd, struct mrp_err *err);
	/* Accept nothing new, wait up to `grace_ms` for what is in flight, close. */
	void (*stop)(struct httpd *httpd, int64_t grace_ms);
};

const struct httpd_ops *httpd_ops_get(struct mrp_err *err);

#endif
