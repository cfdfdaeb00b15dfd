/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP client for one API: connections are reused, up to `parallel` requests are in flight, each is tried again
 * where that is safe (retry.h). The bearer token goes to the API's own address only: redirects are not followed.
 *
 * Order: http_open, then http_call for one request or http_run for many, http_close. One thread at a time.
 * Failures say what was asked and what came back: "GET http://127.0.0.1:8080/v1/state: connection refused (...)".
 */
#ifndef MRP_HTTP_HTTP_H
#define MRP_HTTP_HTTP_H

#include <signal.h>

#include "retry.h"

struct http_clock {
	int64_t (*monotonic_ms)(void *ctx);
	int64_t (*wall_s)(void *ctx);
	uint64_t (*chance)(void *ctx);
	void *ctx;
};

struct http_options {
	const char *url;         /* of the API, or unix:PATH; required */
	const char *token;       /* NULL: none */
	const char *environment; /* goes along as Mrprober-Environment; NULL: none */
	const char *ca_file;     /* PEM; NULL: $SSL_CERT_FILE, else the system's */
	int parallel;
	int64_t connect_timeout_ms, total_timeout_ms, stall_timeout_ms;
	size_t max_answer_bytes;
	struct retry_policy retry;
	bool (*interrupted)(void); /* asked before each new request; NULL: interrupt_fd is */
	int interrupt_fd;          /* readable when interrupted, and stays so; -1: none */
	/* for tests; NULL: the real ones */
	const struct wire_ops *wire;
	const struct http_clock *clock;
};

/* Everything but the url. Use it, then change what differs. */
extern const struct http_options http_options_default;

struct http_request {
	const char *method;       /* a literal */
	char *path;               /* owned; with the query: "/v1/state" */
	struct strbuf body;
	const char *content_type; /* a literal; NULL: no body */
	const char *accept;       /* a literal; NULL: any */
	char *if_match, *if_none_match; /* owned; whole ETags, or NULL */
	const struct strvec *headers;   /* more of them, "Name: value"; borrowed until the request has ended; or NULL */
	/* Sending it twice does no harm although the method does not say so: the caller compares when the second one is
	 * refused with 409 or 412. */
	bool harmless_twice;
	bool only_reads; /* it changes nothing, although the method does not say so */
	void *tag; /* the caller's */
};

#define HTTP_REQUEST_INIT { .body = STRBUF_INIT }

struct http_answer {
	int status; /* 0: there was none */
	struct strbuf body;
	char *etag, *content_type, *location; /* owned; NULL when absent */
	struct strbuf head; /* the status line and the headers as they came, a line each, '\n' */
};

#define HTTP_ANSWER_INIT { .body = STRBUF_INIT, .head = STRBUF_INIT }

struct http_client;

void http_request_release(struct http_request *request);
void http_answer_release(struct http_answer *answer);

/* Loads the module; connects to nothing yet. NULL with MRP_EUSAGE when the URL is none. */
struct http_client *http_open(const struct http_options *options, struct mrp_err *err);
void http_close(struct http_client *client);
void http_closep(struct http_client **client);

/* From now on requests end early when `interrupted` says so (http_options). */
void http_set_interrupt(struct http_client *client, bool (*interrupted)(void), int fd);
/* From now on requests carry `Mrprober-Lease: NAME;fence=N`: writes are refused (MRP_ELOCKED) when it is not held any
 * more. A NULL name ends that. */
void http_set_lease(struct http_client *client, const char *name, int64_t fence);
/* The API's URL without a slash at its end. */
const char *http_url(const struct http_client *client);
/* Requests sent so far, each try counted. */
uint64_t http_requests_sent(const struct http_client *client);

/* What was sent and received, in requests and bytes. */
struct http_traffic {
	uint64_t requests, bytes_sent, bytes_received;
};

/* Add what the client has had so far. NULL is fine. */
void http_add_traffic(struct http_traffic *sum, const struct http_client *client);

/* Send one request and wait. 0 when an answer came, whatever its status; -1: none (MRP_EUNREACHABLE), cut short or
 * otherwise useless (MRP_EHTTP), MRP_EINTERRUPTED. */
int http_call(struct http_client *client, const struct http_request *request, struct http_answer *answer, struct mrp_err *err);

/* Called whenever a request could be started. False: none now; it is asked again after a request has ended. The client
 * takes over what the request owns. */
typedef bool http_next_fn(void *ctx, struct http_request *request);
/* A request has ended: err->code is MRP_OK and the answer is there, or it failed. Request, answer and err are released
 * afterwards; parts may be taken out. */
typedef void http_done_fn(void *ctx, struct http_request *request, struct http_answer *answer, struct mrp_err *err);

/* Send requests as `next` gives them, up to `parallel` at a time, until it gives none and all have ended. -1 only for
 * MRP_EINTERRUPTED (what was in flight has ended, nothing new was begun) and when no request can be started at all. */
int http_run(struct http_client *client, http_next_fn *next, http_done_fn *done, void *ctx, struct mrp_err *err);

/* Set err from an answer whose status is an error: problem+json with its fields, or what came instead. Returns -1.
 * Codes: 401 403 MRP_EPERM, 404 MRP_ENOTFOUND, 409 MRP_EEXISTS (or MRP_EREFUSED when the API holds another
 * environment), 409 and 412 MRP_ELOCKED when they are about a lease, 412 MRP_EPRECONDITION, 422 MRP_EINVALID, 413 MRP_ETOOBIG, 429 503 MRP_EBUSY, 507 MRP_ENOSPC,
 * everything else MRP_EHTTP. */
int http_answer_error(const struct http_client *client, const struct http_request *request,
	const struct http_answer *answer, struct mrp_err *err);

/* A stretch of a path or query: everything but letters, digits and "-._~" becomes %XX. */
void http_add_escaped(struct strbuf *out, const char *text);
/* "GET http://127.0.0.1:8080/v1/state", cut when very long: the beginning of every message about it. */
void http_add_asked(struct strbuf *out, const struct http_client *client, const struct http_request *request);

#endif
