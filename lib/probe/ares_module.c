/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses by c-ares on the engine's loop. A channel reads /etc/resolv.conf once, when it is made; so that an
 * agent that runs for months follows changes, a new channel is made when the file is another one, and the old channel
 * goes when its last question is answered.
 */
#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolve.h"

enum { LOOK_EVERY_US = 1000000 };

static const char resolv_conf[] = "/etc/resolv.conf";

struct ares_socket {
	struct loop_io io;
	struct channel *channel;
	struct ares_socket *next;
};

struct channel {
	ares_channel ares;
	struct ares_state *state;
	struct ares_socket *sockets;
	struct loop_timer timer;
	size_t questions;
	struct stat conf; /* resolv.conf when it was made; zeroes when there was none */
	struct channel *next;
};

struct ares_state {
	struct loop *loop;
	struct channel *channels; /* the first one is asked; others only wait for answers */
	int64_t looked_us;
};

/* --- sockets and time --------------------------------------------------------------------------------------------- */

static void set_timer(struct channel *channel)
{
	struct timeval tv;

	if (!ares_timeout(channel->ares, NULL, &tv))
		loop_timer_clear(channel->state->loop, &channel->timer);
	else /* a little later than asked: too early would be one round in vain */
		loop_timer_set(channel->state->loop, &channel->timer,
			monotonic_us() + tv.tv_sec * INT64_C(1000000) + tv.tv_usec + 1000);
}

static void on_timer(void *ctx)
{
	struct channel *channel = ctx;

	ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(channel);
}

