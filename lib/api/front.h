/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the server: a thread that accepts connections on all listening sockets, turns away those over a limit,
 * hands the others to whoever speaks HTTP (mhd_module.c), and ends those that are too slow. What a connection is doing
 * is told by front_phase(); the deadline of a phase does not move because single bytes arrive, so that a client which
 * sends one a second does not keep its place.
 */
#ifndef MRP_API_FRONT_H
#define MRP_API_FRONT_H

#include <sys/socket.h>

#include "../base/listen.h"
#include "api.h"
#include "limits.h"

enum conn_phase {
	PHASE_HEADERS, /* a request line, or a TLS handshake, is expected or on its way */
	PHASE_IDLE,    /* between two requests */
	PHASE_BODY,    /* the headers are there */
	PHASE_WORK,    /* the request is being answered: our own time */
	PHASE_SEND,    /* the answer is on its way */
};

struct conn {
	int fd;
	struct api_peer peer;
	char address[64];
	enum conn_phase phase;
	int64_t deadline_ms, began_ms; /* monotonic; began_ms: of the request */
	bool ending; /* its socket was shut down, it will be gone soon */
	struct peer_count *count;
};

struct front;

struct front_ops {
	/* Take over a connected socket. -1: not taken (it was closed). */
	int (*take)(void *ctx, const struct conn *conn, const struct sockaddr *address, socklen_t len);
	void *ctx;
};

/* `listeners` stay the caller's and must outlive the front; `settings` is copied, with fewer connections when the limit
 * of open files is too low. *out is set before the first connection is taken. */
int front_start(struct front **out, struct listener *listeners, size_t n, const struct server_settings *settings,
	struct server_stats *stats, const struct front_ops *ops, struct mrp_err *err);
/* Accept nothing new: the listening sockets are shut down. Connections go on. */
void front_quiesce(struct front *front);
/* After all connections are gone. */
void front_free(struct front *front);

/* The connection on this descriptor; NULL: none that came by the front. Its peer never changes. */
struct conn *front_conn(struct front *front, int fd);
/* Its owner is about to close it: from now on it is not there. True when the front itself has ended it. */
bool front_gone(struct front *front, struct conn *conn);
/* Was it ended by the front, for being slow? */
bool front_ended(struct front *front, const struct conn *conn);
/* What the connection does from now on. `bytes` are those of the body that have arrived (PHASE_BODY), or those of the
 * answer (PHASE_SEND): they buy time. */
void front_phase(struct front *front, struct conn *conn, enum conn_phase phase, size_t bytes);
/* Answers take too much memory: end the connection that has been reading its one for longest. False when all have just
 * begun. */
bool front_evict_reader(struct front *front);

#endif
