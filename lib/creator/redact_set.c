/* SPDX-License-Identifier: Apache-2.0 */
#include "../value/json.h"
#include "redact_forms.h"
#include "redact_internal.h"

static void note_beginning(void *ctx, const char window[WINDOW])
{
	struct redact_set *set = ctx;
	uint32_t hash = hash_window(window);

	set->first[(unsigned char)window[0]] = true;
	set->bits[hash / 8] |= (uint8_t)(1 << hash % 8);
}

struct redact_set *redact_new(unsigned flags)
{
	struct redact_set *set = xcalloc(1, sizeof(*set));

	set->flags = flags;
	if (flags & REDACT_SHAPES)
		shape_each_beginning(note_beginning, set);
	return set;
}

void redact_free(struct redact_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->patterns.n; i++) {
		explicit_bzero(set->patterns.v[i].text, set->patterns.v[i].len);
		free(set->patterns.v[i].text);
	}
	pattern_vec_clear(&set->patterns);
	free(set);
}

void redact_freep(struct redact_set **set)
{
	redact_free(*set);
	*set = NULL;
}

size_t redact_find(const struct redact_set *set, uint32_t hash)
{
	size_t low = 0, high = set->patterns.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->patterns.v[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_form(void *ctx, const char *form, size_t len)
{
	struct redact_set *set = ctx;
	struct pattern_vec *patterns = &set->patterns;

	if (len < REDACT_MIN)
		return;
	uint32_t hash = hash_window(form);
	size_t at = redact_find(set, hash);
	for (size_t i = at; i < patterns->n && patterns->v[i].hash == hash; i++) {
		if (patterns->v[i].len == len && memcmp(patterns->v[i].text, form, len) == 0)
			return;
	}
	note_beginning(set, form);
	pattern_vec_push(patterns, (struct pattern){ 0 });
	memmove(patterns->v + at + 1, patterns->v + at, (patterns->n - 1 - at) * sizeof(*patterns->v));
	patterns->v[at] = (struct pattern){ hash, memcpy(xmalloc(len), form, len), len };
}

bool redact_add(struct redact_set *set, const char *secret, size_t len)
{
	redact_each_form(secret, len, add_form, set);
	return len >= REDACT_MIN;
}

static bool add_number(struct redact_set *set, const struct value *value)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	json_compact(&text, value);
	bool added = redact_add(set, text.buf, text.len);
	return value->text ? redact_add(set, value->text, strlen(value->text)) && added : added;
}

static bool add_parts(struct redact_set *set, const struct value *value)
{
	bool all = true;

	switch ((enum value_type)value->type) {
	case V_NULL:
	case V_BOOL: /* one of three words, which texts are full of */
		return true;
	case V_INT:
	case V_REAL:
		return add_number(set, value);
	case V_STRING:
		return !value->n || redact_add(set, value->s, value->n);
	case V_ARRAY:
		for (uint32_t i = 0; i < value->n; i++)
			all = add_parts(set, value->items[i]) && all;
		return all;
	case V_OBJECT:
		for (uint32_t i = 0; i < value->n; i++)
			all = add_parts(set, value->members[i].value) && all;
		return all;
	}
	return all;
}

bool redact_add_value(struct redact_set *set, const struct value *value)
{
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;

	if (value->type == V_ARRAY || value->type == V_OBJECT) {
		json_compact(&json, value);
		redact_each_form(json.buf, json.len, add_form, set);
		explicit_bzero(json.buf, json.len);
		strbuf_reset(&json);
		json_canonical(&json, value); /* with its keys sorted, as terraform writes it */
		redact_each_form(json.buf, json.len, add_form, set);
		explicit_bzero(json.buf, json.len);
	}
	return add_parts(set, value);
}
