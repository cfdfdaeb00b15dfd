/* SPDX-License-Identifier: Apache-2.0 */
/* What http checks share beside libcurl: the request's parts, checked, and the judgement. */
#ifndef MRP_PROBE_HTTP_H
#define MRP_PROBE_HTTP_H

#include "check.h"

/* What came back, after the last redirect. */
struct http_result {
	int status;
	int version; /* 10, 11, 20, 30 */
	int64_t size;
	int64_t resolve_us, connect_us, tls_us, processing_us, transfer_us, total_us; /* of all hops together */
	int redirects;
	const char *location; /* of a redirect that was not followed, or NULL */
	struct strbuf body;   /* at most BODY_KEPT_MAX of it */
	int64_t cert_left_s;
	bool has_cert;
	char cert_ends[32];
};

/* "Name: value" lines for the request. MRP_EINVALID: a name or value that cannot be sent. */
int http_headers(struct strvec *out, const struct value *headers, struct mrp_err *err);
/* What is meant for one server is not for another one. */
void http_drop_secrets(struct strvec *headers);
int http_method_check(const char *method, struct mrp_err *err);
/* Adds values and lines, and ends the check. */
void http_judge(struct check *check, const struct http_result *result);

#endif
