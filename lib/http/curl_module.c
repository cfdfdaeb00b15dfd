/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP by libcurl's multi interface: one thread, connections kept and reused, easy handles recycled.
 *
 * Two settings matter more than they look. Debian's libcurl has a default CApath, and with one set it reads the whole
 * bundle of certificates again for each new TLS connection (31 ms instead of 1.3), hence CAINFO and CAPATH = NULL. And
 * libcurl repeats a request by itself when a kept connection turns out to be closed; that is fine for what may be sent
 * twice, so everything else asks for a fresh connection.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>

#include "wire.h"

struct handle {
	CURL *easy;
	struct curl_slist *headers;
	struct wire *wire;
	struct wire_transfer *transfer;
	char error[CURL_ERROR_SIZE];
	bool too_big;
};

VEC_DEFINE(handle_vec, struct handle *)

struct wire {
	CURLM *multi;
	struct wire_options options; /* its strings are owned */
	struct curl_slist *connect_to;
	struct handle_vec idle, busy;
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct handle *handle = ctx;
	struct strbuf *answer = &handle->transfer->answer;

	size *= n;
	if (size > handle->wire->options.max_answer_bytes - answer->len) {
		handle->too_big = true;
		return 0;
	}
	strbuf_add(answer, data, size);
	return size;
}

static void keep_header(struct wire_transfer *transfer, const char *line, size_t len)
{
	const struct { const char *name; char **value; } wanted[] = {
		{ "etag:", &transfer->etag },
		{ "content-type:", &transfer->content_type },
		{ "retry-after:", &transfer->retry_after },
		{ "location:", &transfer->location },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		size_t name_len = strlen(wanted[i].name);

		if (len < name_len || strncasecmp(line, wanted[i].name, name_len) != 0)
			continue;
		for (line += name_len, len -= name_len; len && (*line == ' ' || *line == '\t'); len--)
			line++;
		free(*wanted[i].value);
		*wanted[i].value = xstrndup(line, len);
		return;
	}
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct handle *handle = ctx;
	size_t len = size * n;

	while (len && strchr("\r\n \t", data[len - 1]))
		len--;
	struct strbuf *head = &handle->transfer->head;
	if (len > 5 && memcmp(data, "HTTP/", 5) == 0)
		strbuf_reset(head); /* what came before was no final answer: 100 Continue, a proxy's */
	if (len) {
		strbuf_add(head, data, len);
		strbuf_addch(head, '\n');
	}
	keep_header(handle->transfer, data, len);
	return size * n;
}

static void set_fixed_options(struct handle *handle)
{
	const struct wire_options *options = &handle->wire->options;
	const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
	const char *of_user = getenv("SSL_CERT_FILE"); /* as with OpenSSL's own programs */
	const char *ca_file = options->ca_file ? options->ca_file : of_user && *of_user ? of_user : version->cainfo;
	CURL *easy = handle->easy;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "mrprober/" MRP_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->total_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(options->stall_timeout_ms + 999) / 1000);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle);
	if (options->socket_path)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->socket_path);
	if (ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (options->cert_file) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file ? options->key_file : options->cert_file);
		curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); /* or OpenSSL would ask on the terminal */
	}
	if (handle->wire->connect_to)
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, handle->wire->connect_to);
	if (options->loopback)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	else
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static struct handle *take_handle(struct wire *wire, struct mrp_err *err)
{
	if (wire->idle.n)
		return wire->idle.v[--wire->idle.n];
	struct handle *handle = xcalloc(1, sizeof(*handle));
	handle->wire = wire;
	handle->easy = curl_easy_init();
	if (!handle->easy) {
		free(handle);
		mrp_err_set(err, MRP_EFAILED, "cannot set up libcurl");
		return NULL;
	}
	set_fixed_options(handle);
	return handle;
}

static void free_handle(struct handle *handle)
{
	curl_easy_cleanup(handle->easy);
	curl_slist_free_all(handle->headers);
	free(handle);
}

static int start(struct wire *wire, struct wire_transfer *transfer, struct mrp_err *err)
{
	struct handle *handle = take_handle(wire, err);

	if (!handle)
		return -1;
	CURL *easy = handle->easy;
	handle->transfer = transfer;
	handle->too_big = false;
	handle->error[0] = '\0';
	transfer->handle = handle;
	curl_slist_free_all(handle->headers);
	handle->headers = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
	if (wire->options.host_header)
		handle->headers = curl_slist_append(handle->headers, wire->options.host_header);
	for (size_t i = 0; i < transfer->headers->n; i++)
		handle->headers = curl_slist_append(handle->headers, transfer->headers->v[i]);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handle->headers);
	curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, transfer->fresh ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* forget the method of the handle's last transfer */
	if (transfer->body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
	}
	curl_easy_setopt(easy, CURLOPT_NOBODY, streq(transfer->method, "HEAD") ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
	handle_vec_push(&wire->busy, handle);
	CURLMcode code = curl_multi_add_handle(wire->multi, easy);
	if (code == CURLM_OK)
		return 0;
	wire->busy.n--;
	handle_vec_push(&wire->idle, handle);
	return mrp_err_set(err, MRP_EFAILED, "cannot start a request: %s", curl_multi_strerror(code));
}

