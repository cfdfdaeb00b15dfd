/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include "../base/text.h"

struct listing {
	struct tree_object_vec *out;
	struct reader *reader;
	struct arena *arena;
	enum kind kind;
};

/* `field` is what is wrong with the object of that slug; NULL: all of it. */
static void PRINTF(5, 6) report(
	struct listing *listing, const char *slug, const char *field, const char *path, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct problems *problems = &listing->reader->problems;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	problems->subject = arena_printf(listing->arena, "%s '%s'", kinds[listing->kind].name, slug);
	problems_add(problems, reader_place(listing->reader, listing->arena, path), field, "%s", text.buf);
	problems->subject = NULL;
}

static void add(struct listing *listing, const char *slug, const char *path, bool link, const char *what)
{
	if (slug_valid(slug, strlen(slug)))
		tree_object_vec_push(listing->out, (struct tree_object){ slug, path, link });
	else
		report(listing, slug, "slug", path, "the %s's name is no slug (a-z, 0-9 and '-', at most 63); rename it", what);
}

static void add_file(struct listing *listing, const char *name, const char *path, bool link)
{
	const struct kind_info *kind = &kinds[listing->kind];
	const char *dot = strrchr(name, '.');

	if (!dot || (!streq(dot, ".yaml") && !streq(dot, ".yml")))
		return; /* a README and the like */
	const char *slug = arena_strndup(listing->arena, name, (size_t)(dot - name));
	if (listing->kind != KIND_CLUSTER)
		report(listing, slug, "slug", path, "a %s is a folder; move this file to %s/%s/%s.yaml", kind->name,
			kind->plural, slug, kind->name);
	else if (streq(dot, ".yml"))
		report(listing, slug, "slug", path, "this file is not read; rename it to %s.yaml", slug);
	else
		add(listing, slug, path, link, "file");
}

static const char *slug_of(struct arena *arena, const char *name)
{
	const char *dot = strrchr(name, '.');

	return arena_strndup(arena, name, dot ? (size_t)(dot - name) : strlen(name));
}

static int compare_objects(const void *a, const void *b)
{
	const struct tree_object *x = a, *y = b;
	int order = strcmp(x->slug, y->slug);

	return order ? order : strcmp(x->path, y->path);
}

/* A folder beside clusters/<slug>.yaml may hold something else, a file for !file say. */
static bool is_there(struct listing *listing, const char *path)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	bool there = listing->reader->source->ops->read(listing->reader->source, &text, NULL, path, SIZE_MAX / 2, &err) == 0 ||
		err.code != MRP_ENOTFOUND;

	mrp_err_clear(&err);
	return there;
}

static void remove_duplicates(struct listing *listing, size_t start)
{
	struct tree_object_vec *objects = listing->out;
	size_t kept = start;

	for (size_t i = start; i < objects->n; i++) {
		const struct tree_object *object = &objects->v[i];

		bool again = kept > start && streq(objects->v[kept - 1].slug, object->slug);
		if (again && is_there(listing, object->path))
			report(listing, object->slug, "slug", object->path, "is described in %s too; keep one of them",
				objects->v[kept - 1].path);
		else if (!again)
			objects->v[kept++] = *object;
	}
	objects->n = kept;
}

void tree_list(struct tree_object_vec *out, struct reader *reader, struct arena *arena, enum kind kind)
{
	struct listing listing = { out, reader, arena, kind };
	const char *folder = kinds[kind].plural;
	struct mrp_err err = MRP_ERR_INIT;
	size_t start = out->n;

	reader->entries.n = 0;
	if (reader->source->ops->list(reader->source, &reader->entries, arena, folder, &err) < 0) {
		if (err.code != MRP_ENOTFOUND)
			reader_problem(reader, folder, NULL, &err);
		mrp_err_clear(&err);
		return;
	}
	for (size_t i = 0; i < reader->entries.n; i++) {
		const struct source_entry *entry = &reader->entries.v[i];

		if (entry->name[0] == '.')
			continue;
		const char *path = arena_printf(arena, "%s/%s", folder, entry->name);
		if (entry->type == SOURCE_BAD)
			report(&listing, slug_of(arena, entry->name), NULL, path, "%s", entry->why);
		else if (entry->type == SOURCE_FILE)
			add_file(&listing, entry->name, path, entry->link);
		else
			add(&listing, entry->name, arena_printf(arena, "%s/%s.yaml", path, kinds[kind].name), entry->link,
				"folder");
	}
	reader->entries.n = 0;
	if (out->n - start > 1)
		qsort(out->v + start, out->n - start, sizeof(*out->v), compare_objects);
	remove_duplicates(&listing, start);
}
