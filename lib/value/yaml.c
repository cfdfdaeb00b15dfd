/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to values. Maps and lists that are open stand in `frames`; the children they have so far lie on one common
 * stack and are copied into the arena, exactly fitting, when the map or list ends. The expanded size of every value is
 * known when it ends, so that aliases are paid for before anyone walks the tree.
 */
#include "yaml.h"

#include <yaml.h>

#include "yaml_error.h"
#include "yaml_map.h"
#include "yaml_scalar.h"

#define TAG_PREFIX "tag:yaml.org,2002:"

struct anchor {
	const char *name;
	struct value *value;
	uint32_t size, height; /* of the expanded tree */
	bool open;             /* its value has not ended: an alias here would be endless */
};

VEC_DEFINE(anchor_vec, struct anchor)

struct frame {
	struct value *value;
	size_t start;          /* its first child on the stack */
	size_t anchor;         /* index + 1, or 0 */
	uint32_t size, height;
	const char *key;       /* read, and waiting for its value; NULL before a key */
	uint32_t line, col;    /* of that key */
	bool merge;            /* that key is a plain << */
	size_t merges;         /* how many merge values lie on the stack (their members have no key) */
};

struct composer {
	struct arena *arena;
	struct problems *problems;
	const char *file;
	unsigned flags;
	struct frame frames[YAML_MAX_DEPTH];
	size_t depth;
	struct member *stack, few[96]; /* children of open maps and lists; an item of a list has no key */
	size_t n, alloc;
	struct anchor_vec anchors;
	uint32_t total;        /* values so far, aliases expanded */
	struct value *root;
	int documents;
};

