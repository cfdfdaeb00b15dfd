/* SPDX-License-Identifier: Apache-2.0 */
/* Checking by field table. The work is one switch over types; everything particular stands in the tables. */
#include "schema.h"

#include <inttypes.h>

#include "../base/hash.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "../value/json.h"

/* Where we are, for messages only: put together when there is one. */
struct path {
	const struct path *up;
	const char *name; /* NULL: an item of a list */
	uint32_t index;
};

static struct value *apply_field(
	struct schema_ctx *ctx, const struct field *field, struct value *v, const struct path *path);
static struct value *apply_object(
	struct schema_ctx *ctx, const struct field *fields, const struct value *v, const struct path *path);

/* "placements[2].limits.memory" */
static void add_path(struct strbuf *out, const struct path *path)
{
	if (!path)
		return;
	add_path(out, path->up);
	if (!path->name)
		strbuf_addf(out, "[%u]", path->index);
	else if (*path->name)
		strbuf_addf(out, "%s%s", out->len ? "." : "", path->name);
}

static void PRINTF(4, 5) report(
	struct schema_ctx *ctx, struct mrp_loc loc, const struct path *path, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf field = STRBUF_INIT, message = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&message, fmt, ap);
	va_end(ap);
	add_path(&field, path);
	problems_add(ctx->problems, loc, field.buf, "%s", message.buf);
}

/* The path of a member that no table knows, or that is not there. */
/* clang-format off */
#define MEMBER(path, name) &(struct path){ path, name, 0 }
/* clang-format on */

static bool at_top(const struct path *path)
{
	return path->name && !*path->name;
}

const struct field *field_find(const struct field *fields, const char *name, unsigned where)
{
	for (const struct field *field = fields; field->name; field++) {
		if ((field->flags & where) && streq(field->name, name))
			return field;
	}
	return NULL;
}

static void unknown_key(
	struct schema_ctx *ctx, const struct field *fields, const struct value *v, const struct member *m, const struct path *path)
{
	const char *words[64];
	size_t n = 0;

	for (const struct field *field = fields; field->name && n < ARRAY_SIZE(words); field++) {
		if (field->flags & ctx->where)
			words[n++] = field->name;
	}
	const char *nearest = nearest_word(m->key, words, n);
	struct mrp_loc loc = member_loc(v, m);
	if (nearest)
		report(ctx, loc, MEMBER(path, m->key), "unknown key (did you mean '%s'?)", nearest);
	else
		report(ctx, loc, MEMBER(path, m->key), "unknown key");
}

static void wrong_type(struct schema_ctx *ctx, const struct value *v, const struct path *path, const char *want)
{
	if (v->type == V_NULL)
		report(ctx, value_loc(v), path, "is empty, should be %s", want);
	else
		report(ctx, value_loc(v), path, "is %s, should be %s", value_type_name(v), want);
}

/* The value as text where text is wanted, or NULL after a problem was added. */
static struct value *as_text(struct schema_ctx *ctx, struct value *v, const struct path *path, const char *want)
{
	if (v->type == V_STRING)
		return v;
	if (!v->text || v->type == V_NULL) {
		wrong_type(ctx, v, path, want);
		return NULL;
	}
	struct value *text = value_string(ctx->arena, v->text);
	text->file = v->file;
	text->line = v->line;
	text->col = v->col;
	return text;
}

static bool out_of_bounds(const struct field *field, int64_t n)
{
	return (field->min || field->max) && (n < field->min || n > field->max);
}

static void add_error(struct schema_ctx *ctx, const struct value *v, const struct path *path, struct mrp_err *err)
{
	report(ctx, value_loc(v), path, "%s", err->msg);
	mrp_err_clear(err);
}

static void check_measure(
	struct schema_ctx *ctx, const struct field *field, const struct value *v, const struct path *path)
{
	struct mrp_err err = MRP_ERR_INIT;
	bool duration = field->type == F_DURATION;
	int64_t n = 0;

	if ((duration ? parse_duration : parse_size)(&n, v->s, &err) < 0) {
		add_error(ctx, v, path, &err);
		return;
	}
	if (!out_of_bounds(field, n))
		return;
	if (!duration) {
		report(ctx, value_loc(v), path, "'%s' is not between %" PRId64 " and %" PRId64 " bytes",
			v->s, field->min, field->max);
		return;
	}
	struct strbuf min = STRBUF_INIT, max = STRBUF_INIT;
	format_duration(&min, field->min);
	format_duration(&max, field->max);
	report(ctx, value_loc(v), path, "'%s' is not between %s and %s", v->s, min.buf, max.buf);
	strbuf_release(&min);
	strbuf_release(&max);
}

