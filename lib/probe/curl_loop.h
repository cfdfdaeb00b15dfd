/* SPDX-License-Identifier: Apache-2.0 */
/* A multi handle of libcurl on an event loop. Easy handles are `void *`, as CURL is: only modules see libcurl. */
#ifndef MRP_PROBE_CURL_LOOP_H
#define MRP_PROBE_CURL_LOOP_H

#include "../ev/loop.h"

struct curl_loop;

/* A transfer has ended by itself, with a CURLcode; it is not the loop's any more and may be added again, or freed. */
typedef void curl_loop_done_fn(void *easy, int code);

struct curl_loop *curl_loop_new(struct loop *loop, curl_loop_done_fn *done, struct mrp_err *err);
/* After all transfers have ended or were removed; NULL is harmless. */
void curl_loop_free(struct curl_loop *curl);
int curl_loop_add(struct curl_loop *curl, void *easy, struct mrp_err *err);
/* Ends it; done() is not called. Not from a callback of libcurl. */
void curl_loop_remove(struct curl_loop *curl, void *easy);

#endif