static void on_event(void *ctx, uint32_t events)
{
	struct ares_socket *sock = ctx;
	struct channel *channel = sock->channel;
	int fd = sock->io.fd; /* the socket may be gone after the first call */

	ares_process_fd(channel->ares, events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
		events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	set_timer(channel);
}

static void forget_socket(struct channel *channel, ares_socket_t fd)
{
	for (struct ares_socket **at = &channel->sockets; *at; at = &(*at)->next) {
		struct ares_socket *sock = *at;

		if (sock->io.fd != fd)
			continue;
		loop_io_remove(channel->state->loop, &sock->io);
		*at = sock->next;
		free(sock);
		return;
	}
}

static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct channel *channel = ctx;
	struct loop *loop = channel->state->loop;
	uint32_t events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
	struct mrp_err ignored = MRP_ERR_INIT; /* then the question ends by its time */
	struct ares_socket *sock = channel->sockets;

	if (!events) {
		forget_socket(channel, fd);
		return;
	}
	while (sock && sock->io.fd != fd)
		sock = sock->next;
	if (sock) {
		if (loop_io_change(loop, &sock->io, events, &ignored) < 0)
			mrp_err_clear(&ignored);
		return;
	}
	sock = xcalloc(1, sizeof(*sock));
	sock->channel = channel;
	if (loop_io_add(loop, &sock->io, fd, events, on_event, sock, &ignored) < 0) {
		mrp_err_clear(&ignored);
		free(sock);
		return;
	}
	sock->next = channel->sockets;
	channel->sockets = sock;
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

static void free_channel(struct channel *channel)
{
	ares_destroy(channel->ares); /* ends its questions, closes its sockets */
	loop_timer_clear(channel->state->loop, &channel->timer);
	free(channel);
}

static struct channel *new_channel(struct ares_state *state, struct mrp_err *err)
{
	struct channel *channel = xcalloc(1, sizeof(*channel));
	struct ares_options options = { .sock_state_cb = on_socket, .sock_state_cb_data = channel };

	channel->state = state;
	channel->timer = (struct loop_timer){ .fn = on_timer, .ctx = channel };
	if (stat(resolv_conf, &channel->conf) < 0)
		channel->conf = (struct stat){ .st_size = 0 };
	int code = ares_init_options(&channel->ares, &options, ARES_OPT_SOCK_STATE_CB);
	if (code != ARES_SUCCESS) {
		mrp_err_set(err, MRP_EFAILED, "cannot set up c-ares: %s", ares_strerror(code));
		free(channel);
		return NULL;
	}
	return channel;
}

static bool conf_changed(const struct stat *before)
{
	struct stat now;

	if (stat(resolv_conf, &now) < 0)
		return before->st_ino != 0;
	return now.st_ino != before->st_ino || now.st_size != before->st_size ||
		now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static struct channel *current_channel(struct ares_state *state)
{
	int64_t now = loop_now_us(state->loop);
	struct mrp_err ignored = MRP_ERR_INIT;

	if (now - state->looked_us < LOOK_EVERY_US)
		return state->channels;
	state->looked_us = now;
	for (struct channel **at = &state->channels->next; *at;) {
		struct channel *old = *at;

		if (old->questions) {
			at = &old->next;
			continue;
		}
		*at = old->next;
		free_channel(old);
	}
	if (!conf_changed(&state->channels->conf))
		return state->channels;
	struct channel *channel = new_channel(state, &ignored);
	if (!channel) { /* the old one has to do */
		mrp_err_clear(&ignored);
		return state->channels;
	}
	channel->next = state->channels;
	state->channels = channel;
	return channel;
}

static void close_ares(void *ares)
{
	struct ares_state *state = ares;
	struct channel *next;

	for (struct channel *channel = state->channels; channel; channel = next) {
		next = channel->next;
		free_channel(channel);
	}
	free(state);
}

static void *open_ares(struct loop *loop, struct mrp_err *err)
{
	struct ares_state *state = xcalloc(1, sizeof(*state));
	int code = ares_library_init(ARES_LIB_INIT_ALL);

	state->loop = loop;
	state->looked_us = loop_now_us(loop);
	if (code != ARES_SUCCESS)
		mrp_err_set(err, MRP_EFAILED, "cannot set up c-ares: %s", ares_strerror(code));
	else
		state->channels = new_channel(state, err);
	if (!state->channels) {
		free(state);
		return NULL;
	}
	return state;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* c-ares calls its own lack of descriptors a connection that was refused. */
static bool can_make_sockets(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void say(struct resolve *resolve, int status)
{
	char *out = resolve->error;
	size_t size = sizeof(resolve->error);
	const char *host = resolve->host;

	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENODATA:
		resolve->end = RESOLVE_NONE;
		snprintf(out, size, "host '%.200s' has no %saddress", host,
			resolve->ip_version == 4           ? "IPv4 "
				: resolve->ip_version == 6 ? "IPv6 "
							   : "");
		return;
	case ARES_ENOTFOUND:
		resolve->end = RESOLVE_NONE;
		snprintf(out, size, "host '%.200s' does not exist", host);
		return;
	case ARES_EBADNAME:
		resolve->end = RESOLVE_ERROR;
		snprintf(out, size, "'%.200s' is no name of a host", host);
		return;
	case ARES_ETIMEOUT:
		resolve->end = RESOLVE_FAIL;
		snprintf(out, size, "cannot resolve '%.200s': no resolver answers", host);
		return;
	default:
		if (status == ARES_ECONNREFUSED && !can_make_sockets()) {
			resolve->end = RESOLVE_LIMIT;
			snprintf(out, size, "cannot make a socket: %s", strerror(errno));
			return;
		}
		resolve->end = RESOLVE_FAIL;
		snprintf(out, size, "cannot resolve '%.200s': %s", host, ares_strerror(status));
	}
}

static void on_answer(void *ctx, int status, int timeouts, struct ares_addrinfo *found)
{
	struct resolve_query *query = ctx;
	struct resolve *resolve = query->resolve;
	struct channel *channel = query->channel;

	(void)timeouts;
	channel->questions--;
	for (struct ares_addrinfo_node *node = found ? found->nodes : NULL; node && resolve; node = node->ai_next) {
		if (resolve->n == ADDRESSES_MAX || (node->ai_family != AF_INET && node->ai_family != AF_INET6))
			continue;
		memcpy(&resolve->addresses[resolve->n++], node->ai_addr, (size_t)node->ai_addrlen);
	}
	if (found)
		ares_freeaddrinfo(found);
	if (resolve && resolve->n)
		resolve->end = RESOLVED;
	else if (resolve)
		say(resolve, status);
	resolve_finish(query);
}

/* The answer of c-ares, too (RFC 6761, 6.3); but where /etc/hosts has localhost without an address of IPv6, as in many
 * containers, c-ares 1.18 loses a name's memory each time, and an agent asks for months. */
static bool is_known(struct resolve *resolve)
{
	if (resolve->ip_version != 6 || strcasecmp(resolve->host, "localhost") != 0)
		return false;
	resolve->addresses[0].in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	resolve->n = 1;
	resolve->end = RESOLVED;
	return true;
}

static void start(void *ares, struct resolve *resolve)
{
	struct channel *channel = current_channel(ares);
	struct ares_addrinfo_hints hints = {
		.ai_family = resolve->ip_version == 4 ? AF_INET
			: resolve->ip_version == 6    ? AF_INET6
						      : AF_UNSPEC,
		.ai_flags = ARES_AI_NOSORT, /* sorting would connect a socket for each address */
	};

	if (is_known(resolve)) {
		resolve_finish(resolve->query);
		return;
	}
	resolve->query->channel = channel;
	channel->questions++;
	ares_getaddrinfo(channel->ares, resolve->host, NULL, &hints, on_answer, resolve->query);
	set_timer(channel);
}

const struct resolver_ops mrp_ares = {
	.open = open_ares,
	.close = close_ares,
	.start = start,
};
