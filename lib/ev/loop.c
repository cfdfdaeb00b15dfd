/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round: wait until the first timer is due or something happens, then timers, messages, descriptors. What epoll
 * returns is a slot and the slot's generation, not a pointer: an event that was fetched before its descriptor was
 * removed, or that a closed descriptor still brings because another process has it open, finds another generation.
 */
#include "loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../base/file.h"
#include "timers.h"

enum { EVENTS_A_ROUND = 64, WAKE_SLOT = 0 };

struct loop_slot {
	loop_io_fn *fn; /* NULL: free */
	void *ctx;
	uint32_t generation;
	uint32_t next_free;
};

VEC_DEFINE(slot_vec, struct loop_slot)

struct loop {
	int epoll_fd, wake_fd;
	struct slot_vec slots; /* v[WAKE_SLOT] is wake_fd, so that 0 stays "not watched" */
	uint32_t free_slot;    /* the first of a list; 0: none */
	struct timers timers;
	int64_t now_us, pace_us;
	bool no_pwait2;
	atomic_bool stopping;
	/* Posted, newest first. Whoever finds the loop asleep wakes it, and only he: the flag is raised before the last
	 * look at the list, so a message is either seen by that look or its poster sees the flag. */
	_Atomic(struct loop_message *) posted;
	atomic_bool asleep;
};

int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t tag(const struct loop *loop, uint32_t slot)
{
	return (uint64_t)loop->slots.v[slot].generation << 32 | slot;
}

static int control(struct loop *loop, int op, int fd, uint32_t slot, uint32_t events, struct mrp_err *err)
{
	struct epoll_event event = { .events = events, .data.u64 = tag(loop, slot) };

	if (epoll_ctl(loop->epoll_fd, op, fd, &event) < 0)
		return mrp_err_errno(err, "cannot watch a descriptor");
	return 0;
}

static void wake_up(struct loop *loop)
{
	uint64_t one = 1;

	/* full means that it is awake anyway */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		BUG("cannot write to an eventfd");
}

static void woken(void *ctx, uint32_t events)
{
	struct loop *loop = ctx;
	uint64_t count;

	(void)events;
	if (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		BUG("cannot read from an eventfd");
}

struct loop *loop_new(struct mrp_err *err)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->wake_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd >= 0)
		loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		mrp_err_errno(err, "cannot make an event loop");
		loop_free(loop);
		return NULL;
	}
	slot_vec_push(&loop->slots, (struct loop_slot){ .fn = woken, .ctx = loop });
	if (control(loop, EPOLL_CTL_ADD, loop->wake_fd, WAKE_SLOT, EPOLLIN, err) < 0) {
		loop_free(loop);
		return NULL;
	}
	loop->now_us = monotonic_us();
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	fd_closep(&loop->epoll_fd);
	fd_closep(&loop->wake_fd);
	timers_release(&loop->timers);
	slot_vec_clear(&loop->slots);
	free(loop);
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

/* --- descriptors --- */

static uint32_t take_slot(struct loop *loop)
{
	uint32_t slot = loop->free_slot;

	if (slot) {
		loop->free_slot = loop->slots.v[slot].next_free;
		return slot;
	}
	slot_vec_push(&loop->slots, (struct loop_slot){ NULL });
	return (uint32_t)loop->slots.n - 1;
}

static void give_slot_back(struct loop *loop, uint32_t slot)
{
	struct loop_slot *free_one = &loop->slots.v[slot];

	free_one->fn = NULL;
	free_one->generation++;
	free_one->next_free = loop->free_slot;
	loop->free_slot = slot;
}

int loop_io_add(
	struct loop *loop, struct loop_io *io, int fd, uint32_t events, loop_io_fn *fn, void *ctx, struct mrp_err *err)
{
	uint32_t slot = take_slot(loop);

	if (control(loop, EPOLL_CTL_ADD, fd, slot, events, err) < 0) {
		give_slot_back(loop, slot);
		return -1;
	}
	loop->slots.v[slot].fn = fn;
	loop->slots.v[slot].ctx = ctx;
	io->fd = fd;
	io->slot = slot;
	return 0;
}

int loop_io_change(struct loop *loop, struct loop_io *io, uint32_t events, struct mrp_err *err)
{
	if (!io->slot)
		BUG("a descriptor that is not watched");
	return control(loop, EPOLL_CTL_MOD, io->fd, io->slot, events, err);
}

