/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terraform's language as blocks and arguments, from native syntax and from JSON alike: enough to see what a recipe
 * asks for. Expressions are not evaluated. Where the specification leaves room, or an own reading might differ from
 * terraform's, the text is an error: whoever hides something there is to be refused.
 * https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md, .../json/spec.md
 */
#ifndef MRP_CREATOR_HCL_H
#define MRP_CREATOR_HCL_H

#include "../base/arena.h"
#include "../base/err.h"

enum hcl_kind {
	HCL_STRING, /* a quoted string without interpolation; `text` is what it means */
	HCL_NAME,   /* "aws.west", true, null */
	HCL_OBJECT, /* `object` has its items as arguments; keys that are no names or strings have the name "" */
	HCL_OTHER,
};

struct hcl_argument {
	struct hcl_argument *next;
	const char *name;
	enum hcl_kind kind;
	const char *text; /* HCL_STRING, HCL_NAME */
	const struct hcl_body *object;
	uint32_t line, col; /* of the name */
};

enum { HCL_LABELS = 3 };

struct hcl_block {
	struct hcl_block *next;
	const char *type;
	const char *labels[HCL_LABELS];
	size_t n_labels;
	struct hcl_body *body;
	uint32_t line, col;
};

/* In the order of the text. */
struct hcl_body {
	struct hcl_argument *arguments, **last_argument;
	struct hcl_block *blocks, **last_block;
};

/* provider::NAME::function() somewhere in an expression. */
struct hcl_call {
	struct hcl_call *next;
	const char *name;
	uint32_t line, col;
};

struct hcl_file {
	const char *name; /* borrowed; for places */
	struct hcl_body *body;
	struct hcl_call *calls, **last_call;
};

/* All in the arena, `text` is not needed afterwards. MRP_EPARSE with a place. */
int hcl_parse(struct arena *arena, struct hcl_file *file, const char *name, const char *text, size_t len,
	struct mrp_err *err);
int hcl_parse_json(struct arena *arena, struct hcl_file *file, const char *name, const char *text, size_t len,
	struct mrp_err *err);

/* NULL when there is none. */
const struct hcl_argument *hcl_argument(const struct hcl_body *body, const char *name);

/* For the two readers. */
struct hcl_body *hcl_body_new(struct arena *arena);
struct hcl_argument *hcl_body_argument(struct arena *arena, struct hcl_body *body, const char *name);
struct hcl_block *hcl_body_block(struct arena *arena, struct hcl_body *body, const char *type);

#endif
