/* SPDX-License-Identifier: Apache-2.0 */
#include "s3.h"

#include <ctype.h>

#include "../base/clock.h"
#include "../base/hash.h"
#include "../base/text.h"
#include "sigv4.h"

enum {
	TIMEOUT_MS = 60000,
	ANSWER_MAX = 64 << 20,
	KEY_MAX = 1024,
	CODE_MAX = 64, /* of the words for an error that the server may choose */
};

struct s3 {
	struct http_peer *peer;
	struct iam *iam;   /* NULL: sign by the key */
	char *host, *base; /* of the endpoint: "127.0.0.1:9000", "/path" or "" */
	char *bucket, *region, *key_id, *secret, *description;
};

int s3_options_from_environment(struct s3_options *options, struct mrp_err *err)
{
	const struct {
		const char *name, **value;
	} wanted[] = { { "S3_ENDPOINT", &options->endpoint }, { "S3_REGION", &options->region },
		{ "S3_LOGS_BUCKET", &options->bucket }, { "S3_ACCESS_KEY_ID", &options->key_id },
		{ "S3_SECRET_ACCESS_KEY", &options->secret } };
	const char *set = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const char *text = getenv(wanted[i].name);

		*wanted[i].value = text && *text ? text : NULL;
		if (*wanted[i].value)
			set = wanted[i].name;
	}
	if (!set)
		return 0;
	if (!options->bucket)
		return mrp_err_set(
			err, MRP_EUSAGE, "%s is set, but not S3_LOGS_BUCKET: which bucket are logs for?", set);
	if (!options->key_id != !options->secret)
		return mrp_err_set(err, MRP_EUSAGE, "%s is set, but not %s",
			options->key_id ? "S3_ACCESS_KEY_ID" : "S3_SECRET_ACCESS_KEY",
			options->key_id ? "S3_SECRET_ACCESS_KEY" : "S3_ACCESS_KEY_ID");
	return 1;
}

/* Only such bytes, and so many of them? */
static bool is_word(const char *text, const char *punctuation, size_t min, size_t max)
{
	size_t len = strlen(text);

	for (const char *p = text; *p; p++) {
		if (!isascii(*p) || (!isalnum((unsigned char)*p) && !strchr(punctuation, *p)))
			return false;
	}
	return len >= min && len <= max;
}

/* Messages hold nothing of the secret. */
static int check_options(const struct s3_options *options, struct mrp_err *err)
{
	if (!options->bucket || !is_word(options->bucket, "._-", 3, 63))
		return mrp_err_set(
			err, MRP_EUSAGE, "'%s' is not the name of a bucket", options->bucket ? options->bucket : "");
	if (options->region && !is_word(options->region, "-", 1, 63))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is not the name of a region", options->region);
	if (!options->key_id != !options->secret || (!options->key_id && !options->iam))
		return mrp_err_set(err, MRP_EUSAGE, "S3 needs a key with its id and its secret, or an IAM token");
	if (options->key_id && !is_word(options->key_id, "._-", 1, 128))
		return mrp_err_set(err, MRP_EUSAGE, "the id of the S3 access key is not one");
	for (const char *p = options->secret; p && *p; p++) {
		if (!isgraph((unsigned char)*p))
			return mrp_err_set(err, MRP_EUSAGE,
				"the secret of the S3 access key holds white space or control characters");
	}
	return 0;
}

static int open_peer(struct s3 *s3, const struct s3_options *options, struct mrp_err *err)
{
	const struct http_peer_options peer = {
		.url = options->endpoint ? options->endpoint : S3_ENDPOINT,
		.ca_file = options->ca_file,
		.secret = !options->key_id, /* a signature may be read, a token may not */
		.total_timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS,
		.max_answer_bytes = ANSWER_MAX,
		.patience = options->patience,
	};

	s3->peer = http_peer_open(&peer, err);
	if (!s3->peer)
		return -1;
	const char *host = strstr(http_peer_url(s3->peer), "://") + 3;
	s3->host = xstrndup(host, strcspn(host, "/"));
	s3->base = xstrdup(host + strlen(s3->host));
	return 0;
}

