/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4, as S3 wants it: one pass over the request, in the Authorization header. Source: "Signature
 * Calculations for the Authorization Header: Transferring Payload in a Single Chunk" and "Create a signed AWS API
 * request" of the AWS documentation. The path is signed as it is sent, neither normalized nor escaped twice.
 */
#ifndef MRP_CLOUD_SIGV4_H
#define MRP_CLOUD_SIGV4_H

#include "../base/strbuf.h"
#include "../base/vec.h"

struct sigv4_identity {
	const char *key_id, *secret;
	const char *region, *service; /* "us-east-1", "s3" */
};

/* A request as it goes over the wire. What is signed is what is here: each header is, so leave out those that somebody
 * on the way may change. */
struct sigv4_request {
	const char *method;
	const char *path;             /* escaped: sigv4_add_path; "" means "/" */
	const char *query;            /* escaped, "name=value&name=value" in any order; NULL: none */
	const struct strvec *headers; /* "Name: value"; "Host" and "X-Amz-Date" are among them */
	const char *payload_sha256;   /* hex, or "UNSIGNED-PAYLOAD" */
};

enum { SIGV4_TIME = 17 };

/* "20130524T000000Z" and a NUL, of seconds since 1970: the value of X-Amz-Date. */
void sigv4_time(char out[SIGV4_TIME], int64_t time_s);

/* Percent-encode all but unreserved characters (RFC 3986) and '/'; appended. */
void sigv4_add_path(struct strbuf *out, const char *path);

/* The value of the header Authorization, appended; `time` is that of X-Amz-Date. */
void sigv4_add_authorization(struct strbuf *out, const struct sigv4_identity *identity,
	const struct sigv4_request *request, const char time[SIGV4_TIME]);

#endif
