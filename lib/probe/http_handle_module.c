/* SPDX-License-Identifier: Apache-2.0 */
#include "http_handle.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/socket.h>

enum { IDLE_MAX = 64, CA_KEPT_S = 3600 };

_Static_assert(sizeof(((struct http_handle *)NULL)->error) >= CURL_ERROR_SIZE, "libcurl's errors are longer");

/* --- targets ------------------------------------------------------------------------------------------------------ */

static char *url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	curl_url_get(url, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0);
	return text;
}

static void free_parts(struct http_target *target)
{
	curl_free(target->text);
	curl_free(target->host);
	curl_free(target->port);
	target->text = target->host = target->port = NULL;
}

static int read_parts(struct http_target *target)
{
	cleanup(freep) char *scheme = url_part(target->url, CURLUPART_SCHEME);
	union address literal;

	free_parts(target);
	target->text = url_part(target->url, CURLUPART_URL);
	if (curl_url_get(target->url, CURLUPART_HOST, &target->host, CURLU_PUNYCODE) != CURLUE_OK)
		target->host = url_part(target->url, CURLUPART_HOST);
	target->port = url_part(target->url, CURLUPART_PORT);
	if (!scheme || !target->text || !target->host || !target->port ||
		(!streq(scheme, "http") && !streq(scheme, "https")))
		return -1;
	target->https = streq(scheme, "https");
	target->is_literal = address_parse(&literal, target->host);
	return 0;
}

int http_target_set(struct http_target *target, const char *url, struct mrp_err *err)
{
	target->url = curl_url();
	CURLUcode code = target->url ? curl_url_set(target->url, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME)
				     : CURLUE_OUT_OF_MEMORY;

	if (code != CURLUE_OK)
		return mrp_err_set(err, MRP_EINVALID, "the url is none: %s", curl_url_strerror(code));
	if (read_parts(target) < 0)
		return mrp_err_set(err, MRP_EINVALID, "the url begins with neither http:// nor https://");
	return 0;
}

int http_target_follow(struct http_target *target, const char *location, bool *same_server)
{
	cleanup(freep) char *host = xstrdup(target->host), *port = xstrdup(target->port), *copy = xstrdup(location);
	bool https = target->https;

	if (curl_url_set(target->url, CURLUPART_URL, copy, 0) != CURLUE_OK || read_parts(target) < 0)
		return -1;
	*same_server = streq(host, target->host) && streq(port, target->port) && https == target->https;
	return 0;
}

void http_target_release(struct http_target *target)
{
	free_parts(target);
	curl_url_cleanup(target->url);
	target->url = NULL;
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_handle *handle = ctx;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0)
		handle->socket_error = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static void set_fixed_options(struct http_handle *handle)
{
	CURL *easy = handle->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_SHARE, handle->names);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nor one from the environment */
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_KEPT_S);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 86400000L); /* the check's own time is over sooner */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "mrprober/" MRP_VERSION);
}

static void free_handle(struct http_handle *handle)
{
	curl_easy_cleanup(handle->easy);
	curl_share_cleanup(handle->names);
	curl_slist_free_all(handle->addresses);
	curl_slist_free_all(handle->headers);
	free(handle->known);
	free(handle);
}

struct http_handle *http_handle_take(struct http_handles *idle, void (*setup)(struct http_handle *handle))
{
	if (idle->n)
		return idle->v[--idle->n];
	struct http_handle *handle = xcalloc(1, sizeof(*handle));
	handle->easy = curl_easy_init();
	handle->names = curl_share_init();
	if (!handle->easy || !handle->names ||
		curl_share_setopt(handle->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK) {
		free_handle(handle);
		return NULL;
	}
	set_fixed_options(handle);
	setup(handle);
	return handle;
}

void http_handle_put(struct http_handles *idle, struct http_handle *handle)
{
	if (handle && idle->n < IDLE_MAX)
		http_handles_push(idle, handle);
	else if (handle)
		free_handle(handle);
}

void http_handles_release(struct http_handles *idle)
{
	for (size_t i = 0; i < idle->n; i++)
		free_handle(idle->v[i]);
	http_handles_clear(idle);
}

/* "host:443:[2001:db8::1],192.0.2.1", and what the handle knew before goes. */
void http_handle_addresses(
	struct http_handle *handle, const struct http_target *target, const union address *addresses, size_t n)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
	char text[ADDRESS_TEXT];

	curl_slist_free_all(handle->addresses);
	handle->addresses = NULL;
	if (handle->known) {
		strbuf_addf(&line, "-%s", handle->known);
		handle->addresses = curl_slist_append(NULL, line.buf);
		free(steal(&handle->known));
	}
	if (!target->is_literal) {
		strbuf_reset(&line);
		strbuf_addf(&line, "%s:%s:", target->host, target->port);
		handle->known = xstrndup(line.buf, line.len - 1);
		for (size_t i = 0; i < n; i++) {
			bool v6 = addresses[i].sa.sa_family == AF_INET6;

			strbuf_addf(&line, "%s%s%s%s", i ? "," : "", v6 ? "[" : "", address_format(text, &addresses[i]),
				v6 ? "]" : "");
		}
		handle->addresses = curl_slist_append(handle->addresses, line.buf);
	}
	curl_easy_setopt(handle->easy, CURLOPT_RESOLVE, (struct curl_slist *)handle->addresses);
}

void http_handle_headers(struct http_handle *handle, const struct strvec *lines, bool has_body)
{
	struct curl_slist *list =
		has_body ? curl_slist_append(NULL, "Expect:") : NULL; /* no waiting for 100 Continue */

	for (size_t i = 0; i < lines->n; i++)
		list = curl_slist_append(list, lines->v[i]);
	curl_slist_free_all(handle->headers);
	handle->headers = list;
	curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, list);
}
