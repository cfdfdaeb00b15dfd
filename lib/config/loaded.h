/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a loaded tree: what config.c and touches.c share. */
#ifndef MRP_CONFIG_LOADED_H
#define MRP_CONFIG_LOADED_H

#include "manifest.h"
#include "origin.h"

enum { CONFIG_MAX_THREADS = 8 };

struct config {
	struct config_origin origin;
	struct arena arena; /* what the manifest says, and what git does */
	struct manifest manifest;
	const struct environment *environment;
	struct config_object *objects;
	size_t n;
	struct arena texts[CONFIG_MAX_THREADS];

	bool outside;  /* secrets from outside of the tree went into it */
	bool problems; /* mistakes or warnings were found */

	/* memory.c: not loaded, but recalled */
	bool recalled;
	size_t n_recalled;
	uint8_t root[SHA256_BYTES];

	/* touches.c */
	const char *revision;
	bool looked;                  /* at the whole: revision and dirty are known */
	struct repo_change_vec dirty; /* files that are not as in the commit */
};

/* The files that an object is made from, as paths from the manifest's folder that stand for all below them. */
enum { OBJECT_PATHS_MAX = 4 };
size_t config_object_paths(const char *paths[OBJECT_PATHS_MAX], struct arena *arena, const struct config *config,
	const struct config_object *object);
/* The first change of `path` or below it, or NULL. */
const struct repo_change *config_change_at(const struct repo_change_vec *changes, const char *path);

#endif
