/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts that need a heavy library (libcurl, SQLite, libpq, libmicrohttpd, ...) are modules: shared objects of their
 * own, loaded when a command first needs them. Mapping 40 libraries costs 11 ms, which `mrprober version` or a
 * completion should not pay. A module exports one constant table of functions; the header of that table says its name.
 *
 * Modules are looked for in $MRPROBER_MODULE_DIR, beside the program itself (the build tree), then where `cmake
 * --install` puts them, seen from the program, and by the whole path. The version in the file's name keeps a module of
 * another build out.
 */
#ifndef MRP_BASE_MODULE_H
#define MRP_BASE_MODULE_H

#include "err.h"

/* The table `symbol` of the module `name`, loaded once for the life of the program. NULL with err set when it cannot be
 * loaded (a broken installation). Thread-safe. */
const void *module_table(const char *name, const char *symbol, struct mrp_err *err);

#endif
