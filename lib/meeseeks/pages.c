/* SPDX-License-Identifier: Apache-2.0 */
#include "pages.h"

#include <errno.h>
#include <poll.h>
#include <sys/random.h>

#include "../base/file.h"
#include "../base/interrupt.h"
#include "../cloud/iam.h"
#include "../ev/loop.h"
#include "../http/retry.h"
#include "../value/json.h"

enum { TIMEOUT_MS = 60000, MAX_PAGE_BYTES = 64 << 20, MAX_TOKEN_BYTES = 64 * 1024, MAX_SAID = 200, NAP_MS = 1000 };

static const struct retry_policy policy = { .first_ms = 200, .longest_ms = 5000, .total_ms = 30000, .max_errors = 4 };

struct pages {
	struct pages_options options;
	struct http_peer *peer;
	struct iam *iam;
	unsigned serial; /* of the certificate that exec made for the peer */
};

static bool needs_iam(const struct pages_options *options)
{
	return options->iam && !options->token_file && !options->token;
}

static int open_peer(struct pages *pages, const char *cert_file, const char *key_file, struct mrp_err *err)
{
	const struct pages_options *options = &pages->options;
	const struct http_peer_options peer = {
		.url = options->url,
		.ca_file = options->ca_file,
		.ca_option = "--source-ca-cert",
		.cert_file = cert_file,
		.key_file = key_file,
		.tls_name = options->tls_name,
		.secret = options->token_file || options->token || options->iam || options->exec || options->cert_file,
		.total_timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS,
		.max_answer_bytes = MAX_PAGE_BYTES,
		.patience = options->patience,
	};

	struct http_peer *opened = http_peer_open(&peer, err);

	if (!opened)
		return -1;
	http_peer_close(pages->peer);
	pages->peer = opened;
	return 0;
}

static int open_iam(struct pages *pages, struct mrp_err *err)
{
	const struct pages_options *options = &pages->options;
	const struct iam_options iam = {
		.key_file = options->iam->sa_key_file,
		.token_url = options->iam->iam_token_url,
		.metadata_url = options->iam->iam_metadata_url,
		.ca_file = options->ca_file,
		.ca_option = "--source-ca-cert",
		.patience = options->patience,
	};

	pages->iam = iam_open(&iam, err);
	return pages->iam ? 0 : -1;
}

struct pages *pages_open(const struct pages_options *options, struct mrp_err *err)
{
	struct pages *pages = xcalloc(1, sizeof(*pages));

	pages->options = *options;
	if (open_peer(pages, options->cert_file, options->key_file, err) == 0 &&
		(!needs_iam(options) || open_iam(pages, err) == 0))
		return pages;
	pages_close(pages);
	return NULL;
}

void pages_close(struct pages *pages)
{
	if (!pages)
		return;
	http_peer_close(pages->peer);
	iam_close(pages->iam);
	free(pages);
}

/* With another certificate there have to be other connections. */
static int use_exec(struct pages *pages, const char **token, struct mrp_err *err)
{
	struct kube_credential credential;

	if (kube_exec_get(pages->options.exec, &credential, err) < 0)
		return -1;
	*token = credential.token;
	if (credential.serial == pages->serial)
		return 0;
	if (open_peer(pages, credential.cert_file, credential.key_file, err) < 0)
		return -1;
	pages->serial = credential.serial;
	return 0;
}

/* A file may be written anew while we run, as Kubernetes does: read for each request. */
static int add_token(struct pages *pages, struct strvec *headers, struct mrp_err *err)
{
	struct strbuf text = STRBUF_INIT;
	const char *token = pages->options.token;
	int result = 0;

	strbuf_grow(&text, MAX_TOKEN_BYTES + 1);
	if (pages->options.token_file) {
		result = read_file(&text, pages->options.token_file, MAX_TOKEN_BYTES, err);
		while (text.len && strchr("\r\n ", text.buf[text.len - 1]))
			strbuf_setlen(&text, text.len - 1);
		token = text.buf;
		for (size_t i = 0; result == 0 && i < text.len; i++) {
			if (text.buf[i] <= 0x20 || text.buf[i] >= 0x7f)
				result = mrp_err_set(err, MRP_EINVALID,
					"'%s' holds no token: a character of it is not allowed in one",
					pages->options.token_file);
		}
		if (result == 0 && !text.len)
			result = mrp_err_set(err, MRP_EINVALID, "'%s' holds no token", pages->options.token_file);
	} else if (pages->iam) {
		token = iam_token(pages->iam, err);
		result = token ? 0 : mrp_err_wrap(err, "no IAM token");
	} else if (pages->options.exec) {
		result = use_exec(pages, &token, err);
	}
	if (result == 0 && token)
		strvec_pushf(headers, "Authorization: Bearer %s", token);
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	return result;
}

static void wipe_headers(struct strvec *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		explicit_bzero(headers->v[i], strlen(headers->v[i]));
	strvec_clear(headers);
}

