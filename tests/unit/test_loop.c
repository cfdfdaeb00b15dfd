/* SPDX-License-Identifier: Apache-2.0 */
/* lib/ev/loop.h: descriptors, timers in the right order, messages from other threads. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../lib/ev/loop.h"

static struct mrp_err err;

static struct loop *new_loop(void)
{
	struct loop *loop = loop_new(&err);

	assert_non_null(loop);
	return loop;
}

static void run(struct loop *loop)
{
	assert_int_equal(loop_run(loop, &err), 0);
}

/* --- timers --- */

struct ticker {
	struct loop_timer timer;
	struct loop *loop;
	int64_t period_us;
	int left;
};

static struct {
	int64_t last_due, fired, early, disordered;
} seen;

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void look(void *ctx)
{
	struct ticker *ticker = ctx;

	seen.fired++;
	seen.early += monotonic_us() < ticker->timer.due_us;
	seen.disordered += ticker->timer.due_us < seen.last_due;
	seen.last_due = ticker->timer.due_us;
}

static struct loop_timer stop_at(struct loop *loop)
{
	return (struct loop_timer){ .fn = stop, .ctx = loop };
}

/* As many as a host has at most: some are moved, some are taken out from the middle of the heap. */
static void test_many_timers(void **state)
{
	enum { N = 10000 };
	struct loop *loop = new_loop();
	struct ticker *tickers = xcalloc(N, sizeof(*tickers));
	struct loop_timer end = stop_at(loop);
	int64_t start = monotonic_us(), cleared = 0;
	unsigned seed = 1;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	for (int i = 0; i < N; i++) {
		tickers[i].timer = (struct loop_timer){ .fn = look, .ctx = &tickers[i] };
		loop_timer_set(loop, &tickers[i].timer, start + rand_r(&seed) % 50000);
	}
	for (int i = 0; i < N; i += 3)
		loop_timer_set(loop, &tickers[i].timer, start + rand_r(&seed) % 50000);
	for (int i = 1; i < N; i += 7, cleared++) {
		loop_timer_clear(loop, &tickers[i].timer);
		loop_timer_clear(loop, &tickers[i].timer);
		assert_int_equal(tickers[i].timer.place, 0);
	}
	loop_timer_set(loop, &end, start + 50000);
	run(loop);
	assert_int_equal(seen.fired, N - cleared);
	assert_int_equal(seen.early, 0);
	assert_int_equal(seen.disordered, 0);
	for (int i = 0; i < N; i++)
		assert_int_equal(tickers[i].timer.place, 0);
	free(tickers);
	loop_free(loop);
}

static void tick_again(void *ctx)
{
	struct ticker *ticker = ctx;

	if (ticker->left-- > 0)
		loop_timer_set(ticker->loop, &ticker->timer, ticker->timer.due_us + ticker->period_us);
	else
		loop_stop(ticker->loop);
}

/* Neither a timer that always lies in the past nor one that is set for now keeps others from their turn. */
static void test_timer_sets_itself(void **state)
{
	static const int64_t periods[] = { -1000, 0, 500 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(periods); i++) {
		struct loop *loop = new_loop();
		struct ticker ticker = { .loop = loop, .period_us = periods[i], .left = 20 };

		ticker.timer = (struct loop_timer){ .fn = tick_again, .ctx = &ticker };
		loop_timer_set(loop, &ticker.timer, monotonic_us());
		run(loop);
		assert_int_equal(ticker.left, -1);
		loop_free(loop);
	}
}

static void clear_other(void *ctx)
{
	struct ticker *other = ctx;

	loop_timer_clear(other->loop, &other->timer);
}

static void test_timer_clears_another(void **state)
{
	struct loop *loop = new_loop();
	struct ticker other = { .loop = loop };
	struct loop_timer first = { .fn = clear_other, .ctx = &other }, end = stop_at(loop);
	int64_t now = monotonic_us();

	(void)state;
	memset(&seen, 0, sizeof(seen));
	other.timer = (struct loop_timer){ .fn = look, .ctx = &other };
	loop_timer_set(loop, &first, now);
	loop_timer_set(loop, &other.timer, now + 1);
	loop_timer_set(loop, &end, now + 2);
	run(loop);
	assert_int_equal(seen.fired, 0);
	loop_free(loop);
}

/* --- descriptors --- */

