/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http by libcurl's multi interface on the engine's loop. Every check is made as by a stranger: a new connection, a
 * full handshake, a name that was resolved just now. Names are resolved by the engine, since libcurl would take a
 * thread for each, and wait for that thread when a check is canceled; an easy handle gets the addresses through a cache
 * of its own, so that checks of the same host do not see each other's.
 *
 * Debian's libcurl has a default CApath, and with one set it reads the whole bundle of certificates again for each
 * connection (31 ms instead of 1.3), hence CAINFO and CAPATH = NULL. What it has read is kept in the multi handle, one
 * file at a time, so checks with certificates of their own have another multi handle.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <unistd.h>

#include "body.h"
#include "cert.h"
#include "curl_loop.h"
#include "http.h"
#include "http_handle.h"

enum { REDIRECTS_MAX = 10 };

struct http_shared {
	struct curl_loop *loops[2]; /* that trust the system's certificates; others */
	struct http_handles handles;
	const char *system_ca;
};

struct http_check {
	struct check base;
	struct http_result result;
	struct resolve resolve;
	struct http_handle *handle;
	struct curl_loop *runs; /* that has the handle; NULL: none */
	struct http_target target;
	const char *method, *body;
	struct strvec headers;
	struct cert_info cert;
	char address[ADDRESS_TEXT];
	char stage[300];
};

static void begin_hop(struct http_check *http);

/* --- easy handles ------------------------------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_check *http = ((const struct http_handle *)ctx)->owner;
	struct http_result *result = &http->result;
	size_t len = size * n, room = BODY_KEPT_MAX - result->body.len;

	result->size += (int64_t)len;
	if (option_text(&http->base, "expect_body") || option_text(&http->base, "expect_body_regex"))
		strbuf_add(&result->body, data, MIN(len, room));
	return len;
}

/* The connection is there, the request not sent yet: the one moment when its TLS can be asked. */
static int on_connected(void *ctx, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
	const struct http_handle *handle = ctx;
	struct http_check *http = handle->owner;
	struct curl_tlssessioninfo *tls = NULL;

	(void)local_ip, (void)local_port;
	snprintf(http->address, sizeof(http->address), strchr(primary_ip, ':') ? "[%s]:%d" : "%s:%d", primary_ip,
		primary_port);
	if (http->target.https && curl_easy_getinfo(handle->easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls &&
		tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals)
		cert_read(&http->cert, tls->internals);
	return CURL_PREREQFUNC_OK;
}

/* For every check that will use the handle. */
static void set_callbacks(struct http_handle *handle)
{
	curl_easy_setopt(handle->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(handle->easy, CURLOPT_WRITEDATA, handle);
	curl_easy_setopt(handle->easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(handle->easy, CURLOPT_PREREQDATA, handle);
}

static void put_handle(struct http_check *http)
{
	struct http_shared *shared = http->base.shared;

	if (http->runs)
		curl_loop_remove(http->runs, http->handle->easy);
	http->runs = NULL;
	http_handle_put(&shared->handles, http->handle);
	http->handle = NULL;
}

/* --- one request -------------------------------------------------------------------------------------------------- */

static void set_request(struct http_check *http)
{
	struct http_handle *handle = http->handle;
	CURL *easy = handle->easy;

	http_handle_headers(handle, &http->headers, http->body != NULL);
	curl_easy_setopt(easy, CURLOPT_URL, http->target.text);
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* forget the method of the handle's last check */
	if (http->body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(http->body));
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, http->body);
	}
	if (streq(http->method, "HEAD"))
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, streq(http->method, "GET") && !http->body ? NULL : http->method);
}

static void set_trust(struct http_check *http)
{
	const struct http_shared *shared = http->base.shared;
	bool insecure = option_bool(&http->base, "insecure");
	const char *ca_cert = option_text(&http->base, "ca_cert");
	CURL *easy = http->handle->easy;

	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, ca_cert ? ca_cert : shared->system_ca);
}

static void send_request(struct http_check *http)
{
	struct http_shared *shared = http->base.shared;
	struct mrp_err err = MRP_ERR_INIT;

	if (!http->handle)
		http->handle = http_handle_take(&shared->handles, set_callbacks);
	if (!http->handle) {
		check_error(&http->base, REASON_LIMIT, "cannot set up libcurl");
		return;
	}
	http->handle->owner = http;
	http->handle->error[0] = '\0';
	http->handle->socket_error = 0;
	http_handle_addresses(http->handle, &http->target, http->resolve.addresses, http->resolve.n);
	set_request(http);
	if (http->target.https)
		set_trust(http);
	snprintf(http->stage, sizeof(http->stage), "connecting to '%.255s'", http->target.host);
	http->runs = shared->loops[option_text(&http->base, "ca_cert") != NULL];
	if (curl_loop_add(http->runs, http->handle->easy, &err) == 0)
		return;
	http->runs = NULL;
	check_error(&http->base, REASON_LIMIT, "%s", err.msg);
	mrp_err_clear(&err);
}

