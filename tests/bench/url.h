/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and connections of the load generator. Failures end the program unless said otherwise. */
#ifndef BENCH_URL_H
#define BENCH_URL_H

#include <netdb.h>

/* http://HOST[:PORT]/PATH, taken apart. */
struct url {
	char host[128], port[8];
	char path[1024];
};

void url_parse(struct url *url, const char *text);

/* For freeaddrinfo() in the end. */
struct addrinfo *url_resolve(const struct url *url);

/* A connected blocking socket, or -1 with errno. */
int url_connect(const struct addrinfo *address);

#endif
