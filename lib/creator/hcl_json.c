/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON form of the language: which members are blocks, and how many of their levels are labels, follows from what
 * terraform knows about a body, so there is a table of it.
 * https://developer.hashicorp.com/terraform/language/syntax/json
 */
#include "hcl.h"
#include "hcl_lex.h"
#include "json_places.h"

struct schema;

struct schema_block {
	const char *type;
	size_t labels;
	const struct schema *body; /* NULL: no blocks that matter here */
};

struct schema {
	struct schema_block blocks[16]; /* up to one without a type */
};

static const struct schema in_terraform = { {
	{ "required_providers", 0, NULL },
	{ "backend", 1, NULL },
	{ "cloud", 0, NULL },
	{ "provider_meta", 1, NULL },
} };
static const struct schema in_resource = { {
	{ "provisioner", 1, NULL },
	{ "connection", 0, NULL },
	{ "lifecycle", 0, NULL },
	{ "dynamic", 1, NULL },
} };
static const struct schema in_check = { { { "data", 2, &in_resource }, { "assert", 0, NULL } } };
static const struct schema in_provider = { { { "exec", 0, NULL } } };
static const struct schema in_root = { {
	{ "terraform", 0, &in_terraform },
	{ "provider", 1, &in_provider },
	{ "resource", 2, &in_resource },
	{ "data", 2, &in_resource },
	{ "ephemeral", 2, &in_resource },
	{ "module", 1, NULL },
	{ "variable", 1, NULL },
	{ "output", 1, NULL },
	{ "locals", 0, NULL },
	{ "moved", 0, NULL },
	{ "removed", 0, &in_resource },
	{ "import", 0, NULL },
	{ "check", 1, &in_check },
} };

struct reader {
	struct arena *arena;
	struct hcl_file *file;
	struct mrp_err *err;
};

static int read_body(struct reader *reader, struct hcl_body *body, const struct value *v, const struct schema *schema);

/* A string in an expression is a template, so a function of a provider may hide in it. */
static int find_calls(struct reader *reader, const struct value *v)
{
	struct hcl_lexer lexer;

	if (v->type == V_STRING && strstr(v->s, "provider") && strstr(v->s, "::")) {
		struct hcl_call **first = reader->file->last_call;

		hcl_lexer_init(&lexer, reader->arena, reader->file, v->s, v->n);
		if (hcl_template(&lexer, reader->err) < 0) {
			/* a place within the string means nothing to anybody */
			cleanup(mrp_err_clear) struct mrp_err inner = MRP_ERR_INIT;

			mrp_err_move(&inner, reader->err);
			return mrp_err_at(reader->err, MRP_EPARSE, value_loc(v), "in a string: %s", inner.msg);
		}
		for (struct hcl_call *call = *first; call; call = call->next) {
			call->line = v->line;
			call->col = v->col;
		}
	}
	for (uint32_t i = 0; i < v->n && (v->type == V_ARRAY || v->type == V_OBJECT); i++) {
		if (find_calls(reader, v->type == V_ARRAY ? v->items[i] : v->members[i].value) < 0)
			return -1;
	}
	return 0;
}

static void set_argument(struct reader *reader, struct hcl_argument *to, const struct value *v)
{
	if (v->type == V_STRING) {
		to->kind = HCL_STRING;
		to->text = v->s;
	} else if (v->type == V_BOOL || v->type == V_NULL) {
		to->kind = HCL_NAME;
		to->text = v->type == V_NULL ? "null" : v->b ? "true" : "false";
	} else if (v->type == V_OBJECT) {
		struct hcl_body *items = hcl_body_new(reader->arena);

		for (uint32_t i = 0; i < v->n; i++) {
			struct hcl_argument *item = hcl_body_argument(reader->arena, items, v->members[i].key);

			item->line = v->members[i].line;
			item->col = v->members[i].col;
			set_argument(reader, item, v->members[i].value);
		}
		to->kind = HCL_OBJECT;
		to->object = items;
	}
}

