/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/log.h"
#include "../base/vec.h"

enum {
	TICK_MS = 250,           /* how often deadlines are looked at */
	SPARE_FILES = 128,       /* descriptors that are not connections */
	BUCKETS = 1024,          /* of the addresses */
	ACCEPTS_AT_ONCE = 64,    /* of one listener, before the others get their turn */
	LINGER_MAX = 64,         /* refused connections that are kept for a moment */
	LINGER_MS = 500,         /* so that the client can read why: closing at once would take it back */
	QUIET_MS = 10000,        /* between two log lines about the same limit */
	EVICT_AFTER_MS = 1000,   /* how long a connection keeps its place when there is need of it */
	LEFT_AFTER_MS = 1000,    /* how long a connection is quiet before somebody looks whether its client is there */
	LEFT_TURNS = 8,          /* each tick looks at one of so many */
	ACCEPT_PAUSE_MS = 100,   /* when the system gives no descriptor */
};

/* How many connections there are from one address. */
struct peer_count {
	uint64_t key;
	size_t n, bucket;
	struct peer_count *next;
};

VEC_DEFINE(conn_vec, struct conn *)
VEC_DEFINE(pollfd_vec, struct pollfd)

struct front {
	struct listener *listeners;
	struct pollfd *polled; /* the listeners, then `wake` */
	size_t n;
	struct server_settings settings;
	struct server_stats *stats;
	struct front_ops ops;
	int wake;
	pthread_t thread;
	bool running;
	atomic_bool quiet; /* accept nothing any more */
	atomic_bool ended;
	pthread_mutex_t lock;
	/* by descriptor; under the lock, as all that follows */
	struct conn_vec by_fd;
	size_t n_conns;
	struct peer_count *buckets[BUCKETS];
	/* of the thread alone */
	struct { int fd; int64_t until_ms; } linger[LINGER_MAX];
	struct pollfd_vec looked; /* connections whose clients may have left */
	size_t n_linger, ticks;
	int64_t said_ms[LIMIT_COUNT];
};

/* Some milliseconds late, but deadlines are seconds, and each request looks several times. */
static int64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* One client: an IPv4 address, an IPv6 network of 64 bits (one subscriber has all of it), a user of a Unix socket. */
static uint64_t key_of(const struct sockaddr_storage *address, unsigned uid)
{
	const struct sockaddr_in6 *six = (const void *)address;
	uint64_t key = 0;

	if (address->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		memcpy(&key, &six->sin6_addr, sizeof(key));
		return key;
	}
	if (address->ss_family == AF_INET6) {
		memcpy(&key, (const char *)&six->sin6_addr + 12, 4);
		return key;
	}
	if (address->ss_family == AF_INET) {
		memcpy(&key, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
		return key;
	}
	return UINT64_C(1) << 40 | uid;
}

static struct peer_count *count_of(struct front *front, uint64_t key)
{
	size_t bucket = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % BUCKETS;
	struct peer_count *count = front->buckets[bucket];

	while (count && count->key != key)
		count = count->next;
	if (count)
		return count;
	count = xcalloc(1, sizeof(*count));
	count->key = key;
	count->bucket = bucket;
	count->next = front->buckets[bucket];
	front->buckets[bucket] = count;
	return count;
}

static void count_down(struct front *front, struct peer_count *count)
{
	struct peer_count **at = &front->buckets[count->bucket];

	if (--count->n)
		return;
	while (*at != count)
		at = &(*at)->next;
	*at = count->next;
	free(count);
}

static unsigned uid_of(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return (unsigned)peer.uid;
}

static void name_peer(struct conn *conn, const struct sockaddr_storage *address, unsigned uid)
{
	const struct sockaddr_in6 *six = (const void *)address;

	if (address->ss_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, conn->address,
			sizeof(conn->address));
	else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, (const char *)&six->sin6_addr + 12, conn->address, sizeof(conn->address));
	else if (address->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, conn->address, sizeof(conn->address));
	else
		snprintf(conn->address, sizeof(conn->address), "unix:uid=%u", uid);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static void forget(struct front *front, struct conn *conn)
{
	front->by_fd.v[conn->fd] = NULL;
	front->n_conns--;
	atomic_store_explicit(&front->stats->connections, (long)front->n_conns, memory_order_relaxed);
	count_down(front, conn->count);
	free(conn);
}

struct conn *front_conn(struct front *front, int fd)
{
	pthread_mutex_lock(&front->lock);
	struct conn *conn = fd >= 0 && (size_t)fd < front->by_fd.n ? front->by_fd.v[fd] : NULL;
	pthread_mutex_unlock(&front->lock);
	return conn;
}

bool front_gone(struct front *front, struct conn *conn)
{
	pthread_mutex_lock(&front->lock);
	bool ended = conn->ending;
	forget(front, conn);
	pthread_mutex_unlock(&front->lock);
	return ended;
}

bool front_ended(struct front *front, const struct conn *conn)
{
	pthread_mutex_lock(&front->lock);
	bool ended = conn->ending;
	pthread_mutex_unlock(&front->lock);
	return ended;
}

static void set_phase(struct front *front, struct conn *conn, enum conn_phase phase, size_t bytes)
{
	const struct server_settings *s = &front->settings;
	int64_t rate = phase == PHASE_SEND ? s->min_read_rate : s->min_rate;
	int64_t now = monotonic_ms(), bought = (int64_t)bytes * 1000 / rate;

	if (phase != PHASE_BODY || conn->phase != PHASE_BODY)
		conn->began_ms = now;
	conn->phase = phase;
	switch (phase) {
	case PHASE_HEADERS:
		conn->deadline_ms = now + MIN(s->header_timeout_ms, s->request_timeout_ms);
		break;
	case PHASE_IDLE:
		conn->deadline_ms = now + s->idle_timeout_ms;
		break;
	case PHASE_BODY:
	case PHASE_SEND:
		conn->deadline_ms = conn->began_ms + s->request_timeout_ms + bought;
		break;
	case PHASE_WORK:
		conn->deadline_ms = INT64_MAX;
		break;
	}
}

void front_phase(struct front *front, struct conn *conn, enum conn_phase phase, size_t bytes)
{
	pthread_mutex_lock(&front->lock);
	if (!conn->ending)
		set_phase(front, conn, phase, bytes);
	pthread_mutex_unlock(&front->lock);
}

static struct conn *add_conn(
	struct front *front, int fd, const struct listener *listener, const struct sockaddr_storage *address, unsigned uid)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));

	while (front->by_fd.n <= (size_t)fd)
		conn_vec_push(&front->by_fd, NULL);
	if (front->by_fd.v[fd]) /* its owner gave it up before it told us of it */
		forget(front, front->by_fd.v[fd]);
	conn->fd = fd;
	name_peer(conn, address, uid);
	conn->peer = (struct api_peer){
		.address = conn->address, .unix_socket = listener->path != NULL, .tls = listener->tls
	};
	conn->count = count_of(front, key_of(address, uid));
	conn->count->n++;
	set_phase(front, conn, PHASE_HEADERS, 0);
	front->by_fd.v[fd] = conn;
	front->n_conns++;
	atomic_store_explicit(&front->stats->connections, (long)front->n_conns, memory_order_relaxed);
	atomic_fetch_add_explicit(&front->stats->connections_total, 1, memory_order_relaxed);
	return conn;
}