void loop_io_remove(struct loop *loop, struct loop_io *io)
{
	if (!io->slot)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	give_slot_back(loop, io->slot);
	io->slot = 0;
}

static void deliver_event(struct loop *loop, const struct epoll_event *event)
{
	struct loop_slot slot = loop->slots.v[(uint32_t)event->data.u64];

	if (slot.fn && slot.generation == (uint32_t)(event->data.u64 >> 32))
		slot.fn(slot.ctx, event->events);
}

/* --- timers --- */

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_us)
{
	timers_set(&loop->timers, timer, due_us);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	timers_clear(&loop->timers, timer);
}

/* Not more than there were: one that sets itself again for a time that has passed waits for the next round, so that
 * descriptors get their turn. */
static void deliver_timers(struct loop *loop)
{
	for (size_t n = timers_count(&loop->timers); n && !loop->stopping; n--) {
		struct loop_timer *timer = timers_first(&loop->timers);

		if (!timer || timer->due_us > loop->now_us)
			break;
		timers_clear(&loop->timers, timer);
		timer->fn(timer->ctx);
	}
}

/* --- messages --- */

void loop_post(struct loop *loop, struct loop_message *message)
{
	message->next = atomic_load_explicit(&loop->posted, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&loop->posted, &message->next, message))
		;
	if (atomic_load(&loop->asleep) && atomic_exchange(&loop->asleep, false))
		wake_up(loop);
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	if (atomic_load(&loop->asleep) && atomic_exchange(&loop->asleep, false))
		wake_up(loop);
}

/* Oldest first. All of them, also when one stops the loop: they were posted before. */
static void deliver_messages(struct loop *loop)
{
	if (!atomic_load_explicit(&loop->posted, memory_order_relaxed))
		return;
	struct loop_message *newest = atomic_exchange(&loop->posted, NULL), *oldest = NULL;
	while (newest) {
		struct loop_message *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct loop_message *next = oldest->next; /* it may be gone when it has been delivered */

		oldest->deliver(oldest);
		oldest = next;
	}
}

/* --- rounds --- */

/* Microseconds until the first timer; -1: no timer. */
static int64_t wait_us(const struct loop *loop)
{
	const struct loop_timer *first = timers_first(&loop->timers);

	if (!first)
		return -1;
	int64_t now = monotonic_us();
	return first->due_us > now ? first->due_us - now : 0;
}

static int wait_for_events(struct loop *loop, struct epoll_event *events, int64_t us)
{
	if (!loop->no_pwait2) {
		struct timespec timeout = { us / 1000000, us % 1000000 * 1000 };
		int n = epoll_pwait2(loop->epoll_fd, events, EVENTS_A_ROUND, us < 0 ? NULL : &timeout, NULL);

		if (n >= 0 || errno != ENOSYS)
			return n;
		loop->no_pwait2 = true; /* an emulated kernel: whole milliseconds are the best it has */
	}
	int64_t ms = us < 0 ? -1 : (us + 999) / 1000;
	return epoll_wait(loop->epoll_fd, events, EVENTS_A_ROUND, (int)MIN(ms, INT32_MAX));
}

void loop_set_pace(struct loop *loop, int64_t pace_us)
{
	loop->pace_us = pace_us;
}

static void keep_pace(const struct loop *loop)
{
	int64_t next = loop->now_us + loop->pace_us;
	const struct timespec until = { next / 1000000, next % 1000000 * 1000 };

	if (loop->pace_us && monotonic_us() < next)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL); /* a signal may end it early: no harm */
}

static int wait_once(struct loop *loop, struct epoll_event *events)
{
	keep_pace(loop);
	int64_t us = wait_us(loop);

	if (us != 0) {
		atomic_store(&loop->asleep, true);
		if (atomic_load(&loop->posted) || atomic_load(&loop->stopping))
			us = 0;
	}
	int n = wait_for_events(loop, events, us);
	atomic_store(&loop->asleep, false);
	loop->now_us = monotonic_us();
	return n;
}

int loop_run(struct loop *loop, struct mrp_err *err)
{
	struct epoll_event events[EVENTS_A_ROUND];

	while (!loop->stopping) {
		int n = wait_once(loop, events);

		if (n < 0 && errno != EINTR)
			return mrp_err_errno(err, "cannot wait for events");
		deliver_timers(loop);
		deliver_messages(loop);
		for (int i = 0; i < n && !loop->stopping; i++)
			deliver_event(loop, &events[i]);
	}
	loop->stopping = false;
	return 0;
}
