/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of a push: samples at each interval, requests whenever the receiver may be asked. Taking samples goes
 * first, so a slow receiver costs old samples, never the newest ones.
 */
#include "push.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../base/thread.h"
#include "../ev/loop.h"
#include "sender.h"

enum { INTERVAL_MS = 15000, QUEUE_BYTES = 8 << 20, COMPLAINTS_APART_MS = 60000 };

struct push {
	struct push_source source;
	struct push_sender sender;
	struct push_queue queue;
	struct http_patience patience;
	pthread_t thread;
	char *host;
	int64_t interval_ms, not_before_ms;
	int failures;               /* in a row */
	uint64_t dropped_meanwhile; /* samples, since the first of these failures */
	bool full_said;             /* that the queue is full, since then */
	char *complaint;            /* the last one that was logged */
	int64_t quiet_until_ms;     /* no other complaint before */
	const char *unfit_said;     /* the last reason why a sample does not fit the format */

	/* while samples are taken */
	struct push_points points;
	struct push_context context;
	uint64_t dropped;
};

static int64_t now_ms(void)
{
	return monotonic_us() / 1000;
}

static uint64_t chance(void)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t)now_ms() * UINT64_C(0x9e3779b97f4a7c15);
	return number;
}

static const char *target(const struct push *push)
{
	return http_peer_url(push->sender.peer);
}

static void count(struct push *push, enum agent_metric which, uint64_t n)
{
	if (n)
		push->source.add(push->source.metrics, which, (int64_t)n);
}

/* Make a request of the points so far. */
static void close_batch(struct push *push)
{
	struct push_encoded encoded = PUSH_ENCODED_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (push->sender.format->encode(&encoded, &push->points, &push->context, &err) < 0) {
		log_error("push to %s: %s", target(push), err.msg);
		mrp_err_clear(&err);
		push->dropped += push->points.n;
	} else if (encoded.body.len) {
		size_t len = encoded.body.len;
		char *body = strbuf_detach(&encoded.body, NULL);

		push->dropped += push_queue_add(&push->queue, xrealloc(body, len), len, encoded.samples);
	}
	if (encoded.why && encoded.why != push->unfit_said) {
		push->unfit_said = encoded.why;
		log_warning("push to %s: a sample was dropped: %s", target(push), encoded.why);
	}
	push->dropped += encoded.dropped;
	strbuf_release(&encoded.body);
	push_points_reset(&push->points);
}

static void add_point(void *ctx, const struct metrics_point *point)
{
	struct push *push = ctx;

	if (push->points.n && push->points.samples + push_point_samples(point) > PUSH_BATCH_SAMPLES)
		close_batch(push);
	push_points_add(&push->points, point);
}

static void take_samples(struct push *push)
{
	push->context.time_ms = time_now_ms();
	push->dropped = 0;
	push->source.each(push->source.metrics, add_point, push);
	if (push->points.n)
		close_batch(push);
	/* not earlier: the walk may hold a lock that counting takes */
	count(push, AGENT_PUSH_DROPPED_TOTAL, push->dropped);
	push->dropped_meanwhile += push->failures ? push->dropped : 0;
	if (push->failures && push->dropped && !push->full_said) {
		push->full_said = true;
		log_warning("push to %s: the queue is full, the oldest samples are dropped", target(push));
	}
}

static void note_failure(struct push *push, const struct push_result *result)
{
	count(push, AGENT_PUSH_FAILED_TOTAL, 1);
	if (push->failures++ == 0)
		log_warning("push to %s: %s; trying again", target(push), result->said ? result->said : "no success");
	push->not_before_ms = now_ms() + push_backoff_ms(push->failures, result->retry_after_ms, chance());
}

static void note_answer(struct push *push)
{
	if (push->failures)
		log_info("push to %s: answered after %d failures; %" PRIu64 " samples were dropped meanwhile",
			target(push), push->failures, push->dropped_meanwhile);
	push->failures = 0;
	push->not_before_ms = 0;
	push->dropped_meanwhile = 0;
	push->full_said = false;
}

/* The receiver has something to say about a request that it took, or it refused samples: said once, and what is new
 * at most once a minute. */
