/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What http.c needs from the library that speaks HTTP: start a transfer, wait until one ends. One table, implemented by
 * curl_module.c; tests pass their own. No policy here: when to retry and what to tell people is decided in http.c.
 */
#ifndef MRP_HTTP_WIRE_H
#define MRP_HTTP_WIRE_H

#include "../base/err.h"

/* How a transfer ended, by what it means for trying again. */
enum wire_end {
	WIRE_ANSWERED,    /* the whole answer is here, whatever its status */
	WIRE_NO_HOST,     /* the name does not resolve */
	WIRE_NO_CONNECT,  /* no connection: refused, no route, timed out while connecting; nothing was sent */
	WIRE_NO_TRUST,    /* TLS could not be set up; trying again cannot help */
	WIRE_NO_ANSWER,   /* sent, perhaps in part, and the connection ended before the first byte of an answer */
	WIRE_CUT_SHORT,   /* the answer began but did not end */
	WIRE_TOO_SLOW,    /* the time is over, or nothing moved for too long */
	WIRE_TOO_BIG,     /* the answer is larger than the limit */
	WIRE_NOT_HTTP,    /* what came back is not HTTP */
	WIRE_BROKEN,      /* anything else, said in `detail` */
};

struct wire_transfer {
	/* set by the caller, and alive until the transfer has ended */
	const char *method, *url;
	const struct strvec *headers; /* whole lines, "Name: value" */
	const char *body;             /* NULL: none */
	size_t body_len;
	bool fresh; /* use a new connection: on an old one the library might send twice by itself */

	/* the result */
	enum wire_end end;
	char *detail;   /* owned; what the library said about it, or NULL */
	bool sent_none; /* not one byte of the request left */
	int status;
	struct strbuf answer;
	struct strbuf head; /* status line and headers, a line each */
	char *etag, *content_type, *retry_after, *location; /* owned; NULL when the header was absent */
	size_t expected;                                    /* bytes by Content-Length; 0 when unknown */
	uint64_t bytes_sent, bytes_received;                /* heads and bodies, nearly: to be shown, not to be relied on */

	void *handle; /* the implementation's own */
};

#define WIRE_TRANSFER_INIT { .answer = STRBUF_INIT, .head = STRBUF_INIT }

struct wire_options {
	const char *host; /* "127.0.0.1" or "mrprober.example.net" */
	bool loopback;    /* no proxy, no compression */
	int max_connections;
	int64_t connect_timeout_ms, total_timeout_ms, stall_timeout_ms;
	size_t max_answer_bytes;
	const char *ca_file;     /* NULL: the system's */
	const char *cert_file, *key_file; /* who we are, in PEM; NULL: we do not say. Read for each new connection */
	const char *connect_to;  /* connect to this host whatever the URL's is, on the URL's port; NULL: by the URL */
	const char *host_header; /* "Host: NAME"; NULL: by the URL */
	const char *socket_path; /* connect to this Unix socket whatever the URL says; NULL: by the URL */
};

struct wire;

struct wire_ops {
	struct wire *(*open)(const struct wire_options *options, struct mrp_err *err);
	/* Ends transfers that are still running. */
	void (*close)(struct wire *wire);
	/* Does not block. The result fields must be empty (WIRE_TRANSFER_INIT or wire_transfer_reset). */
	int (*start)(struct wire *wire, struct wire_transfer *transfer, struct mrp_err *err);
	/* Wait until a transfer ends and return it; NULL when `timeout_ms` passed or `wake_fd` (-1: none) is readable. */
	struct wire_transfer *(*wait)(struct wire *wire, int timeout_ms, int wake_fd);
	/* "https://host:8443/base" -> its parts, checked; yours to free. MRP_EUSAGE when it is no URL of an API. */
	int (*check_url)(char **base, char **host, const char *url, struct mrp_err *err);
	/* End a transfer that runs; it has no result then. NULL: transfers can only be waited for. */
	void (*cancel)(struct wire *wire, struct wire_transfer *transfer);
};

/* The table that curl_module.c exports under the name "mrp_curl_wire". */
extern const struct wire_ops mrp_curl_wire;

/* Release the result fields; the transfer can be started again. */
void wire_transfer_reset(struct wire_transfer *transfer);

#endif
