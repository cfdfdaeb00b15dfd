/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl says which sockets and what time it waits for (curl_multi_socket_action(3)); the loop does the waiting. */
#include "curl_loop.h"

#include <curl/curl.h>
#include <sys/epoll.h>

struct curl_loop {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	curl_loop_done_fn *done;
};

/* A socket that libcurl waits for. */
struct watch {
	struct loop_io io;
	struct curl_loop *curl;
};

static void drain(struct curl_loop *curl)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(curl->multi, &left))) {
		CURL *easy = message->easy_handle;
		CURLcode code = message->data.result; /* the message goes with the handle */

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_multi_remove_handle(curl->multi, easy);
		curl->done(easy, (int)code);
	}
}

static void act(struct curl_loop *curl, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(curl->multi, fd, what, &running);
	drain(curl);
}

static void on_event(void *ctx, uint32_t events)
{
	struct watch *watch = ctx; /* may be gone after this */
	int what = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		(events & EPOLLERR ? CURL_CSELECT_ERR : 0);

	act(watch->curl, watch->io.fd, what);
}

static void forget(struct curl_loop *curl, curl_socket_t fd, struct watch *watch)
{
	if (watch)
		loop_io_remove(curl->loop, &watch->io);
	free(watch);
	curl_multi_assign(curl->multi, fd, NULL);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
	struct curl_loop *curl = ctx;
	struct watch *watch = of_socket;
	struct mrp_err ignored = MRP_ERR_INIT; /* then the time of the transfer ends it */
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
	int r;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		forget(curl, fd, watch);
		return 0;
	}
	if (watch) {
		r = loop_io_change(curl->loop, &watch->io, events, &ignored);
	} else {
		watch = xcalloc(1, sizeof(*watch));
		watch->curl = curl;
		r = loop_io_add(curl->loop, &watch->io, fd, events, on_event, watch, &ignored);
		curl_multi_assign(curl->multi, fd, watch);
	}
	if (r < 0)
		mrp_err_clear(&ignored);
	return 0;
}

static int on_timer_change(CURLM *multi, long ms, void *ctx)
{
	struct curl_loop *curl = ctx;

	(void)multi;
	if (ms < 0)
		loop_timer_clear(curl->loop, &curl->timer);
	else
		loop_timer_set(curl->loop, &curl->timer, monotonic_us() + ms * 1000);
	return 0;
}

static void on_timer(void *ctx)
{
	act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

struct curl_loop *curl_loop_new(struct loop *loop, curl_loop_done_fn *done, struct mrp_err *err)
{
	struct curl_loop *curl = xcalloc(1, sizeof(*curl));

	curl->loop = loop;
	curl->done = done;
	curl->timer = (struct loop_timer){ .fn = on_timer, .ctx = curl };
	curl->multi = curl_multi_init();
	if (!curl->multi) {
		free(curl);
		mrp_err_set(err, MRP_EFAILED, "cannot set up libcurl");
		return NULL;
	}
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl);
	return curl;
}

void curl_loop_free(struct curl_loop *curl)
{
	if (!curl)
		return;
	curl_multi_cleanup(curl->multi);
	loop_timer_clear(curl->loop, &curl->timer);
	free(curl);
}

int curl_loop_add(struct curl_loop *curl, void *easy, struct mrp_err *err)
{
	CURLMcode code = curl_multi_add_handle(curl->multi, easy);

	return code == CURLM_OK
		? 0
		: mrp_err_set(err, MRP_EFAILED, "cannot start a request: %s", curl_multi_strerror(code));
}

void curl_loop_remove(struct curl_loop *curl, void *easy)
{
	curl_multi_remove_handle(curl->multi, easy);
}
