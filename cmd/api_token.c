/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrprober api token: make, list and revoke tokens. These open the database, as the right to make the first token is
 * that to write the database; a running API need not be asked and sees the change by itself.
 */
#include "api_token.h"

#include <inttypes.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "../lib/api/token.h"
#include "../lib/base/parse.h"
#include "../lib/base/text.h"
#include "../lib/cli/table.h"
#include "../lib/model/schema.h"
#include "../lib/value/json.h"

enum { NAME_MAX_BYTES = 100, VARIABLES_MAX = 1000, LIST_FORMAT_VERSION = 1 };

#define OPT_DATABASE(st, m) OPT_STRING(0, "database", st, m, "<url>", "as for mrprober api")

static void close_store(struct store_conn **conn)
{
	if (*conn)
		(*conn)->ops->close(*conn);
}

/* Only a database that is not there yet is made, and only for the first token: one of another version may be in use. */
static int open_store(struct store_conn **out, const char *url, bool create, struct mrp_err *err)
{
	const struct store_ops *store = store_ops_for(url, err);
	int64_t version;

	if (!store || store->version(&version, url, &store_schema, err) < 0)
		return -1;
	if (!version && !create)
		return mrp_err_set(err, MRP_ENOTFOUND, "the database is not there, or empty: no token was ever made in it");
	return store->open(out, url, &store_schema, version ? 0 : store_service_flags(store), err);
}

typedef int change_fn(struct store_conn *conn, void *ctx, struct mrp_err *err);

/* Returns when every API process has seen it. */
static int change(const char *url, bool create, change_fn *run, void *ctx, struct mrp_err *err)
{
	cleanup(close_store) struct store_conn *conn = NULL;
	struct mrp_err ignored = MRP_ERR_INIT;

	if (open_store(&conn, url, create, err) < 0 || conn->ops->transaction(conn, STORE_BEGIN, err) < 0)
		return -1;
	if (run(conn, ctx, err) < 0 || conn->ops->transaction(conn, STORE_COMMIT, err) < 0) {
		if (conn->ops->in_transaction(conn))
			conn->ops->transaction(conn, STORE_ROLLBACK, &ignored);
		mrp_err_clear(&ignored);
		return -1;
	}
	poll(NULL, 0, TOKENS_STALE_MS + TOKENS_STALE_MS / 2);
	return 0;
}

/* --- create ------------------------------------------------------------------------------------------------------- */

struct create_args {
	const char *database, *name, *cluster;
	int role;
	int64_t expires_ms;
	struct strvec variables;
};

static const struct mrp_opt create_opts[] = {
	OPT_DATABASE(struct create_args, database),
	OPT_ENUM(0, "role", struct create_args, role, TOKEN_ROLE_WORDS, "what it may do"),
	OPT_STRING(0, "name", struct create_args, name, "<text>", "who it is for, to know it again in lists and logs"),
	OPT_DURATION(0, "expires", struct create_args, expires_ms, "<duration>", "for how long, say 90d; forever when absent",
		.min = 1000, .max = INT64_MAX),
	OPT_STRING(0, "cluster", struct create_args, cluster, "<slug>", "the only cluster of a token with role agent",
		.flags = OPTF_NO_ENV), /* MRPROBER_CLUSTER is what an agent is told */
	OPT_LIST(0, "variable", struct create_args, variables, "<cluster>/<name>",
		"a variable that a token with role meeseeks may write; repeatable"),
	OPT_END,
};

static int check_name(const char *name, struct mrp_err *err)
{
	if (strlen(name) > NAME_MAX_BYTES || !utf8_valid(name, strlen(name)))
		return mrp_err_set(err, MRP_EUSAGE, "the name is no text of at most %d bytes", (int)NAME_MAX_BYTES);
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return mrp_err_set(err, MRP_EUSAGE, "the name has control characters");
	}
	return 0;
}

/* "CLUSTER/NAME CLUSTER/NAME" */
static int join_variables(struct strbuf *out, const struct strvec *variables, struct mrp_err *err)
{
	if (variables->n > VARIABLES_MAX)
		return mrp_err_set(err, MRP_EUSAGE, "more than %d variables", (int)VARIABLES_MAX);
	for (size_t i = 0; i < variables->n; i++) {
		const char *text = variables->v[i], *slash = strchr(text, '/');

		if (!slash || !slug_valid(text, (size_t)(slash - text)) || !valid_identifier(slash + 1, strlen(slash + 1)))
			return mrp_err_set(err, MRP_EUSAGE, "'%s' is no variable of a cluster (like meeseeks/compute_nodes)", text);
		strbuf_addf(out, "%s%s", i ? " " : "", text);
	}
	return 0;
}

