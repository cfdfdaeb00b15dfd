/* SPDX-License-Identifier: Apache-2.0 */
/* The duty socket itself: a thread accepts, each connection gets one. Read duty.h first. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/listen.h"
#include "../base/log.h"
#include "duty.h"

enum { CONNECTIONS_MAX = 32 };

struct duty_server {
	struct listener listener;
	const struct duty_ops *ops;
	pthread_t thread;
	int stop_fd; /* becomes readable, and stays so, when all is to end */
	pthread_mutex_t lock;
	pthread_cond_t fewer;
	unsigned connections;
};

struct served {
	struct duty_server *server;
	struct duty_conn conn;
};

static void *serve_one(void *arg)
{
	struct served *served = arg;
	struct duty_server *server = served->server;

	duty_serve(&served->conn);
	close(served->conn.fd);
	free(served);
	pthread_mutex_lock(&server->lock);
	server->connections--;
	pthread_cond_signal(&server->fewer);
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

static bool start_thread(struct served *served)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int r = pthread_create(&thread, &attributes, serve_one, served);
	pthread_attr_destroy(&attributes);
	return r == 0;
}

/* Serve a connection; one too many, or one whose other side cannot be told, is closed. */
static void take(struct duty_server *server, int fd)
{
	struct ucred caller;
	socklen_t len = sizeof(caller);

	pthread_mutex_lock(&server->lock);
	bool room = server->connections < CONNECTIONS_MAX;
	server->connections += room;
	pthread_mutex_unlock(&server->lock);
	struct served *served = xcalloc(1, sizeof(*served));
	bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &caller, &len) == 0;
	*served = (struct served){ server, { fd, server->stop_fd, caller, server->ops } };
	if (room && known && start_thread(served))
		return;
	log_warning("a connection of the duty socket is turned away");
	close(fd);
	free(served);
	pthread_mutex_lock(&server->lock);
	server->connections -= room;
	pthread_mutex_unlock(&server->lock);
}

static void *accept_all(void *arg)
{
	struct duty_server *server = arg;
	struct pollfd fds[2] = { { .fd = server->listener.fd, .events = POLLIN },
		{ .fd = server->stop_fd, .events = POLLIN } };

	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[1].revents)
			break;
		int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			take(server, fd);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			poll(&fds[1], 1, 100); /* the connection waits until there is room */
	}
	return NULL;
}

static int give_to_group(const char *path, const char *group, struct mrp_err *err)
{
	char text[4096];
	struct group entry, *found = NULL;

	if (!group)
		return 0;
	int r = getgrnam_r(group, &entry, text, sizeof(text), &found);
	if (r || !found)
		return mrp_err_set(err, MRP_EUSAGE, "there is no group '%s'", group);
	if (chown(path, (uid_t)-1, found->gr_gid) < 0)
		return mrp_err_errno(err, "cannot give '%s' to group '%s'", path, group);
	return 0;
}

static void release(struct duty_server *server)
{
	listener_close(&server->listener);
	if (server->stop_fd >= 0)
		close(server->stop_fd);
	pthread_cond_destroy(&server->fewer);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static int start(struct duty_server *server, const char *path, const char *group, struct mrp_err *err)
{
	cleanup(freep) char *address = xasprintf("unix:%s", path);

	if (server->stop_fd < 0)
		return mrp_err_errno(err, "cannot make an eventfd");
	if (listener_open(&server->listener, address, 0, err) < 0 || give_to_group(path, group, err) < 0)
		return -1;
	int r = pthread_create(&server->thread, NULL, accept_all, server);
	return r ? mrp_err_set(err, MRP_EOS, "cannot start a thread: %s", strerror(r)) : 0;
}

struct duty_server *duty_server_start(
	const char *path, const char *group, const struct duty_ops *ops, struct mrp_err *err)
{
	struct duty_server *server = xcalloc(1, sizeof(*server));

	server->listener.fd = -1;
	server->ops = ops;
	server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->fewer, NULL);
	if (start(server, path, group, err) < 0) {
		release(server);
		return NULL;
	}
	return server;
}

void duty_server_stop(struct duty_server *server)
{
	const uint64_t one = 1;

	if (!server)
		return;
	if (write(server->stop_fd, &one, sizeof(one)) < 0)
		BUG("an eventfd does not take 1: %s", strerror(errno));
	pthread_join(server->thread, NULL);
	pthread_mutex_lock(&server->lock);
	while (server->connections)
		pthread_cond_wait(&server->fewer, &server->lock);
	pthread_mutex_unlock(&server->lock);
	release(server);
}
