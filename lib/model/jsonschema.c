/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables as JSON Schema (draft 2020-12, https://json-schema.org/draft/2020-12): for editors and OpenAPI. */
#include "schema.h"

static struct value *schema_of(struct arena *arena, const struct field *field, unsigned where);

static void set_string(struct arena *arena, struct value *v, const char *key, const char *text)
{
	value_set(arena, v, key, value_string(arena, text));
}

static void add_bounds(struct arena *arena, struct value *v, const struct field *field, const char *min, const char *max)
{
	if (field->min)
		value_set(arena, v, min, value_int(arena, field->min));
	if (field->max)
		value_set(arena, v, max, value_int(arena, field->max));
}

static void describe_list(struct arena *arena, struct value *v, const struct field *field, unsigned where)
{
	set_string(arena, v, "type", "array");
	add_bounds(arena, v, field, "minItems", "maxItems");
	value_set(arena, v, "items", schema_of(arena, field->sub, where));
}

static void describe_map(struct arena *arena, struct value *v, const struct field *field, unsigned where)
{
	set_string(arena, v, "type", "object");
	if (field->pattern) {
		struct value *names = value_object(arena);

		set_string(arena, names, "pattern", field->pattern);
		value_set(arena, v, "propertyNames", names);
	}
	value_set(arena, v, "additionalProperties", schema_of(arena, field->sub, where));
}

static void describe_matrix(struct arena *arena, struct value *v)
{
	static const char *const scalars[] = { "string", "number", "boolean" };
	struct value *either = value_array(arena), *list = value_object(arena), *name = value_object(arena),
		     *items = value_object(arena), *types = value_array(arena);

	for (size_t i = 0; i < ARRAY_SIZE(scalars); i++)
		value_push(arena, types, value_string(arena, scalars[i]));
	value_set(arena, items, "type", types);
	set_string(arena, list, "type", "array");
	value_set(arena, list, "minItems", value_int(arena, 1));
	value_set(arena, list, "items", items);
	set_string(arena, name, "type", "string");
	set_string(arena, name, "pattern", "^\\$\\{[^}]+\\}$");
	value_push(arena, either, list);
	value_push(arena, either, name);
	value_set(arena, v, "oneOf", either);
}

/* Plain YAML numbers and the like are taken as text, where a number may be such a text. */
static void set_text_type(struct arena *arena, struct value *v, const struct field *field, unsigned where)
{
	bool any = field->type == F_STRING, pattern = field->type == F_PATTERN;
	bool numbers = any || (pattern && field->valid("5", 1)), booleans = any || (pattern && field->valid("true", 4));
	struct value *types = value_array(arena);

	if ((!numbers && !booleans) || !(where & FF_CONFIG)) {
		set_string(arena, v, "type", "string");
		return;
	}
	value_push(arena, types, value_string(arena, "string"));
	if (numbers)
		value_push(arena, types, value_string(arena, "number"));
	if (booleans)
		value_push(arena, types, value_string(arena, "boolean"));
	value_set(arena, v, "type", types);
}

static void describe_text(struct arena *arena, struct value *v, const struct field *field, unsigned where)
{
	static const char *const patterns[] = {
		[F_DURATION] = "^[0-9]+(ms|s|m|h|d)$",
		[F_SIZE] = "^[0-9]+(B|KiB|MiB|GiB|TiB)$",
		[F_PERCENT] = "^[0-9]+(\\.[0-9]+)?%$",
	};
	const char *pattern = field->type == F_PATTERN ? field->pattern
		: field->type < ARRAY_SIZE(patterns)   ? patterns[field->type]
						       : NULL;

	set_text_type(arena, v, field, where);
	if (field->type == F_STRING)
		add_bounds(arena, v, field, "minLength", "maxLength");
	if (pattern)
		set_string(arena, v, "pattern", pattern);
	if (field->words) {
		struct value *words = value_array(arena);

		for (const char *const *word = field->words; *word; word++)
			value_push(arena, words, value_string(arena, *word));
		value_set(arena, v, "enum", words);
	}
}

static void describe_either(struct arena *arena, struct value *v, const struct field *field, unsigned where)
{
	struct value *either = value_array(arena), *text = value_object(arena);
	struct field pattern = *field;

	pattern.type = F_PATTERN;
	describe_text(arena, text, &pattern, where);
	value_push(arena, either, text);
	value_push(arena, either, schema_to_json(arena, field->sub, where, NULL, NULL));
	value_set(arena, v, "oneOf", either);
}

static struct value *schema_of(struct arena *arena, const struct field *field, unsigned where)
{
	struct value *v = field->type == F_OBJECT ? schema_to_json(arena, field->sub, where, NULL, NULL)
						  : value_object(arena);

	if (field->help)
		set_string(arena, v, "description", field->help);
	if (field->flags & FF_READONLY)
		value_set(arena, v, "readOnly", value_bool(arena, true));
	if (field->flags & FF_NULL) {
		struct value *types = value_array(arena);

		value_push(arena, types, value_string(arena, "object"));
		value_push(arena, types, value_string(arena, "null"));
		value_set(arena, v, "type", types);
	}
	switch (field->type) {
	case F_STRING:
	case F_DURATION:
	case F_SIZE:
	case F_PERCENT:
	case F_ENUM:
	case F_PATTERN:
		describe_text(arena, v, field, where);
		break;
	case F_BOOL:
		set_string(arena, v, "type", "boolean");
		break;
	case F_INT:
	case F_NUMBER:
		set_string(arena, v, "type", field->type == F_INT ? "integer" : "number");
		if (field->min || field->max)
			value_set(arena, v, "minimum", value_int(arena, field->min));
		if (field->max)
			value_set(arena, v, "maximum", value_int(arena, field->max));
		break;
	case F_LIST:
		describe_list(arena, v, field, where);
		break;
	case F_MAP:
		describe_map(arena, v, field, where);
		break;
	case F_MATRIX:
		describe_matrix(arena, v);
		break;
	case F_EITHER:
		describe_either(arena, v, field, where);
		break;
	case F_ANY:
	case F_OBJECT:
		break;
	}
	return v;
}

static void add_head(struct arena *arena, struct value *v, const char *id, const char *title)
{
	if (id) {
		set_string(arena, v, "$schema", "https://json-schema.org/draft/2020-12/schema");
		set_string(arena, v, "$id", id);
	}
	if (title)
		set_string(arena, v, "title", title);
}

struct value *schema_to_json(
	struct arena *arena, const struct field *fields, unsigned where, const char *id, const char *title)
{
	struct value *v = value_object(arena), *properties = value_object(arena), *required = value_array(arena),
		     *one = value_array(arena);

	add_head(arena, v, id, title);
	set_string(arena, v, "type", "object");
	for (const struct field *field = fields; field->name; field++) {
		bool shown = field->flags & (where | (where & FF_API ? FF_READONLY : 0));

		if (!shown)
			continue;
		value_append(arena, properties, field->name, schema_of(arena, field, where));
		if (field->flags & FF_REQUIRED)
			value_push(arena, required, value_string(arena, field->name));
		if (field->flags & FF_ONE) {
			struct value *alternative = value_object(arena), *names = value_array(arena);

			value_push(arena, names, value_string(arena, field->name));
			value_set(arena, alternative, "required", names);
			value_push(arena, one, alternative);
		}
	}
	value_set(arena, v, "properties", properties);
	if (required->n)
		value_set(arena, v, "required", required);
	if (one->n)
		value_set(arena, v, "oneOf", one);
	value_set(arena, v, "additionalProperties", value_bool(arena, false));
	return v;
}

struct value *schema_value_to_json(
	struct arena *arena, const struct field *field, unsigned where, const char *id, const char *title)
{
	struct value *head = value_object(arena), *v = schema_of(arena, field, where);

	add_head(arena, head, id, title);
	for (uint32_t i = 0; i < v->n; i++)
		value_append(arena, head, v->members[i].key, v->members[i].value);
	return head;
}