static enum wire_end end_of(const struct handle *handle, CURLcode code)
{
	const struct wire_transfer *transfer = handle->transfer;

	switch (code) {
	case CURLE_OK:
		return WIRE_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return WIRE_NO_HOST;
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
		return WIRE_NO_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_ISSUER_ERROR:
		return WIRE_NO_TRUST;
	case CURLE_OPERATION_TIMEDOUT:
		return transfer->sent_none ? WIRE_NO_CONNECT : WIRE_TOO_SLOW;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: no status line */
	case CURLE_WEIRD_SERVER_REPLY:
		return WIRE_NOT_HTTP;
	case CURLE_WRITE_ERROR:
		return handle->too_big ? WIRE_TOO_BIG : WIRE_BROKEN;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return transfer->status ? WIRE_CUT_SHORT : WIRE_NO_ANSWER;
	default:
		return WIRE_BROKEN;
	}
}

/* What is wrong with the server's certificate, by OpenSSL's number; NULL: libcurl's own words have to do. */
static const char *trust_detail(const struct handle *handle, CURLcode code)
{
	static const struct {
		long verdict;
		const char *text;
	} texts[] = {
		{ 9, "its certificate is not valid yet" },
		{ 10, "its certificate has expired" },
		{ 2, "its certificate is not signed by a CA known here" },
		{ 18, "its certificate is self-signed, by no CA known here" },
		{ 19, "its certificate is not signed by a CA known here" },
		{ 20, "its certificate is not signed by a CA known here" },
		{ 21, "its certificate is not signed by a CA known here" },
		{ 23, "its certificate was revoked" },
	};
	long verdict = 0;

	curl_easy_getinfo(handle->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].verdict == verdict)
			return texts[i].text;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION && strstr(handle->error, "subject name"))
		return "its certificate is for another name";
	if (strstr(handle->error, "wrong version number"))
		return "what answers there does not speak TLS (is it http://?)";
	/* a server of plain HTTP may end the connection without a word: it depends on the random bytes of the handshake */
	if (strstr(handle->error, "SSL_ERROR_SYSCALL"))
		return "it ended the connection; maybe it does not speak TLS (is it http://?)";
	return NULL;
}

static void count_bytes(struct handle *handle)
{
	long sent = 0, received = 0;
	curl_off_t up = 0, down = 0;

	curl_easy_getinfo(handle->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(handle->easy, CURLINFO_HEADER_SIZE, &received);
	curl_easy_getinfo(handle->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(handle->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	/* a short body goes out with the head and is counted in both; beside a long one the head is nothing */
	handle->transfer->bytes_sent = (uint64_t)MAX((curl_off_t)sent, up);
	handle->transfer->bytes_received = (uint64_t)(received + down);
}

static void finish(struct handle *handle, CURLcode code)
{
	struct wire_transfer *transfer = handle->transfer;
	long status = 0, sent = 0, os_error = 0;
	curl_off_t length = -1;

	curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(handle->easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &os_error);
	curl_easy_getinfo(handle->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	transfer->status = (int)status;
	transfer->sent_none = sent == 0;
	transfer->expected = length > 0 ? (size_t)length : 0;
	transfer->end = end_of(handle, code);
	count_bytes(handle);
	if (transfer->end == WIRE_ANSWERED)
		return;
	const char *detail = handle->error[0] ? handle->error : curl_easy_strerror(code);
	if (transfer->end == WIRE_NO_TRUST && trust_detail(handle, code))
		detail = trust_detail(handle, code);
	if (code == CURLE_COULDNT_CONNECT && os_error)
		detail = strerrordesc_np((int)os_error);
	transfer->detail = xstrdup(detail ? detail : "unknown error");
	/* it goes into the middle of a sentence: "Connection refused", but not "SSL ..." */
	if (transfer->detail[0] && islower((unsigned char)transfer->detail[1]))
		transfer->detail[0] = (char)tolower((unsigned char)transfer->detail[0]);
}

/* The handle's transfer is over: it waits for another one. */
static void put_aside(struct wire *wire, struct handle *handle)
{
	curl_multi_remove_handle(wire->multi, handle->easy);
	for (size_t i = 0; i < wire->busy.n; i++) {
		if (wire->busy.v[i] == handle) {
			wire->busy.v[i] = wire->busy.v[--wire->busy.n];
			break;
		}
	}
	handle_vec_push(&wire->idle, handle);
}

static void cancel(struct wire *wire, struct wire_transfer *transfer)
{
	put_aside(wire, transfer->handle);
}

/* The next transfer that has ended, taken out of the multi handle; NULL when none has. */
static struct wire_transfer *next_ended(struct wire *wire)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(wire->multi, &left))) {
		struct handle *handle = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&handle);
		finish(handle, code);
		put_aside(wire, handle);
		return handle->transfer;
	}
	return NULL;
}

static struct wire_transfer *wait_for_one(struct wire *wire, int timeout_ms, int wake_fd)
{
	struct curl_waitfd extra = { .fd = wake_fd, .events = CURL_WAIT_POLLIN };
	struct wire_transfer *ended = next_ended(wire);
	int running = 0;

