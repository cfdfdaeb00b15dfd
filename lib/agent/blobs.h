/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of files by their hash, in one folder: "<sha256>" with mode 0644 and "<sha256>.x" with mode 0755, as a hard
 * link cannot have a mode of its own.
 */
#ifndef MRP_AGENT_BLOBS_H
#define MRP_AGENT_BLOBS_H

#include "../base/err.h"
#include "../base/hash.h"

/* Does the file hold this content? False also when it cannot be read. Blocks. */
bool blob_file_matches(int folder, const char *path, const char *sha256);

struct blob_dir {
	char *path;
	int fd;
};

int blob_dir_open(struct blob_dir *blobs, const char *path, struct mrp_err *err);
void blob_dir_close(struct blob_dir *blobs);
/* Is the content there, with any mode? What is there and is damaged is removed. */
bool blob_dir_has(const struct blob_dir *blobs, const char *sha256);
/* MRP_EHTTP when the content does not hash to that. On the disk afterwards. */
int blob_dir_put(const struct blob_dir *blobs, const char *sha256, bool executable, const void *data, size_t len,
	struct mrp_err *err);
/* Make `path` (beneath the open folder `folder`) a file with a content that is there. */
int blob_dir_link(const struct blob_dir *blobs, const char *sha256, bool executable, int folder, const char *path,
	struct mrp_err *err);
/* Remove contents that have no other link, and what was left half-written. */
void blob_dir_collect(const struct blob_dir *blobs);

#endif