static void check_enum(struct schema_ctx *ctx, const struct field *field, const struct value *v, const struct path *path)
{
	cleanup(strbuf_release) struct strbuf list = STRBUF_INIT;
	size_t n = 0;

	for (; field->words[n]; n++) {
		if (streq(field->words[n], v->s))
			return;
	}
	for (n = 0; field->words[n]; n++)
		strbuf_addf(&list, "%s%s", n ? ", " : "", field->words[n]);
	const char *nearest = nearest_word(v->s, field->words, n);
	if (nearest)
		report(ctx, value_loc(v), path, "'%s' is not one of %s (did you mean '%s'?)", v->s,
			list.buf, nearest);
	else
		report(ctx, value_loc(v), path, "'%s' is not one of %s", v->s, list.buf);
}

static struct value *apply_text(
	struct schema_ctx *ctx, const struct field *field, struct value *v, const struct path *path)
{
	static const char *const wants[] = { [F_STRING] = "text", [F_DURATION] = "a duration (like 30s, 5m)",
		[F_SIZE] = "a size (like 64KiB, 1GiB)", [F_PERCENT] = "a percentage (like 10%)",
		[F_ENUM] = "one word", [F_PATTERN] = "text", [F_EITHER] = "text or a map" };
	struct mrp_err err = MRP_ERR_INIT;
	double percent;
	struct value *text = as_text(ctx, v, path, wants[field->type]);

	if (!text)
		return v;
	switch (field->type) {
	case F_STRING:
		if (field->max && text->n > field->max)
			report(ctx, value_loc(v), path, "is longer than %" PRId64 " bytes", field->max);
		else if (text->n < field->min)
			report(ctx, value_loc(v), path, "is empty");
		break;
	case F_DURATION:
	case F_SIZE:
		check_measure(ctx, field, text, path);
		break;
	case F_PERCENT:
		if (parse_percent(&percent, text->s, &err) < 0)
			add_error(ctx, text, path, &err);
		break;
	case F_ENUM:
		check_enum(ctx, field, text, path);
		break;
	default:
		if (!field->valid(text->s, text->n))
			report(ctx, value_loc(v), path, "'%s' is not %s", text->s, field->form);
	}
	return text;
}

/* 10.0 is 10, as in digests and in JSON Schema. */
static struct value *as_whole(struct arena *arena, struct value *v)
{
	if (v->type != V_REAL || !(v->r >= -0x1p63 && v->r < 0x1p63) || (double)(int64_t)v->r != v->r)
		return v;
	struct value *whole = value_int(arena, (int64_t)v->r);
	whole->file = v->file;
	whole->line = v->line;
	whole->col = v->col;
	return whole;
}

static void check_number(struct schema_ctx *ctx, const struct field *field, const struct value *v, const struct path *path)
{
	bool whole = field->type == F_INT;

	if (v->type != V_INT && (whole || v->type != V_REAL)) {
		wrong_type(ctx, v, path, whole ? "a whole number" : "a number");
		return;
	}
	bool bounds = field->min || field->max;
	double n = v->type == V_INT ? (double)v->i : v->r;
	if (bounds && (n < (double)field->min || n > (double)field->max))
		report(ctx, value_loc(v), path, "is not between %" PRId64 " and %" PRId64, field->min,
			field->max);
}

static struct value *apply_list(
	struct schema_ctx *ctx, const struct field *field, const struct value *v, const struct path *path)
{
	if (v->type != V_ARRAY) {
		wrong_type(ctx, v, path, "a list");
		return (struct value *)v;
	}
	if (v->n < field->min)
		report(ctx, value_loc(v), path, "is an empty list");
	if (field->max && v->n > field->max)
		report(ctx, value_loc(v), path, "has more than %" PRId64 " items", field->max);
	struct value *result = value_copy_shallow(ctx->arena, v);
	for (uint32_t i = 0; i < v->n; i++)
		result->items[i] = apply_field(ctx, field->sub, v->items[i], &(struct path){ path, NULL, i });
	return result;
}

static struct value *apply_map(
	struct schema_ctx *ctx, const struct field *field, const struct value *v, const struct path *path)
{
	if (v->type != V_OBJECT) {
		wrong_type(ctx, v, path, "a map");
		return (struct value *)v;
	}
	struct value *result = value_copy_shallow(ctx->arena, v);
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];

		if (field->valid && !field->valid(m->key, strlen(m->key)))
			report(ctx, member_loc(v, m), at_top(path) ? MEMBER(path, m->key) : path, "'%s' is not %s",
				m->key, field->form);
		result->members[i].value = apply_field(ctx, field->sub, m->value, MEMBER(path, m->key));
	}
	return result;
}

