/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition.h"

#include <math.h>
#include <strings.h>

#include "../base/text.h"
#include "internal.h"
#include "number.h"

enum { LABELS_MAX = 128 };

/* The line that is being read, without its end. */
struct cursor {
	struct exposition_reader *reader;
	const char *at, *end;
};

int exposition_error(struct exposition_reader *reader, const char *at, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list ap;

	strbuf_addf(&text, "output:%u:%td: ", reader->line, at ? at - reader->line_start + 1 : 1);
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	reader->error = arena_strndup(reader->arena, text.buf, text.len);
	return -1;
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

static bool next_is(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_name_char(char c, bool colon, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
		(!first && c >= '0' && c <= '9');
}

/* A metric's name, or a label's (without colons). */
static const char *read_name(struct cursor *c, bool metric)
{
	const char *start = c->at;

	while (c->at < c->end && is_name_char(*c->at, metric, c->at == start))
		c->at++;
	if (c->at == start) {
		exposition_error(
			c->reader, start, metric ? "a metric's name is expected" : "a label's name is expected");
		return NULL;
	}
	return arena_strndup(c->reader->arena, start, (size_t)(c->at - start));
}

static const char *read_word(struct cursor *c)
{
	const char *start = c->at;

	while (c->at < c->end && *c->at != ' ' && *c->at != '\t')
		c->at++;
	return arena_strndup(c->reader->arena, start, (size_t)(c->at - start));
}

/* One character of a text with escapes. 0, or -1: there is no such escape. */
static int read_escaped(char *out, struct cursor *c, bool quotes)
{
	if (*c->at != '\\') {
		*out = *c->at++;
		return *out ? 0 : exposition_error(c->reader, c->at - 1, "a NUL byte");
	}
	char next = c->at + 1 < c->end ? c->at[1] : '\0';
	if (next != '\\' && next != 'n' && (next != '"' || !quotes))
		return exposition_error(c->reader, c->at, "'\\' must be followed by '\\', 'n' or '\"'");
	*out = next == 'n' ? '\n' : next;
	c->at += 2;
	return 0;
}

static const char *read_label_value(struct cursor *c)
{
	const char *start = c->at;

	if (!next_is(c, '"')) {
		exposition_error(c->reader, start, "a label's value in double quotes is expected");
		return NULL;
	}
	char *value = arena_alloc(c->reader->arena, (size_t)(c->end - c->at) + 1);
	size_t n = 0;
	while (c->at < c->end && *c->at != '"') {
		if (read_escaped(&value[n++], c, true) < 0)
			return NULL;
	}
	value[n] = '\0';
	if (!next_is(c, '"')) {
		exposition_error(c->reader, start, "the quote is not closed on this line");
		return NULL;
	}
	if (!utf8_valid(value, n)) {
		exposition_error(c->reader, start, "the label's value is not valid UTF-8");
		return NULL;
	}
	return value;
}

/* `le` and `quantile` are part of histograms and summaries. */
static const char *objection(const char *metric, const char *label)
{
	return streq(label, "le") && ends_with(metric, "_bucket") ? NULL : label_objection(label);
}

/* After the '{', up to and with the '}'. `metric` NULL: of an exemplar, which are not kept. */
static int read_labels(struct verdict_sample *out, struct cursor *c, const char *metric)
{
	struct label labels[LABELS_MAX], *kept;
	const char *start = c->at, *why;
	size_t n = 0;

	for (skip_blanks(c); !next_is(c, '}'); skip_blanks(c)) {
		const char *at = c->at, *name = read_name(c, false), *value;

		if (!name)
			return -1;
		if (metric && (why = objection(metric, name)))
			return exposition_error(c->reader, at, "label '%s' %s", name, why);
		skip_blanks(c);
		if (!next_is(c, '='))
			return exposition_error(c->reader, c->at, "'=' is expected after label '%s'", name);
		skip_blanks(c);
		if (!(value = read_label_value(c)))
			return -1;
		if (n == LABELS_MAX)
			return exposition_error(c->reader, at, "more than %d labels", LABELS_MAX);
		labels[n++] = (struct label){ name, value };
		skip_blanks(c);
		if (!next_is(c, ',') && (c->at == c->end || *c->at != '}'))
			return exposition_error(c->reader, c->at, "',' or '}' is expected after a label");
	}
	if (!metric)
		return 0;
	if ((why = labels_sort(labels, n)))
		return exposition_error(c->reader, start, "label '%s' is there twice", why);
	out->labels = kept = arena_alloc(c->reader->arena, n * sizeof(*kept));
	for (size_t i = 0; i < n; i++) {
		if (*labels[i].value) /* an empty label is none */
			kept[out->n_labels++] = labels[i];
	}
	return 0;
}

static int read_value(double *out, struct cursor *c)
{
	static const struct {
		const char *word;
		double value;
	} words[] = { { "nan", NAN }, { "+inf", INFINITY }, { "inf", INFINITY }, { "-inf", -INFINITY },
		{ "+infinity", INFINITY }, { "infinity", INFINITY }, { "-infinity", -INFINITY } };
	const char *at = c->at, *word = read_word(c), *end = at + strlen(word);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(word, words[i].word) == 0) {
			*out = words[i].value;
			return 0;
		}
	}
	if (end == at || number_read(out, at, end) != end)
		return exposition_error(c->reader, at, "a value is expected, not '%.40s'", word);
	return 0;
}