/* One line for many of the same. */
static void note_limit(struct front *front, enum server_limit limit, const char *address)
{
	int64_t now = monotonic_ms();

	server_limit_hit(front->stats, limit);
	if (front->said_ms[limit] && now - front->said_ms[limit] < QUIET_MS)
		return;
	front->said_ms[limit] = now;
	log_warning("%s: %s", address, server_limits[limit].text);
}

/* An answer without a server: as large as a socket's buffer takes at once. */
static void send_refusal(int fd, enum server_limit limit)
{
	const struct server_limit_info *info = &server_limits[limit];
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT, body = STRBUF_INIT;
	const char *title = api_status_text(info->status);

	strbuf_addf(&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}\n", title,
		info->status, info->text);
	strbuf_addf(&out, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n%s"
			  "Connection: close\r\n\r\n%s",
		info->status, title, body.len, info->status == 408 ? "" : "Retry-After: 1\r\n", body.buf);
	(void)!send(fd, out.buf, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* End a connection that is its owner's: the owner sees the end of the stream and closes it. */
static void end_conn(struct conn *conn)
{
	conn->ending = true;
	conn->deadline_ms = INT64_MAX;
	shutdown(conn->fd, SHUT_RDWR);
}

static void end_late(struct front *front, struct conn *conn)
{
	static const struct {
		enum conn_phase phase;
		enum server_limit limit;
	} limits[] = {
		{ PHASE_HEADERS, LIMIT_SLOW_HEADERS },
		{ PHASE_BODY, LIMIT_SLOW_BODY },
		{ PHASE_SEND, LIMIT_SLOW_READER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (conn->phase != limits[i].phase)
			continue;
		note_limit(front, limits[i].limit, conn->address);
		/* over TLS the session is its owner's alone */
		if (server_limits[limits[i].limit].status && !conn->peer.tls)
			send_refusal(conn->fd, limits[i].limit);
	}
	end_conn(conn);
}

/* libmicrohttpd misses the end of a stream that comes in one packet with data, and would wait for the deadline. */
static bool may_have_left(const struct conn *conn, int64_t now)
{
	return !conn->ending && conn->phase <= PHASE_BODY && now - conn->began_ms >= LEFT_AFTER_MS;
}

static bool has_left(const struct conn *conn, int64_t now)
{
	char c;

	return may_have_left(conn, now) && recv(conn->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The kernel is asked about all of them at once, and without the lock, for which requests would wait. So a descriptor
 * may have become another one's meanwhile; has_left() is true of that one then, or false. */
static void end_those_who_left(struct front *front, int64_t now)
{
	struct pollfd *looked = front->looked.v;
	int n = poll(looked, front->looked.n, 0);

	if (n <= 0)
		return;
	pthread_mutex_lock(&front->lock);
	for (size_t i = 0; i < front->looked.n; i++) {
		struct conn *conn = looked[i].revents ? front->by_fd.v[looked[i].fd] : NULL;

		if (conn && has_left(conn, now))
			end_conn(conn);
	}
	pthread_mutex_unlock(&front->lock);
}

static void end_all_late(struct front *front)
{
	int64_t now = monotonic_ms();
	size_t turn = front->ticks++ % LEFT_TURNS;

	front->looked.n = 0;
	pthread_mutex_lock(&front->lock);
	for (size_t i = 0; i < front->by_fd.n; i++) {
		struct conn *conn = front->by_fd.v[i];

		if (!conn || conn->ending)
			continue;
		if (conn->deadline_ms <= now)
			end_late(front, conn);
		else if (i % LEFT_TURNS == turn && may_have_left(conn, now))
			pollfd_vec_push(&front->looked, (struct pollfd){ .fd = conn->fd, .events = POLLRDHUP });
	}
	pthread_mutex_unlock(&front->lock);
	end_those_who_left(front, now);
}

/* The connection that has been in one of these phases for longest gives up its place. */
static bool evict_one(struct front *front, enum conn_phase from, enum conn_phase to)
{
	int64_t now = monotonic_ms();
	struct conn *oldest = NULL;

	for (size_t i = 0; i < front->by_fd.n; i++) {
		struct conn *conn = front->by_fd.v[i];

		if (conn && !conn->ending && conn->phase >= from && conn->phase <= to && now - conn->began_ms >= EVICT_AFTER_MS &&
			(!oldest || conn->began_ms < oldest->began_ms))
			oldest = conn;
	}
	if (oldest)
		end_conn(oldest);
	return oldest;
}

bool front_evict_reader(struct front *front)
{
	pthread_mutex_lock(&front->lock);
	bool evicted = evict_one(front, PHASE_SEND, PHASE_SEND);
	if (evicted)
		server_limit_hit(front->stats, LIMIT_ANSWERS);
	pthread_mutex_unlock(&front->lock);
	return evicted;
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void end_lingering(struct front *front, bool all)
{
	int64_t now = monotonic_ms();
	size_t kept = 0;

	for (size_t i = 0; i < front->n_linger; i++) {
		char dropped[512];
		ssize_t n = recv(front->linger[i].fd, dropped, sizeof(dropped), MSG_DONTWAIT);

		if (!all && front->linger[i].until_ms > now && !(n == 0 || (n < 0 && errno != EAGAIN)))
			front->linger[kept++] = front->linger[i];
		else
			close(front->linger[i].fd);
	}
	front->n_linger = kept;
}

static void refuse(struct front *front, const struct listener *listener, int fd, enum server_limit limit,
	const struct sockaddr_storage *address)
{
	struct conn named = { .fd = fd };

	name_peer(&named, address, listener->path ? uid_of(fd) : 0);
	note_limit(front, limit, named.address);
	if (listener->tls || front->n_linger == LINGER_MAX) {
		close(fd);
		return;
	}
	send_refusal(fd, limit);
	shutdown(fd, SHUT_WR);
	front->linger[front->n_linger].until_ms = monotonic_ms() + LINGER_MS;
	front->linger[front->n_linger++].fd = fd;
}

/* Which limit is in the way of one more; LIMIT_COUNT: none. */
static enum server_limit limit_of(struct front *front, const struct sockaddr_storage *address, unsigned uid)
{
	struct peer_count *count = count_of(front, key_of(address, uid));
	size_t from_there = count->n;

	count->n++;
	count_down(front, count); /* forgotten when it is nobody's */
	if (from_there >= (size_t)front->settings.connections_per_address)
		return LIMIT_PER_ADDRESS;
	/* one that was told to go is still there for a moment */
	if (front->n_conns >= (size_t)front->settings.connections + SPARE_FILES / 2 ||
		(front->n_conns >= (size_t)front->settings.connections && !evict_one(front, PHASE_HEADERS, PHASE_IDLE)))
		return LIMIT_CONNECTIONS;
	return LIMIT_COUNT;
}

/* False when there is none waiting. */
static bool accept_one(struct front *front, const struct listener *listener)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(address);
	int fd = accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			note_limit(front, LIMIT_CONNECTIONS, "no file descriptor is left");
			poll(NULL, 0, ACCEPT_PAUSE_MS);
		}
		return errno == ECONNABORTED || errno == EINTR;
	}
	unsigned uid = listener->path ? uid_of(fd) : 0;
	pthread_mutex_lock(&front->lock);
	enum server_limit limit = limit_of(front, &address, uid);
	struct conn *conn = limit == LIMIT_COUNT ? add_conn(front, fd, listener, &address, uid) : NULL;
	struct conn copy = conn ? *conn : (struct conn){ .fd = -1 };
	pthread_mutex_unlock(&front->lock);
	if (!conn) {
		refuse(front, listener, fd, limit, &address);
		return true;
	}
	if (front->ops.take(front->ops.ctx, &copy, (struct sockaddr *)&address, len) < 0) {
		pthread_mutex_lock(&front->lock);
		if (front->by_fd.v[fd] == conn)
			forget(front, conn);
		pthread_mutex_unlock(&front->lock);
	}
	return true;
}

static int poll_timeout(struct front *front)
{
	pthread_mutex_lock(&front->lock);
	bool any = front->n_conns || front->n_linger;
	pthread_mutex_unlock(&front->lock);
	return any ? TICK_MS : -1; /* new connections come by this thread, so it may sleep when there are none */
}

static void *run(void *arg)
{
	struct front *front = arg;
	int64_t looked_ms = 0;

	while (!atomic_load(&front->ended)) {
		bool quiet = atomic_load(&front->quiet);

		for (size_t i = 0; i < front->n; i++)
			front->polled[i].fd = quiet ? -1 : front->listeners[i].fd;
		if (poll(front->polled, (nfds_t)front->n + 1, poll_timeout(front)) < 0 && errno != EINTR)
			BUG("poll: %s", strerror(errno));
		if (front->polled[front->n].revents) {
			uint64_t count;

			(void)!read(front->wake, &count, sizeof(count));
			continue;
		}
		for (size_t i = 0; i < front->n; i++) {
			if (front->polled[i].revents)
				for (int k = 0; k < ACCEPTS_AT_ONCE && accept_one(front, &front->listeners[i]); k++)
					;
		}
		if (monotonic_ms() - looked_ms >= TICK_MS) {
			looked_ms = monotonic_ms();
			end_all_late(front);
			end_lingering(front, false);
		}
	}
	end_lingering(front, true);
	return NULL;
}

static void wake(struct front *front)
{
	uint64_t one = 1;

	(void)!write(front->wake, &one, sizeof(one));
}

/* Each connection needs a descriptor. */
static void fit_files(struct server_settings *settings)
{
	rlim_t wanted = (rlim_t)settings->connections + SPARE_FILES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = MIN(wanted, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	settings->connections = MAX((int64_t)limit.rlim_cur - SPARE_FILES, 16);
	log_warning("at most %" PRId64 " connections: the limit of open files is %" PRIu64, settings->connections,
		(uint64_t)limit.rlim_cur);
}

int front_start(struct front **out, struct listener *listeners, size_t n, const struct server_settings *settings,
	struct server_stats *stats, const struct front_ops *ops, struct mrp_err *err)
{
	struct front *front = xcalloc(1, sizeof(*front));

	front->listeners = listeners;
	front->n = n;
	front->settings = *settings;
	front->stats = stats;
	front->ops = *ops;
	fit_files(&front->settings);
	pthread_mutex_init(&front->lock, NULL);
	front->polled = xcalloc(n + 1, sizeof(*front->polled));
	for (size_t i = 0; i <= n; i++)
		front->polled[i].events = POLLIN;
	front->wake = front->polled[n].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*out = front;
	front->running = true;
	if (front->wake < 0 || (errno = pthread_create(&front->thread, NULL, run, front))) {
		front->running = false;
		*out = NULL;
		front_free(front);
		return mrp_err_errno(err, "cannot start the server");
	}
	return 0;
}

void front_quiesce(struct front *front)
{
	atomic_store(&front->quiet, true);
	for (size_t i = 0; i < front->n; i++)
		shutdown(front->listeners[i].fd, SHUT_RDWR); /* who comes now is refused, not left waiting */
	wake(front);
}

void front_free(struct front *front)
{
	if (!front)
		return;
	if (front->running) {
		atomic_store(&front->ended, true);
		wake(front);
		pthread_join(front->thread, NULL);
	}
	for (size_t i = 0; i < front->by_fd.n; i++) {
		if (front->by_fd.v[i])
			forget(front, front->by_fd.v[i]);
	}
	conn_vec_clear(&front->by_fd);
	pollfd_vec_clear(&front->looked);
	fd_closep(&front->wake);
	free(front->polled);
	pthread_mutex_destroy(&front->lock);
	free(front);
}
