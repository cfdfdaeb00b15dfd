/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of scan.h. One story a file:
 *
 *	scan.c          files of modules, modules in modules
 *	scan_walk.c     all files
 *	scan_blocks.c   what each kind of block asks for
 *	scan_require.c  required_providers, names of providers and what they stand for; the lock file
 */
#ifndef MRP_CREATOR_SCAN_INTERNAL_H
#define MRP_CREATOR_SCAN_INTERNAL_H

#include "hcl.h"
#include "scan.h"

enum { SCAN_DEPTH = 64 }; /* of folders, of modules in modules */

struct declared_name {
	const char *name, *source; /* NULL: the declaration was wrong, and has been complained about */
};

VEC_DEFINE(declared_name_vec, struct declared_name)

/* A name that a module uses; what it stands for is known when all files of the module were read. */
struct name_use {
	const char *name, *version, *what;
	struct mrp_loc loc;
	bool passed;
};

VEC_DEFINE(name_use_vec, struct name_use)

struct child_module {
	const char *name, *source;
	struct mrp_loc loc;
};

VEC_DEFINE(child_module_vec, struct child_module)

struct scanner {
	struct scan *scan;
	const char *folder;
	struct problems *problems;
	struct strvec seen; /* folders of modules whose problems and programs are known */
	struct mrp_err *err;
};

/* One module being read. */
struct module_reader {
	struct scanner *scanner;
	struct arena *arena;
	size_t index;
	bool first; /* its folder was not read before: tell about it */
	struct hcl_file file;
	bool override;
	struct mrp_loc requires; /* its required_providers block; file NULL: none yet */
	struct declared_name_vec declared;
	struct name_use_vec uses;
	struct child_module_vec children;
};

/* Adds a problem, once for each folder. */
void scan_complain(struct module_reader *reader, uint32_t line, uint32_t col, const char *fmt, ...) PRINTF(4, 5);
/* A problem made of an error, with its place. */
void scan_complain_error(struct problems *problems, struct mrp_err *err);
/* The argument; two of one name are a problem. */
const struct hcl_argument *scan_argument(struct module_reader *reader, const struct hcl_body *body, const char *name);

/* scan_walk.c */
int scan_list_folder(struct strvec *names, const char *path, struct mrp_err *err);
/* `folder` is relative to the recipe. */
int scan_walk(struct scanner *scanner, const char *folder, int depth);

/* scan_blocks.c */
void scan_file_blocks(struct module_reader *reader);

/* scan_require.c */
void scan_required_providers(struct module_reader *reader, const struct hcl_block *block);
/* The module uses a provider by this name; also "aws.west". Yours to complete, until the next. */
struct name_use *scan_use_name(
	struct module_reader *reader, const char *name, const char *what, uint32_t line, uint32_t col);
void scan_resolve_names(struct module_reader *reader);
void scan_lock_file(struct module_reader *root);

#endif
