/* SPDX-License-Identifier: Apache-2.0 */
#include "ping.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, ROUNDS = 8, LOOKS = 100, HEAD_MAX = 128, RECEIVE_BUFFER = 4 << 20 };

/* The head of a payload. */
struct ping_mark {
	uint32_t slot;
	uint16_t generation, index;
};

struct ping_socket {
	struct loop_io io;
	int fd; /* -1: not open */
	bool v6, raw;
	unsigned unread; /* sent since we last looked for replies */
	struct ping_sockets *all;
};

VEC_DEFINE(target_vec, struct ping_target *)

struct ping_sockets {
	struct loop *loop;
	struct ping_socket sockets[2]; /* IPv4, IPv6 */
	struct target_vec targets;     /* by slot - 1; NULL: free */
	struct {
		uint32_t *v;
		size_t n, alloc;
	} idle;
	uint16_t id, generation;
	uint8_t packet[sizeof(struct icmphdr) + PING_SIZE_MAX];
};

/* --- arrival ------------------------------------------------------------------------------------------------------ */

static int64_t arrival_ns(struct msghdr *header)
{
	struct timespec at;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
	}
	clock_gettime(CLOCK_REALTIME, &at);
	return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static bool same_host(const union address *a, const union address *b)
{
	if (a->sa.sa_family == AF_INET6)
		return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* Raw sockets see the replies to everybody's pings: only what is wholly ours counts. */
static void take_packet(
	struct ping_socket *sock, const uint8_t *data, size_t len, const union address *from, int64_t arrived_ns)
{
	size_t ip_header = sock->raw && !sock->v6 && len ? (size_t)(data[0] & 15) * 4 : 0;
	struct ping_sockets *all = sock->all;
	struct icmphdr header;
	struct ping_mark mark;

	if (len < ip_header + sizeof(header) + sizeof(mark))
		return;
	memcpy(&header, data + ip_header, sizeof(header));
	memcpy(&mark, data + ip_header + sizeof(header), sizeof(mark));
	if (header.type != (sock->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) ||
		(sock->raw && header.un.echo.id != all->id))
		return;
	if (!mark.slot || mark.slot > all->targets.n)
		return;
	struct ping_target *target = all->targets.v[mark.slot - 1];
	if (target && target->generation == mark.generation && target->address.sa.sa_family == from->sa.sa_family &&
		same_host(&target->address, from))
		target->reply(target, mark.index, arrived_ns);
}

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	union address from[BATCH];
	uint8_t data[BATCH][HEAD_MAX];
	uint8_t control[BATCH][64] __attribute__((aligned(8)));
};

static void prepare(struct batch *batch)
{
	for (size_t i = 0; i < BATCH; i++) {
		batch->iov[i] = (struct iovec){ batch->data[i], HEAD_MAX };
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->from[i],
			.msg_namelen = sizeof(batch->from[i]),
			.msg_iov = &batch->iov[i],
			.msg_iovlen = 1,
			.msg_control = batch->control[i],
			.msg_controllen = sizeof(batch->control[i]),
		};
	}
}

/* True when there may be more. */
static bool take_replies(struct ping_socket *sock)
{
	struct batch batch;
	int n = BATCH;

	sock->unread = 0;
	for (int round = 0; round < ROUNDS && n == BATCH; round++) { /* others want their turn, too */
		prepare(&batch);
		n = recvmmsg(sock->fd, batch.messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			size_t len = MIN((size_t)batch.messages[i].msg_len, (size_t)HEAD_MAX);

			take_packet(sock, batch.data[i], len, &batch.from[i], arrival_ns(&batch.messages[i].msg_hdr));
		}
	}
	return n == BATCH;
}

static void on_event(void *ctx, uint32_t events)
{
	(void)events;
	take_replies(ctx);
}

