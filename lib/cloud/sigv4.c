/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4.h"

#include <ctype.h>
#include <time.h>

#include "../base/hash.h"

static const char algorithm[] = "AWS4-HMAC-SHA256", terminator[] = "aws4_request";

void sigv4_time(char out[SIGV4_TIME], int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, SIGV4_TIME, "%Y%m%dT%H%M%SZ", &tm);
}

void sigv4_add_path(struct strbuf *out, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		/* isalnum() depends on the locale */
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._~/", c))
			strbuf_addch(out, (char)c);
		else
			strbuf_addf(out, "%%%02X", c);
	}
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By name, then by value: the separator sorts before all that an escaped name may hold. */
static void add_query(struct strbuf *out, const char *query)
{
	cleanup(strvec_clear) struct strvec pairs = STRVEC_INIT;

	while (query && *query) {
		size_t len = strcspn(query, "&"), name = strcspn(query, "=&");

		if (len)
			strvec_pushf(&pairs, "%.*s\x01%.*s", (int)name, query, (int)(len - MIN(len, name + 1)),
				query + MIN(len, name + 1));
		query += len + (query[len] == '&');
	}
	qsort(pairs.v, pairs.n, sizeof(*pairs.v), compare_text);
	for (size_t i = 0; i < pairs.n; i++) {
		*strchr(pairs.v[i], '\x01') = '=';
		strbuf_addf(out, "%s%s", i ? "&" : "", pairs.v[i]);
	}
}

/* "Name:  a  b " -> "name:a b" */
static char *canonical_header(const char *header)
{
	struct strbuf out = STRBUF_INIT;
	const char *value = strchr(header, ':');

	if (!value)
		BUG("a header without a colon");
	for (; header < value; header++)
		strbuf_addch(&out, (char)tolower((unsigned char)*header));
	strbuf_addch(&out, ':');
	for (bool first = true; *++value;) {
		size_t len = strcspn(value, " \t");

		if (!len)
			continue;
		if (!first)
			strbuf_addch(&out, ' ');
		strbuf_add(&out, value, len);
		value += len - 1;
		first = false;
	}
	return strbuf_detach(&out, NULL);
}

static int compare_name(const void *a, const void *b)
{
	const char *left = *(char *const *)a, *right = *(char *const *)b;

	for (; *left == *right && *left != ':'; left++, right++)
		;
	return (*left == ':' ? 0 : (unsigned char)*left) - (*right == ':' ? 0 : (unsigned char)*right);
}

/* The headers, sorted, a line each; and their names. */
static void add_headers(struct strbuf *out, struct strbuf *names, const struct strvec *headers)
{
	cleanup(strvec_clear) struct strvec lines = STRVEC_INIT;

	for (size_t i = 0; i < headers->n; i++)
		strvec_push_nodup(&lines, canonical_header(headers->v[i]));
	qsort(lines.v, lines.n, sizeof(*lines.v), compare_name);
	for (size_t i = 0; i < lines.n; i++) {
		strbuf_addf(out, "%s\n", lines.v[i]);
		strbuf_addf(names, "%s%.*s", i ? ";" : "", (int)strcspn(lines.v[i], ":"), lines.v[i]);
	}
}

static void add_canonical_request(struct strbuf *out, struct strbuf *names, const struct sigv4_request *request)
{
	strbuf_addf(out, "%s\n%s\n", request->method, *request->path ? request->path : "/");
	add_query(out, request->query);
	strbuf_addch(out, '\n');
	add_headers(out, names, request->headers);
	strbuf_addf(out, "\n%s\n%s", names->buf, request->payload_sha256);
}

static void derive_key(uint8_t key[SHA256_BYTES], const struct sigv4_identity *identity, const char *time)
{
	cleanup(strbuf_release) struct strbuf secret = STRBUF_INIT;

	strbuf_addf(&secret, "AWS4%s", identity->secret);
	hmac_sha256_of(key, secret.buf, secret.len, time, 8);
	hmac_sha256_of(key, key, SHA256_BYTES, identity->region, strlen(identity->region));
	hmac_sha256_of(key, key, SHA256_BYTES, identity->service, strlen(identity->service));
	hmac_sha256_of(key, key, SHA256_BYTES, terminator, strlen(terminator));
	explicit_bzero(secret.buf, secret.len);
}

void sigv4_add_authorization(struct strbuf *out, const struct sigv4_identity *identity,
	const struct sigv4_request *request, const char time[SIGV4_TIME])
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, names = STRBUF_INIT, scope = STRBUF_INIT;
	char hash[SHA256_HEX + 1];
	uint8_t key[SHA256_BYTES], signature[SHA256_BYTES];

	strbuf_addf(&scope, "%.8s/%s/%s/%s", time, identity->region, identity->service, terminator);
	add_canonical_request(&text, &names, request);
	sha256_hex_of(hash, text.buf, text.len);
	strbuf_reset(&text);
	strbuf_addf(&text, "%s\n%s\n%s\n%s", algorithm, time, scope.buf, hash);
	derive_key(key, identity, time);
	hmac_sha256_of(signature, key, sizeof(key), text.buf, text.len);
	explicit_bzero(key, sizeof(key));
	sha256_to_hex(hash, signature);
	strbuf_addf(out, "%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", algorithm, identity->key_id, scope.buf,
		names.buf, hash);
}
