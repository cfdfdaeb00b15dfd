/* SPDX-License-Identifier: Apache-2.0 */
#include "../base/text.h"
#include "../value/json.h"
#include "../value/yaml.h"
#include "loader.h"

void worker_init(struct worker *worker, const struct loader *loader)
{
	*worker = (struct worker){ .loader = loader, .arena = ARENA_INIT, .results = ARENA_INIT, .text = STRBUF_INIT };
	reader_init(&worker->reader, loader->source, loader->prefix);
}

void worker_release(struct worker *worker)
{
	reader_release(&worker->reader);
	arena_release(&worker->arena);
	strbuf_release(&worker->text);
}

void worker_start(struct worker *worker, enum kind kind, const char *slug)
{
	arena_reset(&worker->arena);
	worker->reader.linked = false;
	worker->reader.problems.subject = arena_printf(&worker->arena, "%s '%s'", kinds[kind].name, slug);
}

/* The folder has no prober.yaml; often it has nearly that. */
static void report_missing(struct worker *worker, const char *path)
{
	struct reader *reader = &worker->reader;
	struct mrp_err err = MRP_ERR_INIT;
	const char *slash = strrchr(path, '/'), *wanted = slash + 1, *found = NULL;
	const char *folder = arena_strndup(&worker->arena, path, (size_t)(slash - path));

	if (reader->source->ops->list(reader->source, &reader->entries, &worker->arena, folder, &err) < 0)
		mrp_err_clear(&err);
	for (size_t i = 0; i < reader->entries.n && !found; i++)
		found = nearest_word(wanted, &reader->entries.v[i].name, 1);
	reader->entries.n = 0;
	struct mrp_loc loc = reader_place(reader, &worker->arena, path);
	if (found && !streq(found, wanted))
		problems_add(&reader->problems, loc, NULL, "is not there; rename '%s' to '%s'", found, wanted);
	else
		problems_add(&reader->problems, loc, NULL, "is not there; create it, or remove the folder");
}

struct value *worker_read(struct worker *worker, enum kind kind, const char *path, bool *clean)
{
	struct problems *problems = &worker->reader.problems;
	struct schema_ctx ctx = { .arena = &worker->arena, .problems = problems, .where = FF_CONFIG };
	size_t errors = problems->errors;
	unsigned flags = kind == KIND_CLUSTER ? YAML_LOCAL_TAGS : 0;
	struct value *v = reader_yaml(&worker->reader, &worker->arena, path, flags, true);

	*clean = false;
	if (!v && problems->errors == errors)
		report_missing(worker, path);
	if (!v)
		return NULL;
	if (v->type == V_NULL) {
		problems_add(problems, value_loc(v), NULL, "is empty; describe the %s in it", kinds[kind].name);
		return NULL;
	}
	if (v->type != V_OBJECT) {
		problems_add(problems, value_loc(v), NULL, "is %s, should be a map", value_type_name(v));
		return NULL;
	}
	v = schema_apply(&ctx, kinds[kind].fields, v, "");
	kinds[kind].check(&ctx, v);
	*clean = problems->errors == errors;
	return v;
}

void worker_fill(struct worker *worker, struct value *object, const char *slug)
{
	value_append(&worker->arena, object, "slug", value_string(&worker->arena, slug));
	if (!value_get(object, "name"))
		value_append(&worker->arena, object, "name", value_string(&worker->arena, slug));
}

void worker_finish(struct worker *worker, struct config_object *out, enum kind kind, const char *slug, const char *path,
	uint32_t line, const struct value *object)
{
	strbuf_reset(&worker->text);
	json_canonical(&worker->text, object);
	*out = (struct config_object){ .kind = kind, .line = line, .slug = arena_strdup(&worker->results, slug),
		.path = arena_strdup(&worker->results, path), .len = worker->text.len,
		.text = arena_strndup(&worker->results, worker->text.buf, worker->text.len) };
	out->linked = worker->reader.linked || worker->loader->linked;
	sha256_of(out->digest, out->text, out->len);
}