/* One level of labels after the other; an array stands for all of its items. */
static int read_blocks(struct reader *reader, struct hcl_body *body, const struct hcl_block *made,
	const struct schema_block *schema, const struct value *v)
{
	if (v->type == V_NULL && made->n_labels == schema->labels)
		return 0;
	if (v->type == V_ARRAY) {
		value_for_each(item, v) {
			if (item->type != V_OBJECT)
				return mrp_err_at(reader->err, MRP_EPARSE, value_loc(item),
					"'%s' is %s, where an object belongs", schema->type, value_type_name(item));
			if (read_blocks(reader, body, made, schema, item) < 0)
				return -1;
		}
		return 0;
	}
	if (v->type != V_OBJECT)
		return mrp_err_at(reader->err, MRP_EPARSE, value_loc(v), "'%s' is %s, where an object belongs",
			schema->type, value_type_name(v));
	if (made->n_labels == schema->labels) {
		struct hcl_block *block = hcl_body_block(reader->arena, body, schema->type);
		struct hcl_block *next = block->next;

		*block = *made;
		block->next = next;
		if (!made->n_labels) {
			block->line = v->line;
			block->col = v->col;
		}
		block->body = hcl_body_new(reader->arena);
		return read_body(reader, block->body, v, schema->body);
	}
	for (uint32_t i = 0; i < v->n; i++) {
		struct hcl_block labeled = *made;

		labeled.labels[labeled.n_labels++] = v->members[i].key;
		labeled.line = v->members[i].line;
		labeled.col = v->members[i].col;
		if (read_blocks(reader, body, &labeled, schema, v->members[i].value) < 0)
			return -1;
	}
	return 0;
}

static const struct schema_block *find_block(const struct schema *schema, const char *type)
{
	for (const struct schema_block *block = schema ? schema->blocks : NULL; block && block->type; block++) {
		if (streq(block->type, type))
			return block;
	}
	return NULL;
}

/* `v` is an object. "//" is a comment. */
static int read_body(struct reader *reader, struct hcl_body *body, const struct value *v, const struct schema *schema)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		const struct schema_block *block = find_block(schema, m->key);
		struct hcl_block made = { .type = m->key, .line = m->line, .col = m->col };

		if (streq(m->key, "//"))
			continue;
		if (block) {
			if (read_blocks(reader, body, &made, block, m->value) < 0)
				return -1;
			continue;
		}
		struct hcl_argument *argument = hcl_body_argument(reader->arena, body, m->key);
		argument->line = m->line;
		argument->col = m->col;
		set_argument(reader, argument, m->value);
	}
	return 0;
}

int hcl_parse_json(
	struct arena *arena, struct hcl_file *file, const char *name, const char *text, size_t len, struct mrp_err *err)
{
	struct value *v;
	struct reader reader = { arena, file, err };

	*file = (struct hcl_file){ name, hcl_body_new(arena), NULL, &file->calls };
	v = json_parse_placed(arena, text, len, name, err);
	if (!v || find_calls(&reader, v) < 0)
		return -1;
	/* several objects in a list are one after the other */
	if (v->type != V_ARRAY && v->type != V_OBJECT)
		return mrp_err_at(err, MRP_EPARSE, value_loc(v), "%s, where an object belongs", value_type_name(v));
	for (uint32_t i = 0; v->type == V_ARRAY && i < v->n; i++) {
		if (v->items[i]->type != V_OBJECT)
			return mrp_err_at(err, MRP_EPARSE, value_loc(v->items[i]), "%s, where an object belongs",
				value_type_name(v->items[i]));
		if (read_body(&reader, file->body, v->items[i], &in_root) < 0)
			return -1;
	}
	return v->type == V_OBJECT ? read_body(&reader, file->body, v, &in_root) : 0;
}
