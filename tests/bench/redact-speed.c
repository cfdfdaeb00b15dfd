/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast secrets are taken out of what terraform prints: MB/s with 20 secrets, and beside it one memmem() for each of
 * them, which finds only the secrets as they are.
 *
 *	redact-speed [MEGABYTES]
 */
#include <time.h>

#include "../../lib/base/parse.h"
#include "../../lib/creator/redact.h"

enum { SECRETS = 20, CHUNK = 16384, ROUNDS = 5 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_text(struct strbuf *text, size_t size)
{
	for (int i = 0; text->len < size; i++) {
		strbuf_addf(text,
			"yandex_compute_instance.node[%d]: Still creating... [%ds elapsed]\n"
			"  + resource \"yandex_compute_instance\" \"node-%d\" {\n"
			"      + network_interface { subnet_id = \"e9b%07dabcdef\", ipv6 = (known after apply) }\n"
			"      + metadata = { \"user-data\" = <<-EOT #cloud-config users: name: ubuntu EOT }\n",
			i, i % 60, i, i * 7919 % 10000000);
		if (i % 100 == 0)
			strbuf_addf(
				text, "      + password = \"secret-number-%02d-of-some-length\"\n", i / 100 % SECRETS);
	}
}

static double filter(const struct redact_set *set, const struct strbuf *text)
{
	struct strbuf out = STRBUF_INIT;
	struct redact_stream stream;
	double start = now();

	redact_begin(&stream, set);
	for (size_t at = 0; at < text->len; at += CHUNK) {
		strbuf_reset(&out); /* as when it is written to a file */
		redact_feed(&out, &stream, text->buf + at, MIN((size_t)CHUNK, text->len - at));
	}
	redact_end(&out, &stream);
	double seconds = now() - start;
	strbuf_release(&out);
	return seconds;
}

static void make_secret(char out[64], int i)
{
	snprintf(out, 64, i % 2 ? "%04x-secret-number-%d" : "secret-number-%02d-of-some-length", i * 7919, i);
}

static double look_for_each(const struct strbuf *text)
{
	double start = now();

	for (int i = 0; i < SECRETS; i++) {
		char secret[64];
		const char *at = text->buf, *end = text->buf + text->len;

		make_secret(secret, i);
		while ((at = memmem(at, (size_t)(end - at), secret, strlen(secret))))
			at++;
	}
	return now() - start;
}

int main(int argc, char **argv)
{
	struct strbuf text = STRBUF_INIT;
	struct redact_set *set = redact_new(REDACT_SHAPES);
	struct mrp_err err = MRP_ERR_INIT;
	int64_t megabytes = 64;

	if (argc > 1 && parse_int(&megabytes, argv[1], 1, 1024, &err) < 0) {
		fprintf(stderr, "redact-speed: %s\n", err.msg);
		return 64;
	}
	for (int i = 0; i < SECRETS; i++) {
		char secret[64];

		make_secret(secret, i);
		redact_add(set, secret, strlen(secret));
	}
	make_text(&text, (size_t)megabytes << 20);
	double best = filter(set, &text), each = look_for_each(&text);
	for (int i = 1; i < ROUNDS; i++) {
		double again = filter(set, &text);

		best = MIN(best, again);
	}
	printf("redact %.0f MB/s, memmem() for each secret %.0f MB/s\n", (double)text.len / best / 1e6,
		(double)text.len / each / 1e6);
	redact_free(set);
	strbuf_release(&text);
	return 0;
}
