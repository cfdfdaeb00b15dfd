/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of loading: what recipes, clusters and probers need from each other. They are read in that order; of each, only
 * what a later one asks for stays in memory.
 */
#ifndef MRP_CONFIG_LOADER_H
#define MRP_CONFIG_LOADER_H

#include "config.h"
#include "manifest.h"
#include "variables.h"

/* What clusters need to know of their recipe. */
struct recipe_info {
	const char *slug;
	struct value *values;   /* layer, or NULL */
	struct value *required; /* texts: the manifest's and the recipe's own */
	bool initial_values;    /* a program adds variables that no config shows */
	bool linked;            /* symlinks are among its files */
	bool broken;            /* it has mistakes of its own: say nothing about what it lacks */
};

VEC_DEFINE(recipe_info_vec, struct recipe_info)

enum {
	TARGET_SCALAR = 1 << 0,
	TARGET_LIST = 1 << 1,
	TARGET_SENSITIVE = 1 << 2,
	TARGET_EXTERNAL = 1 << 3, /* somebody else writes it: it may be anything */
};

struct target_name {
	const char *name;
	unsigned flags;
};

/* What probers need to know of a cluster in an environment. */
struct target {
	const char *cluster, *environment;
	struct target_name *names; /* sorted */
	size_t n;
	bool open; /* it has more names than the configs show */
};

VEC_DEFINE(target_vec, struct target)

struct loader {
	struct config_source *source;
	const char *prefix;
	struct manifest manifest;
	const struct environment *environment; /* the chosen one, or NULL: all */
	bool read_secrets;
	struct arena arena;                    /* manifest, layers, infos */
	struct value *common;                  /* layer values.yaml, or NULL */
	struct value **environment_values;     /* layers, as the manifest's environments; NULL where there is none */
	bool linked;                           /* a symlink stands near the top: any object may be made from any file */
	bool note_links;
	bool layers_broken;                    /* one of them has mistakes: say nothing about what they lack */
	struct recipe_info_vec recipes;        /* sorted */
	struct target_vec targets;
};

/* What one thread has while it works on one object after the other. */
struct worker {
	const struct loader *loader;
	struct reader reader;
	struct arena arena;   /* of the current object */
	struct arena results; /* texts and slugs of objects */
	struct strbuf text;
};

/* Read the manifest (into its own arena), choose the environment, read the layers. -1 with MRP_EUSAGE when it is not clear
 * which environment is meant; mistakes are problems of the worker. `source` and `prefix` are set. */
int loader_prepare(struct loader *loader, struct worker *worker, struct arena *manifest_arena,
	const struct config_options *options, struct mrp_err *err);
void loader_release(struct loader *loader);
/* The manifest's required variables and then those of a recipe (a list or NULL). */
struct value *loader_required(struct arena *arena, const struct loader *loader, const struct value *own);

void worker_init(struct worker *worker, const struct loader *loader);
/* Everything but the results, which the caller takes. */
void worker_release(struct worker *worker);

/* Begin with an object: the arena is empty, problems are about it. */
void worker_start(struct worker *worker, enum kind kind, const char *slug);
/* Put the finished object into `out`: text, digest, place. `path` is that of its file in the tree. */
void worker_finish(struct worker *worker, struct config_object *out, enum kind kind, const char *slug, const char *path,
	uint32_t line, const struct value *object);

/* Read and check an object's YAML file: the normal form by its table, or NULL after a problem. *clean says whether there
 * was none at all. */
struct value *worker_read(struct worker *worker, enum kind kind, const char *path, bool *clean);
/* Fill in what is there with every object; the object is changed. */
void worker_fill(struct worker *worker, struct value *object, const char *slug);

/* Each reads one object of its kind; *out is written when it has no mistakes. */
void recipe_load(struct worker *worker, struct loader *loader, const char *slug, struct config_object *out);
void cluster_load(struct worker *worker, struct loader *loader, const char *slug, const char *path, struct config_object *out);
void prober_load(struct worker *worker, const char *slug, struct config_object *out);

/* Layers of a cluster in the environment with that index; all but the cluster's own. */
void loader_layers(const struct loader *loader, struct value *layers[LAYER_COUNT], const struct recipe_info *recipe,
	size_t environment);
const struct recipe_info *loader_recipe(const struct loader *loader, const char *slug);

/* Check ${names} of a normal-form prober against the clusters that it runs on. */
void references_check(struct worker *worker, const struct value *prober);

#endif
