/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of files: each entry's `files` become a folder (agent_entry_folder) that is complete or not there, so that it
 * may be run in at once. Contents are kept once, in blobs/ by their hash; files in folders are hard links to them, so a
 * content that nobody uses is one with a single link. Nothing here is trusted: paths are checked, contents are hashed
 * when a config begins to use them.
 *
 *	config_files_open ... config_files_missing -> config_files_put for each -> config_files_make ...
 *config_files_collect
 *
 * One thread at a time. A folder that is in use by a config (the ones given to config_files_collect) never changes,
 *unless it is found damaged by a look that was asked for.
 */
#ifndef MRP_AGENT_CONFIG_FILES_H
#define MRP_AGENT_CONFIG_FILES_H

#include "entry.h"

enum { FILES_BLOB_MAX = 64 << 20 /* bytes; as in the API */ };

/* A content that has to be fetched, and somebody who needs it. Borrowed from the config. */
struct missing_file {
	const char *sha256; /* hex */
	const char *prober, *path;
	bool executable;
};

VEC_DEFINE(missing_vec, struct missing_file)
VEC_DEFINE(config_vec, struct agent_config *)

struct config_files;

/* `folder` is <state_dir>/agent/<cluster>, which is there. What an earlier process left half-done is removed. */
struct config_files *config_files_open(const char *folder, struct mrp_err *err);
void config_files_close(struct config_files *files);
/* For agent_config.files_root; borrowed. */
const char *config_files_root(const struct config_files *files);

/* Are all paths, hashes and modes of the config what they should be? MRP_EINVALID names the prober and the file. */
int config_files_check(const struct agent_config *config, struct mrp_err *err);
/* Append what must be fetched for the config, each content once. Folders that were looked at since the last collect
 * are taken to be right, unless `again`. Reads the other ones. */
int config_files_missing(struct config_files *files, struct missing_vec *out, const struct agent_config *config,
	bool again, struct mrp_err *err);
/* Keep a content. MRP_EHTTP when it does not hash to file->sha256. */
int config_files_put(
	struct config_files *files, const struct missing_file *file, const void *data, size_t len, struct mrp_err *err);
/* Make the folders that config_files_missing found wanting; all are on the disk afterwards. Messages name prober and
 * file. */
int config_files_make(struct config_files *files, struct mrp_err *err);
/* Remove all folders but those of the configs, and contents that no folder has. */
void config_files_collect(struct config_files *files, const struct config_vec *used);

#endif