static void count_placeholder(void *ctx, const char *name, size_t len)
{
	(void)name;
	*(int *)ctx += len ? 1 : 0;
}

/* Values of a matrix become arguments and labels, so a number of an API body is stored as the text that a config gives. */
static struct value *scalar_text(struct arena *arena, struct value *v)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (v->type == V_STRING)
		return v;
	json_canonical(&text, v);
	return value_string_n(arena, text.buf, text.len);
}

static struct value *apply_matrix(struct schema_ctx *ctx, const struct value *v, const struct path *path)
{
	int names = 0;

	if (v->type == V_STRING) {
		bool one = placeholders(v->s, count_placeholder, &names) == 0 && names == 1 &&
			skip_prefix(v->s, "${", NULL) && strchr(v->s, '}') == v->s + v->n - 1;
		if (!one)
			report(ctx, value_loc(v), path,
				"'%s' is neither a list nor the name of a list variable (like \"${compute_nodes}\")", v->s);
		return (struct value *)v;
	}
	if (v->type == V_ARRAY && !v->n) {
		report(ctx, value_loc(v), path, "is an empty list");
		return (struct value *)v;
	}
	if (v->type != V_ARRAY) {
		wrong_type(ctx, v, path, "a list of values that is not empty");
		return (struct value *)v;
	}
	struct value *result = value_copy_shallow(ctx->arena, v);
	for (uint32_t i = 0; i < v->n; i++) {
		struct value *item = v->items[i];

		if (item->type == V_ARRAY || item->type == V_OBJECT || item->type == V_NULL)
			wrong_type(ctx, item, &(struct path){ path, NULL, i }, "text or a number");
		else
			result->items[i] = item->text ? as_text(ctx, item, path, "text") : scalar_text(ctx->arena, item);
	}
	return result;
}

static struct value *apply_field(
	struct schema_ctx *ctx, const struct field *field, struct value *v, const struct path *path)
{
	if (v->flags & VF_BAD)
		return v;
	if ((v->flags & (VF_ENV | VF_FILE)) && field->type != F_ANY) {
		report(ctx, value_loc(v), path, "'%s' can stand in variables only", v->flags & VF_ENV ? "!env" : "!file");
		return v;
	}
	switch (field->type) {
	case F_STRING:
	case F_DURATION:
	case F_SIZE:
	case F_PERCENT:
	case F_ENUM:
	case F_PATTERN:
		return apply_text(ctx, field, v, path);
	case F_BOOL:
		if (v->type != V_BOOL)
			wrong_type(ctx, v, path, "true or false");
		return v;
	case F_INT:
		v = as_whole(ctx->arena, v);
		check_number(ctx, field, v, path);
		return v;
	case F_NUMBER:
		check_number(ctx, field, v, path);
		return v;
	case F_ANY:
		return v;
	case F_LIST:
		return apply_list(ctx, field, v, path);
	case F_MAP:
		return apply_map(ctx, field, v, path);
	case F_OBJECT:
		return apply_object(ctx, field->sub, v, path);
	case F_MATRIX:
		return apply_matrix(ctx, v, path);
	case F_EITHER:
		return v->type == V_OBJECT ? apply_object(ctx, field->sub, v, path) : apply_text(ctx, field, v, path);
	}
	BUG("field type %d", (int)field->type);
}

static struct value *empty_value(struct arena *arena, enum field_type type)
{
	switch (type) {
	case F_LIST:
		return value_array(arena);
	case F_MAP:
	case F_OBJECT:
		return value_object(arena);
	default:
		return value_string(arena, "");
	}
}

/* What a table demands beyond single fields: required ones, exactly one of the FF_ONE group, and empty values where they
 * are stored. `seen` has a bit for each row that was met. */
static void check_presence(struct schema_ctx *ctx, const struct field *fields, const struct value *v,
	struct value *result, uint64_t seen, const struct path *path)
{
	int n_one = -1; /* no such group */

