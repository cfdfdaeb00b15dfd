/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks and arguments of native syntax, over the tokens of hcl_lex.h. */
#include "hcl.h"

#include "hcl_lex.h"

struct hcl_body *hcl_body_new(struct arena *arena)
{
	struct hcl_body *body = arena_zalloc(arena, sizeof(*body));

	body->last_argument = &body->arguments;
	body->last_block = &body->blocks;
	return body;
}

struct hcl_argument *hcl_body_argument(struct arena *arena, struct hcl_body *body, const char *name)
{
	struct hcl_argument *argument = arena_zalloc(arena, sizeof(*argument));

	argument->name = name;
	argument->kind = HCL_OTHER;
	*body->last_argument = argument;
	body->last_argument = &argument->next;
	return argument;
}

struct hcl_block *hcl_body_block(struct arena *arena, struct hcl_body *body, const char *type)
{
	struct hcl_block *block = arena_zalloc(arena, sizeof(*block));

	block->type = type;
	*body->last_block = block;
	body->last_block = &block->next;
	return block;
}

const struct hcl_argument *hcl_argument(const struct hcl_body *body, const char *name)
{
	for (const struct hcl_argument *argument = body->arguments; argument; argument = argument->next) {
		if (streq(argument->name, name))
			return argument;
	}
	return NULL;
}

/* Does the token end an expression that stands alone? A closing bracket does; whether it is the right one, the caller
 * sees. */
static bool ends_expression(const struct hcl_lexer *lexer)
{
	return lexer->token == T_END || lexer->token == T_NEWLINE || lexer->token == T_CLOSE ||
		(lexer->token == T_SIGN && lexer->ch == ',');
}

static int parse_expression(struct hcl_lexer *lexer, struct hcl_argument *to, struct mrp_err *err);

/* aws or aws.west: all of it that follows in names and points. */
static int parse_name(struct hcl_lexer *lexer, const char **name, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, lexer->text);
	if (hcl_next(lexer, err) < 0)
		return -1;
	while (lexer->token == T_SIGN && lexer->ch == '.') {
		if (hcl_next(lexer, err) < 0)
			return -1;
		if (lexer->token != T_NAME)
			break;
		strbuf_addf(&text, ".%s", lexer->text);
		if (hcl_next(lexer, err) < 0)
			return -1;
	}
	*name = arena_strndup(lexer->arena, text.buf, text.len);
	return 0;
}

