/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a push: its path, headers and token, and what came of it. */
#ifndef MRP_PUSH_SENDER_H
#define MRP_PUSH_SENDER_H

#include "format.h"
#include "queue.h"

struct push_sender {
	const struct push_format *format;
	struct http_peer *peer;
	struct iam *iam; /* NULL: no token */
	char *path;
	struct strvec headers;
};

int push_sender_open(struct push_sender *sender, const struct push_options *options,
	const struct http_patience *patience, struct mrp_err *err);
void push_sender_close(struct push_sender *sender);

/* What a try came to. */
struct push_result {
	enum push_fate fate; /* never PUSH_TOKEN */
	uint64_t rejected;
	int64_t retry_after_ms; /* -1: not said */
	bool interrupted;       /* ended by the patience */
	char *said;             /* owned, or NULL; holds no secret */
};

/* Send it and wait: once, or twice when the first token was refused and there may be another one. */
void push_sender_send(struct push_result *result, struct push_sender *sender, const struct push_batch *batch);

#endif
