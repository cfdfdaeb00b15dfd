/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a request may be sent again, and after how long. Nothing here waits or asks the clock: time and chance are
 * arguments, so that every rule has a row in a test.
 *
 * The rule: what surely was not sent may be sent again. What may have arrived is sent again only when that cannot do
 * harm: the method says the same twice (GET, HEAD, PUT, DELETE), or If-Match lets only the first one through, or the
 * caller can tell its own success from somebody else's.
 */
#ifndef MRP_HTTP_RETRY_H
#define MRP_HTTP_RETRY_H

#include "wire.h"

struct retry_policy {
	int64_t first_ms;  /* upper bound of the first wait; it doubles */
	int64_t longest_ms; /* upper bound of any wait that the server did not ask for */
	int64_t total_ms;  /* no further try begins later than this after the first one */
	int max_errors;    /* tries for a request that is answered 5xx without Retry-After */
};

/* One try that has ended. */
struct retry_try {
	enum wire_end end;
	int status;             /* when WIRE_ANSWERED */
	int64_t retry_after_ms; /* -1: the server did not say */
	int number;             /* 1 for the first */
	int64_t elapsed_ms;     /* since the first try began */
	bool harmless_twice;
	bool sent_none;
	bool was_there; /* this server has answered before: it is away, not wrong */
};

/* Milliseconds to wait before the next try, or -1: no more tries. `chance` is any random number. */
int64_t retry_wait(const struct retry_policy *policy, const struct retry_try *attempt, uint64_t chance);

/* An HTTP date (RFC 9110: three forms) as seconds since 1970; -1 when it is none, or NULL. */
int64_t http_date(const char *text);

/* The wait that a Retry-After header asks for: seconds, or an HTTP date against `now_s`.
 * -1 when it is absent or makes no sense; a date that has passed is 0. */
int64_t retry_after_ms(const char *text, int64_t now_s);

#endif
