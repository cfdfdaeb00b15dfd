/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <ctype.h>
#include <time.h>
#include <unistd.h>

#include "../base/module.h"
#include "../ev/loop.h"
#include "internal.h"
#include "retry.h"

enum { CONNECT_TIMEOUT_MS = 5000, TOTAL_TIMEOUT_MS = 10000, MAX_ANSWER_BYTES = 1 << 20, NAP_MS = 1000 };

struct http_peer {
	char *url, *host;
	char *wire_url; /* with the TLS name in place of the host; NULL: as url */
	const struct wire_ops *ops;
	struct wire *wire;
	const struct http_patience *patience;
	const char *ca_option;
};

void http_peer_answer_release(struct http_peer_answer *answer)
{
	explicit_bzero(answer->body.buf, answer->body.len);
	free(answer->content_type);
	free(answer->location);
	strbuf_release(&answer->body);
	*answer = (struct http_peer_answer)HTTP_PEER_ANSWER_INIT;
}

static int64_t monotonic_ms(void)
{
	return monotonic_us() / 1000;
}

/* The URL is not shown where it may hold a password. */
static int set_url(struct http_peer *peer, const char *url, bool secret, struct mrp_err *err)
{
	const char *rest;

	if (!skip_prefix(url, "https://", &rest) && !skip_prefix(url, "http://", &rest))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is not a URL that begins with http:// or https://",
			strchr(url, '@') ? strchr(url, '@') : url);
	if (strchr(rest, '@'))
		return mrp_err_set(err, MRP_EUSAGE, "the URL holds a user name or a password");
	for (const char *p = rest; *p; p++) {
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
			return mrp_err_set(
				err, MRP_EUSAGE, "'%s' is not a URL: a character of it has to be escaped", url);
	}
	if (rest[strcspn(rest, "?#")])
		return mrp_err_set(err, MRP_EUSAGE, "'%s': a query or a fragment has no place here", url);
	size_t host_len = *rest == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/"), len = strlen(url);
	if (!*rest || host_len == 0 || host_len > strlen(rest))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' names no host", url);
	while (url[len - 1] == '/')
		len--;
	peer->url = xstrndup(url, len);
	peer->host = xstrndup(rest, host_len);
	if (secret && !skip_prefix(url, "https://", NULL) && !http_host_is_loopback(peer->host))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is not https://: secrets do not go there", url);
	return 0;
}

static int check_files(const struct http_peer_options *options, struct mrp_err *err)
{
	if (options->ca_file && access(options->ca_file, R_OK) < 0)
		return mrp_err_errno(err, "cannot read CA certificates '%s'", options->ca_file);
	if (options->cert_file && access(options->cert_file, R_OK) < 0)
		return mrp_err_errno(err, "cannot read client certificate '%s'", options->cert_file);
	if (options->key_file && access(options->key_file, R_OK) < 0)
		return mrp_err_errno(err, "cannot read the key of the client certificate '%s'", options->key_file);
	return 0;
}

/* libcurl asks for the URL's host when it asks for a certificate: that has to be the other name then. */
static int set_tls_name(struct http_peer *peer, const char *name, char **host_header, struct mrp_err *err)
{
	const char *host = strstr(peer->url, "://") + strlen("://"), *rest = host + strlen(peer->host);
	int scheme_len = (int)(host - peer->url);

	for (const char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
			return mrp_err_set(err, MRP_EUSAGE, "'%s' is no name that a certificate can have", name);
	}
	peer->wire_url = xasprintf("%.*s%s%s", scheme_len, peer->url, name, rest);
	*host_header = xasprintf("Host: %s%.*s", peer->host, (int)strcspn(rest, "/"), rest);
	return 0;
}

static int open_wire(struct http_peer *peer, const struct http_peer_options *options, struct mrp_err *err)
{
	bool other_name = options->tls_name && *options->tls_name && skip_prefix(peer->url, "https://", NULL);
	cleanup(freep) char *host_header = NULL;
	int64_t total_ms = options->total_timeout_ms ? options->total_timeout_ms : TOTAL_TIMEOUT_MS;
	struct wire_options wire_options = {
		.host = peer->host,
		.loopback = options->direct || http_host_is_loopback(peer->host),
		.max_connections = 1,
		.connect_timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS,
		.total_timeout_ms = total_ms,
		.stall_timeout_ms = total_ms,
		.max_answer_bytes = options->max_answer_bytes ? options->max_answer_bytes : MAX_ANSWER_BYTES,
		.ca_file = options->ca_file,
		.cert_file = options->cert_file,
		.key_file = options->key_file,
	};

	if (check_files(options, err) < 0)
		return -1;
	if (other_name && set_tls_name(peer, options->tls_name, &host_header, err) < 0)
		return -1;
	if (other_name) {
		wire_options.connect_to = peer->host;
		wire_options.host_header = host_header;
	}
	peer->wire = peer->ops->open(&wire_options, err);
	return peer->wire ? 0 : -1;
}

struct http_peer *http_peer_open(const struct http_peer_options *options, struct mrp_err *err)
{
	struct http_peer *peer = xcalloc(1, sizeof(*peer));

