/* SPDX-License-Identifier: Apache-2.0 */
/* The files that belong to an object: content by hash, and whether it is executable. */
#ifndef MRP_CONFIG_FILES_H
#define MRP_CONFIG_FILES_H

#include "reader.h"

/* The `files` of an object: {"path": {sha256, mode}} of everything under `folder`, or of what `globs` (a list of texts, or
 * NULL) choose; without `excluded` names of the folder itself (NULL-terminated), and without .git and .terraform. A glob that
 * chooses nothing is a problem at its place. */
struct value *files_collect(struct reader *reader, struct arena *arena, const char *folder, const struct value *globs,
	const char *const *excluded);

/* One file's {sha256, mode}; NULL after a problem, or when it is not there and `optional`. */
struct value *files_read_one(struct reader *reader, struct arena *arena, const char *path, bool optional);

/* Check that argv[0] of `command` (a list of texts), when it begins with "./", is an executable file of `files`. */
void files_check_command(
	struct reader *reader, struct arena *arena, const struct value *files, const struct value *command, const char *field);

#endif
