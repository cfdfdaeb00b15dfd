/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object on its way into the database: checked, with its variables' owners and times settled, rendered as GET will
 * answer it. Used by every handler that writes objects.
 */
#ifndef MRP_API_DOCUMENT_H
#define MRP_API_DOCUMENT_H

#include "call.h"

struct document {
	struct object_row row; /* what the database knows; row.slug is set for new objects too */
	struct value *current; /* the stored document with secrets; NULL for a new object */
	const struct value *supplied; /* variables as the request has them, name -> entry; NULL: none */
	const char *created_at;
	struct value *state; /* clusters and recipes that wait; NULL: none */
};

/* Load an object to change it. MRP_ENOTFOUND when it is not there. */
int document_load(struct document *doc, struct api_call *call, enum kind kind, const char *slug, struct mrp_err *err);
/* 409 when it waits to be destroyed. */
int document_writable(const struct document *doc, struct mrp_err *err);

enum write_result { WRITE_FAILED = -1, WRITE_UNCHANGED, WRITE_DONE };

/* Check `wanted` (a body, or the current document with changes) and write it. The response's body becomes the object as
 * GET answers it, and the ETag is set. Problems become MRP_EINVALID. */
enum write_result document_write(
	struct api_call *call, struct document *doc, const struct value *wanted, struct mrp_err *err);
/* Write the current document again with another doc->state, row.deployed and row.destroying. */
int document_restate(struct api_call *call, struct document *doc, struct mrp_err *err);

/* variables.c: what the rules of merge patches cannot say about a cluster's variables. */
int variables_check_patch(struct api_call *call, const struct document *doc, struct mrp_err *err);

/* cluster_state.c: the state of a cluster that was written; follows what its document says. `recipe`: its required
 * variables count, too; NULL: only what the cluster itself names. */
struct value *cluster_state_next(struct arena *arena, const struct value *state, const struct value *cluster,
	const struct value *recipe);
/* A copy with status and message (NULL: none). */
struct value *cluster_state_set(
	struct arena *arena, const struct value *state, const char *status, const char *message);

/* Remove a cluster, and the recipe that waited for it. */
int cluster_remove(struct api_call *call, const struct document *doc, struct mrp_err *err);

#endif