/* --- its end ------------------------------------------------------------------------------------------------------ */

static int64_t info_us(const struct http_handle *handle, CURLINFO which)
{
	curl_off_t us = 0;

	curl_easy_getinfo(handle->easy, which, &us);
	return us;
}

static void add_times(struct http_check *http)
{
	const struct http_handle *handle = http->handle;
	struct http_result *result = &http->result;
	int64_t named = info_us(handle, CURLINFO_NAMELOOKUP_TIME_T),
		connected = info_us(handle, CURLINFO_CONNECT_TIME_T);
	int64_t secured = info_us(handle, CURLINFO_APPCONNECT_TIME_T);
	int64_t ready = info_us(handle, CURLINFO_PRETRANSFER_TIME_T);
	int64_t first = info_us(handle, CURLINFO_STARTTRANSFER_TIME_T), total = info_us(handle, CURLINFO_TOTAL_TIME_T);

	result->resolve_us += http->resolve.took_us;
	result->connect_us += MAX(connected - named, 0);
	result->tls_us += secured ? MAX(secured - connected, 0) : 0;
	result->processing_us += MAX(first - ready, 0);
	result->transfer_us += MAX(total - first, 0);
	result->total_us += http->resolve.took_us + total;
}

static void check_socket_error(struct check *check, int error)
{
	errno = error;
	check_errno(check, "cannot make a socket");
}