	peer->patience = options->patience;
	peer->ca_option = options->ca_option ? options->ca_option : "--ca-cert";
	peer->ops = module_table("curl", "mrp_curl_wire", err);
	if (!peer->ops || set_url(peer, options->url, options->secret, err) < 0 || open_wire(peer, options, err) < 0) {
		http_peer_close(peer);
		return NULL;
	}
	return peer;
}

void http_peer_close(struct http_peer *peer)
{
	if (!peer)
		return;
	if (peer->wire)
		peer->ops->close(peer->wire);
	free(peer->url);
	free(peer->wire_url);
	free(peer->host);
	free(peer);
}

const char *http_peer_url(const struct http_peer *peer)
{
	return peer->url;
}

/* How a transfer that brought no answer ended. */
static int end_error(const struct http_peer *peer, const struct wire_transfer *transfer, struct mrp_err *err)
{
	const char *detail = transfer->detail ? transfer->detail : "unknown error";

	switch (transfer->end) {
	case WIRE_NO_HOST:
	case WIRE_NO_CONNECT:
		return mrp_err_set(err, MRP_EUNREACHABLE, "%s", detail);
	case WIRE_NO_TRUST:
		if (strstr(detail, "CA known here"))
			return mrp_err_set(err, MRP_EUNREACHABLE, "no secure connection: %s (%s names another one)",
				detail, peer->ca_option);
		return mrp_err_set(err, MRP_EUNREACHABLE, "no secure connection: %s", detail);
	case WIRE_NO_ANSWER:
		return mrp_err_set(err, MRP_EUNREACHABLE, "the connection ended without an answer (%s)", detail);
	case WIRE_TOO_SLOW:
		return mrp_err_set(err, MRP_EUNREACHABLE, "no whole answer in time (%s)", detail);
	case WIRE_CUT_SHORT:
		return mrp_err_set(
			err, MRP_EHTTP, "answered %d, but the connection ended in the middle", transfer->status);
	case WIRE_TOO_BIG:
		return mrp_err_set(err, MRP_EHTTP, "answered %d with too much", transfer->status);
	case WIRE_NOT_HTTP:
		return mrp_err_set(err, MRP_EHTTP, "answered something that is not HTTP");
	case WIRE_ANSWERED:
	case WIRE_BROKEN:
		break;
	}
	return mrp_err_set(err, MRP_EHTTP, "%s", detail);
}

/* Until the transfer has ended, or the patience. */
static int wait_for_end(struct http_peer *peer, struct wire_transfer *transfer, struct mrp_err *err)
{
	int64_t until = INT64_MAX;

	while (!peer->ops->wait(peer->wire, (int)MAX(0, MIN(NAP_MS, until - monotonic_ms())),
		/* once woken the descriptor stays readable and would end every wait at once */
		peer->patience && until == INT64_MAX ? peer->patience->wake_fd : -1)) {
		if (peer->patience && peer->patience->alive)
			peer->patience->alive();
		until = peer->patience ? atomic_load(&peer->patience->until_ms) : INT64_MAX;
		if (monotonic_ms() < until)
			continue;
		peer->ops->cancel(peer->wire, transfer);
		return mrp_err_set(err, MRP_EINTERRUPTED, "no answer before the end");
	}
	return transfer->end == WIRE_ANSWERED ? 0 : end_error(peer, transfer, err);
}

/* The header Date, of lines as wire.h has them. */
static int64_t date_of(const struct strbuf *head)
{
	for (const char *line = head->buf; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *value = line + strlen("date:");

		if (strncasecmp(line, "date:", strlen("date:")) != 0)
			continue;
		value += strspn(value, " \t");
		cleanup(freep) char *text = xstrndup(value, strcspn(value, "\n"));
		return http_date(text);
	}
	return -1;
}

static void take_answer(struct http_peer_answer *answer, struct wire_transfer *transfer)
{
	http_peer_answer_release(answer);
	answer->status = transfer->status;
	answer->content_type = steal(&transfer->content_type);
	answer->location = steal(&transfer->location);
	answer->retry_after_ms = retry_after_ms(transfer->retry_after, (int64_t)time(NULL));
	answer->date_s = date_of(&transfer->head);
	answer->body = transfer->answer;
	strbuf_init(&transfer->answer);
}

int http_peer_call(struct http_peer *peer, const struct http_peer_request *request, struct http_peer_answer *answer,
	struct mrp_err *err)
{
	struct wire_transfer transfer = WIRE_TRANSFER_INIT;
	cleanup(freep) char *url = xasprintf("%s%s", peer->wire_url ? peer->wire_url : peer->url, request->path);

	transfer.method = request->method;
	transfer.url = url;
	transfer.headers = request->headers;
	transfer.body = request->body;
	transfer.body_len = request->body_len;
	int result = peer->ops->start(peer->wire, &transfer, err);
	if (result == 0)
		result = wait_for_end(peer, &transfer, err);
	if (result == 0) {
		take_answer(answer, &transfer);
	} else {
		answer->no_trust = transfer.end == WIRE_NO_TRUST;
		mrp_err_wrap(
			err, "%s %s%.*s", request->method, peer->url, (int)strcspn(request->path, "?"), request->path);
	}
	explicit_bzero(transfer.answer.buf, transfer.answer.len);
	wire_transfer_reset(&transfer);
	return result;
}
