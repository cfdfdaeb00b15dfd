/* SPDX-License-Identifier: Apache-2.0 */
/* What a program printed, any bytes, as text that may be shown and exported. */
#include "internal.h"

#include "../base/text.h"

static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f)
			return false;
	}
	return true;
}

const char *text_make(struct arena *arena, const char *s, size_t len)
{
	if (is_plain(s, len))
		return arena_strndup(arena, s, len);
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_add_visible(&text, s, len);
	return arena_strndup(arena, text.buf, text.len);
}

static const char *make_long(struct arena *arena, const char *s, size_t len)
{
	static const char more[] = "\xe2\x80\xa6"; /* an ellipsis */
	char line[VERDICT_MESSAGE_MAX + 4];
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	/* no character gets shorter, so what is cut off here would be cut off below */
	len = MIN(len, sizeof(line));
	for (size_t i = 0; i < len; i++)
		line[i] = is_blank(s[i]) ? ' ' : s[i];
	strbuf_add_visible(&text, line, len);
	if (text.len > VERDICT_MESSAGE_MAX) {
		size_t cut = VERDICT_MESSAGE_MAX - (sizeof(more) - 1);

		while ((text.buf[cut] & 0xc0) == 0x80)
			cut--;
		strbuf_setlen(&text, cut);
		strbuf_addstr(&text, more);
	}
	return arena_strndup(arena, text.buf, text.len);
}

const char *message_make(struct arena *arena, const char *s, size_t len)
{
	while (len && is_blank(*s))
		s++, len--;
	while (len && is_blank(s[len - 1]))
		len--;
	if (len <= VERDICT_MESSAGE_MAX && is_plain(s, len))
		return arena_strndup(arena, s, len);
	return make_long(arena, s, len);
}

const char *message_first_line(const struct reading *reading, bool bar)
{
	const char *s = reading->text, *end = reading->end;

	while (s < end && is_blank(*s))
		s++;
	const char *newline = memchr(s, '\n', (size_t)(end - s));
	end = newline ? newline : end;
	const char *stop = bar ? memchr(s, '|', (size_t)(end - s)) : NULL;
	const char *message = message_make(reading->arena, s, (size_t)((stop ? stop : end) - s));
	return *message ? message : arena_printf(reading->arena, "exit code %d", reading->exit_code);
}
