/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: one row says a field's name, type, bounds and help, and serves checking of configs and API bodies,
 * hints for unknown keys, normal form, and the JSON Schema files. kinds.h has the tables of recipe, cluster and prober.
 */
#ifndef MRP_MODEL_SCHEMA_H
#define MRP_MODEL_SCHEMA_H

#include "../value/value.h"

enum field_type {
	F_STRING,    /* text; in YAML a plain number or boolean is taken as it is spelled */
	F_BOOL,
	F_INT,       /* min..max */
	F_NUMBER,    /* min..max */
	F_DURATION,  /* "30s"; min..max in milliseconds */
	F_SIZE,      /* "64KiB"; min..max in bytes */
	F_PERCENT,   /* "20%" */
	F_ENUM,      /* one of words */
	F_PATTERN,   /* text that `valid` accepts; `form` says what it should look like */
	F_ANY,       /* any JSON */
	F_LIST,      /* items as `sub` says; min..max items */
	F_MAP,       /* values as `sub` says, keys that `valid` accepts */
	F_OBJECT,    /* the table `sub` */
	F_MATRIX,    /* a list of scalars, or "${name}" */
	F_EITHER,    /* text as F_PATTERN has it, or the table `sub` */
};

enum {
	FF_REQUIRED = 1 << 0,
	FF_CONFIG = 1 << 1,   /* may stand in a YAML file */
	FF_API = 1 << 2,      /* may stand in an API body, and is stored */
	FF_READONLY = 1 << 3, /* the API says it; ignored when written */
	FF_ALWAYS = 1 << 4,   /* stored with its empty value when absent */
	FF_ONE = 1 << 5,      /* exactly one of the FF_ONE fields of the table must be there */
	FF_NULL = 1 << 6,     /* an F_OBJECT that may be null in JSON Schema: as the API says it, or a manifest */
	FF_BOTH = FF_CONFIG | FF_API,
};

struct field {
	const char *name; /* NULL ends a table; "" in the row that describes items */
	enum field_type type;
	unsigned flags;
	const char *help;          /* for people: one line, no full stop; a default is said here */
	const struct field *sub;   /* F_OBJECT: a table; F_LIST and F_MAP: one row for the items */
	const char *const *words;  /* F_ENUM: NULL-terminated */
	bool (*valid)(const char *text, size_t len);
	const char *form;          /* what `valid` wants: "a slug (a-z, 0-9, '-')" */
	const char *pattern;       /* the same as a regular expression, for JSON Schema */
	int64_t min, max;          /* both 0: no bounds */
};

struct schema_ctx {
	struct arena *arena;       /* of the result */
	struct problems *problems;
	unsigned where;            /* FF_CONFIG or FF_API: which rows may be written */
};

/* Check object `v` against the table and return its normal form: known fields only, nulls left out, FF_READONLY left
 * out, YAML scalars as text where text is wanted, FF_ALWAYS filled in. `path` goes before field names in messages ("" at
 * the top). Problems are added, never returned; the result is then only good for finding more of them. */
struct value *schema_apply(struct schema_ctx *ctx, const struct field *fields, const struct value *v, const char *path);
/* The same for one field's value. */
struct value *schema_apply_value(struct schema_ctx *ctx, const struct field *field, struct value *v, const char *path);

const struct field *field_find(const struct field *fields, const char *name, unsigned where);

/* The JSON Schema (draft 2020-12) of an object as it may stand `where`; `title` and `id` may be NULL. */
struct value *schema_to_json(
	struct arena *arena, const struct field *fields, unsigned where, const char *id, const char *title);
/* The same for a file that is one value, such as a map of any names. */
struct value *schema_value_to_json(
	struct arena *arena, const struct field *field, unsigned where, const char *id, const char *title);

/* Item or member `i` of a list or map, and what messages call it when the whole is called `path`: "command[1]",
 * "env.PATH"; a longer one is cut. */
enum { FIELD_PATH_BYTES = 256 };
const struct value *field_at(const struct value *v, uint32_t i, const char *path, char inner[FIELD_PATH_BYTES]);

/* Checks for F_PATTERN rows and map keys. */
bool valid_identifier(const char *text, size_t len); /* [A-Za-z_][A-Za-z0-9_]*, at most 128 */
bool valid_label_key(const char *text, size_t len);  /* [A-Za-z0-9_]([A-Za-z0-9_./-]*[A-Za-z0-9_])?, at most 128 */
bool valid_relative_path(const char *text, size_t len); /* no empty part, no '.', no '..', no leading '/' */
bool valid_sha256(const char *text, size_t len);

/* The shell-like text after "${name}" is looked for: calls `found` with each name in `text` ("$${" is literal). Returns
 * -1 when a "${" has no "}". */
int placeholders(const char *text, void (*found)(void *ctx, const char *name, size_t len), void *ctx);

#endif
