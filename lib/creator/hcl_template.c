/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: "..." and heredocs. What stands in ${ } and %{ } is read by the same tokens as everything else, so quotes
 * and brackets in it are nothing special.
 */
#include <ctype.h>

#include "../base/text.h"
#include "hcl_lex.h"

/* Adds a code point that an escape names. */
static int add_code_point(struct hcl_lexer *lexer, struct strbuf *out, size_t digits, struct mrp_err *err)
{
	uint32_t code = 0;
	char utf8[4];
	size_t n = 0;

	for (size_t i = 0; i < digits; i++) {
		if (lexer->at == lexer->end || !isxdigit((unsigned char)*lexer->at))
			return hcl_error_here(lexer, err, "hex digits are missing");
		int c = tolower((unsigned char)*lexer->at++);
		code = code << 4 | (uint32_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return hcl_error_here(lexer, err, "no character has this number");
	if (code < 0x80)
		utf8[n++] = (char)code;
	else if (code < 0x800)
		utf8[n++] = (char)(0xc0 | code >> 6);
	else if (code < 0x10000)
		utf8[n++] = (char)(0xe0 | code >> 12);
	else
		utf8[n++] = (char)(0xf0 | code >> 18);
	if (code >= 0x10000)
		utf8[n++] = (char)(0x80 | (code >> 12 & 0x3f));
	if (code >= 0x800)
		utf8[n++] = (char)(0x80 | (code >> 6 & 0x3f));
	if (code >= 0x80)
		utf8[n++] = (char)(0x80 | (code & 0x3f));
	strbuf_add(out, utf8, n);
	return 0;
}

static int take_escape(struct hcl_lexer *lexer, struct strbuf *out, struct mrp_err *err)
{
	static const char letters[] = "nrt\"\\", meanings[] = "\n\r\t\"\\";
	char c = ++lexer->at < lexer->end ? *lexer->at : '\0';
	const char *letter = c ? strchr(letters, c) : NULL;

	if (!letter && c != 'u' && c != 'U')
		return hcl_error_here(lexer, err, "no such escape");
	lexer->at++;
	if (!letter)
		return add_code_point(lexer, out, c == 'u' ? 4 : 8, err);
	strbuf_addch(out, meanings[letter - letters]);
	return 0;
}

/* At '$' or '%'. Adds what it means; *interpolated when something was inserted. */
static int take_marker(struct hcl_lexer *lexer, struct strbuf *out, bool *interpolated, struct mrp_err *err)
{
	char c = *lexer->at;
	size_t n = 0;

	while (lexer->at + n < lexer->end && lexer->at[n] == c)
		n++;
	if (lexer->at + n == lexer->end || lexer->at[n] != '{') {
		strbuf_addchars(out, c, n);
		lexer->at += n;
		return 0;
	}
	/* which of them escapes which is nothing to rely on */
	if (n > 2)
		return hcl_error_here(lexer, err, "more than two '$' or '%' before a '{' cannot be told apart");
	lexer->at += n + 1;
	if (n == 2) {
		strbuf_addf(out, "%c{", c);
		return 0;
	}
	*interpolated = true;
	lexer->token = T_OPEN;
	lexer->ch = '{';
	lexer->token_line = lexer->line;
	lexer->token_col = (uint32_t)(lexer->at - lexer->line_start);
	return hcl_skip_brackets(lexer, err);
}

static int take_text(struct hcl_lexer *lexer, struct strbuf *out, struct mrp_err *err)
{
	size_t n = utf8_sequence(lexer->at, (size_t)(lexer->end - lexer->at));

	if (!n || *lexer->at == '\0')
		return hcl_error_here(lexer, err, "not valid UTF-8");
	strbuf_add(out, lexer->at, n);
	lexer->at += n;
	return 0;
}

int hcl_quoted(struct hcl_lexer *lexer, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	uint32_t line = lexer->token_line, col = lexer->token_col;
	bool interpolated = false;
	int rc = 0;

	while (rc == 0 && lexer->at < lexer->end && *lexer->at != '"') {
		if (*lexer->at == '\n' || *lexer->at == '\r')
			return hcl_error_here(lexer, err, "a quoted string ends with its line");
		if (*lexer->at == '\\')
			rc = take_escape(lexer, &text, err);
		else if (*lexer->at == '$' || *lexer->at == '%')
			rc = take_marker(lexer, &text, &interpolated, err);
		else
			rc = take_text(lexer, &text, err);
	}
	if (rc < 0)
		return -1;
	lexer->token_line = line;
	lexer->token_col = col;
	if (lexer->at == lexer->end)
		return hcl_error(lexer, err, "a quoted string does not end");
	lexer->at++;
	lexer->token = T_STRING;
	lexer->text = interpolated ? NULL : arena_strndup(lexer->arena, text.buf, text.len);
	lexer->ch = '\0';
	return 0;
}

/* What comes next: the end of a line, a marker or text up to one of these. */
static int take_piece(struct hcl_lexer *lexer, struct strbuf *text, bool *interpolated, struct mrp_err *err)
{
	if (*lexer->at == '\n') {
		lexer->at++;
		hcl_line_began(lexer);
		return 0;
	}
	return *lexer->at == '$' || *lexer->at == '%' ? take_marker(lexer, text, interpolated, err)
						      : take_text(lexer, text, err);
}

int hcl_template(struct hcl_lexer *lexer, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	bool interpolated = false;

	while (lexer->at < lexer->end) {
		if (take_piece(lexer, &text, &interpolated, err) < 0)
			return -1;
	}
	return 0;
}

/* Is the line at the lexer the one that ends the heredoc? White space around the word does not count, and there are
 * more kinds of it than we know: then it is better to say no to the whole. */
static int ends_heredoc(struct hcl_lexer *lexer, const char *word, size_t word_len, bool *ends, struct mrp_err *err)
{
	const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
	const char *from = lexer->at, *to = newline ? newline : lexer->end;
	bool odd = false;

	while (from < to && (isspace((unsigned char)*from) || ((unsigned char)*from >= 0x80 && *from != *word)))
		odd |= (unsigned char)*from++ >= 0x80;
	while (to > from &&
		(isspace((unsigned char)to[-1]) || ((unsigned char)to[-1] >= 0x80 && to[-1] != word[word_len - 1])))
		odd |= (unsigned char)*--to >= 0x80;
	*ends = (size_t)(to - from) == word_len && memcmp(from, word, word_len) == 0;
	if (*ends && odd)
		return hcl_error_here(lexer, err, "odd characters beside the word that ends a heredoc");
	if (*ends)
		lexer->at = newline ? newline : lexer->end;
	if (*ends && newline && newline > from && newline[-1] == '\r')
		lexer->at--;
	return 0;
}

static int heredoc_began(struct hcl_lexer *lexer, const char **word, size_t *len, struct mrp_err *err)
{
	lexer->at += 2;
	if (lexer->at < lexer->end && *lexer->at == '-')
		lexer->at++;
	*word = lexer->at;
	*len = hcl_name_length(lexer->at, lexer->end);
	lexer->at += *len;
	if (lexer->at < lexer->end && *lexer->at == '\r')
		lexer->at++;
	if (*len == 0 || lexer->at == lexer->end || *lexer->at != '\n')
		return hcl_error(lexer, err, "a heredoc begins with << and a word that ends the line");
	lexer->at++;
	hcl_line_began(lexer);
	return 0;
}

int hcl_heredoc(struct hcl_lexer *lexer, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	uint32_t line = lexer->token_line, col = lexer->token_col;
	bool line_start = true, ends = false, interpolated = false;
	const char *word;
	size_t word_len;

	if (heredoc_began(lexer, &word, &word_len, err) < 0)
		return -1;
	for (;;) {
		if (line_start && ends_heredoc(lexer, word, word_len, &ends, err) < 0)
			return -1;
		if (ends || lexer->at == lexer->end)
			break;
		line_start = *lexer->at == '\n';
		if (take_piece(lexer, &text, &interpolated, err) < 0)
			return -1;
		strbuf_reset(&text);
	}
	lexer->token_line = line;
	lexer->token_col = col;
	if (!ends)
		return hcl_error(lexer, err, "a heredoc does not end");
	lexer->token = T_HEREDOC;
	lexer->text = NULL;
	lexer->ch = '\0';
	return 0;
}
