/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/module.h"
#include "httpd.h"

enum { BACKLOG = 511 };

const struct httpd_ops *httpd_ops_get(struct mrp_err *err)
{
	return module_table("mhd", "mhd_httpd_ops", err);
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 &&
		IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static int bind_one(const struct addrinfo *info, const char *address, struct mrp_err *err)
{
	cleanup(fd_closep) int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0)
		return mrp_err_errno(err, "cannot listen on '%s'", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		if (errno == EADDRINUSE)
			return mrp_err_set(
				err, MRP_EFAILED, "cannot listen on '%s': another program uses this port", address);
		return mrp_err_errno(err, "cannot listen on '%s'", address);
	}
	int result = fd;
	fd = -1;
	return result;
}

static char *url_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV);
	return xasprintf(strchr(host, ':') ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

int httpd_listen(int *fd, char **url, const char *host, int port, struct mrp_err *err)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV
	};
	struct addrinfo *found = NULL;
	char port_text[8], address[300];

	snprintf(port_text, sizeof(port_text), "%d", port);
	snprintf(address, sizeof(address), strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
	int r = getaddrinfo(*host ? host : NULL, port_text, &hints, &found);
	if (r)
		return mrp_err_set(err, MRP_EUSAGE, "listen address '%s': %s", address, gai_strerror(r));
	if (!is_loopback(found->ai_addr)) {
		freeaddrinfo(found);
		return mrp_err_set(err, MRP_EUSAGE,
			"'%s' is not a loopback address: without tokens the API listens on this machine only", address);
	}
	*fd = bind_one(found, address, err);
	freeaddrinfo(found);
	if (*fd < 0)
		return -1;
	*url = url_of(*fd);
	return 0;
}
