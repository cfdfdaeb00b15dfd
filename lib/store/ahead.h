/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a transaction knows before its jobs run. Over a network each question costs a turn, so the writer asks together
 * with BEGIN for what its jobs will want: the row of meta, objects and leases that they name, blobs. Nobody else writes
 * until the transaction ends, so the answers are true until the transaction itself changes them; objects.c and the
 * handlers of leases say when it does.
 *
 * A connection that has this (conn->ahead) must be used by a writer alone. Where questions cost nothing (SQLite), none
 * is asked, and every function says that it does not know.
 */
#ifndef MRP_STORE_AHEAD_H
#define MRP_STORE_AHEAD_H

#include "objects.h"

struct ahead *ahead_new(void);
void ahead_free(struct ahead *ahead);

/* Does it save turns on this connection? */
bool ahead_useful(const struct store_conn *conn);
/* Before ahead_begin; `slug` is borrowed until the transaction ends. Of very many some are not asked for. */
void ahead_want_object(struct ahead *ahead, enum kind kind, const char *slug);
void ahead_want_blob(struct ahead *ahead, const uint8_t sha256[SHA256_BYTES]);
void ahead_want_lease(struct ahead *ahead, const char *name, size_t len);
/* In the middle of a transaction, for one with more to do than what can be asked at its begin: forget the objects and blobs
 * that were asked for (NULL is fine), want others, and ask. The slugs of the former need not live any longer. */
void ahead_want_others(struct ahead *ahead);
int ahead_ask(struct store_conn *conn, struct mrp_err *err);
/* Begin a transaction as STORE_BEGIN (`wait`) or STORE_TRY_BEGIN do, and ask. */
int ahead_begin(struct store_conn *conn, bool wait, struct mrp_err *err);
/* Before the commit: write what was only counted here. */
int ahead_finish(struct store_conn *conn, struct mrp_err *err);
/* The transaction is over, whatever came of it. */
void ahead_end(struct store_conn *conn);

/* For objects.c. NULL: not known. row->slug NULL: there is no such object. */
const struct object_row *ahead_object(const struct store_conn *conn, enum kind kind, const char *slug);
void ahead_forget_object(struct store_conn *conn, enum kind kind, const char *slug);
enum ahead_blob { BLOB_UNKNOWN, BLOB_ABSENT, BLOB_THERE };
enum ahead_blob ahead_blob(const struct store_conn *conn, const uint8_t sha256[SHA256_BYTES]);
void ahead_forget_blob(struct store_conn *conn, const uint8_t sha256[SHA256_BYTES]);
/* NULL: not known. ->name NULL: there is no such lease. */
struct ahead_lease {
	const char *name, *holder;
	int64_t fence, taken_ms, expires_ms;
};
const struct ahead_lease *ahead_lease(const struct store_conn *conn, const char *name);
void ahead_forget_leases(struct store_conn *conn);
/* NULL: not known; "": the database has none yet. */
const char *ahead_environment(const struct store_conn *conn);
void ahead_forget_environment(struct store_conn *conn);
/* -1: not known. */
int64_t ahead_revision(const struct store_conn *conn);
void ahead_set_revision(struct store_conn *conn, int64_t revision);

#endif
