/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API without sockets: plain requests in, plain responses out. A server (lib/api/httpd.h) or a test makes an
 * api_call, fills in the request and calls api_begin(). A read is answered there; a write is handed to the writer's
 * thread by api_submit() and answered when it is on disk. Where to read next: call.h (what handlers see), routes.c.
 */
#ifndef MRP_API_API_H
#define MRP_API_API_H

#include "../base/err.h"

/* The request headers that mean something here. */
enum api_header {
	HDR_HOST,
	HDR_ORIGIN,
	HDR_CONTENT_TYPE,
	HDR_CONTENT_ENCODING,
	HDR_IF_MATCH,
	HDR_IF_NONE_MATCH,
	HDR_ENVIRONMENT,
	HDR_LEASE,
	HDR_REQUEST_ID,
	HDR_FETCH_SITE,
	HDR_AUTHORIZATION,
	HDR_PREFER,
	HDR_COUNT,
};

extern const char *const api_header_names[HDR_COUNT];

/* Who sends: the other end of a connection. */
struct api_peer {
	const char *address; /* for people and logs: "192.0.2.1", "2001:db8::1", "unix:uid=1000" */
	bool unix_socket;    /* by the socket in the file system: on this machine, and no browser's */
	bool tls;
};

struct api_request {
	const char *method;
	const char *target;             /* as sent: "/v1/probers?page_size=2" */
	const char *headers[HDR_COUNT]; /* NULL: absent */
	const char *body;               /* NUL-terminated */
	size_t body_len;
	const struct api_peer *peer; /* NULL: not known (a test) */
};

struct api_response {
	int status;
	struct strbuf body;
	const char *content_type; /* NULL: no body */
	/* These headers are sent when they are not NULL; they live as long as the call. */
	const char *etag, *location, *allow, *cache_control, *csp, *www_authenticate;
	int retry_after_s; /* 0: not sent */
	char request_id[72];
	const char *token_id, *role; /* who was it, for the access log; NULL when there are no tokens */
};

enum {
	API_JSON_MAX = 16 << 20,  /* bytes of a JSON body */
	API_REPORT_MAX = 1 << 20, /* of an agent's report */
	API_BLOB_MAX = 64 << 20,  /* of a blob */
	API_BATCH_MAX = 256 << 20, /* of a batch */
	API_TARGET_MAX = 8 << 10, /* of a request target */
	API_HEADERS_MAX = 16 << 10,
};

struct s3_options;

struct api_options {
	const char *database;    /* URL */
	const char *environment; /* NULL: learnt from the first synchronize */
	const char *state_dir;   /* the folder that stands for object storage is in it */
	const struct s3_options *s3; /* where creators store logs; NULL: in that folder */
};

struct api;
struct api_call;

/* Opens the database, migrates it unless it is shared, and starts the writer. MRP_EREFUSED when the database holds another environment. */
struct api *api_open(const struct api_options *options, struct mrp_err *err);
/* No call may be going on. NULL is fine. */
void api_close(struct api *api);

/* A call is used for one request after another by one thread. */
struct api_call *api_call_new(struct api *api);
void api_call_free(struct api_call *call);
/* Forget the last request, and start the clock of the next. */
void api_call_reset(struct api_call *call);
struct api_request *api_call_request(struct api_call *call);
struct api_response *api_call_response(struct api_call *call);

/* How large a body this request may have, known from method and target alone; 0 when it takes none. */
size_t api_body_max(const char *method, const char *target);
/* Answer with this status without looking further at the request: it is over a limit. */
void api_refuse(struct api_call *call, int status, const char *why);

enum api_progress { API_DONE, API_WRITE, API_READ, API_LOG, API_GO_ON };

/* Once the headers are there, before the body is: API_DONE when the answer is known, because there is no such route or
 * the caller may not use it; else API_GO_ON. On the same thread as api_begin, which does it when nobody has. */
enum api_progress api_admit(struct api_call *call);

/* Reads run on the caller's thread, as a rule; one call at a time may be begun. Anything but API_DONE: no answer is there
 * yet, call api_submit. */
enum api_progress api_begin(struct api_call *call);
/* A write, a read that is answered together with others, or a log that is elsewhere. `done` is called on another thread;
 * the call must not be touched before. */
void api_submit(struct api_call *call, void (*done)(void *ctx), void *ctx);
/* A write or a read at once, on the caller's thread; false when others are being written now. For when nobody else is
 * waiting. */
bool api_run_here(struct api_call *call);
/* Both, waiting: for tests. */
void api_run(struct api_call *call);
/* On the thread of api_begin, when the response goes out: counts it in /metrics. */
void api_answered(struct api_call *call);

struct access_entry;
/* What the access log says about the call; not who it was from, and nothing about the connection. */
void api_access_entry(struct access_entry *out, const struct api_call *call);

const char *api_status_text(int status);

/* A JSON document that describes the API: for /openapi.json. */
void api_openapi(struct strbuf *out);

#endif
