/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The duty socket: how an engineer on the machine asks the running agent what it does, and makes it do something. A
 * thread accepts, each connection has one of its own (they are few), and everything that the agent itself must answer
 * goes through a table of functions, so that the socket can be tested without an agent and the agent's own thread is
 * asked for a little at a time.
 *
 * Who may connect: whoever may open the socket, which belongs to the agent's user and the group `mrprober` (mode 0660).
 * What can be asked gives nobody rights: the agent runs its own probers as it always does, and `shell` is started by
 * the client with the client's rights.
 */
#ifndef MRP_DUTY_DUTY_H
#define MRP_DUTY_DUTY_H

#include <sys/socket.h>

#include "../agent/log_store.h"
#include "../base/arena.h"

/* What `status` shows of an entry. */
struct duty_entry {
	const char *id, *prober;
	bool ran; /* a verdict is there: status ... duration_us are of the last run */
	enum verdict_status status;
	enum verdict_reason reason;
	const char *message;
	int64_t finished_ms;
	int64_t duration_us; /* < 0: it did not run */
	int64_t next_ms;     /* wall clock; 0: not planned */
	int64_t failures;    /* in a row */
	int64_t paused_ms;   /* until when, wall clock; 0: not paused, INT64_MAX: until it is resumed */
	unsigned running;
};

/* A run that somebody waits for. The struct lives until done() was called. */
struct duty_run {
	void (*output)(struct duty_run *run, enum run_stream stream, const char *data, size_t len);
	/* Any thread, last call. The record is borrowed; its output is there too. */
	void (*done)(struct duty_run *run, const struct log_record *record);
	void *own; /* of whoever runs it */
};

struct duty_ops {
	/* Append JSON members, each with a comma behind it, that describe the agent: version, cluster, host, config ...
	 */
	void (*about)(void *ctx, struct strbuf *json);
	/* Up to `max` entries with ids after `after`, sorted; texts in the arena. */
	size_t (*list)(void *ctx, struct duty_entry *out, size_t max, const char *after, struct arena *arena);
	/* The entry as it is configured and would be run: one JSON object {entry, run, state}. MRP_ENOTFOUND. `run` is
	 * {argv, env, folder, user: {name, uid, gid, groups}, limits, inherited (inherited.h), timeout_ms}, or {probe},
	 * or {error}. */
	int (*explain)(void *ctx, const char *id, struct strbuf *json, struct mrp_err *err);
	/* Run it now, beside the schedule. After 0 done() is called in any case. */
	int (*run)(void *ctx, const char *id, struct duty_run *run, struct mrp_err *err);
	/* End it; done() comes as always. */
	void (*cancel)(void *ctx, struct duty_run *run);
	/* After done(), or a run() that failed. */
	void (*run_release)(void *ctx, struct duty_run *run);
	/* All of them or none. until_ms as paused_ms; 0 resumes. */
	int (*pause)(void *ctx, const struct strvec *ids, int64_t until_ms, struct mrp_err *err);
	/* Read the config again, and wait for the outcome: JSON members as `about` gives them. */
	int (*reload)(void *ctx, struct strbuf *json, struct mrp_err *err);
	/* As logs_get. */
	int (*log)(void *ctx, struct log_record *out, const char *id, size_t back, struct mrp_err *err);
	/* As logs_wait. */
	bool (*log_wait)(void *ctx, uint64_t *seen, int64_t timeout_ms);
	void *ctx;
};

/* Where it is unless --socket says otherwise. */
#define DUTY_SOCKET "/run/mrprober/agent.sock"

struct duty_server;

/* Listen at `path` (its folder must be there). A socket that nobody listens at any more is replaced; MRP_EFAILED when
 * somebody does. `group` NULL: the process's own. */
struct duty_server *duty_server_start(
	const char *path, const char *group, const struct duty_ops *ops, struct mrp_err *err);
/* Connections are closed; runs that somebody waits for are ended. */
void duty_server_stop(struct duty_server *server);

/* The table for a real agent (agent_ops.c). `ctx` is the agent. */
struct agent;
struct duty_ops duty_agent_ops(struct agent *agent);

/* Handling one connection, as the server does it (commands.c). */
struct duty_conn {
	int fd;      /* non-blocking */
	int stop_fd; /* readable when the server stops */
	struct ucred caller;
	const struct duty_ops *ops;
};

/* Reads the request, answers it. */
void duty_serve(struct duty_conn *conn);

#endif
