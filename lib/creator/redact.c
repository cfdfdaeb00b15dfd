/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place is looked at more closely when a bit says that something begins with its three bytes; almost none is, so the
 * bulk of a text costs a multiplication and a bit a byte. What could begin there is compared then. All matches count,
 * also inside of others: their union is hidden.
 */
#include <endian.h>

#include "redact_internal.h"

enum { PEM_MAX = 32 << 10 }; /* a key whose end never comes must not hide all that follows */
enum { STATE_STARRED = 1 << 0, STATE_RUNNING = 1 << 1, STATE_PEM = 1 << 2 };

void redact_begin(struct redact_stream *stream, const struct redact_set *set)
{
	*stream = (struct redact_stream){ .set = set, .held = STRBUF_INIT };
}

/* One look over what is held. All bytes before `done` are in `out`, or hidden. */
struct pass {
	struct redact_stream *stream;
	struct strbuf *out;
	const char *text;
	size_t n, done;
	bool ended;
};

static void show_until(struct pass *pass, size_t end)
{
	if (end <= pass->done)
		return;
	strbuf_add(pass->out, pass->text + pass->done, end - pass->done);
	pass->done = end;
	pass->stream->state &= ~(unsigned)STATE_STARRED;
}

static void hide(struct pass *pass, size_t from, size_t len)
{
	if (from + len <= pass->done)
		return;
	show_until(pass, from);
	if (!(pass->stream->state & STATE_STARRED))
		strbuf_addstr(pass->out, "***");
	pass->stream->state |= STATE_STARRED;
	pass->done = from + len;
}

/* The next place from `at` on that has to be looked at; those too near to the end always. */
static size_t next_place(const struct redact_set *set, const char *text, size_t at, size_t n)
{
	for (; at + sizeof(uint32_t) <= n; at++) {
		uint32_t word;

		memcpy(&word, text + at, sizeof(word));
		word = hash_of(le32toh(word) & 0xffffff);
		if (set->bits[word / 8] >> word % 8 & 1)
			break;
	}
	return at;
}

/* Bytes of the longest secret at `at`; *more when a longer one may be. */
static size_t match_secret(const struct pass *pass, size_t at, bool *more)
{
	const struct pattern_vec *patterns = &pass->stream->set->patterns;
	uint32_t hash = hash_window(pass->text + at);
	size_t left = pass->n - at, longest = 0;

	for (size_t i = redact_find(pass->stream->set, hash); i < patterns->n && patterns->v[i].hash == hash; i++) {
		const struct pattern *pattern = &patterns->v[i];

		if (memcmp(pattern->text, pass->text + at, MIN(left, pattern->len)) != 0)
			continue;
		if (pattern->len <= left)
			longest = MAX(longest, pattern->len);
		else
			*more = *more || !pass->ended;
	}
	return longest;
}

/* False: not before there is more. *at moves on. */
static bool look_at(struct pass *pass, size_t *at)
{
	struct redact_stream *stream = pass->stream;
	const char *text = pass->text + *at;
	bool more = false;
	struct shape_place place = { 0, 0 };
	enum shape_verdict verdict = SHAPE_NONE;
	size_t len = match_secret(pass, *at, &more);

	if (stream->set->flags & REDACT_SHAPES)
		verdict = shape_look(&place, text, pass->n - *at, *at ? text[-1] : stream->before, pass->ended);
	if (more || verdict == SHAPE_MORE)
		return false;
	if (len)
		hide(pass, *at, len);
	if (verdict == SHAPE_NONE) {
		++*at;
		return true;
	}
	hide(pass, *at + place.keep, place.len);
	if (verdict == SHAPE_RUNNING)
		stream->state |= STATE_RUNNING;
	if (verdict == SHAPE_PEM) {
		stream->state |= STATE_PEM;
		stream->key_bytes = 0;
	}
	*at += verdict == SHAPE_FOUND ? 1 : place.keep + place.len; /* secrets may overlap it */
	return true;
}

/* In the middle of a token or a key. False: not before there is more. */
static bool go_on(struct pass *pass, size_t *at)
{
	struct redact_stream *stream = pass->stream;
	const char *text = pass->text + *at;
	bool done;
	size_t len;

	if (stream->state & STATE_PEM) {
		len = shape_pem(&done, text, pass->n - *at, pass->ended);
		if (len >= PEM_MAX - stream->key_bytes) {
			len = PEM_MAX - stream->key_bytes;
			done = true;
		}
		stream->key_bytes += len;
	} else {
		len = shape_run(text, pass->n - *at);
		done = *at + len < pass->n || pass->ended;
	}
	hide(pass, *at, len);
	*at += len;
	if (done)
		stream->state &= ~(unsigned)(STATE_PEM | STATE_RUNNING);
	return done;
}

/* Returns how far all is decided. */
static size_t look(struct pass *pass)
{
	const struct redact_set *set = pass->stream->set;
	size_t at = 0;

	while (at < pass->n) {
		if (pass->stream->state & (STATE_PEM | STATE_RUNNING)) {
			if (!go_on(pass, &at))
				break;
			continue;
		}
		size_t place = next_place(set, pass->text, at, pass->n);
		if (place + WINDOW > pass->n) { /* nothing is so short */
			if (!pass->ended && set->first[(unsigned char)pass->text[place]])
				return place;
			at = place + 1;
			continue;
		}
		at = place;
		if (!look_at(pass, &at))
			break;
	}
	return at;
}

static void pass_over(struct strbuf *out, struct redact_stream *stream, bool ended)
{
	struct pass pass = { stream, out, stream->held.buf, stream->held.len, stream->covered, ended };
	size_t decided = look(&pass), left = pass.n - decided;

	show_until(&pass, decided);
	stream->covered = pass.done - decided;
	if (decided)
		stream->before = pass.text[decided - 1];
	memmove(stream->held.buf, stream->held.buf + decided, left);
	explicit_bzero(stream->held.buf + left, decided);
	strbuf_setlen(&stream->held, left);
}

void redact_feed(struct strbuf *out, struct redact_stream *stream, const void *data, size_t len)
{
	enum { PIECE = 64 << 10 }; /* what is copied is still in the cache when it is looked at */

	for (const char *from = data; len;) {
		size_t n = MIN(len, (size_t)PIECE);

		strbuf_add(&stream->held, from, n);
		pass_over(out, stream, false);
		from += n;
		len -= n;
	}
}

void redact_end(struct strbuf *out, struct redact_stream *stream)
{
	pass_over(out, stream, true);
	strbuf_release(&stream->held);
	redact_begin(stream, stream->set);
}

void redact_text(struct strbuf *out, const struct redact_set *set, const void *data, size_t len)
{
	struct redact_stream stream;

	redact_begin(&stream, set);
	redact_feed(out, &stream, data, len);
	redact_end(out, &stream);
}
