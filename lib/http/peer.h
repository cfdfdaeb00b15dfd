/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to servers that are not the mrprober API: token endpoints, a VM's metadata, receivers of metrics. One try
 * each and no policy: when to try again is the caller's to know. Connections are kept, redirects are not followed, and
 * messages hold neither headers nor bodies, so no secret that was sent.
 *
 * Order: http_peer_open, http_peer_call as often as needed, http_peer_close. One thread at a time.
 */
#ifndef MRP_HTTP_PEER_H
#define MRP_HTTP_PEER_H

#include <stdatomic.h>

#include "../base/err.h"

/* How another thread ends the waiting of a call early: lower `until_ms`, then make `wake_fd` readable. */
struct http_patience {
	int wake_fd;              /* -1: none */
	_Atomic int64_t until_ms; /* CLOCK_MONOTONIC; INT64_MAX: only the time limits count */
	void (*alive)(void);      /* called on the waiting thread, each second at least; NULL: nobody wants to know */
};

struct http_peer_options {
	const char *url;       /* http:// or https://, perhaps with a path; without user, query and fragment */
	const char *ca_file;   /* PEM; NULL: $SSL_CERT_FILE, else the system's */
	const char *ca_option; /* how people name another one: "--source-ca-cert"; NULL: "--ca-cert" */
	const char *cert_file, *key_file; /* PEM, read for each new connection: who we are; NULL: we do not say */
	const char *tls_name;             /* the name that the server's certificate must have; NULL: the URL's host */
	bool direct;                      /* never through a proxy: a link-local address means another machine there */
	bool secret; /* what is sent must not be read on the way: plain http only to this machine */
	int64_t connect_timeout_ms, total_timeout_ms; /* 0: 5 s, 10 s */
	size_t max_answer_bytes;                      /* 0: 1 MiB */
	const struct http_patience *patience;         /* NULL: none; must outlive the peer */
};

struct http_peer_request {
	const char *method;
	const char *path;             /* goes behind the URL: "/v1/metrics", "" */
	const struct strvec *headers; /* "Name: value" */
	const void *body;             /* NULL: none */
	size_t body_len;
};

struct http_peer_answer {
	int status;
	char *content_type;     /* owned; NULL when absent */
	char *location;         /* owned; NULL when absent */
	int64_t retry_after_ms; /* -1: the server did not say */
	bool no_trust;          /* there is no answer as TLS could not be set up: trying again cannot help */
	int64_t date_s;         /* what the server's clock says, in seconds since 1970; -1: it did not say */
	struct strbuf body;
};

#define HTTP_PEER_ANSWER_INIT                                           \
	{                                                               \
		.retry_after_ms = -1, .date_s = -1, .body = STRBUF_INIT \
	}

/* Overwrites the body first: it may be a secret. */
void http_peer_answer_release(struct http_peer_answer *answer);

struct http_peer;

/* Loads the module; connects to nothing yet. NULL with MRP_EUSAGE when the URL is none. */
struct http_peer *http_peer_open(const struct http_peer_options *options, struct mrp_err *err);
void http_peer_close(struct http_peer *peer);

/* The URL without a slash at its end. */
const char *http_peer_url(const struct http_peer *peer);

/* Send it and wait, within the time limits. 0 when a whole answer came, whatever its status; -1: MRP_EUNREACHABLE,
 * MRP_EHTTP, or MRP_EINTERRUPTED when the patience was over. `answer` was HTTP_PEER_ANSWER_INIT, or is released first.
 */
int http_peer_call(struct http_peer *peer, const struct http_peer_request *request, struct http_peer_answer *answer,
	struct mrp_err *err);

#endif
