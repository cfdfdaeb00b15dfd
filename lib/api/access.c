/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and what they may. As long as no token was ever made everybody on this machine may do everything (the server
 * listens nowhere else then, and request.c keeps the pages of browsers out). Once one was made, every request but those
 * of ACCESS_OPEN routes needs a token whose role is among the route's; an agent's token is for one cluster, that of
 * meeseeks for the variables that it names.
 *
 * The hash of a token is looked at before the address that it comes from, so a right token is never refused because of
 * others that fail.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <strings.h>

#include "attempts.h"
#include "call.h"
#include "token_cache.h"

enum {
	USED_EVERY_S = 3600, /* `last_used` is at most this old: reads should not become writes */
};

#define CHALLENGE "Bearer realm=\"mrprober\""

/* Notes when a token was used. One at a time: another one used meanwhile is noted when it is used again. */
struct use_job {
	struct write_job job;
	int64_t id, now_s;
	atomic_bool busy;
};

struct access {
	struct token_cache *tokens;
	struct attempts *attempts;
	struct use_job use;
};

static int write_uses(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	const struct use_job *use = (struct use_job *)job;

	return token_used(conn, use->id, use->now_s, err);
}

/* A full or read-only disk is no reason to refuse anybody, and the log hears of it from other writes. */
static void uses_written(struct write_job *job)
{
	mrp_err_clear(&job->err);
	atomic_store(&((struct use_job *)job)->busy, false);
}

struct access *access_new(void)
{
	struct access *access = xcalloc(1, sizeof(*access));

	access->tokens = token_cache_new();
	access->attempts = attempts_new();
	access->use.job.run = write_uses;
	access->use.job.done = uses_written;
	return access;
}

void access_free(struct access *access)
{
	if (!access)
		return;
	token_cache_free(access->tokens);
	attempts_free(access->attempts);
	free(access);
}

void access_expire(struct access *access)
{
	token_cache_expire(access->tokens);
}

static void note_use(struct api_call *call, struct token_row *row)
{
	struct use_job *use = &call->api->access->use;
	int64_t now_s = call->now_ms / 1000;

	if (now_s - row->last_used_s < USED_EVERY_S || atomic_load(&use->busy))
		return;
	row->last_used_s = now_s;
	use->id = row->id;
	use->now_s = now_s;
	atomic_store(&use->busy, true);
	writer_submit(call->api->writer, &use->job);
}

/* 401, or 429 when this address has failed too often. */
static int refuse(struct api_call *call, const char *challenge, const char *why, struct mrp_err *err)
{
	const struct api_peer *peer = call->request.peer;
	int wait_s = attempts_fail(call->api->access->attempts, peer && peer->address ? peer->address : "", call->started_us);

	if (wait_s) {
		call->retry_after_s = wait_s;
		return api_fail(call, err, 429, "too many requests without a valid token; wait %d s", wait_s);
	}
	call->response.www_authenticate = challenge;
	return api_fail(call, err, 401, "%s", why);
}

/* What follows "Bearer "; NULL when there is no such header. */
static const char *bearer(const struct api_call *call)
{
	const char *text = call->request.headers[HDR_AUTHORIZATION];

	if (!text || strncasecmp(text, "Bearer", 6) != 0 || text[6] != ' ')
		return NULL;
	return text + 6 + strspn(text + 6, " ");
}

static void set_caller(struct api_call *call, const struct token_row *row)
{
	struct arena *arena = &call->arena;

	/* copies: a write outlives this look at the cache */
	call->caller = (struct api_caller){
		.known = true,
		.role = row->role,
		.name = *row->name ? arena_strdup(arena, row->name) : "",
		.cluster = *row->cluster ? arena_strdup(arena, row->cluster) : "",
		.variables = *row->variables ? arena_strdup(arena, row->variables) : "",
	};
	call->response.token_id = arena_printf(arena, "%" PRId64, row->id);
	call->response.role = token_role_names[row->role];
}

int api_authenticate(struct api_call *call, struct mrp_err *err)
{
	struct token_cache *tokens = call->api->access->tokens;
	const char *text = bearer(call);

	if (token_cache_refresh(tokens, call->db, call->started_us, err) < 0) {
		call->status = 503;
		return -1;
	}
	if (!token_cache_any(tokens))
		return api_check_origin(call, err);
	if (!text) { /* no try, so none that counts */
		call->response.www_authenticate = CHALLENGE;
		return api_fail(call, err, 401, "a token is needed, as 'Authorization: Bearer TOKEN'");
	}
	struct token_row *row = token_cache_find(tokens, text);
	if (!row)
		return refuse(call, CHALLENGE ", error=\"invalid_token\"",
			token_well_formed(text) ? "the token is not known here"
						: "this is no token of mrprober, or not all of it", err);
	switch (token_status_at(row, call->now_ms / 1000)) {
	case TOKEN_REVOKED:
		return refuse(call, CHALLENGE ", error=\"invalid_token\"", "the token has been revoked", err);
	case TOKEN_EXPIRED:
		return refuse(call, CHALLENGE ", error=\"invalid_token\"", "the token has expired", err);
	case TOKEN_ACTIVE:
		break;
	}
	note_use(call, row);
	set_caller(call, row);
	return 0;
}

