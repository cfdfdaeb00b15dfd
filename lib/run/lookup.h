/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MRP_RUN_LOOKUP_H
#define MRP_RUN_LOOKUP_H

#include "run.h"

/* The value of `name` in an environment, or NULL. Borrowed. */
const char *env_value(const char *const *env, const char *name);
/* What to exec from within spec->folder: argv[0] if it has a slash, else the first executable file of that name in PATH
 * of spec->env. 0, or the errno that says why there is none: EACCES when there was one without the right to execute. */
int find_program(struct strbuf *path, const struct run_spec *spec);
/* exec said ENOENT: true when the program is there, so what is missing is the interpreter after its "#!", or the loader
 * that it was linked for. */
bool program_exists(const struct run_spec *spec, const char *path);

#endif
