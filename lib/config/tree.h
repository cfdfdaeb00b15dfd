/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a config tree: finding objects by the names of files and folders. */
#ifndef MRP_CONFIG_TREE_H
#define MRP_CONFIG_TREE_H

#include "../model/kinds.h"
#include "reader.h"

struct tree_object {
	const char *slug;
	const char *path; /* of its YAML file */
	bool link;        /* the file or folder of its name is a symlink */
};

VEC_DEFINE(tree_object_vec, struct tree_object)

/* Append the objects of a kind, sorted by slug; texts are in the arena. Whatever does not belong there (a name that is no
 * slug, a slug that is there twice) is a problem, and is not among them. No folder
 * but the kind's own is looked at. */
void tree_list(struct tree_object_vec *out, struct reader *reader, struct arena *arena, enum kind kind);

#endif
