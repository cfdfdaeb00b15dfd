/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of files, uploaded before the objects that name them. Each is sent once, and only when the API lacks it. */
#ifndef MRP_SYNC_BLOBS_H
#define MRP_SYNC_BLOBS_H

#include "plan.h"

struct blob {
	uint8_t sha256[SHA256_BYTES];
	const struct config_object *object; /* one that has it; its file is read */
	const char *path;                   /* of the file, from the object's folder */
	bool missing;                       /* in the API */
	char *failure;                      /* owned; why it could not be uploaded, or NULL */
};

VEC_DEFINE(blob_vec, struct blob)

/* What the creates and updates of a plan need, sorted by hash, without repetitions. */
struct blobs {
	struct arena arena;
	struct blob_vec list;
	size_t missing, failures;
};

void blobs_collect(struct blobs *blobs, const struct plan *plan);
void blobs_release(struct blobs *blobs);
/* Ask which are missing and upload those. Single failures are noted; -1 with MRP_EINTERRUPTED, or with what makes going
 * on senseless. `uploaded` (may be NULL) is called after each. */
int blobs_upload(struct blobs *blobs, const struct plan *plan, struct http_client *client, void (*uploaded)(void *ctx),
	void *ctx, struct mrp_err *err);
/* Why one of the object's files is not in the API, or NULL. Borrowed. */
const char *blobs_failure(const struct blobs *blobs, const struct config_object *object);
/* True for errors after which further requests cannot do better. */
bool sync_hopeless(enum mrp_errcode code);

#endif
