/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection to a host by name: addresses in turn, a next one 250 ms after the one before or as soon as that has
 * failed, and the first that is established wins (RFC 8305).
 */
#ifndef MRP_PROBE_CONNECT_H
#define MRP_PROBE_CONNECT_H

#include "check.h"

struct attempt {
	struct connector *connector;
	struct loop_io io;
	int fd; /* -1: it has failed */
	int64_t started_us;
};

struct connector {
	/* set by the caller */
	struct check *check; /* its stage is kept up to date; ended here when there will be no connection */
	const char *host;    /* borrowed */
	int port;
	/* There is a connection: `fd` and what follows are set. The descriptor is yours. */
	void (*done)(struct connector *connector);

	/* the result */
	int fd;
	union address peer;
	int64_t resolve_us; /* 0 for an address */
	int64_t connect_us; /* from the SYN to the answer */

	/* its own */
	struct resolve resolve;
	struct attempt attempts[ADDRESSES_MAX];
	size_t n_attempts;
	struct loop_timer stagger;
	char error[160]; /* of the first attempt that failed */
	char stage[320];
};

void connector_start(struct connector *connector);
/* Ends what runs; harmless when nothing does. A descriptor that was handed out is not closed. */
void connector_stop(struct connector *connector);

#endif