/* After the value: a time stamp and an exemplar, of which nothing is kept. */
static int read_tail(struct cursor *c)
{
	struct verdict_sample ignored = { 0 };
	double number;

	skip_blanks(c);
	const char *at = c->at;
	if (at < c->end && *at != '#') {
		if (read_value(&number, c) < 0)
			return exposition_error(c->reader, at, "a time stamp is expected after the value, or nothing");
		skip_blanks(c);
	}
	if (next_is(c, '#')) {
		skip_blanks(c);
		if (!next_is(c, '{'))
			return exposition_error(c->reader, c->at, "'{' is expected in an exemplar");
		if (read_labels(&ignored, c, NULL) < 0)
			return -1;
		skip_blanks(c);
		if (read_value(&number, c) < 0)
			return -1;
		skip_blanks(c);
		if (c->at < c->end && read_value(&number, c) < 0)
			return -1;
		skip_blanks(c);
	}
	return c->at == c->end ? 0 : exposition_error(c->reader, c->at, "the line should end here");
}

static int read_sample(struct exposition_line *out, struct cursor *c)
{
	struct verdict_sample *sample = &out->sample;

	out->what = EXPOSITION_SAMPLE;
	if (!(out->name = sample->name = read_name(c, true)))
		return -1;
	bool blank = c->at < c->end && (*c->at == ' ' || *c->at == '\t');
	skip_blanks(c);
	if (next_is(c, '{')) {
		if (read_labels(sample, c, sample->name) < 0)
			return -1;
	} else if (!blank) {
		return exposition_error(c->reader, c->at, "a blank or '{' is expected after the name");
	}
	skip_blanks(c);
	if (read_value(&sample->value, c) < 0 || read_tail(c) < 0)
		return -1;
	return 1;
}

static const char *read_help(struct cursor *c)
{
	char *text = arena_alloc(c->reader->arena, (size_t)(c->end - c->at) + 1);
	size_t n = 0;

	while (c->at < c->end) {
		if (read_escaped(&text[n++], c, true) < 0)
			return NULL;
	}
	text[n] = '\0';
	if (utf8_valid(text, n))
		return text;
	exposition_error(c->reader, NULL, "the help text is not valid UTF-8");
	return NULL;
}

/* After the '#'. 0: a comment. */
static int read_comment(struct exposition_line *out, struct cursor *c)
{
	skip_blanks(c);
	const char *word = read_word(c);
	bool help = streq(word, "HELP");

	if (!help && !streq(word, "TYPE"))
		return 0;
	out->what = help ? EXPOSITION_HELP : EXPOSITION_TYPE;
	skip_blanks(c);
	if (!(out->name = read_name(c, true)))
		return -1;
	if (c->at < c->end && *c->at != ' ' && *c->at != '\t')
		return exposition_error(c->reader, c->at, "a blank is expected after the name");
	skip_blanks(c);
	out->text = help ? read_help(c) : read_word(c);
	if (!out->text)
		return -1;
	skip_blanks(c);
	return c->at == c->end ? 1 : exposition_error(c->reader, c->at, "the line should end here");
}

int exposition_next(struct exposition_line *out, struct exposition_reader *reader)
{
	int r = 0;

	while (!r && reader->at < reader->end) {
		const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
		struct cursor c = { reader, reader->at, newline ? newline : reader->end };

		*out = (struct exposition_line){ 0 };
		reader->line_start = reader->at;
		reader->line++;
		reader->at = newline ? newline + 1 : reader->end;
		if (c.end > c.at && c.end[-1] == '\r')
			c.end--;
		skip_blanks(&c);
		if (next_is(&c, '#'))
			r = read_comment(out, &c);
		else if (c.at < c.end)
			r = read_sample(out, &c);
	}
	return r;
}
