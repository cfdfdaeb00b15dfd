/* SPDX-License-Identifier: Apache-2.0 */
/* `once`: a run beside the schedule, whose output is sent as it comes. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "call.h"

/* A run whose output is sent as it comes. */
struct live {
	struct duty_run run;
	pthread_mutex_t lock;
	int event;
	struct strbuf waiting[2], end;
	bool done;
};

static void wake(struct live *live)
{
	const uint64_t one = 1;

	if (write(live->event, &one, sizeof(one)) < 0)
		BUG("an eventfd does not take 1: %s", strerror(errno));
}

static void live_output(struct duty_run *run, enum run_stream stream, const char *data, size_t len)
{
	struct live *live = (struct live *)run;

	pthread_mutex_lock(&live->lock);
	strbuf_add(&live->waiting[stream], data, len);
	pthread_mutex_unlock(&live->lock);
	wake(live);
}

static void live_done(struct duty_run *run, const struct log_record *record)
{
	struct live *live = (struct live *)run;

	pthread_mutex_lock(&live->lock);
	duty_add_record(&live->end, record);
	live->done = true;
	wake(live); /* within the lock: whoever sees `done` may release it all */
	pthread_mutex_unlock(&live->lock);
}

/* Send what has come; true when it was the last. */
static bool send_waiting(struct duty_call *call, struct live *live, bool *gone)
{
	static const enum frame_type types[2] = { FRAME_STDOUT, FRAME_STDERR };
	struct strbuf taken[2];
	struct mrp_err ignored = MRP_ERR_INIT;

	pthread_mutex_lock(&live->lock);
	bool done = live->done;
	for (int i = 0; i < 2; i++) {
		taken[i] = live->waiting[i];
		strbuf_init(&live->waiting[i]);
	}
	pthread_mutex_unlock(&live->lock);
	for (int i = 0; i < 2; i++) {
		if (taken[i].len && !*gone && duty_send(call, types[i], taken[i].buf, taken[i].len, &ignored) < 0)
			*gone = true;
		strbuf_release(&taken[i]);
	}
	mrp_err_clear(&ignored);
	return done;
}

/* Until the run has ended: also when the client has gone, as it belongs to us. */
static void follow_run(struct duty_call *call, struct live *live)
{
	struct pollfd fds[3] = { { .fd = live->event, .events = POLLIN }, { .fd = call->conn->fd, .events = POLLRDHUP },
		{ .fd = call->conn->stop_fd, .events = POLLIN } };
	bool gone = false, canceled = false;
	uint64_t count;

	for (;;) {
		if (poll(fds, canceled ? 1 : 3, -1) < 0 && errno != EINTR)
			BUG("poll: %s", strerror(errno));
		if (fds[0].revents && read(live->event, &count, sizeof(count)) < 0 && errno != EAGAIN)
			BUG("an eventfd cannot be read: %s", strerror(errno));
		gone |= !canceled && (fds[1].revents || fds[2].revents);
		if (send_waiting(call, live, &gone))
			return;
		if (gone && !canceled) {
			canceled = true;
			call->ops->cancel(call->ops->ctx, &live->run);
		}
	}
}

int duty_serve_once(struct duty_call *call, struct mrp_err *err)
{
	const char *id = duty_target(call, err);
	struct live live = { .run = { .output = live_output, .done = live_done },
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.waiting = { STRBUF_INIT, STRBUF_INIT },
		.end = STRBUF_INIT };

	if (!id)
		return -1;
	live.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (live.event < 0)
		return mrp_err_errno(err, "cannot make an eventfd");
	int r = call->ops->run(call->ops->ctx, id, &live.run, err);
	if (r == 0) {
		follow_run(call, &live);
		strbuf_add(call->end, live.end.buf, live.end.len);
	}
	call->ops->run_release(call->ops->ctx, &live.run);
	pthread_mutex_lock(&live.lock); /* live_done may still hold it */
	pthread_mutex_unlock(&live.lock);
	pthread_mutex_destroy(&live.lock);
	close(live.event);
	for (int i = 0; i < 2; i++)
		strbuf_release(&live.waiting[i]);
	strbuf_release(&live.end);
	return r;
}
