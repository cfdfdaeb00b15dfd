/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that HTTP checks by libcurl can cost: one thread, curl_multi_socket_action on epoll, easy handles used
 * again, a new connection for each request, TLS handshakes in full.
 *
 *   floor-curl N P URL [CA-FILE]    N requests, P of them in flight; any answer but 200 ends it
 *
 * Prints "requests=N cpu_us=CPU-PER-REQUEST rate=PER-SECOND". The first P requests do not count.
 */
#include "common.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

struct loop {
	CURLM *multi;
	int epoll;
	double due; /* seconds; < 0: never */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
		(double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct loop *loop = ctx;
	struct epoll_event event = {
		.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U), .data.fd = fd
	};

	(void)easy;
	if (what == CURL_POLL_REMOVE)
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	else
		epoll_ctl(loop->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
	curl_multi_assign(loop->multi, fd, what == CURL_POLL_REMOVE ? NULL : loop);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	(void)multi;
	((struct loop *)ctx)->due = ms < 0 ? -1 : now() + (double)ms / 1e3;
	return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	(void)data, (void)ctx;
	return size * n;
}

static CURL *make_handle(const char *url, const char *ca_file)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	return easy;
}

static void wait_and_act(struct loop *loop)
{
	struct epoll_event events[64];
	double left = loop->due < 0 ? 1 : loop->due - now();
	int running, n = epoll_wait(loop->epoll, events, 64, left <= 0 ? 0 : (int)(left * 1e3 + .999));

	for (int i = 0; i < n; i++)
		curl_multi_socket_action(loop->multi, events[i].data.fd,
			(events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
				(events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
			&running);
	if (loop->due >= 0 && now() >= loop->due) {
		loop->due = -1;
		curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

/* Takes those that have ended, and starts them again while fewer than `n` were started. */
static long take_ended(struct loop *loop, long *started, long n)
{
	CURLMsg *message;
	long ended = 0, status;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		CURL *easy = message->easy_handle;

		if (message->data.result != CURLE_OK)
			die("%s", curl_easy_strerror(message->data.result));
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (status != 200)
			die("status %ld", status);
		curl_multi_remove_handle(loop->multi, easy);
		if (*started < n) {
			curl_multi_add_handle(loop->multi, easy);
			++*started;
		} else {
			curl_easy_cleanup(easy);
		}
		ended++;
	}
	return ended;
}

int main(int argc, char **argv)
{
	struct loop loop = { .multi = NULL, .epoll = epoll_create1(EPOLL_CLOEXEC), .due = -1 };
	double cpu_from = 0, from = 0;

	if (argc < 4)
		die("usage: floor-curl N P URL [CA-FILE]");
	long in_flight = parse_long("P", argv[2], 1, 100000), n = parse_long("N", argv[1], 1, 100000000) + in_flight;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	loop.multi = curl_multi_init();
	curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
	curl_multi_setopt(loop.multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(loop.multi, CURLMOPT_TIMERDATA, &loop);
	long started = 0, ended = 0;
	for (; started < in_flight; started++)
		curl_multi_add_handle(loop.multi, make_handle(argv[3], argc > 4 ? argv[4] : NULL));
	while (ended < n) {
		wait_and_act(&loop);
		ended += take_ended(&loop, &started, n);
		if (ended >= in_flight && from == 0) {
			cpu_from = cpu();
			from = now();
			n += ended - in_flight; /* as many count as were asked for */
		}
	}
	double count = (double)(n - in_flight);
	printf("requests=%.0f cpu_us=%.2f rate=%.0f\n", count, (cpu() - cpu_from) * 1e6 / count,
		count / (now() - from));
	curl_multi_cleanup(loop.multi);
	curl_global_cleanup();
	return 0;
}
