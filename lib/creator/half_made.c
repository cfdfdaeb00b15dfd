/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terraform's hooks print a line when they begin and end with a resource:
 *
 *	module.net["a b"].terraform_data.x[0]: Creating...
 *	module.net["a b"].terraform_data.x[0]: Creation complete after 0s [id=...]
 *
 * (internal/command/views/hook_ui.go). Output of provisioners has "ADDRESS (local-exec): " before each line.
 */
#include "half_made.h"

#include "../base/strbuf.h"

static const char *const begins[] = { ": Creating...", ": Modifying... [", ": Destroying... [", NULL };
static const char *const ends[] = { ": Creation complete after ", ": Modifications complete after ",
	": Destruction complete after ", NULL };

/* Behind an index as `[0]` or `["a \" b"]`; NULL when it is none. */
static const char *skip_index(const char *p, const char *end)
{
	bool quoted = false;

	for (p++; p < end; p++) {
		if (quoted && *p == '\\')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == ']' && !quoted)
			return p + 1;
	}
	return NULL;
}

/* The length of the address that the line begins with. */
static size_t address_length(const char *line, const char *end)
{
	const char *p = line;

	while (p && p < end && *p != ':' && *p != ' ') {
		if (*p == '[')
			p = skip_index(p, end);
		else
			p++;
	}
	return p && p < end ? (size_t)(p - line) : 0;
}

static bool goes_on_with(const char *p, const char *end, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);

		if ((size_t)(end - p) >= n && memcmp(p, *words, n) == 0)
			return true;
	}
	return false;
}

/* One that is replaced begins and ends twice: the last word counts. `open` has a byte for each of `seen`. */
static void note(struct strvec *seen, struct strbuf *open, const char *address, size_t len, bool begun)
{
	cleanup(freep) char *copy = xstrndup(address, len);
	size_t i = 0;

	while (i < seen->n && !streq(seen->v[i], copy))
		i++;
	if (i == seen->n && !begun)
		return;
	if (i == seen->n) {
		strvec_push(seen, copy);
		strbuf_addch(open, 0);
	}
	open->buf[i] = (char)begun;
}

void half_made_of(struct strvec *half, struct strvec *whole, const char *log, size_t len)
{
	cleanup(strvec_clear) struct strvec seen = STRVEC_INIT;
	cleanup(strbuf_release) struct strbuf open = STRBUF_INIT;
	const char *end = log + len;

	for (const char *line = log; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line)), *stop = newline ? newline : end;
		size_t n = address_length(line, stop);

		if (n && goes_on_with(line + n, stop, begins))
			note(&seen, &open, line, n, true);
		else if (n && goes_on_with(line + n, stop, ends))
			note(&seen, &open, line, n, false);
		line = newline ? newline + 1 : end;
	}
	for (size_t i = 0; i < seen.n; i++) {
		struct strvec *list = open.buf[i] ? half : whole;

		if (!strvec_contains(list, seen.v[i]))
			strvec_push(list, seen.v[i]);
	}
}