static void note_complaint(struct push *push, const struct push_result *result)
{
	const char *said = result->said ? result->said : "no reason given";
	int64_t now = now_ms();

	if ((!result->rejected && !result->said) || now < push->quiet_until_ms ||
		(push->complaint && streq(push->complaint, said)))
		return;
	free(push->complaint);
	push->complaint = xstrdup(said);
	push->quiet_until_ms = now + COMPLAINTS_APART_MS;
	if (result->rejected)
		log_warning("push to %s: %" PRIu64 " samples were refused: %s", target(push), result->rejected, said);
	else
		log_info("push to %s: samples were taken, but: %s", target(push), said);
}

/* Send the first batch. False when the receiver cannot be asked now. */
static bool send_first(struct push *push)
{
	struct push_result result;
	struct push_batch *batch = push->queue.first;

	push_sender_send(&result, &push->sender, batch);
	if (result.fate == PUSH_AGAIN) {
		if (!result.interrupted)
			note_failure(push, &result);
		free(result.said);
		return false;
	}
	if (result.fate == PUSH_FINAL)
		result.rejected = batch->samples;
	count(push, AGENT_PUSH_SENT_TOTAL, batch->samples - result.rejected);
	count(push, AGENT_PUSH_DROPPED_TOTAL, result.rejected);
	note_answer(push);
	note_complaint(push, &result);
	push_queue_drop_first(&push->queue);
	free(result.said);
	return true;
}

static bool stop_wanted(const struct push *push)
{
	return atomic_load(&push->patience.until_ms) != INT64_MAX;
}

static void wait_until(struct push *push, int64_t due_ms)
{
	struct pollfd fd = { .fd = push->patience.wake_fd, .events = POLLIN };
	int64_t wait_ms = due_ms - now_ms();

	poll(&fd, 1, (int)MAX(0, MIN(wait_ms, INT32_MAX)));
}

/* What is left when the agent ends: once more all samples, then what the time allows. */
static void finish(struct push *push)
{
	take_samples(push);
	while (push->queue.first && now_ms() < atomic_load(&push->patience.until_ms)) {
		if (!send_first(push))
			break;
	}
	uint64_t dropped = push_queue_clear(&push->queue);
	count(push, AGENT_PUSH_DROPPED_TOTAL, dropped);
	if (dropped)
		log_warning("push to %s: %" PRIu64 " samples could not be sent before the end", target(push), dropped);
}

static void *run(void *arg)
{
	struct push *push = arg;
	int64_t due_ms = now_ms() + (int64_t)(chance() % (uint64_t)push->interval_ms);

	while (!stop_wanted(push)) {
		int64_t now = now_ms();

		if (now >= due_ms) {
			take_samples(push);
			due_ms += push->interval_ms * (1 + (now - due_ms) / push->interval_ms);
		}
		/* one of them each time, however long the other takes */
		if (push->queue.first && now >= push->not_before_ms)
			send_first(push);
		else
			wait_until(push, push->queue.first ? MIN(due_ms, push->not_before_ms) : due_ms);
	}
	finish(push);
	return NULL;
}

static void push_free(struct push *push)
{
	push_sender_close(&push->sender);
	push_queue_clear(&push->queue);
	push_points_release(&push->points);
	fd_closep(&push->patience.wake_fd);
	free(push->complaint);
	free(push->host);
	free(push);
}

struct push *push_start(const struct push_options *options, const struct push_source *source, struct mrp_err *err)
{
	struct push *push = xcalloc(1, sizeof(*push));

	push->source = *source;
	push->interval_ms = options->interval_ms > 0 ? options->interval_ms : INTERVAL_MS;
	push->host = options->host ? xstrdup(options->host) : NULL;
	push->context.host = push->host;
	push->points = (struct push_points)PUSH_POINTS_INIT;
	push->sender.headers = (struct strvec)STRVEC_INIT;
	push_queue_init(&push->queue, options->queue_bytes ? options->queue_bytes : QUEUE_BYTES);
	atomic_init(&push->patience.until_ms, INT64_MAX);
	push->patience.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (push->patience.wake_fd < 0)
		mrp_err_errno(err, "cannot create an eventfd");
	else if (push_sender_open(&push->sender, options, &push->patience, err) == 0 && thread_start(&push->thread, "push", run, push, err) == 0)
		return push;
	push_free(push);
	return NULL;
}

void push_stop(struct push *push, int64_t grace_ms)
{
	uint64_t one = 1;

	if (!push)
		return;
	atomic_store(&push->patience.until_ms, now_ms() + MAX(grace_ms, 0));
	if (write(push->patience.wake_fd, &one, sizeof(one)) < 0)
		BUG("cannot wake the thread of a push");
	pthread_join(push->thread, NULL);
	push_free(push);
}
