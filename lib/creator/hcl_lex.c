/* SPDX-License-Identifier: Apache-2.0 */
#include "hcl_lex.h"

#include <ctype.h>

#include "../base/text.h"

/* Signs of more than one character; none of them begins another. */
static const char *const long_signs[] = { "...", "==", "!=", "<=", ">=", "=>", "&&", "||" };

void hcl_lexer_init(struct hcl_lexer *lexer, struct arena *arena, struct hcl_file *file, const char *text, size_t len)
{
	*lexer = (struct hcl_lexer){
		.arena = arena, .file = file, .at = text, .end = text + len, .line_start = text, .line = 1
	};
}

int hcl_error(const struct hcl_lexer *lexer, struct mrp_err *err, const char *msg)
{
	return mrp_err_at(
		err, MRP_EPARSE, (struct mrp_loc){ lexer->file->name, lexer->token_line, lexer->token_col }, "%s", msg);
}

int hcl_error_here(const struct hcl_lexer *lexer, struct mrp_err *err, const char *msg)
{
	uint32_t col = (uint32_t)(lexer->at - lexer->line_start) + 1;

	return mrp_err_at(err, MRP_EPARSE, (struct mrp_loc){ lexer->file->name, lexer->line, col }, "%s", msg);
}

void hcl_line_began(struct hcl_lexer *lexer)
{
	lexer->line++;
	lexer->line_start = lexer->at;
}

size_t hcl_name_length(const char *at, const char *end)
{
	const char *start = at;

	while (at < end) {
		unsigned char c = (unsigned char)*at;

		if (!isalnum(c) && c != '_' && c < 0x80 && !(c == '-' && at > start))
			break;
		if (at == start && isdigit(c))
			break;
		at++;
	}
	return (size_t)(at - start);
}

static int skip_block_comment(struct hcl_lexer *lexer, struct mrp_err *err)
{
	for (lexer->at += 2; lexer->at + 1 < lexer->end; lexer->at++) {
		if (lexer->at[0] == '*' && lexer->at[1] == '/') {
			lexer->at += 2;
			return 0;
		}
		if (*lexer->at == '\n') {
			lexer->line++;
			lexer->line_start = lexer->at + 1;
		}
	}
	return hcl_error_here(lexer, err, "a comment does not end");
}

static bool at_line_comment(const struct hcl_lexer *lexer)
{
	return *lexer->at == '#' || (lexer->at + 1 < lexer->end && lexer->at[0] == '/' && lexer->at[1] == '/');
}

/* What lies between tokens, except newlines. */
static int skip_space(struct hcl_lexer *lexer, struct mrp_err *err)
{
	while (lexer->at < lexer->end) {
		if (*lexer->at == ' ' || *lexer->at == '\t')
			lexer->at++;
		else if (lexer->at + 1 < lexer->end && lexer->at[0] == '/' && lexer->at[1] == '*') {
			if (skip_block_comment(lexer, err) < 0)
				return -1;
		} else if (at_line_comment(lexer)) {
			const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

			lexer->at = newline ? newline : lexer->end;
		} else
			break;
	}
	return 0;
}

static void take_number(struct hcl_lexer *lexer)
{
	while (lexer->at < lexer->end && isdigit((unsigned char)*lexer->at))
		lexer->at++;
	/* "1.5", but not "1..." nor "a.0.b" */
	if (lexer->at + 1 < lexer->end && *lexer->at == '.' && isdigit((unsigned char)lexer->at[1])) {
		for (lexer->at++; lexer->at < lexer->end && isdigit((unsigned char)*lexer->at);)
			lexer->at++;
	}
	if (lexer->at < lexer->end && (*lexer->at == 'e' || *lexer->at == 'E')) {
		const char *exponent = lexer->at + 1;

		if (exponent < lexer->end && (*exponent == '+' || *exponent == '-'))
			exponent++;
		if (exponent < lexer->end && isdigit((unsigned char)*exponent)) {
			for (lexer->at = exponent; lexer->at < lexer->end && isdigit((unsigned char)*lexer->at);)
				lexer->at++;
		}
	}
	lexer->token = T_NUMBER;
}

