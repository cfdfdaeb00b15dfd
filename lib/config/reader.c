/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include "../value/yaml.h"

void reader_init(struct reader *reader, struct config_source *source, const char *prefix)
{
	*reader = (struct reader){ .source = source, .prefix = prefix, .problems = PROBLEMS_INIT, .content = STRBUF_INIT };
}

void reader_release(struct reader *reader)
{
	problems_clear(&reader->problems);
	strbuf_release(&reader->content);
	source_entry_vec_clear(&reader->entries);
}

struct mrp_loc reader_place(const struct reader *reader, struct arena *arena, const char *path)
{
	size_t prefix_len = strlen(reader->prefix), len = strlen(path);
	char *name = arena_alloc(arena, prefix_len + len + 1);

	memcpy(name, reader->prefix, prefix_len);
	memcpy(name + prefix_len, path, len + 1);
	return (struct mrp_loc){ name, 1, 1 };
}

void reader_problem(struct reader *reader, const char *path, const char *field, struct mrp_err *err)
{
	cleanup(freep) char *name = xasprintf("%s%s", reader->prefix, path);

	problems_add(&reader->problems, (struct mrp_loc){ name, 1, 1 }, field, "%s", err->msg);
	mrp_err_clear(err);
}

struct value *reader_yaml(struct reader *reader, struct arena *arena, const char *path, unsigned flags, bool optional)
{
	struct mrp_err err = MRP_ERR_INIT;

	strbuf_reset(&reader->content);
	if (reader->source->ops->read(reader->source, &reader->content, NULL, path, YAML_MAX_BYTES, &err) < 0) {
		if (optional && err.code == MRP_ENOTFOUND)
			mrp_err_clear(&err);
		else
			reader_problem(reader, path, NULL, &err);
		return NULL;
	}
	const char *file = reader_place(reader, arena, path).file;
	return value_from_yaml(arena, reader->content.buf, reader->content.len, file, flags, &reader->problems);
}
