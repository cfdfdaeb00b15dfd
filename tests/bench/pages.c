/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer after another on one connection: the body and pages modes of the load generator.
 */
#include "common.h"
#include "http1.h"
#include "loadgen.h"
#include "url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* GET `path`; the body is in `http`. Ends the program when the answer is not 2xx. */
static void get_whole(struct http1 *http, int fd, const struct url *url, const char *path)
{
	char buf[1 << 16];
	ssize_t n;

	http1_start(http);
	http->keep_body = true;
	if (dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", path, url->host, url->port) < 0)
		die("cannot send: %s", strerror(errno));
	while (http->state != HTTP1_DONE) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			die("cannot receive: %s", strerror(errno));
		if (n == 0 && !http1_end(http))
			die("the connection was closed in the middle of an answer");
		if (n && http1_feed(http, buf, (size_t)n) != n)
			die("not an HTTP answer, or more than was asked for");
	}
	if (http->status / 100 != 2)
		die("%s: status %d: %.*s", path, http->status, (int)http->body_len, http->body ? http->body : "");
}

static int open_connection(const struct url *url)
{
	struct addrinfo *address = url_resolve(url);
	int fd = url_connect(address);

	if (fd < 0)
		die("cannot connect to %s:%s: %s", url->host, url->port, strerror(errno));
	freeaddrinfo(address);
	return fd;
}

int body_run(char **urls, int n)
{
	struct http1 http = { 0 };
	struct url url;
	int fd;

	if (n != 1)
		die_usage("body takes one URL");
	url_parse(&url, urls[0]);
	fd = open_connection(&url);
	get_whole(&http, fd, &url, url.path);
	if (http.body_len)
		fwrite(http.body, 1, http.body_len, stdout);
	if (fflush(stdout) == EOF)
		die("cannot write: %s", strerror(errno));
	close(fd);
	http1_release(&http);
	return 0;
}

/*
 * What the page reader wants to know of {"items": [{...}, ...], "next_page_token": "..."}:
 * found by counting brackets outside strings, as no more of JSON is needed for that.
 */
struct page {
	long items;
	char token[512]; /* empty on the last page */
};

/* The end of the JSON string that starts at `p` (its first quote). */
static const char *string_end(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return p;
}

static void take_token(struct page *page, const char *after_key)
{
	static const char between[] = " \t\r\n:";
	const char *end;

	after_key += strspn(after_key, between);
	if (*after_key != '"')
		return; /* null */
	end = string_end(after_key);
	if (memchr(after_key, '\\', (size_t)(end - after_key)) || (size_t)(end - after_key) > sizeof(page->token))
		die("next_page_token is not a plain string");
	snprintf(page->token, sizeof(page->token), "%.*s", (int)(end - after_key - 1), after_key + 1);
}

static struct page scan_page(const char *text)
{
	static const char key[] = "\"next_page_token\"";
	struct page page = { 0 };
	const char *p, *end;
	int depth = 0;

	for (p = text; *p; p++) {
		switch (*p) {
		case '"':
			end = string_end(p);
			if (depth == 1 && !strncmp(p, key, sizeof(key) - 1))
				take_token(&page, end + 1);
			p = *end ? end : end - 1;
			break;
		case '{':
		case '[':
			page.items += ++depth == 3 && *p == '{';
			break;
		case '}':
		case ']':
			depth--;
			break;
		}
	}
	if (depth)
		die("a page is not complete JSON");
	return page;
}

static void percent_encode(char *out, size_t size, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text && size > 4; text++) {
		int n = snprintf(out, size, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);

		out += n;
		size -= (size_t)n;
	}
	*out = '\0';
}

static double read_pages(struct http1 *http, int fd, const struct url *url, long *items, long *pages)
{
	char path[4096], token[1600];
	struct page page = { 0 };
	double seconds = 0, start;

	*items = *pages = 0;
	snprintf(path, sizeof(path), "%s", url->path);
	do {
		start = now_seconds();
		get_whole(http, fd, url, path);
		seconds += now_seconds() - start; /* the scan below is not the server's time */
		page = scan_page(http->body ? http->body : "");
		*items += page.items;
		++*pages;
		percent_encode(token, sizeof(token), page.token);
		snprintf(path, sizeof(path), "%s%cpage_token=%s", url->path, strchr(url->path, '?') ? '&' : '?', token);
		if (*pages > 100000)
			die("the pages do not end");
	} while (*page.token);
	return seconds;
}

int pages_run(const struct options *opt, char **urls, int n)
{
	double *seconds = xcalloc((size_t)opt->runs, sizeof(*seconds)), median_ms;
	struct http1 http = { 0 };
	long items = 0, pages = 0, i;
	struct url url;
	int fd;

	if (n != 1)
		die_usage("pages takes one URL");
	url_parse(&url, urls[0]);
	fd = open_connection(&url);
	for (i = 0; i < opt->runs; i++) {
		seconds[i] = read_pages(&http, fd, &url, &items, &pages);
		if (opt->items && items != opt->items)
			die("%s has %ld items, not %ld", urls[0], items, opt->items);
	}
	median_ms = quantile(seconds, (size_t)opt->runs, 0.5) * 1e3; /* sorts, so that seconds[0] is the least */
	printf("ms=%.2f min_ms=%.2f pages=%ld items=%ld runs=%ld\n", median_ms, seconds[0] * 1e3, pages, items,
		opt->runs);
	close(fd);
	http1_release(&http);
	free(seconds);
	return 0;
}
