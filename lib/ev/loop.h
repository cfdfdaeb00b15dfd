/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop for one thread: descriptors (epoll), timers (one heap), messages from other threads. Everything but
 * loop_post() and loop_stop() is called by the thread that runs the loop. Callbacks run one at a time and may add and
 * remove anything, themselves included; an event of a descriptor that was removed meanwhile is not delivered.
 */
#ifndef MRP_EV_LOOP_H
#define MRP_EV_LOOP_H

#include "../base/err.h"

struct loop;

/* Microseconds of CLOCK_MONOTONIC: steps of the wall clock change nothing. */
int64_t monotonic_us(void);

struct loop *loop_new(struct mrp_err *err);
/* Descriptors stay open; timers and messages that are left are forgotten. */
void loop_free(struct loop *loop);
/* Runs until loop_stop. Blocks. -1 when the kernel refuses to wait. */
int loop_run(struct loop *loop, struct mrp_err *err);
/* Makes loop_run return after the callback that is running; any thread. */
void loop_stop(struct loop *loop);
/* Rounds begin at least so far apart (0, as at first: no matter): what comes meanwhile is delivered together, and
 * whoever posts it need not wake anybody. For a loop that gets thousands of messages a second, and can be late by that
 * much. */
void loop_set_pace(struct loop *loop, int64_t pace_us);
/* The time when the loop last woke up; cheap, and the same for all callbacks of one round. */
int64_t loop_now_us(const struct loop *loop);

/* `events` are those of epoll(7): EPOLLIN, EPOLLOUT, EPOLLHUP ... */
typedef void loop_io_fn(void *ctx, uint32_t events);

/* A watched descriptor. Zeroed before its first use; not moved while it is watched. */
struct loop_io {
	int fd;
	uint32_t slot; /* the loop's own; 0: not watched */
};

/* Watch a descriptor (non-blocking), level-triggered. */
int loop_io_add(
	struct loop *loop, struct loop_io *io, int fd, uint32_t events, loop_io_fn *fn, void *ctx, struct mrp_err *err);
int loop_io_change(struct loop *loop, struct loop_io *io, uint32_t events, struct mrp_err *err);
/* Before the descriptor is closed: a child that has not reached exec yet may keep it alive in epoll. Harmless when it
 * is not watched. */
void loop_io_remove(struct loop *loop, struct loop_io *io);

typedef void loop_timer_fn(void *ctx);

/* Zeroed before its first use, fn and ctx set; not moved while it is set. */
struct loop_timer {
	loop_timer_fn *fn;
	void *ctx;
	int64_t due_us; /* monotonic */
	size_t place;   /* in the heap, from 1; 0: not set */
};

/* Due once at that time, at once when it has passed; an earlier setting is replaced. O(log n). */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_us);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* A message from another thread, part of a larger struct; delivered once, in the order of posting of one thread. */
struct loop_message {
	void (*deliver)(struct loop_message *message);
	struct loop_message *next; /* the loop's own */
};

/* Any thread; never blocks for long. The message belongs to the loop until it is delivered. */
void loop_post(struct loop *loop, struct loop_message *message);

#endif
