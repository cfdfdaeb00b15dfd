/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often an address may be wrong: a bucket of ATTEMPTS_BURST tries that fills up by one each ATTEMPTS_PERIOD_MS. Only
 * failures are counted and only failures are refused, so that whoever shares an address with an attacker (a proxy, a
 * NAT, this machine) is served all the same. The table has a fixed size: when too many addresses fail at one time, the
 * one that has failed least makes room.
 */
#ifndef MRP_API_ATTEMPTS_H
#define MRP_API_ATTEMPTS_H

#include "../base/base.h"

enum { ATTEMPTS_BURST = 20, ATTEMPTS_PERIOD_MS = 1000 };

struct attempts;

struct attempts *attempts_new(void);
void attempts_free(struct attempts *attempts);
/* Count a failure of `address` ("192.0.2.1", "2001:db8::1", or any other text). 0, or in how many seconds the next try
 * is looked at. IPv6 counts by its first 64 bits, which is what one subscriber has. */
int attempts_fail(struct attempts *attempts, const char *address, int64_t now_us);

#endif