static int open_iam(struct s3 *s3, const struct s3_options *options, struct mrp_err *err)
{
	struct iam_options iam = *options->iam;

	iam.patience = options->patience;
	s3->iam = iam_open(&iam, err);
	return s3->iam ? 0 : -1;
}

struct s3 *s3_open(const struct s3_options *options, struct mrp_err *err)
{
	struct s3 *s3 = xcalloc(1, sizeof(*s3));

	if (check_options(options, err) < 0 || open_peer(s3, options, err) < 0 ||
		(!options->key_id && open_iam(s3, options, err) < 0)) {
		mrp_err_wrap(err, "S3");
		s3_close(s3);
		return NULL;
	}
	s3->bucket = xstrdup(options->bucket);
	s3->region = xstrdup(options->region ? options->region : S3_REGION);
	if (options->key_id) {
		s3->key_id = xstrdup(options->key_id);
		s3->secret = xstrdup(options->secret);
	}
	s3->description = xasprintf("bucket '%s' at %s", s3->bucket, http_peer_url(s3->peer));
	return s3;
}

void s3_close(struct s3 *s3)
{
	if (!s3)
		return;
	http_peer_close(s3->peer);
	iam_close(s3->iam);
	if (s3->secret)
		explicit_bzero(s3->secret, strlen(s3->secret));
	free(s3->host);
	free(s3->base);
	free(s3->bucket);
	free(s3->region);
	free(s3->key_id);
	free(s3->secret);
	free(s3->description);
	free(s3);
}

const char *s3_description(const struct s3 *s3)
{
	return s3->description;
}

int s3_key_check(const char *key, struct mrp_err *err)
{
	size_t len = strlen(key);

	if (!len || len > KEY_MAX || !utf8_valid(key, len))
		return mrp_err_set(err, MRP_EINVALID, "a key is 1 to %d bytes of UTF-8", (int)KEY_MAX);
	for (const char *p = key; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return mrp_err_set(err, MRP_EINVALID, "the key '%s' holds a control character", key);
	}
	for (const char *part = key;; part++) {
		size_t part_len = strcspn(part, "/");

		/* on the way such parts are taken for steps between folders */
		if (part_len == 0 || (part_len <= 2 && strspn(part, ".") >= part_len))
			return mrp_err_set(
				err, MRP_EINVALID, "the key '%s' has a part that is empty, '.' or '..'", key);
		part += part_len;
		if (!*part)
			return 0;
	}
}

/* One request to the bucket. `secret` is the header that nobody may see. */
static int call(struct s3 *s3, const struct http_peer_request *request, const char *path,
	struct http_peer_answer *answer, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec headers = STRVEC_INIT;
	cleanup(strbuf_release) struct strbuf secret = STRBUF_INIT;
	struct http_peer_request sent = *request;
	char hash[SHA256_HEX + 1], time[SIGV4_TIME];
	const char *token = s3->iam ? iam_token(s3->iam, err) : NULL;

	if (s3->iam && !token)
		return -1;
	strvec_pushf(&headers, "Host: %s", s3->host);
	if (request->body)
		strvec_push(&headers, "Content-Type: text/plain; charset=utf-8");
	if (token) {
		strbuf_addf(&secret, "Authorization: Bearer %s", token);
	} else {
		const struct sigv4_identity identity = { s3->key_id, s3->secret, s3->region, "s3" };
		const struct sigv4_request signature = { request->method, path, NULL, &headers, hash };

		sha256_hex_of(hash, request->body ? request->body : "", request->body_len);
		sigv4_time(time, time_now_ms() / 1000);
		strvec_pushf(&headers, "X-Amz-Content-Sha256: %s", hash);
		strvec_pushf(&headers, "X-Amz-Date: %s", time);
		strbuf_addstr(&secret, "Authorization: ");
		sigv4_add_authorization(&secret, &identity, &signature, time);
	}
	strvec_push(&headers, secret.buf);
	sent.headers = &headers;
	int r = http_peer_call(s3->peer, &sent, answer, err);
	explicit_bzero(secret.buf, secret.len);
	explicit_bzero(headers.v[headers.n - 1], strlen(headers.v[headers.n - 1]));
	if (r < 0 && err->code == MRP_EHTTP) /* the connection broke: that is no verdict */
		err->code = MRP_EBUSY;
	return r;
}

