/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a transaction knows before its jobs run. Over a network each question costs a turn, so the writer asks together
 * with BEGIN for what its jobs will want: the row of meta, and the objects that they name. Nobody else writes until the
 * transaction ends, so the answers are true until the transaction itself changes them; objects.c says when it does.
 *
 * A connection that has this (conn->ahead) must be used by a writer alone. Where questions cost nothing (SQLite), none
 * is asked, and every function says that it does not know.
 */
#ifndef MRP_STORE_AHEAD_H
#define MRP_STORE_AHEAD_H

#include "objects.h"

struct ahead_key {
	enum kind kind;
	const char *slug; /* borrowed until the transaction ends */
};

struct ahead *ahead_new(void);
void ahead_free(struct ahead *ahead);

/* Does it save turns on this connection? */
bool ahead_useful(const struct store_conn *conn);
/* Begin a transaction as STORE_BEGIN (`wait`) or STORE_TRY_BEGIN do, and ask. */
int ahead_begin(struct store_conn *conn, bool wait, const struct ahead_key *keys, size_t n, struct mrp_err *err);
/* Before the commit: write what was only counted here. */
int ahead_finish(struct store_conn *conn, struct mrp_err *err);
/* The transaction is over, whatever came of it. */
void ahead_end(struct store_conn *conn);

/* For objects.c. NULL: not known. row->slug NULL: there is no such object. */
const struct object_row *ahead_object(const struct store_conn *conn, enum kind kind, const char *slug);
void ahead_forget(struct store_conn *conn, enum kind kind, const char *slug);
/* -1: not known. */
int64_t ahead_revision(const struct store_conn *conn);
void ahead_set_revision(struct store_conn *conn, int64_t revision);

#endif
