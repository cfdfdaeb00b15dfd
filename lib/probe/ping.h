/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP echo for many targets by one socket a family, so that a thousand targets cost no more descriptors than one. What
 * a packet belongs to stands in its payload; the 16 bits of a sequence number would not do.
 *
 * A socket is a ping socket (icmp(7), where net.ipv4.ping_group_range has our group), else a raw one (CAP_NET_RAW).
 */
#ifndef MRP_PROBE_PING_H
#define MRP_PROBE_PING_H

#include "resolve.h"

enum { PING_SIZE_MIN = 8, PING_SIZE_MAX = 65000 };

struct ping_sockets;

struct ping_target {
	/* set by the caller; not moved while it is added */
	union address address;
	/* An echo reply to packet `index`. `arrived_ns` is the wall clock's time when the kernel got it. May remove. */
	void (*reply)(struct ping_target *target, uint16_t index, int64_t arrived_ns);

	/* the sockets' own */
	uint32_t slot; /* from 1; 0: not added */
	uint16_t generation;
};

struct ping_sockets *ping_sockets_new(struct loop *loop);
void ping_sockets_free(struct ping_sockets *sockets);
/* The target may send and gets replies from now on. MRP_EPERM: no right to send ICMP; MRP_EOS. */
int ping_add(struct ping_sockets *sockets, struct ping_target *target, struct mrp_err *err);
/* Harmless when it is not added. */
void ping_remove(struct ping_sockets *sockets, struct ping_target *target);
/* Send one with `size` bytes of payload. 0, or -1 with errno. Now and then it looks for replies, too, and calls reply()
 * of any target: a thousand requests at once would bring more replies than the socket may hold. */
int ping_send(struct ping_sockets *sockets, const struct ping_target *target, uint16_t index, size_t size);
/* Look for replies now, before somebody is said not to have answered: this process may have slept over them. */
void ping_look(struct ping_sockets *sockets, const struct ping_target *target);

#endif