/* The path as signed has the endpoint's in front; the peer adds that by itself. */
static int call_with_path(struct s3 *s3, const char *method, const char *key, const void *data, size_t len,
	struct http_peer_answer *answer, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;

	if (s3_key_check(key, err) < 0)
		return -1;
	strbuf_addf(&path, "%s/%s/", s3->base, s3->bucket);
	sigv4_add_path(&path, key);
	const struct http_peer_request request = {
		.method = method, .path = path.buf + strlen(s3->base), .body = data, .body_len = len
	};
	int r = call(s3, &request, path.buf, answer, err);
	bool refused = r == 0 && (answer->status == 401 || answer->status == 403);
	if (!refused || !s3->iam || iam_provider(s3->iam) == IAM_ENVIRONMENT_TOKEN)
		return r;
	iam_forget(s3->iam); /* it may have been revoked */
	return call(s3, &request, path.buf, answer, err);
}

/* "<Error><Code>NoSuchBucket</Code>..." -> "NoSuchBucket"; "" when it is no such word. */
static void read_code(char out[CODE_MAX + 1], const struct strbuf *body)
{
	const char *start = memmem(body->buf, body->len, "<Code>", 6);
	size_t n = 0;

	for (start = start ? start + 6 : ""; n < CODE_MAX && isascii(start[n]) && isalpha((unsigned char)start[n]); n++)
		out[n] = start[n];
	out[start[n] == '<' ? n : 0] = '\0';
}

static enum mrp_errcode meaning(int status, const char *code)
{
	static const struct {
		const char *code;
		enum mrp_errcode meaning;
	} known[] = {
		{ "RequestTimeout", MRP_EBUSY },
		{ "OperationAborted", MRP_EBUSY },
		{ "EntityTooLarge", MRP_EINVALID },
		{ "KeyTooLongError", MRP_EINVALID },
		{ "InvalidURI", MRP_EINVALID },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (streq(known[i].code, code))
			return known[i].meaning;
	}
	if (status == 401 || status == 403)
		return MRP_EPERM;
	if (status == 404)
		return MRP_ENOTFOUND;
	if (status == 413)
		return MRP_EINVALID;
	return status == 408 || status == 429 || status >= 500 ? MRP_EBUSY : MRP_EHTTP;
}

/* What the server says in its own words may repeat what it was sent, so only its code is told. */
static int check_answer(const struct s3 *s3, const struct http_peer_answer *answer, const char *method, const char *key,
	struct mrp_err *err)
{
	char code[CODE_MAX + 1];

	if (answer->status >= 200 && answer->status < 300)
		return 0;
	read_code(code, &answer->body);
	return mrp_err_set(err, meaning(answer->status, code), "%s '%s' in %s: answered %d%s%s", method, key,
		s3->description, answer->status, *code ? " " : "", code);
}

int s3_put(struct s3 *s3, const char *key, const void *data, size_t len, int64_t *retry_after_ms, struct mrp_err *err)
{
	struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
	int r = call_with_path(s3, "PUT", key, len ? data : "", len, &answer, err);

	if (r == 0)
		r = check_answer(s3, &answer, "PUT", key, err);
	if (retry_after_ms)
		*retry_after_ms = answer.retry_after_ms;
	http_peer_answer_release(&answer);
	return r;
}

int s3_get(struct strbuf *out, struct s3 *s3, const char *key, size_t max_bytes, struct mrp_err *err)
{
	struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
	int r = call_with_path(s3, "GET", key, NULL, 0, &answer, err);

	if (r == 0)
		r = check_answer(s3, &answer, "GET", key, err);
	if (r == 0 && answer.body.len > max_bytes)
		r = mrp_err_set(
			err, MRP_ETOOBIG, "'%s' in %s is larger than %zu bytes", key, s3->description, max_bytes);
	if (r == 0)
		strbuf_add(out, answer.body.buf, answer.body.len);
	http_peer_answer_release(&answer);
	return r;
}