/* "'editor' or 'admin'" */
static const char *role_list(struct arena *arena, unsigned roles)
{
	const char *list = "";

	for (int i = 0; i < TOKEN_ROLES; i++) {
		if (!(roles & (1U << i)))
			continue;
		roles &= ~(1U << i);
		bool last = !(roles & ACCESS_ANY);
		list = arena_printf(arena, "%s%s'%s'", list, !*list ? "" : last ? " or " : ", ", token_role_names[i]);
	}
	return list;
}

int api_needs_role(struct api_call *call, unsigned roles, const char *what, struct mrp_err *err)
{
	if (!call->caller.known || (roles & (1U << call->caller.role)))
		return 0;
	return mrp_err_set(err, MRP_EPERM, "%s needs role %s; the token has role '%s'", what,
		role_list(&call->arena, roles), token_role_names[call->caller.role]);
}

int api_check_role(struct api_call *call, struct mrp_err *err)
{
	const struct api_route *route = call->route;

	if (!call->caller.known || (route->roles & (ACCESS_OPEN | 1U << call->caller.role)))
		return 0;
	return api_needs_role(call, route->roles, arena_printf(&call->arena, "%s %s", route->method, route->path), err);
}

/* The cluster that the request is about, by path or query; NULL when it is about none. */
static const char *cluster_of(const struct api_call *call)
{
	int n = 0;

	for (const char *p = call->route->path; (p = strchr(p, '{')); p++, n++) {
		if (skip_prefix(p, "{cluster}", NULL) || (n == 0 && skip_prefix(call->route->path, "/v1/clusters/{", NULL)))
			return call->args[n];
	}
	for (int i = 0; i < Q_COUNT; i++) {
		if ((call->route->params & (1U << i)) && streq(api_params[i].name, "cluster"))
			return call->query[i] ? call->query[i] : "";
	}
	return NULL;
}

static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ') {
		if (strcspn(p, " ") == len && memcmp(p, word, len) == 0)
			return true;
	}
	return false;
}

/* Does the list have a variable of this cluster? */
static bool listed_cluster(const char *list, const char *cluster)
{
	size_t len = strlen(cluster);

	for (const char *p = list; *p; p += strcspn(p, " "), p += *p == ' ') {
		if (strncmp(p, cluster, len) == 0 && p[len] == '/')
			return true;
	}
	return false;
}

static int check_variable(struct api_call *call, struct mrp_err *err)
{
	const char *cluster = cluster_of(call);

	if (!cluster) /* a batch, whose operations are checked one by one, or what is about no cluster at all */
		return 0;
	if (call->route->handle == cluster_deploy) { /* so that what was written is put to use */
		if (listed_cluster(call->caller.variables, cluster))
			return 0;
		return mrp_err_set(err, MRP_EPERM, "the token names no variable of cluster '%s'", cluster);
	}
	const char *name = arena_printf(&call->arena, "%s/%s", cluster, call->args[1] ? call->args[1] : "");
	if (call->args[1] && !strchr(name, ' ') && listed(call->caller.variables, name))
		return 0;
	return mrp_err_set(err, MRP_EPERM, "variable '%s' is not among those that the token names", name);
}

int api_check_scope(struct api_call *call, struct mrp_err *err)
{
	const struct api_caller *caller = &call->caller;
	const char *cluster;

	if (!caller->known || (call->route->roles & ACCESS_OPEN))
		return 0;
	if (caller->role == TOKEN_MEESEEKS)
		return check_variable(call, err);
	if (caller->role != TOKEN_AGENT || !(cluster = cluster_of(call)) || streq(cluster, caller->cluster))
		return 0;
	return mrp_err_set(err, MRP_EPERM, "the token is for agents of cluster '%s', not of '%s'", caller->cluster, cluster);
}

bool api_reads_secrets(const struct api_call *call)
{
	return !call->caller.known || (ACCESS_SECRETS & (1U << call->caller.role));
}

bool api_sees_digests(const struct api_call *call)
{
	return !call->caller.known || (ACCESS_DIGESTS & (1U << call->caller.role));
}

/* Without tokens secrets are shown only to who asks, so that they do not come along by accident. */
int api_show_sensitive(bool *out, struct api_call *call, struct mrp_err *err)
{
	if (!(call->route->params & (1U << Q_SHOW_SENSITIVE))) {
		*out = false;
		return 0;
	}
	if (query_bool(out, call, Q_SHOW_SENSITIVE, err) < 0)
		return -1;
	if (!call->query[Q_SHOW_SENSITIVE])
		*out = api_answers_secrets(call);
	else if (*out && api_needs_role(call, ACCESS_SECRETS, "show_sensitive", err) < 0)
		return -1;
	if (*out)
		call->response.cache_control = "no-store";
	return 0;
}

bool api_answers_secrets(const struct api_call *call)
{
	return call->caller.known && api_reads_secrets(call);
}
