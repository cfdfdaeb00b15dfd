/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed access to the tables: objects with the blobs that they refer to, blobs, deployments, meta. Functions that write
 * are called inside a transaction of the writer. No rule of the API is here.
 */
#ifndef MRP_STORE_OBJECTS_H
#define MRP_STORE_OBJECTS_H

#include "../model/kinds.h"
#include "schema.h"

enum { BLOB_LIFE_S = 24 * 3600, BLOB_MARGIN_S = 3600 };

struct object_row {
	enum kind kind;
	const char *slug;
	int64_t revision;
	bool managed, destroying;
	bool deployed;      /* clusters: may have created something out there */
	const char *recipe; /* clusters; NULL for other kinds */
	uint8_t digest[SHA256_BYTES];
	const char *labels; /* JSON */
	const char *body;   /* JSON, as GET answers it */
	const char *secret; /* the same with sensitive values; NULL when there are none */
};

/* A row of SQL_OBJECT_LOAD, or, without body, of SQL_OBJECT_INFO; texts are from the arena, but for the slug. */
void object_row_read(struct object_row *out, struct arena *arena, enum kind kind, const char *slug,
	const struct store_row *row, bool body);

/* The counter, moved. */
int store_next_revision(int64_t *out, struct store_conn *conn, struct mrp_err *err);
/* `environment` gets the name, or stays empty when none is known yet; either may be NULL. */
int store_meta(int64_t *revision, struct strbuf *environment, struct store_conn *conn, struct mrp_err *err);
int store_set_environment(struct store_conn *conn, const char *environment, struct mrp_err *err);

/* The JSON in a row of SQL_OBJECT_GET, whose first column is the revision. */
const struct store_datum *object_row_body(const struct store_row *row, bool secrets);
/* 1, 0 when there is none, -1. `body` gets the JSON, that with secrets when asked for. */
int object_read(struct strbuf *body, int64_t *revision, struct store_conn *conn, enum kind kind, const char *slug,
	bool secrets, struct mrp_err *err);
/* Those of `slugs` that are there, in the order of `slugs`. `each` gets the JSON, as object_read; 1 goes on, 0 ends it, -1. */
typedef int object_each_fn(void *ctx, const char *slug, const char *body, size_t len, struct mrp_err *err);
int object_read_many(struct store_conn *conn, enum kind kind, char *const *slugs, size_t n, bool secrets,
	object_each_fn *each, void *ctx, struct mrp_err *err);
/* All but labels, body and secret; recipe is from the arena. 1, 0, -1. */
int object_info(struct object_row *out, struct arena *arena, struct store_conn *conn, enum kind kind, const char *slug,
	struct mrp_err *err);
/* As object_info, and `body` is the JSON with secrets, from the arena. */
int object_load(struct object_row *out, struct arena *arena, struct store_conn *conn, enum kind kind, const char *slug,
	struct mrp_err *err);
int object_insert(struct store_conn *conn, const struct object_row *row, struct mrp_err *err);
int object_update(struct store_conn *conn, const struct object_row *row, struct mrp_err *err);
/* With its references. */
int object_remove(struct store_conn *conn, enum kind kind, const char *slug, int64_t now_s, struct mrp_err *err);
/* Make the object's references be the blobs that `object` (normal form) names. */
int object_set_refs(struct store_conn *conn, enum kind kind, const char *slug, const struct value *object,
	int64_t now_s, struct mrp_err *err);
/* A problem for each blob that `object` names and that is not there. */
int object_check_blobs(
	struct store_conn *conn, const struct value *object, struct problems *problems, struct mrp_err *err);

/* What a cluster was last deployed by. `body` is JSON; the blobs of `recipe` (normal form) stay as long as it does. */
int deployed_put(struct store_conn *conn, const char *cluster, int64_t deployment, const struct value *recipe,
	const char *body, size_t len, int64_t now_s, struct mrp_err *err);
/* 1, 0 when that deployment was not the last, -1. Appended. */
int deployed_get(
	struct strbuf *body, struct store_conn *conn, const char *cluster, int64_t deployment, struct mrp_err *err);
int deployed_remove(struct store_conn *conn, const char *cluster, int64_t now_s, struct mrp_err *err);

/* Clusters made from a recipe: names of those that live, and how many are being destroyed. */
int recipe_users(
	struct strvec *live, size_t *destroying, struct store_conn *conn, const char *recipe, struct mrp_err *err);

/* 1 when it was new, 0 when it was there (its life starts anew), -1. */
int blob_put(struct store_conn *conn, const uint8_t sha256[SHA256_BYTES], const void *data, size_t len, int64_t now_s,
	struct mrp_err *err);
/* 1, 0, -1. `content` NULL: only its size is wanted. */
int blob_get(struct strbuf *content, int64_t *size, struct store_conn *conn, const uint8_t sha256[SHA256_BYTES],
	struct mrp_err *err);
/* usable[i]: an object may be written that names the i-th of `hashes` (SHA256_BYTES each): it is there, and not about to be
 * removed. */
int blobs_usable(bool *usable, struct store_conn *conn, const uint8_t *hashes, size_t n, int64_t now_s, struct mrp_err *err);
/* Remove at most `max` blobs that nobody refers to for a day; *removed says how many. */
int blob_sweep(int64_t *removed, struct store_conn *conn, int64_t now_s, int64_t max, struct mrp_err *err);

#endif
