/* SPDX-License-Identifier: Apache-2.0 */
/* What one thread needs to read config files one after another: buffers that are used again, and where problems go. */
#ifndef MRP_CONFIG_READER_H
#define MRP_CONFIG_READER_H

#include "../value/value.h"
#include "source.h"

enum { CONFIG_FILE_MAX_BYTES = 64 << 20 };

struct reader {
	struct config_source *source;
	const char *prefix;       /* goes before paths in messages: "" or "examples/network/" */
	struct problems problems;
	struct strbuf content;    /* of the last file read */
	struct source_entry_vec entries;
	bool outside;             /* something was read from outside of the tree */
	bool linked;              /* symlinks were among the files of the object that is being read */
};

void reader_init(struct reader *reader, struct config_source *source, const char *prefix);
void reader_release(struct reader *reader);

/* The place of a file as a whole; the name is in the arena. */
struct mrp_loc reader_place(const struct reader *reader, struct arena *arena, const char *path);
/* Report an error of the source about `path`, and the field it stands for, or NULL; clears err. */
void reader_problem(struct reader *reader, const char *path, const char *field, struct mrp_err *err);
/* Parse a YAML file; flags as value_from_yaml. NULL after a problem, or when it is not there and `optional`. */
struct value *reader_yaml(
	struct reader *reader, struct arena *arena, const char *path, unsigned flags, bool optional);

#endif