static int take_name(struct hcl_lexer *lexer, size_t len, struct mrp_err *err)
{
	if (!utf8_valid(lexer->at, len))
		return hcl_error_here(lexer, err, "not valid UTF-8");
	lexer->text = arena_strndup(lexer->arena, lexer->at, len);
	lexer->token = T_NAME;
	lexer->at += len;
	return 0;
}

static int take_sign(struct hcl_lexer *lexer, struct mrp_err *err)
{
	size_t left = (size_t)(lexer->end - lexer->at);
	char c = *lexer->at;

	lexer->token = T_SIGN;
	if (left >= 2 && c == ':' && lexer->at[1] == ':') {
		lexer->token = T_SCOPE;
		lexer->at += 2;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(long_signs); i++) {
		size_t len = strlen(long_signs[i]);

		if (left >= len && memcmp(lexer->at, long_signs[i], len) == 0) {
			lexer->at += len;
			return 0;
		}
	}
	if (c == '\0' || !strchr("([{}])=!<>+-*/%?:.,~", c))
		return hcl_error_here(lexer, err, "a character that has no meaning here");
	lexer->ch = c;
	lexer->at++;
	if (strchr("([{", c))
		lexer->token = T_OPEN;
	else if (strchr(")]}", c))
		lexer->token = T_CLOSE;
	return 0;
}

/* Functions of providers need them as much as resources do. */
static void watch_calls(struct hcl_lexer *lexer)
{
	if (lexer->token == T_NEWLINE)
		return;
	if (lexer->token == T_NAME && lexer->call_step == 2) {
		struct hcl_call *call = arena_zalloc(lexer->arena, sizeof(*call));

		*call = (struct hcl_call){ NULL, lexer->text, lexer->token_line, lexer->token_col };
		*lexer->file->last_call = call;
		lexer->file->last_call = &call->next;
	}
	if (lexer->token == T_SCOPE && lexer->call_step == 1)
		lexer->call_step = 2;
	else
		lexer->call_step = lexer->token == T_NAME && streq(lexer->text, "provider");
}

static int take_token(struct hcl_lexer *lexer, struct mrp_err *err)
{
	size_t len;
	char c;

	if (lexer->at == lexer->end) {
		lexer->token = T_END;
		return 0;
	}
	c = *lexer->at;
	if (c == '\n' || (c == '\r' && lexer->at + 1 < lexer->end && lexer->at[1] == '\n')) {
		lexer->at += c == '\r' ? 2 : 1;
		hcl_line_began(lexer);
		lexer->token = T_NEWLINE;
		return 0;
	}
	if (c == '"') {
		lexer->at++;
		return hcl_quoted(lexer, err);
	}
	if (c == '<' && lexer->at + 1 < lexer->end && lexer->at[1] == '<')
		return hcl_heredoc(lexer, err);
	if (isdigit((unsigned char)c)) {
		take_number(lexer);
		return 0;
	}
	len = hcl_name_length(lexer->at, lexer->end);
	return len ? take_name(lexer, len, err) : take_sign(lexer, err);
}

int hcl_next(struct hcl_lexer *lexer, struct mrp_err *err)
{
	if (skip_space(lexer, err) < 0)
		return -1;
	lexer->token_line = lexer->line;
	lexer->token_col = (uint32_t)(lexer->at - lexer->line_start) + 1;
	lexer->text = NULL;
	lexer->ch = '\0';
	if (take_token(lexer, err) < 0)
		return -1;
	watch_calls(lexer);
	return 0;
}

int hcl_skip_brackets(struct hcl_lexer *lexer, struct mrp_err *err)
{
	char open = lexer->ch, close = open == '(' ? ')' : open == '[' ? ']' : '}';

	if (++lexer->depth > HCL_DEPTH)
		return hcl_error(lexer, err, "nested too deep");
	for (;;) {
		if (hcl_next(lexer, err) < 0)
			return -1;
		if (lexer->token == T_END)
			return hcl_error(lexer, err, "a bracket is not closed");
		if (lexer->token == T_OPEN) {
			if (hcl_skip_brackets(lexer, err) < 0)
				return -1;
			continue;
		}
		if (lexer->token == T_CLOSE && lexer->ch == close)
			break;
		if (lexer->token == T_CLOSE)
			return hcl_error(lexer, err, "a bracket of another kind is open");
	}
	lexer->depth--;
	return 0;
}
