/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of configs, loaded: every object checked, in the form that the API stores, as text and digest. The YAML trees
 * themselves are gone after loading. Where to read next: tree.c (what lies where), variables.h (layers), explain.h.
 */
#ifndef MRP_CONFIG_CONFIG_H
#define MRP_CONFIG_CONFIG_H

#include "../model/kinds.h"

struct config;

struct config_options {
	const char *path;        /* the folder with the manifest; NULL: looked for from the working folder upwards */
	const char *environment; /* NULL: the only one of the manifest, or MRP_EUSAGE when it has several */
	bool all_environments;   /* check for every environment (--validate); clusters then have no text and no digest */
	bool read_secrets;       /* read what !env and !file name; else texts of clusters that use them are incomplete */
	int threads;             /* 0: as many as help */
	bool remember;           /* from files: keep what config_remember needs */

	/* Read a commit instead of files: a revision (gitrevisions(7)) of the repository that `path` (or the working folder) lies
	 * in, also "REV:FOLDER". NULL: the files. */
	const char *revision;
	const char *state_dir; /* what commits come to is remembered there (memory.h); NULL: nowhere */
	bool note_links; /* tell objects apart that symlinks make depend on files elsewhere (config_object.linked) */
};

/* Who made an object what it is. */
struct config_touch {
	const char *revision;     /* of the last commit of its files; "3f2a1bc-dirty" when they differ from it */
	const char *author;       /* "Name <mail>" or NULL */
	const char *committed_at; /* RFC 3339, UTC, or NULL */
};

/* One object that a config describes. */
struct config_object {
	enum kind kind;
	bool sensitive;    /* the text holds values that must not be shown */
	uint32_t line;     /* in that file */
	const char *slug;
	const char *recipe; /* clusters: its slug */
	bool linked;       /* symlinks are among its files */
	const struct config_touch *touch; /* NULL until config_find_touches, and when nothing is known */
	const char *path;  /* of its YAML file, from the manifest's folder: what `source.path` says */
	const char *text;  /* canonical JSON of the manageable part (object_manageable), with sensitive values */
	size_t len;
	uint8_t digest[SHA256_BYTES];
};

/* Load and check a tree. Mistakes in the configs go to `problems`, sorted, all of them; the result then is 0 too, but when
 * problems->errors is not 0 the objects are incomplete and good for nothing but counting. -1 only when there is nothing to
 * check: no manifest (MRP_ENOTFOUND), unknown or unclear environment (MRP_EUSAGE, the message lists the names), a folder
 * that cannot be read. Reads files, blocks. Release with config_free. */
int config_load(
	struct config **out, const struct config_options *options, struct problems *problems, struct mrp_err *err);
void config_free(struct config *config);
/* For cleanup() */
void config_freep(struct config **config);

/* All objects of the environment, by kind (recipes, clusters, probers), then by slug. */
const struct config_object *config_objects(const struct config *config, size_t *n);
/* How many these are; also of configs that are only recalled (memory.h). */
size_t config_count(const struct config *config);
/* NULL when no config describes it. */
const struct config_object *config_find(const struct config *config, enum kind kind, const char *slug);
/* What the API's root digest is when it holds exactly these objects. */
void config_root_digest(uint8_t out[SHA256_BYTES], const struct config *config);

/* The content of one of an object's files ("check.sh"; "initial_values" of a recipe too), read again for an upload.
 * MRP_EINVALID when it no longer hashes to `sha256` (hex). */
int config_read_file(struct strbuf *out, const struct config *config, const struct config_object *object, const char *path,
	const char *sha256, struct mrp_err *err);

/* Ask git who touched these objects last: their `touch` is set afterwards; those that have one are skipped. Also the
 * revision of the whole. Where there is no repository, or no commit, nothing is known, which is no error. Reads history:
 * for the objects that somebody wants to know it of. */
int config_find_touches(struct config *config, const struct config_object *const *objects, size_t n, struct mrp_err *err);
/* The commit, or "3f2a1bc-dirty" when files differ from it. NULL when it is not known, or config_find_touches was not
 * called. */
const char *config_revision(const struct config *config);

/* What differs between a revision and the configs. */
struct config_changes;

/* MRP_ENOTFOUND: the configs are in no repository. MRP_EUSAGE: no such revision. */
int config_changes_since(struct config_changes **out, struct config *config, const char *revision, struct mrp_err *err);
void config_changes_free(struct config_changes *changes);
/* Did any file change that the object is made from? When that cannot be told (symlinks, secrets), yes. */
bool config_changes_object(const struct config_changes *changes, const struct config_object *object);
/* Did the revision have files of such an object that are gone or changed now? For those that no config describes now. */
bool config_changes_had(const struct config_changes *changes, enum kind kind, const char *slug);

/* The folder with the manifest, as the user named it, or as reached from the working folder ("." or "../.."). */
const char *config_root(const struct config *config);
/* Adds the name of a file of the tree as messages show it: config_root and `path` together. */
void config_add_path(struct strbuf *out, const struct config *config, const char *path);
/* The chosen environment; NULL with all_environments. */
const char *config_environment(const struct config *config);
/* The API's address by the manifest, or NULL. */
const char *config_api_url(const struct config *config);
/* guards.max_deletes or guards.max_changes of the manifest: "10%" or "5", or a map of such by kind ("probers"), or NULL. */
const struct value *config_guard(const struct config *config, const char *name);

/* The manifest's folder from `path` (must hold it) or from the working folder upwards: a malloc'ed path, or NULL with
 * MRP_ENOTFOUND. */
char *config_find_root(const char *path, struct mrp_err *err);
/* Slugs of a kind by the names of files and folders alone, sorted: for completion. Nothing is read or checked. */
int config_list_slugs(struct strvec *out, const char *root, enum kind kind, struct mrp_err *err);

#endif