static struct mrp_loc mark_loc(const struct composer *c, yaml_mark_t mark)
{
	return (struct mrp_loc){ c->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

/* Report something that ends the parse. */
#define FATAL(c, loc, ...) (problems_add((c)->problems, loc, NULL, __VA_ARGS__), -1)

static struct value *new_value(struct composer *c, enum value_type type, struct mrp_loc loc)
{
	struct value *v = arena_alloc(c->arena, sizeof(*v));

	*v = (struct value){ .type = (uint8_t)type, .line = loc.line, .col = loc.col, .file = c->file };
	return v;
}

static void push(struct composer *c, struct member child)
{
	if (c->n == c->alloc) {
		struct member *larger = xmalloc(c->alloc * 2 * sizeof(*larger));

		memcpy(larger, c->stack, c->n * sizeof(*larger));
		if (c->stack != c->few)
			free(c->stack);
		c->stack = larger;
		c->alloc *= 2;
	}
	c->stack[c->n++] = child;
}

/* A value is complete (or an alias to one stands at `loc`): it goes to the map or list that is open, or is the document. */
static int place_value(struct composer *c, struct value *v, struct mrp_loc loc, uint32_t size, uint32_t height)
{
	c->total += size;
	if (c->total > YAML_MAX_VALUES)
		return FATAL(c, loc, "the file has more than %d values, aliases counted as often as they are used; "
			"split it", (int)YAML_MAX_VALUES);
	if (c->depth + height > YAML_MAX_DEPTH)
		return FATAL(c, loc, "nested deeper than %d levels", (int)YAML_MAX_DEPTH);
	if (!c->depth) {
		c->root = v;
		return 0;
	}
	struct frame *frame = &c->frames[c->depth - 1];
	frame->size += size;
	frame->height = MAX(frame->height, height + 1);
	if (frame->merge)
		frame->merges++;
	push(c, (struct member){ frame->merge ? NULL : frame->key, v, frame->line, frame->col });
	frame->key = NULL;
	frame->merge = false;
	return 0;
}

static size_t add_anchor(struct composer *c, const yaml_char_t *name, struct value *v, bool open)
{
	if (!name)
		return 0;
	anchor_vec_push(&c->anchors,
		(struct anchor){ arena_strdup(c->arena, (const char *)name), v, 1, v->type >= V_ARRAY, open });
	return c->anchors.n;
}

/* The last anchor of that name, as YAML has it. */
static const struct anchor *find_anchor(const struct composer *c, const char *name)
{
	for (size_t i = c->anchors.n; i-- > 0;) {
		if (streq(c->anchors.v[i].name, name))
			return &c->anchors.v[i];
	}
	return NULL;
}

static int take_key(struct composer *c, struct frame *frame, const char *key, size_t len, struct mrp_loc loc)
{
	if (memchr(key, 0, len))
		return FATAL(c, loc, "a key has a NUL character; remove it");
	frame->key = key;
	frame->line = loc.line;
	frame->col = loc.col;
	return 0;
}

/* True when the next event is a key of the map that is open. */
static struct frame *wants_key(struct composer *c)
{
	struct frame *frame = c->depth ? &c->frames[c->depth - 1] : NULL;

	return frame && frame->value->type == V_OBJECT && !frame->key ? frame : NULL;
}

static int add_alias(struct composer *c, const yaml_event_t *event)
{
	struct mrp_loc loc = mark_loc(c, event->start_mark);
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *anchor = find_anchor(c, name);
	struct frame *map = wants_key(c);

	if (!anchor)
		return FATAL(c, loc, "'*%s' names no anchor; write '&%s' before the value meant, above this line (or put text "
			"that begins with '*' in quotes)", name, name);
	if (anchor->open)
		return FATAL(c, loc, "'*%s' is inside the value that it names", name);
	if (!map)
		return place_value(c, anchor->value, loc, anchor->size, anchor->height);
	if (anchor->value->type != V_STRING)
		return FATAL(c, loc, "a key must be text, and '*%s' is %s", name, value_type_name(anchor->value));
	return take_key(c, map, anchor->value->s, anchor->value->n, loc);
}

static void bad(struct composer *c, struct value *v, const char *what, const char *text)
{
	problems_add(c->problems, value_loc(v), NULL, what, text);
	v->flags |= VF_BAD;
}

enum tag { TAG_NONE, TAG_STR, TAG_INT, TAG_FLOAT, TAG_BOOL, TAG_NULL, TAG_MAP, TAG_SEQ, TAG_ENV, TAG_FILE, TAG_UNKNOWN };

static enum tag find_tag(const yaml_char_t *text)
{
	static const char *const names[] = { [TAG_STR] = "str", [TAG_INT] = "int", [TAG_FLOAT] = "float",
		[TAG_BOOL] = "bool", [TAG_NULL] = "null", [TAG_MAP] = "map", [TAG_SEQ] = "seq" };
	const char *name;

	if (!text)
		return TAG_NONE;
	if (streq((const char *)text, "!env"))
		return TAG_ENV;
	if (streq((const char *)text, "!file"))
		return TAG_FILE;
	for (enum tag tag = TAG_STR; tag <= TAG_SEQ; tag++) {
		if (skip_prefix((const char *)text, TAG_PREFIX, &name) && streq(name, names[tag]))
			return tag;
	}
	return TAG_UNKNOWN;
}

static const char *tag_spelling(struct composer *c, const yaml_char_t *tag)
{
	const char *name;

	return skip_prefix((const char *)tag, TAG_PREFIX, &name) ? arena_printf(c->arena, "!!%s", name)
								 : (const char *)tag;
}

/* For tags on what they cannot describe. */
static void wrong_tag(struct composer *c, struct value *v, enum tag tag, const yaml_char_t *text)
{
	const char *spelling = tag_spelling(c, text);

	v->flags |= VF_BAD;
	if (tag == TAG_UNKNOWN)
		problems_add(c->problems, value_loc(v), NULL,
			"unknown tag '%s' (known are !!str, !!int, !!float, !!bool, !!null, !!map, !!seq%s); "
			"put text that begins with '!' in quotes",
			spelling, c->flags & YAML_LOCAL_TAGS ? ", !env NAME and !file PATH" : "");
	else
		problems_add(c->problems, value_loc(v), NULL, "the tag '%s' cannot stand before %s", spelling,
			v->type >= V_ARRAY ? value_type_name(v) : "a scalar");
}

/* A plain scalar, or one whose tag says that it is to be read as one. */
static void resolve_plain(struct composer *c, struct value *v, const char *s, size_t len)
{
	switch (yaml_scalar_resolve(v, s, len)) {
	case SCALAR_OK:
		break;
	case SCALAR_TOO_LARGE:
		bad(c, v, "'%s' is too large for a number; put it in quotes to make it text", s);
		break;
	case SCALAR_NOT_FINITE:
		bad(c, v, "'%s' cannot be said in JSON; write a number, or put it in quotes to make it text", s);
	}
}

static void resolve_tagged(struct composer *c, struct value *v, enum tag tag, const yaml_char_t *tag_text)
{
	static const uint8_t types[] = { [TAG_INT] = V_INT, [TAG_FLOAT] = V_REAL, [TAG_BOOL] = V_BOOL, [TAG_NULL] = V_NULL };
	const char *s = v->s;

	switch (tag) {
	case TAG_STR:
		return;
	case TAG_INT:
	case TAG_FLOAT:
	case TAG_BOOL:
	case TAG_NULL:
		resolve_plain(c, v, s, v->n);
		if (tag == TAG_FLOAT && v->type == V_INT) {
			v->r = (double)v->i;
			v->type = V_REAL;
		}
		if (v->type != types[tag] && !(v->flags & VF_BAD)) {
			v->type = V_STRING;
			v->s = s;
			v->flags |= VF_BAD;
			problems_add(c->problems, value_loc(v), NULL, "'%s' is not what its tag '%s' says", s,
				tag_spelling(c, tag_text));
		}
		return;
	case TAG_ENV:
	case TAG_FILE:
		v->flags |= VF_SECRET | (tag == TAG_ENV ? VF_ENV : VF_FILE);
		if (!(c->flags & YAML_LOCAL_TAGS))
			bad(c, v, "'%s' can stand in a cluster's variables and in values files only", (const char *)tag_text);
		else if (!v->n)
			bad(c, v, "'%s' needs a name after it (like !env DB_PASSWORD, !file db.key)", (const char *)tag_text);
		return;
	default:
		wrong_tag(c, v, tag, tag_text);
	}
}

static int add_scalar(struct composer *c, const yaml_event_t *event)
{
	struct mrp_loc loc = mark_loc(c, event->start_mark);
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	const yaml_char_t *tag_text = event->data.scalar.tag;
	char *copy = arena_strndup(c->arena, text, len);
	struct frame *map = wants_key(c);
	enum tag tag = find_tag(tag_text);

	if (map && tag <= TAG_STR) {
		map->merge = plain && !tag && len == 2 && copy[0] == '<' && copy[1] == '<';
		if (plain && !len)
			return FATAL(c, loc, "a key is missing before ':'");
		if (event->data.scalar.anchor) {
			struct value *v = new_value(c, V_STRING, loc);

			v->s = copy;
			v->n = (uint32_t)len;
			add_anchor(c, event->data.scalar.anchor, v, false);
		}
		return take_key(c, map, copy, len, loc);
	}
	if (map)
		return FATAL(c, loc, "a key must be text; remove the tag '%s'", tag_spelling(c, tag_text));
	struct value *v = new_value(c, V_STRING, loc);
	v->s = copy;
	v->n = (uint32_t)len;
	if (memchr(copy, 0, len))
		bad(c, v, "the text has a NUL character%s", "; remove it");
	else if (tag)
		resolve_tagged(c, v, tag, tag_text);
	else if (plain)
		resolve_plain(c, v, copy, len);
	if (v->type != V_STRING) {
		v->text = copy;
		v->n = 0;
	}
	add_anchor(c, event->data.scalar.anchor, v, false);
	return place_value(c, v, loc, 1, 0);
}

static int open_collection(
	struct composer *c, const yaml_event_t *event, enum value_type type, const yaml_char_t *anchor, const yaml_char_t *tag_text)
{
	struct mrp_loc loc = mark_loc(c, event->start_mark);
	enum tag tag = find_tag(tag_text);

	if (wants_key(c))
		return FATAL(c, loc, "a key must be text, not %s; put text with brackets or braces in quotes",
			type == V_ARRAY ? "a list" : "a map");
	if (c->depth == YAML_MAX_DEPTH)
		return FATAL(c, loc, "nested deeper than %d levels", (int)YAML_MAX_DEPTH);
	struct value *v = new_value(c, type, loc);
	if (tag && tag != (type == V_ARRAY ? TAG_SEQ : TAG_MAP))
		wrong_tag(c, v, tag, tag_text);
	struct frame *frame = &c->frames[c->depth++];
	*frame = (struct frame){ .value = v, .start = c->n, .anchor = add_anchor(c, anchor, v, true), .height = 1 };
	return 0;
}

static void merge_value(struct composer *c, struct value *map, const struct member *merge)
{
	const struct value *from = merge->value;

	if (yaml_map_merge(c->arena, map, from))
		return;
	problems_add(c->problems, (struct mrp_loc){ c->file, merge->line, merge->col }, NULL,
		"'<<' merges a map or a list of maps (like <<: *name), and this is %s; put '<<' in quotes to make it a key",
		from->type == V_ARRAY ? "a list with something else" : value_type_name(from));
}

/* The children of a map from the stack: first its own, then those of merged maps that it does not have. */
static int close_map(struct composer *c, struct frame *frame)
{
	struct value *v = frame->value;
	struct member *children = c->stack + frame->start;
	size_t n = c->n - frame->start;

	yaml_map_mark_duplicates(children, n, c->file, c->problems);
	v->alloc = (uint32_t)n;
	v->members = arena_alloc(c->arena, n * sizeof(*v->members));
	for (size_t i = 0; i < n; i++) {
		if (children[i].key && children[i].value)
			v->members[v->n++] = children[i];
	}
	if (!frame->merges)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (children[i].key)
			continue;
		if (frame->merges > 1) /* a map has each key once, this one too */
			return FATAL(c, ((struct mrp_loc){ c->file, children[i].line, children[i].col }),
				"'<<' is there twice; write <<: [*one, *two]");
		merge_value(c, v, &children[i]);
	}
	return 0;
}

static int close_collection(struct composer *c)
{
	struct frame *frame = &c->frames[c->depth - 1];
	struct value *v = frame->value;
	size_t n = c->n - frame->start;

	if (v->type == V_OBJECT) {
		if (close_map(c, frame) < 0)
			return -1;
	} else {
		v->n = v->alloc = (uint32_t)n;
		v->items = arena_alloc(c->arena, n * sizeof(*v->items));
		for (size_t i = 0; i < n; i++)
			v->items[i] = c->stack[frame->start + i].value;
	}
	c->n = frame->start;
	c->depth--;
	if (frame->anchor) {
		struct anchor *anchor = &c->anchors.v[frame->anchor - 1];

		anchor->open = false;
		anchor->size = frame->size + 1;
		anchor->height = frame->height;
	}
	/* its children have been counted one by one; for the parent it counts as a whole */
	c->total -= frame->size;
	return place_value(c, v, value_loc(v), frame->size + 1, frame->height);
}

static int take_event(struct composer *c, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (c->documents++)
			return FATAL(c, mark_loc(c, event->start_mark), "a second document; a file holds one, so split it at '---'");
		return 0;
	case YAML_ALIAS_EVENT:
		return add_alias(c, event);
	case YAML_SCALAR_EVENT:
		return add_scalar(c, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(
			c, event, V_ARRAY, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(
			c, event, V_OBJECT, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(c);
	default:
		return 0;
	}
}

/* Between brackets libyaml takes a tab for indentation. The lines of a text with tabs, as events go through them. */
struct lines {
	const char *at, *end; /* the line of the last event; NULL: there are no tabs */
	size_t line;          /* its number */
	yaml_mark_t done;     /* where the last event ended: what is before may be the inside of a text */
};

static int check_indent(struct composer *c, struct lines *lines, const yaml_event_t *event)
{
	yaml_mark_t start = event->start_mark, done = lines->done;

	if (event->end_mark.index == start.index) /* the end of a block, an empty value */
		return 0;
	lines->done = event->end_mark;
	if (!lines->at || start.line == lines->line || (done.line == start.line && done.column))
		return 0;
	for (; lines->line < start.line; lines->line++) {
		const char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));

		if (!newline)
			return 0;
		lines->at = newline + 1;
	}
	const char *p = lines->at;
	while (p < lines->end && *p == ' ')
		p++;
	if (p == lines->end || *p != '\t')
		return 0;
	return FATAL(c, ((struct mrp_loc){ c->file, (uint32_t)start.line + 1, (uint32_t)(p - lines->at) + 1 }),
		"a tab in the indentation; use spaces");
}

static int compose(struct composer *c, yaml_parser_t *parser, const char *text, size_t len)
{
	struct lines lines = { .at = memchr(text, '\t', len) ? text : NULL, .end = text + len };
	yaml_event_t event;
	bool end = false;

	while (!end) {
		if (!yaml_parser_parse(parser, &event)) {
			yaml_error_report(c->problems, parser, text, len, c->file);
			return -1;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		int result = check_indent(c, &lines, &event) < 0 ? -1 : take_event(c, &event);
		yaml_event_delete(&event);
		if (result < 0)
			return -1;
	}
	if (!c->root)
		c->root = new_value(c, V_NULL, (struct mrp_loc){ c->file, 1, 1 });
	return 0;
}

struct value *value_from_yaml(struct arena *arena, const char *text, size_t len, const char *file, unsigned flags,
	struct problems *problems)
{
	struct composer c; /* not zeroed as a whole: frames and few are large */
	yaml_parser_t parser;

	if (len > YAML_MAX_BYTES) {
		problems_add(problems, (struct mrp_loc){ file, 1, 1 }, NULL, "is larger than %d MiB; split it",
			YAML_MAX_BYTES >> 20);
		return NULL;
	}
	/* libyaml would count a byte order mark as a column, and take the first line for an indented one */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3, len -= 3;
	c.arena = arena;
	c.problems = problems;
	c.file = file;
	c.flags = flags;
	c.depth = c.n = 0;
	c.stack = c.few;
	c.alloc = ARRAY_SIZE(c.few);
	c.anchors = (struct anchor_vec)VEC_INIT;
	c.total = 0;
	c.root = NULL;
	c.documents = 0;
	if (!yaml_parser_initialize(&parser))
		BUG("out of memory");
	/* not guessed: a file that begins with a UTF-16 mark is not UTF-8, and says so */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	int result = compose(&c, &parser, text, len);
	yaml_parser_delete(&parser);
	anchor_vec_clear(&c.anchors);
	if (c.stack != c.few)
		free(c.stack);
	return result < 0 ? NULL : c.root;
}
