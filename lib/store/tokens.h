/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tokens. A token itself is never stored, only its hash (lib/api/token.h says which); rows are revoked and
 * never removed, so a database that ever had a token is known by its key. `generation` moves with every change but that
 * of last_used: a process that keeps the rows in memory asks for it to see whether they are still right.
 */
#ifndef MRP_STORE_TOKENS_H
#define MRP_STORE_TOKENS_H

#include "../base/hash.h"
#include "schema.h"

enum token_role {
	TOKEN_VIEWER,
	TOKEN_AGENT,
	TOKEN_MEESEEKS,
	TOKEN_CREATOR,
	TOKEN_EDITOR,
	TOKEN_ADMIN,
	TOKEN_ROLES,
};

/* As the command line, the database and messages spell them. */
#define TOKEN_ROLE_WORDS "viewer|agent|meeseeks|creator|editor|admin"
extern const char *const token_role_names[TOKEN_ROLES];

enum { TOKEN_KEY_BYTES = 32 };

struct token_row {
	int64_t id;
	const char *name;
	enum token_role role;
	const char *cluster;   /* the only one; "" for other roles than agent */
	const char *variables; /* "CLUSTER/NAME CLUSTER/NAME"; "" for other roles than meeseeks */
	uint8_t hash[SHA256_BYTES];
	int64_t created_s, expires_s, revoked_s, last_used_s; /* seconds since 1970; 0: never */
};

struct token_meta {
	int64_t generation;
	bool any; /* a token was made, whatever became of it */
	uint8_t key[TOKEN_KEY_BYTES];
};

enum token_status { TOKEN_ACTIVE, TOKEN_EXPIRED, TOKEN_REVOKED };

enum token_status token_status_at(const struct token_row *row, int64_t now_s);

int token_meta_get(struct token_meta *out, struct store_conn *conn, struct mrp_err *err);
/* Every row, oldest first; what a row points at lives until `each` returns. Ends early with -1 when `each` says so. */
int token_each(struct store_conn *conn, int (*each)(void *ctx, const struct token_row *row), void *ctx,
	struct mrp_err *err);

/* These write, inside a transaction. */

/* The database's key: what is there, or else `fresh`, which is kept. */
int token_key_set(
	uint8_t out[TOKEN_KEY_BYTES], struct store_conn *conn, const uint8_t fresh[TOKEN_KEY_BYTES], struct mrp_err *err);
/* row->id is not looked at; *id is the new one. */
int token_insert(int64_t *id, struct store_conn *conn, const struct token_row *row, struct mrp_err *err);
/* 1, 0 when it was revoked before, -1: MRP_ENOTFOUND. */
int token_revoke(struct store_conn *conn, int64_t id, int64_t now_s, struct mrp_err *err);
int token_used(struct store_conn *conn, int64_t id, int64_t now_s, struct mrp_err *err);

#endif
