/* SPDX-License-Identifier: Apache-2.0 */
/* What http checks borrow from libcurl: parts of a URL, and easy handles that wait for the next check. */
#ifndef MRP_PROBE_HTTP_HANDLE_H
#define MRP_PROBE_HTTP_HANDLE_H

#include "resolve.h"

struct Curl_URL;

/* Whom to ask; the strings are libcurl's. Zeroed before its first use. */
struct http_target {
	struct Curl_URL *url;
	char *text;        /* all of it: a password may stand in it */
	char *host, *port; /* as for a resolver: in ASCII */
	bool https, is_literal;
};

/* MRP_EINVALID: no URL, or none of HTTP; the message does not show it. */
int http_target_set(struct http_target *target, const char *url, struct mrp_err *err);
/* The same for where a redirect points to; -1: nowhere. */
int http_target_follow(struct http_target *target, const char *location, bool *same_server);
void http_target_release(struct http_target *target);

/* An easy handle with what it borrows until its next use. */
struct http_handle {
	void *easy;
	void *names;               /* CURLSH: a cache for addresses that nobody else sees */
	char *known;               /* "host:port" in it; owned */
	void *addresses, *headers; /* struct curl_slist */
	char error[256];
	int socket_error; /* errno of a socket that could not be made, which libcurl calls a failure to connect */
	void *owner;      /* whose it is now; CURLINFO_PRIVATE is the http_handle */
};

VEC_DEFINE(http_handles, struct http_handle *)

/* One that waited, or a new one: `setup` has done to it what stays from check to check. NULL: libcurl does not work. */
struct http_handle *http_handle_take(struct http_handles *idle, void (*setup)(struct http_handle *handle));
/* It waits for another check, or is freed when enough do; NULL is harmless. */
void http_handle_put(struct http_handles *idle, struct http_handle *handle);
void http_handles_release(struct http_handles *idle);
/* Connect to these addresses and no others. */
void http_handle_addresses(
	struct http_handle *handle, const struct http_target *target, const union address *addresses, size_t n);
void http_handle_headers(struct http_handle *handle, const struct strvec *lines, bool has_body);

#endif
