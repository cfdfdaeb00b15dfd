/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses without blocking: addresses as they are, everything else by c-ares (a module), which reads
 * /etc/hosts and /etc/resolv.conf as the C library does. Nothing is kept from one check to the next, so that a check
 * sees what is true now.
 */
#ifndef MRP_PROBE_RESOLVE_H
#define MRP_PROBE_RESOLVE_H

#include <netinet/in.h>

#include "../ev/loop.h"

enum { ADDRESSES_MAX = 16, ADDRESS_TEXT = INET6_ADDRSTRLEN + 16 };

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

socklen_t address_len(const union address *address);
/* "192.0.2.1", "fe80::1%2"; without the port. */
const char *address_format(char out[ADDRESS_TEXT], const union address *address);
/* "192.0.2.1:53", "[::1]:53" */
const char *address_format_port(char out[ADDRESS_TEXT], const union address *address);
void address_set_port(union address *address, int port);
/* Text that is an address of IPv4 or IPv6 (with %zone), brackets allowed. */
bool address_parse(union address *out, const char *text);

enum resolve_end {
	RESOLVED,
	RESOLVE_NONE,  /* there is no such name, or no such address of it */
	RESOLVE_FAIL,  /* resolvers do not answer, or with an error */
	RESOLVE_ERROR, /* it cannot be asked for */
	RESOLVE_LIMIT, /* we have no descriptor to ask with */
};

struct resolve {
	/* set by the caller; lives, not moved, until done() or resolve_cancel() */
	const char *host;
	int ip_version; /* 4, 6, or 0 for any */
	void (*done)(struct resolve *resolve);

	/* the result */
	enum resolve_end end;
	char error[256];                        /* "host 'x' does not exist" */
	union address addresses[ADDRESSES_MAX]; /* families in turn, IPv6 first (RFC 8305); port 0 */
	size_t n;
	int64_t took_us;

	/* the resolver's own */
	struct resolver *resolver;
	struct resolve_query *query; /* NULL: nothing runs */
	int64_t started_us;
};

struct resolver;

struct resolver *resolver_new(struct loop *loop);
void resolver_free(struct resolver *resolver);
/* True when the result is there at once (done() is not called then). False: done() will be called, or was called
 * already, so do nothing more. */
bool resolve_start(struct resolver *resolver, struct resolve *resolve);
/* Harmless when nothing runs. */
void resolve_cancel(struct resolve *resolve);

/* --- between resolve.c and ares_module.c -------------------------------------------------------------------------- */

struct resolver_ops {
	void *(*open)(struct loop *loop, struct mrp_err *err);
	void (*close)(void *ares);
	/* Calls resolve_finish, perhaps before it returns. */
	void (*start)(void *ares, struct resolve *resolve);
};

extern const struct resolver_ops mrp_ares;

/* A question that c-ares cannot forget by itself: it outlives the one who asked. */
struct resolve_query {
	struct resolve *resolve; /* NULL: nobody waits any more */
	void *channel;
};

/* Takes the query; the addresses and how it ended are set. Tells the one who asked, if he is still there. */
void resolve_finish(struct resolve_query *query);

#endif