	if (ended)
		return ended;
	curl_multi_perform(wire->multi, &running);
	ended = next_ended(wire);
	if (ended)
		return ended;
	curl_multi_poll(wire->multi, &extra, wake_fd >= 0 ? 1 : 0, timeout_ms, NULL);
	curl_multi_perform(wire->multi, &running);
	return next_ended(wire);
}

/* What of the options is a text, and so has to be ours. */
static const size_t texts[] = { offsetof(struct wire_options, host), offsetof(struct wire_options, ca_file),
	offsetof(struct wire_options, cert_file), offsetof(struct wire_options, key_file),
	offsetof(struct wire_options, connect_to), offsetof(struct wire_options, host_header),
	offsetof(struct wire_options, socket_path) };

static const char **option_text(struct wire *wire, size_t i)
{
	return (const char **)((char *)&wire->options + texts[i]);
}

static void close_wire(struct wire *wire)
{
	if (!wire)
		return;
	for (size_t i = 0; i < wire->busy.n; i++) {
		curl_multi_remove_handle(wire->multi, wire->busy.v[i]->easy);
		free_handle(wire->busy.v[i]);
	}
	for (size_t i = 0; i < wire->idle.n; i++)
		free_handle(wire->idle.v[i]);
	handle_vec_clear(&wire->busy);
	handle_vec_clear(&wire->idle);
	curl_multi_cleanup(wire->multi);
	curl_slist_free_all(wire->connect_to);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free((char *)*option_text(wire, i));
	free(wire);
}

static bool ready;

static void get_ready(void)
{
	ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static struct wire *open_wire(const struct wire_options *options, struct mrp_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT; /* clients of several threads may begin together */

	pthread_once(&once, get_ready);
	if (!ready) {
		mrp_err_set(err, MRP_EFAILED, "cannot set up libcurl");
		return NULL;
	}
	struct wire *wire = xcalloc(1, sizeof(*wire));
	wire->options = *options;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*option_text(wire, i) = *option_text(wire, i) ? xstrdup(*option_text(wire, i)) : NULL;
	if (options->connect_to) {
		cleanup(freep) char *rule = xasprintf("::%s:", options->connect_to);

		wire->connect_to = curl_slist_append(NULL, rule);
	}
	wire->multi = curl_multi_init();
	if (!wire->multi) {
		mrp_err_set(err, MRP_EFAILED, "cannot set up libcurl");
		close_wire(wire);
		return NULL;
	}
	curl_multi_setopt(wire->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)options->max_connections);
	curl_multi_setopt(wire->multi, CURLMOPT_MAXCONNECTS, (long)options->max_connections);
	return wire;
}

static int check_parts(CURLU *url, const char *text, struct mrp_err *err)
{
	static const struct { CURLUPart part; const char *why; } unwanted[] = {
		{ CURLUPART_USER, "a user name (pass a token by MRPROBER_TOKEN or MRPROBER_TOKEN_FILE)" },
		{ CURLUPART_PASSWORD, "a password (pass a token by MRPROBER_TOKEN or MRPROBER_TOKEN_FILE)" },
		{ CURLUPART_QUERY, "a query" },
		{ CURLUPART_FRAGMENT, "a fragment" },
	};
	cleanup(freep) char *scheme = NULL;

	curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
	if (!scheme || (!streq(scheme, "http") && !streq(scheme, "https")))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is not the URL of an API: it begins with neither http:// nor https://",
			text);
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++) {
		char *part = NULL;

		if (curl_url_get(url, unwanted[i].part, &part, 0) == CURLUE_OK) {
			curl_free(part);
			/* without the URL: it may hold a secret */
			return mrp_err_set(err, MRP_EUSAGE, "the URL of the API holds %s", unwanted[i].why);
		}
	}
	return 0;
}

static int check_url(char **base, char **host, const char *text, struct mrp_err *err)
{
	CURLU *url = curl_url();
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	char *whole = NULL, *name = NULL;
	int result = -1;

	if (code != CURLUE_OK) {
		/* what stands before an '@' may be a password */
		mrp_err_set(err, MRP_EUSAGE, "'%s' is not the URL of an API (like http://127.0.0.1:8080): %s",
			strchr(text, '@') ? strchr(text, '@') : text, curl_url_strerror(code));
		goto out;
	}
	if (check_parts(url, text, err) < 0)
		goto out;
	if (curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK) {
		mrp_err_set(err, MRP_EUSAGE, "'%s' is not the URL of an API (like http://127.0.0.1:8080)", text);
		goto out;
	}
	*base = xstrdup(whole);
	*host = xstrdup(name);
	for (size_t len = strlen(*base); len && (*base)[len - 1] == '/'; len--)
		(*base)[len - 1] = '\0';
	result = 0;
out:
	curl_free(whole);
	curl_free(name);
	curl_url_cleanup(url);
	return result;
}

const struct wire_ops mrp_curl_wire = {
	.open = open_wire,
	.close = close_wire,
	.start = start,
	.wait = wait_for_one,
	.check_url = check_url,
	.cancel = cancel,
};
