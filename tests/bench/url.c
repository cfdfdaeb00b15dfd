/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and connections of the load generator; see url.h. */
#include "url.h"
#include "common.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void url_parse(struct url *url, const char *text)
{
	const char *host = text, *slash, *colon;
	size_t len;

	if (strncmp(text, "http://", 7))
		die_usage("'%s' does not start with http://", text);
	host += 7;
	slash = strchrnul(host, '/');
	colon = memchr(host, ':', (size_t)(slash - host));
	len = (size_t)((colon ? colon : slash) - host);
	if (!len || len >= sizeof(url->host) || strlen(slash) >= sizeof(url->path))
		die_usage("'%s' is not a usable URL", text);
	snprintf(url->host, sizeof(url->host), "%.*s", (int)len, host);
	snprintf(url->port, sizeof(url->port), "80");
	if (colon && (size_t)(slash - colon) > sizeof(url->port))
		die_usage("'%s' is not a usable URL", text);
	if (colon)
		snprintf(url->port, sizeof(url->port), "%.*s", (int)(slash - colon - 1), colon + 1);
	snprintf(url->path, sizeof(url->path), "%s", *slash ? slash : "/");
}

struct addrinfo *url_resolve(const struct url *url)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	int err = getaddrinfo(url->host, url->port, &hints, &found);

	if (err)
		die("cannot resolve '%s': %s", url->host, gai_strerror(err));
	return found;
}

int url_connect(const struct addrinfo *address)
{
	int on = 1, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}
