/* SPDX-License-Identifier: Apache-2.0 */
/* Which resolvers to ask. */
#ifndef MRP_PROBE_DNS_SERVERS_H
#define MRP_PROBE_DNS_SERVERS_H

#include "resolve.h"

enum { DNS_SERVERS_MAX = 3 };

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:53" */
bool dns_server_parse(union address *out, const char *text);
/* The lines "nameserver ADDRESS" of resolv.conf(5); without any it is this host. How many, at least 1. */
size_t dns_servers_of_host(union address out[DNS_SERVERS_MAX]);

#endif
