/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of the duty socket: one request, and what comes back. */
#ifndef MRP_DUTY_CLIENT_H
#define MRP_DUTY_CLIENT_H

#include "../value/value.h"
#include "frame.h"

struct duty_request {
	const char *path;          /* of the socket */
	const struct value *value; /* {command, ...}; format_version is added */
	/* What comes before the end; -1 with err set ends it. */
	int (*frame)(void *ctx, enum frame_type type, const char *data, size_t len, struct mrp_err *err);
	void *ctx;
	int64_t timeout_ms; /* without a frame; -1: any time */
	int wake_fd;        /* readable: MRP_EINTERRUPTED; -1: none */
};

/* Ask, wait for the end. `*end` gets its JSON, in the arena; an empty object when it has none. -1: what the agent says
 * (its code is kept), MRP_EUNREACHABLE when there is no agent, MRP_EPERM when it may not be asked. */
int duty_ask(struct value **end, struct arena *arena, const struct duty_request *request, struct mrp_err *err);

#endif