struct pair {
	struct loop *loop;
	struct loop_io io[2];
	int pipe[2][2];
	int events;
};

static void pair_open(struct pair *pair)
{
	*pair = (struct pair){ .loop = new_loop() };
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe2(pair->pipe[i], O_CLOEXEC | O_NONBLOCK), 0);
}

static void pair_close(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		loop_io_remove(pair->loop, &pair->io[i]);
		close(pair->pipe[i][0]);
		close(pair->pipe[i][1]);
	}
	loop_free(pair->loop);
}

static void on_first_remove_both(void *ctx, uint32_t events)
{
	struct pair *pair = ctx;

	assert_int_equal(events, EPOLLIN);
	pair->events++;
	loop_io_remove(pair->loop, &pair->io[0]);
	loop_io_remove(pair->loop, &pair->io[1]);
	loop_io_remove(pair->loop, &pair->io[1]);
}

/* Both are ready in the same round; whichever comes first removes the other, whose event must not arrive. */
static void test_removed_meanwhile(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair);
	struct loop_timer end = stop_at(pair.loop);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(pair.pipe[i][1], "x", 1), 1);
		assert_int_equal(loop_io_add(pair.loop, &pair.io[i], pair.pipe[i][0], EPOLLIN, on_first_remove_both,
					 &pair, &err),
			0);
	}
	loop_timer_set(pair.loop, &end, monotonic_us() + 2000);
	run(pair.loop);
	assert_int_equal(pair.events, 1);
	pair_close(&pair);
}

static void must_not_come(void *ctx, uint32_t events)
{
	(void)ctx, (void)events;
	fail_msg("an event of a descriptor that was removed");
}

static void replace_second(void *ctx, uint32_t events)
{
	struct pair *pair = ctx;

	(void)events;
	pair->events++;
	loop_io_remove(pair->loop, &pair->io[0]);
	loop_io_remove(pair->loop, &pair->io[1]);
	/* takes the slot that the pending event names */
	assert_int_equal(
		loop_io_add(pair->loop, &pair->io[0], pair->pipe[0][1], EPOLLERR, must_not_come, pair, &err), 0);
	assert_int_equal(
		loop_io_add(pair->loop, &pair->io[1], pair->pipe[1][1], EPOLLERR, must_not_come, pair, &err), 0);
}

static void test_slot_taken_again(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair);
	struct loop_timer end = stop_at(pair.loop);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(pair.pipe[i][1], "x", 1), 1);
		assert_int_equal(
			loop_io_add(pair.loop, &pair.io[i], pair.pipe[i][0], EPOLLIN, replace_second, &pair, &err), 0);
	}
	loop_timer_set(pair.loop, &end, monotonic_us() + 2000);
	run(pair.loop);
	assert_int_equal(pair.events, 1);
	pair_close(&pair);
}

static void on_hangup(void *ctx, uint32_t events)
{
	struct pair *pair = ctx;

	pair->events += (events & EPOLLHUP) != 0;
	loop_stop(pair->loop);
}

static void test_change_and_bad_descriptor(void **state)
{
	struct pair pair;
	struct loop_io bad = { 0 };

	(void)state;
	pair_open(&pair);
	assert_int_equal(loop_io_add(pair.loop, &bad, -1, EPOLLIN, on_hangup, &pair, &err), -1);
	assert_int_equal(bad.slot, 0);
	assert_non_null(strstr(err.msg, "Bad file descriptor"));
	mrp_err_clear(&err);
	assert_int_equal(write(pair.pipe[0][1], "x", 1), 1);
	assert_int_equal(loop_io_add(pair.loop, &pair.io[0], pair.pipe[0][0], EPOLLIN, on_hangup, &pair, &err), 0);
	assert_int_equal(loop_io_change(pair.loop, &pair.io[0], 0, &err), 0); /* only a hang-up is told now */
	close(pair.pipe[0][1]);
	run(pair.loop);
	assert_int_equal(pair.events, 1);
	pair.pipe[0][1] = dup(0);
	pair_close(&pair);
}

/* --- messages --- */

enum { POSTERS = 4, MESSAGES = 20000 };

struct numbered {
	struct loop_message message;
	int poster, number;
};

static struct {
	struct loop *loop;
	int next[POSTERS], total, disordered;
} inbox;