static int check_create(const struct create_args *args, struct mrp_err *err)
{
	bool agent = args->role == TOKEN_AGENT, meeseeks = args->role == TOKEN_MEESEEKS;

	if (args->role < 0)
		return mrp_err_set(err, MRP_EUSAGE, "--role is missing: %s", TOKEN_ROLE_WORDS);
	if (agent && !args->cluster)
		return mrp_err_set(err, MRP_EUSAGE, "role agent needs --cluster: the only one it is for");
	if (args->cluster && !agent)
		return mrp_err_set(err, MRP_EUSAGE, "--cluster is for role agent only");
	if (args->cluster && !slug_valid(args->cluster, strlen(args->cluster)))
		return mrp_err_set(err, MRP_EUSAGE, "cluster '%s' is not a slug (a-z, 0-9 and '-', at most 63)", args->cluster);
	if (meeseeks && !args->variables.n)
		return mrp_err_set(err, MRP_EUSAGE, "role meeseeks needs --variable: those that it may write");
	if (args->variables.n && !meeseeks)
		return mrp_err_set(err, MRP_EUSAGE, "--variable is for role meeseeks only");
	return args->name ? check_name(args->name, err) : 0;
}

struct new_token {
	struct token_row row;
	char text[TOKEN_LEN + 1];
};

static int make_token(struct store_conn *conn, void *ctx, struct mrp_err *err)
{
	struct new_token *token = ctx;

	return token_make(token->text, &token->row.id, conn, &token->row, err);
}

static const char *format_seconds(char out[32], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return out;
}

static int run_create(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct create_args *args = ctx->opts;
	cleanup(strbuf_release) struct strbuf variables = STRBUF_INIT;
	int64_t now_s = (int64_t)time(NULL);
	char until[32];

	(void)argc, (void)argv;
	if (check_create(args, err) < 0 || join_variables(&variables, &args->variables, err) < 0)
		return -1;
	struct new_token token = { .row = {
					   .name = args->name ? args->name : "",
					   .role = (enum token_role)args->role,
					   .cluster = args->cluster ? args->cluster : "",
					   .variables = variables.buf,
					   .created_s = now_s,
					   .expires_s = args->expires_ms ? now_s + args->expires_ms / 1000 : 0,
				   } };
	if (change(take_database(ctx, args->database), true, make_token, &token, err) < 0)
		return -1;
	puts(token.text);
	explicit_bzero(token.text, sizeof(token.text));
	if (!ctx->quiet)
		fprintf(stderr, "token %" PRId64 " with role %s, valid until %s; it is not shown again\n", token.row.id,
			token_role_names[args->role],
			token.row.expires_s ? format_seconds(until, token.row.expires_s) : "it is revoked");
	return 0;
}

static const struct mrp_cmd cmd_create = {
	.name = "create",
	.summary = "make a token and print it, alone, on standard output",
	.description = "It cannot be printed again: the database has a hash of it. Put it where its user finds it, as "
		       "MRPROBER_TOKEN_FILE or token_file in config.yaml. From the first token on every request needs one.",
	.opts = create_opts,
	CMD_OPTS(struct create_args, .database = DEFAULT_DATABASE, .role = -1, .variables = STRVEC_INIT),
	.run = run_create,
};

/* --- list --------------------------------------------------------------------------------------------------------- */

struct list_args {
	const char *database;
	int output;
};

enum { LIST_TABLE, LIST_JSON };

static const struct mrp_opt list_opts[] = {
	OPT_DATABASE(struct list_args, database),
	OPT_ENUM('o', "output", struct list_args, output, "table|json", "how the list is printed; table when not given"),
	OPT_END,
};

struct listing {
	struct arena *arena;
	struct mrp_table table;
	struct value *items;
	int64_t now_s;
};

static const char *const statuses[] = {
	[TOKEN_ACTIVE] = "active",
	[TOKEN_EXPIRED] = "expired",
	[TOKEN_REVOKED] = "revoked",
};

static void add_time(struct listing *list, struct value *item, const char *key, int64_t seconds)
{
	char text[32];

	value_append(list->arena, item, key,
		seconds ? value_string(list->arena, format_seconds(text, seconds)) : value_null(list->arena));
}

static struct value *variable_list(struct arena *arena, const char *words)
{
	struct value *list = value_array(arena);

	for (const char *p = words; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		value_push(arena, list, value_string(arena, arena_strndup(arena, p, len)));
		p += len;
	}
	return list;
}

static int add_item(void *ctx, const struct token_row *row)
{
	struct listing *list = ctx;
	struct arena *arena = list->arena;
	struct value *item = value_object(arena);

	value_append(arena, item, "id", value_int(arena, row->id));
	value_append(arena, item, "name", value_string(arena, row->name));
	value_append(arena, item, "role", value_string(arena, token_role_names[row->role]));
	value_append(arena, item, "cluster", *row->cluster ? value_string(arena, row->cluster) : value_null(arena));
	value_append(arena, item, "variables", variable_list(arena, row->variables));
	value_append(arena, item, "status", value_string(arena, statuses[token_status_at(row, list->now_s)]));
	add_time(list, item, "created_at", row->created_s);
	add_time(list, item, "expires_at", row->expires_s);
	add_time(list, item, "revoked_at", row->revoked_s);
	add_time(list, item, "last_used_at", row->last_used_s);
	value_push(arena, list->items, item);
	return 0;
}

