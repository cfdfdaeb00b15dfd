/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "file.h"
#include "listen.h"
#include "parse.h"

enum { BACKLOG = 511 };

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

static char *url_of(int fd, bool tls)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV);
	return xasprintf(strchr(host, ':') ? "%s://[%s]:%s" : "%s://%s:%s", tls ? "https" : "http", host, port);
}

/* "ADDR:PORT", "[::1]:PORT", ":PORT" -> its parts; `host` has room for all of `text`. */
static int split_address(char *host, int *port, const char *text, struct mrp_err *err)
{
	const char *colon = strrchr(text, ':'), *start = text;
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	int64_t number;

	if (bracketed) {
		start++;
		len -= 2;
	}
	if (!colon || memchr(start, bracketed ? ']' : ':', len))
		return mrp_err_set(err, MRP_EUSAGE,
			"'%s' is no address to listen on (like 127.0.0.1:8080, [::1]:8080, "
			"unix:/run/mrprober/api.sock)",
			text);
	if (parse_int(&number, colon + 1, 0, 65535, err) < 0) {
		mrp_err_wrap(err, "port of '%s'", text);
		err->code = MRP_EUSAGE;
		return -1;
	}
	memcpy(host, start, len);
	host[len] = '\0';
	*port = (int)number;
	return 0;
}

static int open_tcp(struct listener *out, const char *text, unsigned flags, struct mrp_err *err)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV
	};
	cleanup(freep) char *host = xmalloc(strlen(text) + 1);
	struct addrinfo *found = NULL;
	char port_text[8];
	int port;

	if (split_address(host, &port, text, err) < 0)
		return -1;
	snprintf(port_text, sizeof(port_text), "%d", port);
	int r = getaddrinfo(*host ? host : NULL, port_text, &hints, &found);
	if (r)
		return mrp_err_set(err, MRP_EUSAGE, "listen address '%s': %s", text, gai_strerror(r));
	if (!(flags & LISTEN_ANYWHERE) && !is_loopback(found->ai_addr)) {
		freeaddrinfo(found);
		return mrp_err_set(err, MRP_EREFUSED, "'%s' is not a loopback address", text);
	}
	out->fd = bind_one(found, text, err);
	freeaddrinfo(found);
	if (out->fd < 0)
		return -1;
	out->tls = flags & LISTEN_TLS;
	out->url = url_of(out->fd, out->tls);
	return 0;
}

/* One process at a time looks at a socket's folder and changes it. The lock goes with the descriptor. */
static int lock_folder_of(const char *path, struct mrp_err *err)
{
	const char *slash = strrchr(path, '/');
	cleanup(freep) char *folder = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	cleanup(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return mrp_err_errno(err, "cannot listen on 'unix:%s': folder '%s'", path, folder);
	int result = fd;
	fd = -1;
	return result;
}

/* A socket that nobody listens on any more is in the way and goes; anything else stays. */
static int remove_stale(const struct sockaddr_un *address, socklen_t len, struct mrp_err *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0; /* bind() says what is wrong */
	if (!S_ISSOCK(st.st_mode))
		return mrp_err_set(
			err, MRP_EFAILED, "cannot listen on 'unix:%s': there is something that is no socket", path);
	cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mrp_err_errno(err, "cannot listen on 'unix:%s'", path);
	if (connect(fd, (const struct sockaddr *)address, len) == 0 || errno != ECONNREFUSED)
		return mrp_err_set(err, MRP_EFAILED, "cannot listen on 'unix:%s': another program listens there", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return mrp_err_errno(err, "cannot remove the old socket '%s'", path);
	return 0;
}

static int open_unix(struct listener *out, const char *path, struct mrp_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return mrp_err_set(err, MRP_EUSAGE, "'unix:%s' names no socket: a path of at most %zu bytes is needed",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	cleanup(fd_closep) int lock = lock_folder_of(path, err);
	if (lock < 0 || remove_stale(&address, sizeof(address), err) < 0)
		return -1;
	cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* the right mode from the first moment; no other thread is there yet */
	mode_t before = umask(0117);
	int r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (r < 0 || listen(fd, BACKLOG) < 0 || lstat(path, &st) < 0)
		return mrp_err_errno(err, "cannot listen on 'unix:%s'", path);
	out->path = xstrdup(path);
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->url = xasprintf("unix:%s", path);
	out->fd = fd;
	fd = -1;
	return 0;
}

int listener_open(struct listener *out, const char *text, unsigned flags, struct mrp_err *err)
{
	const char *path;

	*out = (struct listener){ .fd = -1 };
	if (skip_prefix(text, "unix:", &path))
		return open_unix(out, path, err);
	return open_tcp(out, text, flags, err);
}

void listener_close(struct listener *listener)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	struct stat st;

	if (listener->path) {
		cleanup(fd_closep) int lock = lock_folder_of(listener->path, &ignored);

		(void)lock; /* held until the end of the block */
		mrp_err_clear(&ignored);
		/* somebody else may have put another one there */
		if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode)
			unlink(listener->path);
	}
	fd_closep(&listener->fd);
	free(listener->url);
	free(listener->path);
	*listener = (struct listener){ .fd = -1 };
}