	for (const struct field *field = fields; field->name; field++) {
		if (!(field->flags & ctx->where))
			continue;
		bool there = seen >> (field - fields) & 1;
		if (field->flags & FF_ONE)
			n_one = MAX(n_one, 0) + there;
		if (there)
			continue;
		if (field->flags & FF_REQUIRED)
			report(ctx, value_loc(v), MEMBER(path, field->name), "is missing");
		if ((field->flags & FF_ALWAYS) && (field->flags & FF_API))
			value_append(ctx->arena, result, field->name, empty_value(ctx->arena, field->type));
	}
	if (n_one < 0 || n_one == 1)
		return;
	cleanup(strbuf_release) struct strbuf one = STRBUF_INIT;
	struct mrp_loc loc = value_loc(v);
	const char *name = NULL;
	for (const struct field *field = fields; field->name; field++) {
		if (!(field->flags & ctx->where) || !(field->flags & FF_ONE))
			continue;
		strbuf_addf(&one, "%s'%s'", one.len ? ", " : "", field->name);
		if (!name)
			name = field->name;
		if (value_get(result, field->name)) {
			name = field->name; /* the last one is the one too many */
			loc = value_loc(value_get(result, name));
		}
	}
	bool named = n_one || at_top(path); /* which of them is missing nobody knows, but the top has no name */
	report(ctx, loc, named ? MEMBER(path, name) : path,
		n_one ? "only one of %s may be there" : "one of %s is missing", one.buf);
}

static struct value *apply_object(
	struct schema_ctx *ctx, const struct field *fields, const struct value *v, const struct path *path)
{
	struct value *result = value_object(ctx->arena);
	uint64_t seen = 0;

	if (v->type != V_OBJECT) {
		wrong_type(ctx, v, path, "a map");
		return result;
	}
	result->file = v->file;
	result->line = v->line;
	result->col = v->col;
	result->alloc = v->n + 4; /* a few rows are FF_ALWAYS */
	result->members = arena_alloc(ctx->arena, result->alloc * sizeof(*result->members));
	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		const struct field *field = field_find(fields, m->key, ctx->where);

		if (!field) {
			bool readonly = (ctx->where & FF_API) && field_find(fields, m->key, FF_READONLY);

			if (!readonly)
				unknown_key(ctx, fields, v, m, path);
			continue;
		}
		if (field - fields >= 64)
			BUG("a table with more than 64 rows");
		struct path field_path = { path, field->name, 0 };
		if (m->value->type == V_NULL && field->type != F_ANY) {
			if (!(ctx->where & FF_CONFIG))
				continue;
			report(ctx, member_loc(v, m), &field_path, "is empty; give it a value or remove the line");
			seen |= UINT64_C(1) << (field - fields);
			continue;
		}
		seen |= UINT64_C(1) << (field - fields);
		struct member *copy =
			value_append(ctx->arena, result, field->name, apply_field(ctx, field, m->value, &field_path));
		copy->line = m->line;
		copy->col = m->col;
	}
	check_presence(ctx, fields, v, result, seen, path);
	return result;
}

struct value *schema_apply(struct schema_ctx *ctx, const struct field *fields, const struct value *v, const char *path)
{
	return apply_object(ctx, fields, v, &(struct path){ NULL, path, 0 });
}

struct value *schema_apply_value(struct schema_ctx *ctx, const struct field *field, struct value *v, const char *path)
{
	return apply_field(ctx, field, v, &(struct path){ NULL, path, 0 });
}

const struct value *field_at(const struct value *v, uint32_t i, const char *path, char inner[FIELD_PATH_BYTES])
{
	if (v->type == V_ARRAY) {
		snprintf(inner, FIELD_PATH_BYTES, "%s[%u]", path, i);
		return v->items[i];
	}
	snprintf(inner, FIELD_PATH_BYTES, "%s.%s", path, v->members[i].key);
	return v->members[i].value;
}

bool valid_identifier(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return len >= 1 && len <= 128;
}

bool valid_label_key(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		bool inner = i > 0 && i < len - 1 && c && strchr("_./-", c);

		if (!alnum && !inner && c != '_')
			return false;
	}
	return len >= 1 && len <= 128;
}

bool valid_relative_path(const char *text, size_t len)
{
	if (len == 0 || len > 4096 || text[0] == '/')
		return false;
	for (const char *part = text;;) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.') || n > 255)
			return false;
		if (!part[n])
			return true;
		part += n + 1;
	}
}

bool valid_sha256(const char *text, size_t len)
{
	return len == SHA256_HEX && sha256_from_hex(NULL, text);
}

int placeholders(const char *text, void (*found)(void *ctx, const char *name, size_t len), void *ctx)
{
	for (const char *p = text; (p = strstr(p, "${"));) {
		if (p > text && p[-1] == '$') { /* $${ is a literal ${ */
			p += 2;
			continue;
		}
		const char *end = strchr(p, '}');
		if (!end)
			return -1;
		found(ctx, p + 2, (size_t)(end - p - 2));
		p = end + 1;
	}
	return 0;
}