void ping_look(struct ping_sockets *sockets, const struct ping_target *target)
{
	struct ping_socket *sock = &sockets->sockets[target->address.sa.sa_family == AF_INET6];

	for (int i = 0; i < LOOKS && take_replies(sock); i++)
		continue;
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static void only_replies(const struct ping_socket *sock)
{
	struct icmp6_filter v6;
	struct icmp_filter v4 = { ~(1U << ICMP_ECHOREPLY) };

	if (!sock->v6) {
		setsockopt(sock->fd, SOL_RAW, ICMP_FILTER, &v4, sizeof(v4));
		return;
	}
	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	setsockopt(sock->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof(v6));
}

static int open_socket(struct ping_socket *sock, struct mrp_err *err)
{
	int family = sock->v6 ? AF_INET6 : AF_INET, protocol = sock->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1, size = RECEIVE_BUFFER;

	sock->fd = socket(family, SOCK_DGRAM | flags, protocol);
	sock->raw = sock->fd < 0 && (errno == EACCES || errno == EPERM);
	if (sock->raw)
		sock->fd = socket(family, SOCK_RAW | flags, protocol);
	if (sock->fd < 0 && (errno == EACCES || errno == EPERM))
		return mrp_err_set(err, MRP_EPERM,
			"no right to send ICMP: it takes a group within net.ipv4.ping_group_range, or CAP_NET_RAW");
	if (sock->fd < 0)
		return mrp_err_errno(err, "cannot make a socket for ICMP");
	if (sock->raw)
		only_replies(sock);
	setsockopt(sock->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (loop_io_add(sock->all->loop, &sock->io, sock->fd, EPOLLIN, on_event, sock, err) == 0)
		return 0;
	close(sock->fd);
	sock->fd = -1;
	return -1;
}

struct ping_sockets *ping_sockets_new(struct loop *loop)
{
	struct ping_sockets *sockets = xcalloc(1, sizeof(*sockets));

	sockets->loop = loop;
	for (size_t i = 0; i < ARRAY_SIZE(sockets->sockets); i++)
		sockets->sockets[i] = (struct ping_socket){ .fd = -1, .v6 = i, .all = sockets };
	(void)!getrandom(&sockets->id, sizeof(sockets->id), 0);
	(void)!getrandom(&sockets->generation, sizeof(sockets->generation), 0);
	return sockets;
}

void ping_sockets_free(struct ping_sockets *sockets)
{
	for (size_t i = 0; i < ARRAY_SIZE(sockets->sockets); i++) {
		loop_io_remove(sockets->loop, &sockets->sockets[i].io);
		if (sockets->sockets[i].fd >= 0)
			close(sockets->sockets[i].fd);
	}
	target_vec_clear(&sockets->targets);
	free(sockets->idle.v);
	free(sockets);
}

static struct ping_socket *socket_of(struct ping_sockets *sockets, const struct ping_target *target)
{
	return &sockets->sockets[target->address.sa.sa_family == AF_INET6];
}

int ping_add(struct ping_sockets *sockets, struct ping_target *target, struct mrp_err *err)
{
	struct ping_socket *sock = socket_of(sockets, target);

	if (sock->fd < 0 && open_socket(sock, err) < 0)
		return -1;
	target->generation = ++sockets->generation; /* late replies to who had the slot before are not ours */
	if (sockets->idle.n) {
		target->slot = sockets->idle.v[--sockets->idle.n];
		sockets->targets.v[target->slot - 1] = target;
		return 0;
	}
	target_vec_push(&sockets->targets, target);
	target->slot = (uint32_t)sockets->targets.n;
	if (sockets->idle.alloc < sockets->targets.alloc) { /* room for all of them, so that removing cannot fail */
		sockets->idle.alloc = sockets->targets.alloc;
		sockets->idle.v = xrealloc(sockets->idle.v, sockets->idle.alloc * sizeof(*sockets->idle.v));
	}
	return 0;
}

void ping_remove(struct ping_sockets *sockets, struct ping_target *target)
{
	if (!target->slot)
		return;
	sockets->targets.v[target->slot - 1] = NULL;
	sockets->idle.v[sockets->idle.n++] = target->slot;
	target->slot = 0;
}

/* RFC 1071; over memory of an even address. */
static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = 0;

	for (; len >= 4; len -= 4, p += 4) {
		uint32_t word;

		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	uint32_t rest = 0;
	memcpy(&rest, p, len);
	sum += rest;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

int ping_send(struct ping_sockets *sockets, const struct ping_target *target, uint16_t index, size_t size)
{
	struct ping_socket *sock = socket_of(sockets, target);
	struct icmphdr header = { .type = sock->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
		.un.echo = { .id = sockets->id, .sequence = htons((uint16_t)(index + 1)) } };
	struct ping_mark mark = { target->slot, target->generation, index };
	size_t len = sizeof(header) + MIN(MAX(size, sizeof(mark)), (size_t)PING_SIZE_MAX);

	memcpy(sockets->packet + sizeof(header), &mark, sizeof(mark));
	memcpy(sockets->packet, &header, sizeof(header));
	if (!sock->v6) { /* the kernel does it for IPv6 and, once more, for ping sockets */
		header.checksum = checksum(sockets->packet, len);
		memcpy(sockets->packet, &header, sizeof(header));
	}
	if (sendto(sock->fd, sockets->packet, len, MSG_NOSIGNAL, &target->address.sa, address_len(&target->address)) <
		0)
		return -1;
	if (++sock->unread >= BATCH)
		take_replies(sock);
	return 0;
}