static void transfer_failed(struct http_check *http, CURLcode code)
{
	struct check *check = &http->base;
	const struct http_handle *handle = http->handle;
	long os_error = 0, verdict = 0;

	curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &os_error);
	curl_easy_getinfo(handle->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
	const char *text = cert_verify_text(verdict);
	const char *detail = handle->error[0] ? handle->error : curl_easy_strerror(code);
	if (code == CURLE_SSL_CACERT_BADFILE)
		check_error(check, REASON_CONFIG, "cannot read certificates from '%s'",
			option_text(check, "ca_cert") ? option_text(check, "ca_cert") : "the system's file");
	else if (code == CURLE_OUT_OF_MEMORY)
		check_error(check, REASON_LIMIT, "out of memory");
	else if (code == CURLE_COULDNT_CONNECT && handle->socket_error && handle->socket_error != EAFNOSUPPORT)
		check_socket_error(check, handle->socket_error);
	else if (code == CURLE_COULDNT_CONNECT && os_error)
		check_end(check, NAGIOS_CRITICAL, "cannot connect to %s:%s: %s", http->target.host, http->target.port,
			strerror((int)os_error));
	else if (code == CURLE_PEER_FAILED_VERIFICATION && text)
		check_end(check, NAGIOS_CRITICAL, "TLS with '%s': %s", http->target.host, text);
	else if (code == CURLE_PEER_FAILED_VERIFICATION && strstr(detail, "subject name"))
		check_end(check, NAGIOS_CRITICAL, "TLS with '%s': its certificate is for another name",
			http->target.host);
	else if (strstr(detail, "wrong version number"))
		check_end(check, NAGIOS_CRITICAL, "what answers at %s:%s does not speak TLS", http->target.host,
			http->target.port);
	else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
		check_end(check, NAGIOS_CRITICAL, "what came back from %s:%s is not HTTP", http->target.host,
			http->target.port);
	else if (code == CURLE_GOT_NOTHING)
		check_end(check, NAGIOS_CRITICAL, "%s:%s closed the connection before an answer", http->target.host,
			http->target.port);
	else
		check_end(check, NAGIOS_CRITICAL, "%s:%s: %s", http->target.host, http->target.port, detail);
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* RFC 9110, 15.4: 303 asks with GET; so do 301 and 302 after POST, as all clients do. */
static void change_method(struct http_check *http)
{
	int status = http->result.status;

	if ((status == 303 && !streq(http->method, "HEAD")) ||
		((status == 301 || status == 302) && streq(http->method, "POST"))) {
		http->method = "GET";
		http->body = NULL;
	}
}

static void follow(struct http_check *http, const char *target)
{
	bool same_server;

	if (++http->result.redirects > REDIRECTS_MAX) {
		check_end(&http->base, NAGIOS_CRITICAL, "more than %d redirects", (int)REDIRECTS_MAX);
		return;
	}
	if (http_target_follow(&http->target, target, &same_server) < 0) {
		check_end(&http->base, NAGIOS_CRITICAL, "a redirect to what is no address of HTTP");
		return;
	}
	if (!same_server)
		http_drop_secrets(&http->headers);
	change_method(http);
	strbuf_reset(&http->result.body);
	http->result.size = 0;
	begin_hop(http);
}

static int version_number(long version)
{
	return version == CURL_HTTP_VERSION_1_0    ? 10
		: version == CURL_HTTP_VERSION_2_0 ? 20
		: version == CURL_HTTP_VERSION_3   ? 30
						   : 11;
}

static void on_done(void *easy, int code)
{
	struct http_handle *handle = NULL;
	const char *target = NULL;
	long status = 0, version = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&handle);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
	struct http_check *http = handle->owner;
	struct http_result *result = &http->result;
	http->runs = NULL;
	add_times(http);
	result->status = (int)status;
	result->version = version_number(version);
	if (code != CURLE_OK) {
		transfer_failed(http, (CURLcode)code);
		return;
	}
	if (target && is_redirect(result->status) && option_bool(&http->base, "follow_redirects")) {
		follow(http, target);
		return;
	}
	result->location = target;
	result->has_cert = http->cert.known;
	result->cert_left_s = http->cert.left_s;
	memcpy(result->cert_ends, http->cert.ends, sizeof(result->cert_ends));
	cert_report(&http->base, &http->cert);
	check_detail(&http->base, "address: %s", http->address);
	check_detail(&http->base, "HTTP/%.1f", result->version / 10.0);
	http_judge(&http->base, result);
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

static void on_resolved(struct resolve *resolve)
{
	struct http_check *http = (struct http_check *)(void *)((char *)resolve - offsetof(struct http_check, resolve));

	if (resolve->end == RESOLVED)
		send_request(http);
	else
		resolve_failed(&http->base, resolve);
}

static void begin_hop(struct http_check *http)
{
	snprintf(http->stage, sizeof(http->stage), "resolving '%.255s'", http->target.host);
	http->cert.known = false;
	http->resolve.host = http->target.host;
	http->resolve.ip_version = option_ip_version(&http->base);
	http->resolve.done = on_resolved;
	if (resolve_start(http->base.resolver, &http->resolve))
		on_resolved(&http->resolve);
}

static int read_options(struct http_check *http, struct mrp_err *err)
{
	const struct check *check = &http->base;
	const char *method = option_text(check, "method"), *ca_cert = option_text(check, "ca_cert");

	http->method = method ? method : "GET";
	http->body = option_text(check, "body");
	if (http_method_check(http->method, err) < 0 ||
		http_headers(&http->headers, value_get(check->options, "headers"), err) < 0)
		return -1;
	if (ca_cert && access(ca_cert, R_OK) < 0)
		return mrp_err_errno(err, "cannot read '%s'", ca_cert);
	return http_target_set(&http->target, option_text(check, "url"), err);
}

static void start(struct check *check)
{
	struct http_check *http = (struct http_check *)check;
	struct mrp_err err = MRP_ERR_INIT;

	strvec_init(&http->headers);
	strbuf_init(&http->result.body);
	check->stage = http->stage;
	if (read_options(http, &err) < 0) {
		check_error(check, REASON_CONFIG, "%s", err.msg);
		mrp_err_clear(&err);
	} else {
		begin_hop(http);
	}
}

static bool is_connected(const struct http_handle *handle)
{
	long port = 0;

	curl_easy_getinfo(handle->easy, CURLINFO_LOCAL_PORT, &port);
	return port > 0;
}

/* libcurl knows how far it came. */
static void timed_out(struct check *check)
{
	struct http_check *http = (struct http_check *)check;

	if (http->runs && info_us(http->handle, CURLINFO_STARTTRANSFER_TIME_T))
		check->stage = "reading the body";
	else if (http->runs && info_us(http->handle, CURLINFO_PRETRANSFER_TIME_T))
		check->stage = "waiting for the answer to the request";
	else if (http->runs && http->target.https && is_connected(http->handle))
		check->stage = "in the TLS handshake";
	check_timed_out(check);
}

static void stop(struct check *check)
{
	struct http_check *http = (struct http_check *)check;

	resolve_cancel(&http->resolve);
	put_handle(http);
	http_target_release(&http->target);
	strvec_clear(&http->headers);
	strbuf_release(&http->result.body);
}

static void close_shared(void *ctx)
{
	struct http_shared *shared = ctx;

	http_handles_release(&shared->handles);
	for (size_t i = 0; i < ARRAY_SIZE(shared->loops); i++)
		curl_loop_free(shared->loops[i]);
	free(shared);
}

static void *open_shared(struct loop *loop, struct mrp_err *err)
{
	const char *of_user = getenv("SSL_CERT_FILE"); /* as with OpenSSL's own programs */

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		mrp_err_set(err, MRP_EFAILED, "cannot set up libcurl");
		return NULL;
	}
	struct http_shared *shared = xcalloc(1, sizeof(*shared));
	shared->system_ca = of_user && *of_user ? of_user : curl_version_info(CURLVERSION_NOW)->cainfo;
	for (size_t i = 0; i < ARRAY_SIZE(shared->loops); i++) {
		shared->loops[i] = curl_loop_new(loop, on_done, err);
		if (!shared->loops[i]) {
			close_shared(shared);
			return NULL;
		}
	}
	return shared;
}

const struct check_type mrp_check_http = {
	.name = "http",
	.size = sizeof(struct http_check),
	.open = open_shared,
	.close = close_shared,
	.start = start,
	.stop = stop,
	.timed_out = timed_out,
};
