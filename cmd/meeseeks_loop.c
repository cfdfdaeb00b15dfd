/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober meeseeks --loop`: a service that looks again and again. What fails is logged and tried again the next time.
 */
#include "meeseeks.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "../lib/base/file.h"
#include "../lib/base/interrupt.h"
#include "../lib/base/log.h"
#include "../lib/base/notify.h"
#include "../lib/ev/loop.h"

enum { NAMES_LOGGED = 20 };

/* A request to a source ends early when we are told to end: somebody has to hear that meanwhile. */
struct watcher {
	struct http_patience patience;
	pthread_t thread;
	int quit_fd; /* readable: the loop has ended by itself */
};

static void *watch(void *arg)
{
	struct watcher *watcher = arg;
	struct pollfd fds[] = { { .fd = interrupt_fd(), .events = POLLIN },
		{ .fd = watcher->quit_fd, .events = POLLIN } };

	while (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	atomic_store(&watcher->patience.until_ms, 0);
	eventfd_write(watcher->patience.wake_fd, 1);
	return NULL;
}

static int watcher_start(struct watcher *watcher, struct mrp_err *err)
{
	atomic_store(&watcher->patience.until_ms, INT64_MAX);
	watcher->patience.alive = notify_alive;
	watcher->patience.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	watcher->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watcher->patience.wake_fd >= 0 && watcher->quit_fd >= 0 &&
		(errno = pthread_create(&watcher->thread, NULL, watch, watcher)) == 0)
		return 0;
	mrp_err_errno(err, "cannot start a thread");
	fd_closep(&watcher->patience.wake_fd);
	fd_closep(&watcher->quit_fd);
	return -1;
}

static void watcher_stop(struct watcher *watcher)
{
	eventfd_write(watcher->quit_fd, 1);
	pthread_join(watcher->thread, NULL);
	fd_closep(&watcher->patience.wake_fd);
	fd_closep(&watcher->quit_fd);
}

static void add_names(struct strbuf *text, const char *word, const struct strvec *names)
{
	if (names->n)
		strbuf_addf(text, "; %s", word);
	for (size_t i = 0; i < names->n && i < NAMES_LOGGED; i++)
		strbuf_addf(text, " %s", names->v[i]);
	if (names->n > NAMES_LOGGED)
		strbuf_addf(text, " and %zu more", names->n - NAMES_LOGGED);
}

static void log_changes(const struct keeper *keeper, const struct changes *changes)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	keeper_add_name(&text, keeper);
	strbuf_addf(&text, ": written, %zu nodes", changes->after);
	add_names(&text, "added", &changes->added);
	add_names(&text, "removed", &changes->removed);
	add_names(&text, "changed", &changes->changed);
	log_info("%s", text.buf);
}

static int keep(struct meeseeks_run *run, struct keeper *keeper, struct mrp_err *err)
{
	struct changes changes = CHANGES_INIT;
	int result = meeseeks_compare(keeper->meeseeks, run->http, &changes, err);
	bool differs = result == 0 && changes_any(&changes);

	if (result == 0)
		result = meeseeks_guard(keeper->meeseeks, &changes, err);
	if (result == 0 && differs)
		result = keeper_write(run, keeper, &changes, false, err);
	if (result == 0) {
		keeper_succeeded(keeper, &changes, differs);
		if (differs)
			log_changes(keeper, &changes);
	}
	changes_clear(&changes);
	return result;
}

static void keep_all(struct meeseeks_run *run)
{
	size_t failed = 0;

	for (size_t i = 0; i < run->keepers.n && !interrupted(); i++) {
		struct keeper *keeper = &run->keepers.v[i];
		struct mrp_err err = MRP_ERR_INIT;

		if (keep(run, keeper, &err) < 0 && !interrupted()) {
			cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;

			keeper_add_name(&name, keeper);
			log_error("%s: %s", name.buf, err.msg);
			keeper->failed = true;
			failed++;
		}
		mrp_err_clear(&err);
	}
	cleanup(freep) char *status =
		xasprintf("STATUS=%zu variables, %zu failed the last time", run->keepers.n, failed);
	notify_manager(status);
	struct mrp_err err = MRP_ERR_INIT;
	if (meeseeks_write_metrics(run, &err) < 0)
		log_error("%s", err.msg);
	mrp_err_clear(&err);
}

/* A tenth more or less, so that many do not ask at once. */
static int64_t with_jitter(int64_t ms)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = UINT32_MAX / 2;
	return ms - ms / 10 + (int64_t)((double)ms / 5 * chance / UINT32_MAX);
}

/* The client of the mrprober API asks it each second while it waits. */
static bool alive_and_interrupted(void)
{
	notify_alive();
	return interrupted();
}

static void sleep_until(int64_t until_ms)
{
	struct pollfd fd = { .fd = interrupt_fd(), .events = POLLIN };
	int64_t watchdog_us = notify_watchdog_us(), nap_ms = watchdog_us ? MAX(watchdog_us / 4000, 1) : INT32_MAX;

	for (int64_t left; !alive_and_interrupted() && (left = until_ms - monotonic_us() / 1000) > 0;) {
		if (poll(&fd, 1, (int)MIN(left, nap_ms)) < 0 && errno != EINTR)
			return;
	}
}

int meeseeks_loop(struct meeseeks_run *run,
	int (*open)(struct meeseeks_run *run, const struct http_patience *patience, struct mrp_err *err),
	struct mrp_err *err)
{
	struct watcher watcher = { .quit_fd = -1, .patience.wake_fd = -1 };

	if (run->ctx->verbose)
		log_set_level(LOG_DEBUG);
	else if (run->ctx->quiet)
		log_set_level(LOG_WARNING);
	if (interrupt_catch(err) < 0 || watcher_start(&watcher, err) < 0)
		return -1;
	http_set_interrupt(run->http, alive_and_interrupted, interrupt_fd());
	int result = open(run, &watcher.patience, err);
	if (result == 0)
		notify_manager("READY=1");
	while (result == 0 && !interrupted()) {
		int64_t begun_ms = monotonic_us() / 1000;

		keep_all(run);
		sleep_until(begun_ms + with_jitter(run->args->loop_ms));
	}
	notify_manager("STOPPING=1");
	watcher_stop(&watcher);
	return result;
}
