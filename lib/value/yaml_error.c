/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_error.h"

#include "../base/text.h"

/* By libyaml's text; what is not here is shown as libyaml says it. */
static const struct {
	const char *theirs, *ours;
	enum { HERE, OPENED, AT_START } place; /* OPENED: say where what has not ended began; AT_START: point there */
} messages[] = {
	{ "mapping values are not allowed in this context",
		"a ':' cannot stand here; check the indentation, or put the text in quotes" },
	{ "could not find expected ':'",
		"a key without ':' after it; check the indentation, or put the text of several lines in quotes", AT_START },
	{ "did not find expected key",
		"a key should stand here; check the indentation, and put quotes around all of the value before it", OPENED },
	{ "did not find expected '-' indicator", "the next '-' of the list should stand here; check the indentation", OPENED },
	{ "did not find expected ',' or ']'", "the list lacks a ',' or its closing ']'", OPENED },
	{ "did not find expected ',' or '}'", "the map lacks a ',' or its closing '}'", OPENED },
	{ "block sequence entries are not allowed in this context",
		"a list cannot begin here; put its '-' on a line of its own, or write [a, b]" },
	{ "did not find expected <document start>",
		"something follows the end of the document; check the indentation, a file holds one map" },
	{ "did not find expected node content", "a value should stand here" },
	{ "found unexpected end of stream", "these quotes are never closed", AT_START },
	{ "found a tab character that violates indentation", "a tab in the indentation; use spaces" },
	{ "found a tab character where an indentation space is expected", "a tab in the indentation; use spaces" },
	{ "found unknown escape character",
		"an unknown '\\' escape in double quotes; write '\\\\' for a backslash, or use single quotes" },
	{ "did not find expected alphabetic or numeric character",
		"a name should follow '*' or '&'; put text that begins with it in quotes" },
	{ "found incompatible YAML document", "this version of YAML is not supported; remove the %YAML line" },
	{ "did not find expected whitespace or line break", "a space is missing after the name of a tag or anchor" },
	{ "found undefined tag handle", "the tag's prefix is not declared; put text that begins with '!' in quotes" },
};

/* The byte at a place; libyaml counts columns in characters. */
static const char *find_place(const char *text, size_t len, size_t line, size_t col)
{
	const char *p = text, *end = text + len;

	for (; line; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return NULL;
		p++;
	}
	for (; col && p < end; col--)
		p += MAX((size_t)1, utf8_sequence(p, (size_t)(end - p)));
	return p < end ? p : NULL;
}

static void report_bytes(
	struct problems *problems, const yaml_parser_t *parser, const char *text, size_t len, const char *file)
{
	size_t offset = MIN(parser->problem_offset, len), line = 1;
	const char *start = text;

	for (const char *p; (p = memchr(start, '\n', offset - (size_t)(start - text))); line++)
		start = p + 1;
	struct mrp_loc loc = { file, (uint32_t)line,
		(uint32_t)utf8_columns(start, offset - (size_t)(start - text)) + 1 };
	if (offset < len && utf8_sequence(text + offset, len - offset))
		problems_add(problems, loc, NULL, "a control character (0x%02x); remove it, or write it as \"\\x%02x\" in double quotes",
			(unsigned char)text[offset], (unsigned char)text[offset]);
	else
		problems_add(problems, loc, NULL, "this is not UTF-8; save the file in that encoding");
}

static const char *explain(char c, const char *theirs, int *where)
{
	if (c == '\t')
		return "a tab in the indentation; use spaces";
	if (streq(theirs, "found character that cannot start any token") && c)
		return "a value cannot begin with this character; put the text in quotes";
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (!streq(theirs, messages[i].theirs))
			continue;
		*where = messages[i].place;
		return messages[i].ours;
	}
	return NULL;
}

void yaml_error_report(
	struct problems *problems, const yaml_parser_t *parser, const char *text, size_t len, const char *file)
{
	if (parser->error == YAML_READER_ERROR) {
		report_bytes(problems, parser, text, len, file);
		return;
	}
	const yaml_mark_t *mark = &parser->problem_mark;
	const char *theirs = parser->problem ? parser->problem : "unknown error";
	struct mrp_loc loc = { file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1 };
	const char *place = find_place(text, len, mark->line, mark->column);
	size_t opened_line = parser->context_mark.line + 1;
	int where = HERE;
	const char *ours = explain(place ? *place : 0, theirs, &where);

	if (where == AT_START && parser->context)
		loc = (struct mrp_loc){ file, (uint32_t)opened_line, (uint32_t)parser->context_mark.column + 1 };
	if (!ours && parser->context)
		problems_add(problems, loc, NULL, "%s %s (line %zu)", theirs, parser->context, opened_line);
	else if (!ours)
		problems_add(problems, loc, NULL, "%s", theirs);
	else if (where == OPENED && parser->context && opened_line != loc.line)
		problems_add(problems, loc, NULL, "%s (what is open here began at line %zu)", ours, opened_line);
	else
		problems_add(problems, loc, NULL, "%s", ours);
}
