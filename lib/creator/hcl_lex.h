/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of HCL's native syntax. A quoted string or a heredoc is one token, with all that is interpolated into it. */
#ifndef MRP_CREATOR_HCL_LEX_H
#define MRP_CREATOR_HCL_LEX_H

#include "hcl.h"

enum hcl_token {
	T_END,
	T_NEWLINE, /* also a comment up to the end of its line */
	T_NAME,
	T_NUMBER,
	T_STRING, /* quoted */
	T_HEREDOC,
	T_OPEN, /* ch is one of ([{ */
	T_CLOSE,
	T_SIGN,  /* ch, or 0 when there is more than one character to it */
	T_SCOPE, /* :: */
};

struct hcl_lexer {
	struct arena *arena;
	struct hcl_file *file;
	const char *at, *end;
	const char *line_start;
	uint32_t line;
	int depth; /* of interpolations and brackets */
	/* the token */
	enum hcl_token token;
	char ch;
	const char *text; /* T_NAME; T_STRING when it is plain, else NULL */
	uint32_t token_line, token_col;
	/* provider::name:: seen so far: 0, 1 after `provider`, 2 after the first :: */
	int call_step;
};

enum { HCL_DEPTH = 100 };

void hcl_lexer_init(struct hcl_lexer *lexer, struct arena *arena, struct hcl_file *file, const char *text, size_t len);
/* Read one token. MRP_EPARSE. */
int hcl_next(struct hcl_lexer *lexer, struct mrp_err *err);
/* After a T_OPEN: read up to the T_CLOSE that belongs to it, which is the token then. */
int hcl_skip_brackets(struct hcl_lexer *lexer, struct mrp_err *err);
/* An error at the token, at the place that was reached. */
int hcl_error(const struct hcl_lexer *lexer, struct mrp_err *err, const char *msg);
int hcl_error_here(const struct hcl_lexer *lexer, struct mrp_err *err, const char *msg);
void hcl_line_began(struct hcl_lexer *lexer);
size_t hcl_name_length(const char *at, const char *end);

/* hcl_template.c: at the first character after the quote; at "<<" */
int hcl_quoted(struct hcl_lexer *lexer, struct mrp_err *err);
int hcl_heredoc(struct hcl_lexer *lexer, struct mrp_err *err);
/* The whole text is a template, as strings in JSON are. */
int hcl_template(struct hcl_lexer *lexer, struct mrp_err *err);

#endif
