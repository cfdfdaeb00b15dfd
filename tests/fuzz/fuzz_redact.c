/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets out of any text: no secret is left, the same goes however the text comes, and little is held back. The input
 * is a byte of flags, up to three secrets of a length byte each, and the text.
 */
#include "fuzz.h"

#include "../../lib/creator/redact.h"

enum { SECRETS = 3 };

static void in_chunks(struct strbuf *out, const struct redact_set *set, const uint8_t *text, size_t len, size_t seed)
{
	struct redact_stream stream;

	redact_begin(&stream, set);
	while (len) {
		size_t wanted = 1 + (seed = seed * 31 + 7) % 13, n = MIN(len, wanted);

		redact_feed(out, &stream, text, n);
		MUST(stream.held.len <= 16384 && stream.covered <= stream.held.len);
		text += n;
		len -= n;
	}
	redact_end(out, &stream);
	MUST(!stream.held.len);
}

/* What is replaced may put together what was apart when it has stars itself. */
static bool is_told(const struct strbuf *out, const uint8_t *secret, size_t len)
{
	return len >= REDACT_MIN && !memchr(secret, '*', len) && memmem(out->buf, out->len, secret, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *secrets[SECRETS], *text = data + 1, *end = data + size;
	size_t lens[SECRETS], n = 0;
	cleanup(strbuf_release) struct strbuf whole = STRBUF_INIT, parts = STRBUF_INIT;

	if (!size)
		return 0;
	cleanup(redact_freep) struct redact_set *set = redact_new(data[0] & 1 ? REDACT_SHAPES : 0);
	for (; n < SECRETS && text < end && text + 1 + *text <= end; n++) {
		secrets[n] = text + 1;
		lens[n] = *text;
		text += 1 + lens[n];
		MUST(redact_add(set, (const char *)secrets[n], lens[n]) == (lens[n] >= REDACT_MIN));
	}
	redact_text(&whole, set, text, (size_t)(end - text));
	in_chunks(&parts, set, text, (size_t)(end - text), data[0]);
	MUST(whole.len == parts.len && memcmp(whole.buf, parts.buf, whole.len) == 0);
	for (size_t i = 0; i < n; i++)
		MUST(!is_told(&whole, secrets[i], lens[i]));
	return 0;
}