static int call(struct pages *pages, const char *path, struct http_peer_answer *answer, struct mrp_err *err)
{
	cleanup(wipe_headers) struct strvec headers = STRVEC_INIT;
	const struct http_peer_request request = { .method = "GET", .path = path, .headers = &headers };

	strvec_push(&headers, "Accept: application/json");
	if (add_token(pages, &headers, err) < 0)
		return -1;
	return http_peer_call(pages->peer, &request, answer, err);
}

static int wait_ms(const struct pages *pages, int64_t ms, struct mrp_err *err)
{
	const struct http_patience *patience = pages->options.patience;
	struct pollfd fd = { .fd = interrupt_fd(), .events = POLLIN };
	int64_t until = monotonic_us() / 1000 + ms;

	for (int64_t left = ms; left > 0 && !interrupted(); left = until - monotonic_us() / 1000) {
		if (patience && patience->alive)
			patience->alive();
		if (poll(&fd, 1, (int)MIN(left, (int64_t)NAP_MS)) < 0 && errno != EINTR)
			break;
	}
	return interrupted() ? mrp_err_set(err, MRP_EINTERRUPTED, "interrupted") : 0;
}

/* It was not accepted. True when there may be another one; one in a file is read each time, and may be new by now. */
static bool forget_token(struct pages *pages)
{
	if (pages->iam)
		iam_forget(pages->iam);
	if (pages->options.exec)
		kube_exec_forget(pages->options.exec);
	return pages->iam || pages->options.exec || pages->options.token_file;
}

/* One answer that is worth a look, after as many tries as the policy allows. */
static int call_again(struct pages *pages, const char *path, struct http_peer_answer *answer, struct mrp_err *err)
{
	int64_t begun = monotonic_us();
	bool new_token = false;

	for (int number = 1;; number++) {
		int result = call(pages, path, answer, err);
		uint64_t chance = 0;

		if (result < 0 && err->code != MRP_EUNREACHABLE && err->code != MRP_EHTTP)
			return -1;
		if (result == 0 && answer->status == 401 && !new_token && forget_token(pages)) {
			new_token = true;
			continue;
		}
		const struct retry_try attempt = {
			.end = result == 0         ? WIRE_ANSWERED
				: answer->no_trust ? WIRE_NO_TRUST
						   : WIRE_CUT_SHORT,
			.status = answer->status,
			.retry_after_ms = result == 0 ? answer->retry_after_ms : -1,
			.number = number,
			.elapsed_ms = (monotonic_us() - begun) / 1000,
			.harmless_twice = true,
		};
		if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
			chance = (uint64_t)begun;
		if (result == 0 && answer->status < 400)
			return 0;
		int64_t wait = retry_wait(&policy, &attempt, chance);
		if (wait < 0)
			return result;
		mrp_err_clear(err);
		if (wait_ms(pages, wait, err) < 0)
			return -1;
	}
}

/* The token must not follow to where a server says, so somebody has to look at it. */
static void add_location(struct strbuf *out, const struct http_peer_answer *answer)
{
	if (answer->status < 300 || answer->status >= 400 || !answer->location)
		return;
	strbuf_addstr(out, ", which is not followed, to '");
	strbuf_add_visible(out, answer->location, MIN(strlen(answer->location), (size_t)MAX_SAID));
	strbuf_addch(out, '\'');
}

/* What a server says about its refusal: google.rpc.Status and Kubernetes' Status have a message. */
static void add_said(struct strbuf *out, const struct http_peer_answer *answer)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;
	const struct value *json = json_parse(&arena, answer->body.buf, answer->body.len, "", &ignored);
	const char *said = json && json->type == V_OBJECT ? value_get_string(json, "message") : NULL;

	mrp_err_clear(&ignored);
	if (said && strlen(said) <= MAX_SAID && !strstr(said, "eyJ") && !strstr(said, "t1."))
		strbuf_addf(out, ": %s", said);
}

struct value *pages_get(struct pages *pages, const char *path, struct arena *arena, bool *expired, struct mrp_err *err)
{
	cleanup(http_peer_answer_release) struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
	cleanup(strbuf_release) struct strbuf said = STRBUF_INIT;
	cleanup(freep) char *asked = xasprintf("GET %s%.*s", http_peer_url(pages->peer), (int)strcspn(path, "?"), path);

	*expired = false;
	if (call_again(pages, path, &answer, err) < 0)
		return NULL;
	*expired = answer.status == 410;
	if (answer.status != 200) {
		add_location(&said, &answer);
		add_said(&said, &answer);
		mrp_err_set(err, MRP_EHTTP, "%s: answered %d%s", asked, answer.status, said.buf);
		return NULL;
	}
	struct value *page = json_parse(arena, answer.body.buf, answer.body.len, "the answer", err);
	if (!page)
		mrp_err_wrap(err, "%s", asked);
	return page;
}