/* The key of an item and the sign after it, which is the token then. */
static int parse_key(struct hcl_lexer *lexer, const char **key, struct mrp_err *err)
{
	*key = "";
	if (lexer->token == T_NAME) {
		if (parse_name(lexer, key, err) < 0)
			return -1;
	} else {
		if (lexer->token == T_STRING && lexer->text)
			*key = lexer->text;
		if (lexer->token == T_OPEN && hcl_skip_brackets(lexer, err) < 0)
			return -1;
		if (hcl_next(lexer, err) < 0)
			return -1;
	}
	/* "${a}-b", (a) or a + b: computed */
	while (!(lexer->token == T_SIGN && (lexer->ch == '=' || lexer->ch == ':'))) {
		*key = "";
		if (ends_expression(lexer))
			return hcl_error(lexer, err, "an item of an object has no value");
		if (lexer->token == T_OPEN && hcl_skip_brackets(lexer, err) < 0)
			return -1;
		if (hcl_next(lexer, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_items(struct hcl_lexer *lexer, struct hcl_body *items, struct mrp_err *err)
{
	while (!(lexer->token == T_CLOSE && lexer->ch == '}')) {
		struct hcl_argument *item;
		uint32_t line = lexer->token_line, col = lexer->token_col;
		const char *key;

		if (lexer->token == T_NEWLINE || (lexer->token == T_SIGN && lexer->ch == ',')) {
			if (hcl_next(lexer, err) < 0)
				return -1;
			continue;
		}
		if (parse_key(lexer, &key, err) < 0)
			return -1;
		item = hcl_body_argument(lexer->arena, items, key);
		item->line = line;
		item->col = col;
		if (hcl_next(lexer, err) < 0 || parse_expression(lexer, item, err) < 0)
			return -1;
		if (lexer->token == T_END || (lexer->token == T_CLOSE && lexer->ch != '}'))
			return hcl_error(lexer, err, "an object is not closed");
	}
	return 0;
}

/* After '{', up to and with '}'. */
static int parse_object(struct hcl_lexer *lexer, struct hcl_argument *to, struct mrp_err *err)
{
	struct hcl_body *items = hcl_body_new(lexer->arena);

	if (++lexer->depth > HCL_DEPTH)
		return hcl_error(lexer, err, "nested too deep");
	do {
		if (hcl_next(lexer, err) < 0)
			return -1;
	} while (lexer->token == T_NEWLINE);
	if (lexer->token == T_NAME && streq(lexer->text, "for")) {
		/* a loop; an item of that name would need quotes */
		lexer->ch = '{';
		lexer->depth--;
		if (hcl_skip_brackets(lexer, err) < 0)
			return -1;
	} else {
		if (parse_items(lexer, items, err) < 0)
			return -1;
		lexer->depth--;
		to->kind = HCL_OBJECT;
		to->object = items;
	}
	return hcl_next(lexer, err);
}

/* The token is its first; afterwards it is what follows. */
static int parse_expression(struct hcl_lexer *lexer, struct hcl_argument *to, struct mrp_err *err)
{
	int rc = 0;

	if (ends_expression(lexer))
		return hcl_error(lexer, err, "a value is missing");
	if (lexer->token == T_STRING && lexer->text) {
		to->kind = HCL_STRING;
		to->text = lexer->text;
		rc = hcl_next(lexer, err);
	} else if (lexer->token == T_NAME) {
		to->kind = HCL_NAME;
		rc = parse_name(lexer, &to->text, err);
	} else if (lexer->token == T_OPEN && lexer->ch == '{')
		rc = parse_object(lexer, to, err);
	while (rc == 0 && !ends_expression(lexer)) {
		to->kind = HCL_OTHER;
		if (lexer->token == T_OPEN)
			rc = hcl_skip_brackets(lexer, err);
		if (rc == 0)
			rc = hcl_next(lexer, err);
	}
	return rc;
}

static int parse_body(struct hcl_lexer *lexer, struct hcl_body *body, bool nested, struct mrp_err *err);

/* Labels and body; the token is the first after the type. */
static int parse_block(struct hcl_lexer *lexer, struct hcl_block *block, struct mrp_err *err)
{
	while (lexer->token == T_NAME || lexer->token == T_STRING) {
		if (!lexer->text)
			return hcl_error(lexer, err, "a label of a block is a plain string");
		if (block->n_labels == HCL_LABELS)
			return hcl_error(lexer, err, "a block has too many labels");
		block->labels[block->n_labels++] = lexer->text;
		if (hcl_next(lexer, err) < 0)
			return -1;
	}
	if (lexer->token != T_OPEN || lexer->ch != '{')
		return hcl_error(lexer, err, "'=' or '{' is missing");
	if (++lexer->depth > HCL_DEPTH)
		return hcl_error(lexer, err, "nested too deep");
	block->body = hcl_body_new(lexer->arena);
	if (hcl_next(lexer, err) < 0 || parse_body(lexer, block->body, true, err) < 0)
		return -1;
	lexer->depth--;
	return hcl_next(lexer, err);
}

static int parse_one(struct hcl_lexer *lexer, struct hcl_body *body, struct mrp_err *err)
{
	const char *name = lexer->text;
	uint32_t line = lexer->token_line, col = lexer->token_col;

	if (lexer->token != T_NAME)
		return hcl_error(lexer, err, "the name of an argument or a block is expected");
	if (hcl_next(lexer, err) < 0)
		return -1;
	if (lexer->token == T_SIGN && lexer->ch == '=') {
		struct hcl_argument *argument = hcl_body_argument(lexer->arena, body, name);

		argument->line = line;
		argument->col = col;
		if (hcl_next(lexer, err) < 0)
			return -1;
		return parse_expression(lexer, argument, err);
	}
	struct hcl_block *block = hcl_body_block(lexer->arena, body, name);
	block->line = line;
	block->col = col;
	return parse_block(lexer, block, err);
}

/* Up to the end, or to '}', which is the token then. */
static int parse_body(struct hcl_lexer *lexer, struct hcl_body *body, bool nested, struct mrp_err *err)
{
	for (;;) {
		while (lexer->token == T_NEWLINE) {
			if (hcl_next(lexer, err) < 0)
				return -1;
		}
		if (lexer->token == T_END)
			return nested ? hcl_error(lexer, err, "a block is not closed") : 0;
		if (nested && lexer->token == T_CLOSE && lexer->ch == '}')
			return 0;
		if (parse_one(lexer, body, err) < 0)
			return -1;
		if (lexer->token != T_NEWLINE && lexer->token != T_END &&
			!(nested && lexer->token == T_CLOSE && lexer->ch == '}'))
			return hcl_error(lexer, err, "the line does not end where an argument or a block does");
	}
}

int hcl_parse(
	struct arena *arena, struct hcl_file *file, const char *name, const char *text, size_t len, struct mrp_err *err)
{
	struct hcl_lexer lexer;

	*file = (struct hcl_file){ name, hcl_body_new(arena), NULL, &file->calls };
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	hcl_lexer_init(&lexer, arena, file, text, len);
	if (hcl_next(&lexer, err) < 0)
		return -1;
	return parse_body(&lexer, file->body, false, err);
}