static int add_line(void *ctx, const struct token_row *row)
{
	struct listing *list = ctx;
	const int64_t times[] = { row->created_s, row->expires_s, row->last_used_s };
	char text[32];

	mrp_table_addf(&list->table, "%" PRId64, row->id);
	mrp_table_add(&list->table, *row->name ? row->name : "-");
	mrp_table_add(&list->table, token_role_names[row->role]);
	mrp_table_add(&list->table, *row->cluster ? row->cluster : *row->variables ? row->variables : "-");
	mrp_table_add(&list->table, statuses[token_status_at(row, list->now_s)]);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		mrp_table_add(&list->table, times[i] ? format_seconds(text, times[i]) : "-");
	return 0;
}

static int run_list(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	static const char *const headings[] = { "ID", "NAME", "ROLE", "FOR", "STATUS", "CREATED", "EXPIRES", "LAST USED" };
	const struct list_args *args = ctx->opts;
	cleanup(close_store) struct store_conn *conn = NULL;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct listing list = { .arena = &ctx->arena,
		.table = MRP_TABLE_INIT(ARRAY_SIZE(headings)),
		.items = value_array(&ctx->arena),
		.now_s = (int64_t)time(NULL) };
	bool json = args->output == LIST_JSON;

	(void)argc, (void)argv;
	mrp_table_headings(&list.table, headings);
	list.table.right = 1;
	int r = open_store(&conn, take_database(ctx, args->database), false, err);
	if (r == 0)
		r = token_each(conn, json ? add_item : add_line, &list, err);
	if (r == 0 && json) {
		struct value *document = value_object(&ctx->arena);

		value_append(&ctx->arena, document, "format_version", value_int(&ctx->arena, LIST_FORMAT_VERSION));
		value_append(&ctx->arena, document, "items", list.items);
		json_pretty(&out, document);
	} else if (r == 0) {
		mrp_table_format(&out, &list.table, 0, ctx->color_out);
	}
	mrp_table_release(&list.table);
	fputs(out.buf, stdout);
	return r;
}

static const struct mrp_cmd cmd_list = {
	.name = "list",
	.summary = "list the tokens that were made, not the tokens themselves",
	.description = "When one was last used is known to the hour.",
	.opts = list_opts,
	CMD_OPTS(struct list_args, .database = DEFAULT_DATABASE, .output = LIST_TABLE),
	.run = run_list,
};

/* --- revoke ------------------------------------------------------------------------------------------------------- */

struct revoke_args {
	const char *database;
};

static const struct mrp_opt revoke_opts[] = {
	OPT_DATABASE(struct revoke_args, database),
	OPT_END,
};

struct revocation {
	int argc;
	char **argv;
	bool *before; /* it was revoked already */
};

/* All or none: a wrong number among them revokes nothing. */
static int revoke_all(struct store_conn *conn, void *ctx, struct mrp_err *err)
{
	const struct revocation *revocation = ctx;
	int64_t id, now_s = (int64_t)time(NULL);

	for (int i = 0; i < revocation->argc; i++) {
		if (parse_int(&id, revocation->argv[i], 1, INT64_MAX, err) < 0) {
			mrp_err_clear(err);
			return mrp_err_set(err, MRP_EUSAGE, "'%s' is no number of a token (see 'mrprober api token list')",
				revocation->argv[i]);
		}
		int r = token_revoke(conn, id, now_s, err);
		if (r < 0)
			return -1;
		revocation->before[i] = r == 0;
	}
	return 0;
}

static int run_revoke(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct revoke_args *args = ctx->opts;
	cleanup(freep) bool *before = xcalloc((size_t)argc, sizeof(*before));
	struct revocation revocation = { argc, argv, before };

	if (change(take_database(ctx, args->database), false, revoke_all, &revocation, err) < 0)
		return -1;
	for (int i = 0; i < argc && !ctx->quiet; i++)
		fprintf(stderr, "token %s %s revoked\n", argv[i], before[i] ? "was already" : "is");
	return 0;
}

static const struct mrp_cmd cmd_revoke = {
	.name = "revoke",
	.summary = "make tokens worthless, at once and for good",
	.description = "When the last one is gone the API refuses everybody, until another one is made.",
	.args = "<id>...",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.opts = revoke_opts,
	CMD_OPTS(struct revoke_args, .database = DEFAULT_DATABASE),
	.run = run_revoke,
};

static const struct mrp_cmd *const subs[] = { &cmd_create, &cmd_list, &cmd_revoke, NULL };

const struct mrp_cmd cmd_api_token = {
	.name = "token",
	.summary = "make, list and revoke tokens",
	.subs = subs,
};