static void receive(struct loop_message *message)
{
	struct numbered *one = (struct numbered *)message;

	inbox.disordered += one->number != inbox.next[one->poster];
	inbox.next[one->poster] = one->number + 1;
	free(one);
	if (++inbox.total == POSTERS * MESSAGES)
		loop_stop(inbox.loop);
}

static void *post_many(void *arg)
{
	for (int i = 0; i < MESSAGES; i++) {
		struct numbered *one = xmalloc(sizeof(*one));

		*one = (struct numbered){ .message.deliver = receive, .poster = (int)(intptr_t)arg, .number = i };
		loop_post(inbox.loop, &one->message);
	}
	return NULL;
}

/* None is lost or delivered twice, the loop never sleeps over one, and each poster's order is kept. */
static void test_messages(void **state)
{
	pthread_t threads[POSTERS];

	(void)state;
	memset(&inbox, 0, sizeof(inbox));
	inbox.loop = new_loop();
	for (intptr_t i = 0; i < POSTERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, (void *)i), 0);
	run(inbox.loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(inbox.total, POSTERS * MESSAGES);
	assert_int_equal(inbox.disordered, 0);
	loop_free(inbox.loop);
}

struct ball {
	struct loop_message message;
	struct loop *loop, *other;
	int left;
};

static void *run_loop(void *arg)
{
	run(arg);
	return NULL;
}

static void hit(struct loop_message *message)
{
	struct ball *ball = (struct ball *)message;
	struct loop *here = ball->loop;

	if (ball->left-- == 0) {
		loop_stop(ball->other);
		loop_stop(here);
		return;
	}
	ball->loop = ball->other;
	ball->other = here;
	loop_post(ball->loop, &ball->message);
}

/* Each side sleeps before nearly every message: a lost wake-up hangs this test. */
static void test_ping_pong(void **state)
{
	struct loop *a = new_loop(), *b = new_loop();
	struct ball ball = { .message.deliver = hit, .loop = a, .other = b, .left = 5000 };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, run_loop, b), 0);
	loop_post(a, &ball.message);
	run(a);
	pthread_join(thread, NULL);
	assert_int_equal(ball.left, -1);
	loop_free(a);
	loop_free(b);
}

static void test_stop_before_run_and_again(void **state)
{
	struct loop *loop = new_loop();
	struct loop_timer end = stop_at(loop);

	(void)state;
	loop_stop(loop);
	run(loop);
	loop_timer_set(loop, &end, 0);
	run(loop);
	loop_timer_set(loop, &end, INT64_MAX); /* left behind */
	loop_free(loop);
	assert_int_equal(end.place, 0);
	loop_free(NULL);
}

static void *stop_late(void *arg)
{
	usleep(20000);
	loop_stop(arg);
	return NULL;
}

/* A timer in the far future makes no busy loop. */
static void test_sleeps(void **state)
{
	struct loop *loop = new_loop();
	struct loop_timer far = stop_at(loop);
	struct rusage before, after;
	pthread_t thread;

	(void)state;
	loop_timer_set(loop, &far, INT64_MAX);
	getrusage(RUSAGE_THREAD, &before);
	assert_int_equal(pthread_create(&thread, NULL, stop_late, loop), 0);
	run(loop);
	getrusage(RUSAGE_THREAD, &after);
	pthread_join(thread, NULL);
	assert_true(after.ru_nvcsw - before.ru_nvcsw < 100);
	loop_free(loop);
}

/* Rounds at a pace: a timer that sets itself again for now comes once a round. */
static void test_pace(void **state)
{
	struct loop *loop = new_loop();
	struct ticker ticker = { .loop = loop, .left = 4 };
	int64_t before = monotonic_us();

	(void)state;
	ticker.timer = (struct loop_timer){ .fn = tick_again, .ctx = &ticker };
	loop_set_pace(loop, 5000);
	loop_timer_set(loop, &ticker.timer, 0);
	run(loop);
	assert_true(monotonic_us() - before >= 3 * 5000);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_timers),
		cmocka_unit_test(test_timer_sets_itself),
		cmocka_unit_test(test_timer_clears_another),
		cmocka_unit_test(test_removed_meanwhile),
		cmocka_unit_test(test_slot_taken_again),
		cmocka_unit_test(test_change_and_bad_descriptor),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_ping_pong),
		cmocka_unit_test(test_stop_before_run_and_again),
		cmocka_unit_test(test_sleeps),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
