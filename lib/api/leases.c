/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: a name that one holder has for a while. Every taking gets a fence, a number larger than any before it; a write
 * that carries it (Mrprober-Lease) is done only while the lease is still that one, in the same transaction, so a holder
 * that was suspended and comes back late cannot write over its successor. Fences come from one counter for all names:
 * rows of leases that ended can go, and still no fence comes twice.
 *
 * Time is that of this process, at the moment of the transaction. API processes over one database need clocks that
 * agree within a fraction of the leases' lives; when they do not, a lease ends early or late, and fences still hold.
 */
#include "lease.h"

#include <inttypes.h>

#include "../base/parse.h"
#include "call.h"

enum { NAME_MAX_LEN = 128, TTL_MAX_S = 3600 };

#define PROBLEM_LEASE "urn:mrprober:problem:lease"

static bool holder_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return len >= 1 && len <= 256;
}

#define HOLDER(flags, help_)                                                                                           \
	{ "holder", F_PATTERN, flags, help_, .valid = holder_valid, .form = "1 to 256 bytes of text in one line",      \
		.pattern = "^[^\\u0000-\\u001f\\u007f]{1,256}$" }
#define TTL                                                                                                            \
	{ "ttl_seconds", F_INT, FF_API | FF_REQUIRED, "how long from now", .min = 1, .max = TTL_MAX_S }

const struct field lease_fields[] = {
	{ "name", F_STRING, FF_READONLY, "what is held" },
	HOLDER(FF_READONLY, "who has it"),
	{ "fence", F_INT, FF_READONLY, "larger than that of every lease before; goes into Mrprober-Lease" },
	{ "taken_at", F_STRING, FF_READONLY, "RFC 3339, UTC" },
	{ "expires_at", F_STRING, FF_READONLY, "RFC 3339, UTC; by the clock of the API" },
	{ .name = NULL },
};

const struct field lease_take_fields[] = {
	HOLDER(FF_API | FF_REQUIRED, "who takes it: unlike any other holder's, and the same when asked again"),
	TTL,
	{ .name = NULL },
};

const struct field lease_renew_fields[] = {
	HOLDER(FF_API | FF_REQUIRED, "who has it"),
	{ "fence", F_INT, FF_API | FF_REQUIRED, "as it was given", .min = 1, .max = INT64_MAX },
	TTL,
	{ .name = NULL },
};

struct lease {
	const char *name, *holder;
	int64_t fence, taken_ms, expires_ms;
};

static bool name_valid(const char *name, size_t len)
{
	return len && len <= NAME_MAX_LEN &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") >= len;
}

static int check_name(const char *name, struct mrp_err *err)
{
	if (name_valid(name, strlen(name)))
		return 0;
	return mrp_err_set(err, MRP_EINVALID, "'%s' is no name of a lease (letters, digits, '.', '_', '-', at most %d)",
		name, (int)NAME_MAX_LEN);
}

/* 1 when somebody holds it now, 0, -1. */
static int load(struct lease *lease, struct api_call *call, const char *name, struct mrp_err *err)
{
	const struct ahead_lease *known = ahead_lease(call->db, name);
	struct store_row row;

	if (known && !known->name)
		return 0;
	if (known) {
		*lease = (struct lease){ name, arena_strdup(&call->arena, known->holder), known->fence, known->taken_ms,
			known->expires_ms };
		return lease->expires_ms > api_clock_ms();
	}
	int there = store_first(&row, call->db, SQL_LEASE_GET, STORE_ARGS(store_text(name)), err);
	if (there <= 0)
		return there;
	*lease = (struct lease){
		.name = name,
		.fence = row.col[0].i,
		.holder = arena_strdup(&call->arena, store_col_text(&row, 1)),
		.taken_ms = row.col[2].i,
		.expires_ms = row.col[3].i,
	};
	store_finish(call->db, SQL_LEASE_GET);
	return lease->expires_ms > api_clock_ms();
}

/* A refusal that says, also to programs, who has it. */
static int held(struct api_call *call, const struct lease *lease, int status, struct mrp_err *err)
{
	struct arena *arena = &call->arena;
	const char *until = format_time(arena, lease->expires_ms);
	struct strbuf members = STRBUF_INIT;

	strbuf_addstr(&members, ",\"holder\":");
	json_add_string(&members, lease->holder, strlen(lease->holder));
	strbuf_addf(&members, ",\"expires_at\":\"%s\"", until);
	call->problem_type = PROBLEM_LEASE;
	call->problem_members = arena_strndup(arena, members.buf, members.len);
	strbuf_release(&members);
	return api_fail(call, err, status, "lease '%s' is held by '%s' until %s", lease->name, lease->holder, until);
}

static int not_held(struct api_call *call, const char *name, int status, struct mrp_err *err)
{
	call->problem_type = PROBLEM_LEASE;
	return api_fail(call, err, status, "nobody holds lease '%s'", name);
}

static void respond(struct api_call *call, int status, const struct lease *lease)
{
	struct arena *arena = &call->arena;
	struct value *v = value_object(arena);

	value_append(arena, v, "name", value_string(arena, lease->name));
	value_append(arena, v, "holder", value_string(arena, lease->holder));
	value_append(arena, v, "fence", value_int(arena, lease->fence));
	value_append(arena, v, "taken_at", value_string(arena, format_time(arena, lease->taken_ms)));
	value_append(arena, v, "expires_at", value_string(arena, format_time(arena, lease->expires_ms)));
	call->response.cache_control = "no-store";
	respond_value(call, status, v);
}

static struct value *check_body(struct api_call *call, const struct field *fields, struct mrp_err *err)
{
	struct schema_ctx ctx = { .arena = &call->arena, .problems = &call->problems, .where = FF_API };
	struct value *v = schema_apply(&ctx, fields, call->body, "");

	if (check_name(call->args[0], err) < 0)
		return NULL;
	if (!call->problems.errors)
		return v;
	mrp_err_set(err, MRP_EINVALID, "the lease is not valid");
	return NULL;
}

int lease_get(struct api_call *call, struct mrp_err *err)
{
	struct lease lease;

	if (check_name(call->args[0], err) < 0)
		return -1;
	int there = load(&lease, call, call->args[0], err);
	if (there <= 0)
		return there < 0 ? -1 : not_held(call, call->args[0], 404, err);
	respond(call, 200, &lease);
	return 0;
}

/* A holder that asks again (its first answer got lost, or it was restarted) takes the lease from itself. */
int lease_take(struct api_call *call, struct mrp_err *err)
{
	const struct value *wanted = check_body(call, lease_take_fields, err);
	struct lease lease;

	if (!wanted)
		return -1;
	const char *holder = value_get_string(wanted, "holder");
	/* first the counter: it makes takers in other processes wait until this transaction has ended */
	if (store_run(call->db, SQL_META_NEXT_FENCE, NULL, 0, err) < 0)
		return -1;
	int there = load(&lease, call, call->args[0], err);
	if (there < 0)
		return -1;
	if (there && !streq(lease.holder, holder))
		return held(call, &lease, 409, err);
	int64_t now = api_clock_ms();
	ahead_forget_leases(call->db);
	lease = (struct lease){ .name = call->args[0], .holder = holder, .taken_ms = now,
		.expires_ms = now + value_get(wanted, "ttl_seconds")->i * 1000 };
	if (store_number(&lease.fence, -1, call->db, SQL_META_FENCE, NULL, 0, err) < 0 ||
		store_run(call->db, SQL_LEASE_TAKE,
			STORE_ARGS(store_text(lease.name), store_int(lease.fence), store_text(holder), store_int(now),
				store_int(lease.expires_ms)),
			err) < 0)
		return -1;
	respond(call, 201, &lease);
	return 0;
}

/* 0 when the lease is held with this fence, else -1 with a refusal of this status. */
static int current(struct lease *lease, struct api_call *call, const char *name, int64_t fence, int status,
	struct mrp_err *err)
{
	int there = load(lease, call, name, err);

	if (there <= 0)
		return there < 0 ? -1 : not_held(call, name, status, err);
	return lease->fence == fence ? 0 : held(call, lease, status, err);
}

int lease_renew(struct api_call *call, struct mrp_err *err)
{
	const struct value *wanted = check_body(call, lease_renew_fields, err);
	struct lease lease;

	if (!wanted)
		return -1;
	if (store_run(call->db, SQL_LEASE_LOCK, STORE_ARGS(store_text(call->args[0])), err) < 0 ||
		current(&lease, call, call->args[0], value_get(wanted, "fence")->i, 409, err) < 0)
		return -1;
	if (!streq(lease.holder, value_get_string(wanted, "holder")))
		return held(call, &lease, 409, err);
	ahead_forget_leases(call->db);
	lease.expires_ms = api_clock_ms() + value_get(wanted, "ttl_seconds")->i * 1000;
	if (store_run(call->db, SQL_LEASE_EXTEND, STORE_ARGS(store_text(lease.name), store_int(lease.expires_ms)), err) < 0)
		return -1;
	respond(call, 200, &lease);
	return 0;
}

int lease_release(struct api_call *call, struct mrp_err *err)
{
	const char *name = call->args[0];
	struct lease lease;
	int64_t fence;
	bool force;

	if (check_name(name, err) < 0 || query_bool(&force, call, Q_FORCE, err) < 0 ||
		query_int(&fence, call, Q_FENCE, 0, 1, INT64_MAX, err) < 0)
		return -1;
	if (!fence && !force)
		return mrp_err_set(err, MRP_EPARSE, "query parameter 'fence' is missing: the one that taking '%s' gave", name);
	if (store_run(call->db, SQL_LEASE_LOCK, STORE_ARGS(store_text(name)), err) < 0)
		return -1;
	int there = load(&lease, call, name, err);
	if (there <= 0)
		return there < 0 ? -1 : not_held(call, name, 404, err);
	if (!force && lease.fence != fence)
		return held(call, &lease, 409, err);
	ahead_forget_leases(call->db);
	if (store_run(call->db, SQL_LEASE_RELEASE, STORE_ARGS(store_text(name)), err) < 0)
		return -1;
	call->response.status = 204;
	return 0;
}

/* "synchronize;fence=12" */
static int parse_header(const char **name, int64_t *fence, struct api_call *call, const char *text, struct mrp_err *err)
{
	const char *semicolon = strchr(text, ';'), *number = semicolon ? semicolon + 1 : text;
	size_t len = semicolon ? (size_t)(semicolon - text) : 0;
	struct mrp_err bad = MRP_ERR_INIT;

	number += strspn(number, " \t");
	*name = arena_strndup(&call->arena, text, len);
	if (name_valid(*name, len) && skip_prefix(number, "fence=", &number) &&
		parse_int(fence, number, 1, INT64_MAX, &bad) == 0)
		return 0;
	mrp_err_clear(&bad);
	return mrp_err_set(err, MRP_EPARSE, "header Mrprober-Lease is '%s', should be NAME;fence=N", text);
}

void api_foresee_lease(const struct api_call *call, struct ahead *ahead)
{
	const char *text = call->request.headers[HDR_LEASE];
	size_t len = text ? strcspn(text, ";") : 0;

	if (text && name_valid(text, len))
		ahead_want_lease(ahead, text, len);
}

int api_check_lease(struct api_call *call, struct mrp_err *err)
{
	const char *text = call->request.headers[HDR_LEASE], *name;
	struct lease lease;
	int64_t fence;

	if (!text)
		return 0;
	if (parse_header(&name, &fence, call, text, err) < 0)
		return -1;
	/* nobody else takes it before this transaction has ended; what was asked ahead is true as long */
	if (!ahead_lease(call->db, name) && store_run(call->db, SQL_LEASE_LOCK, STORE_ARGS(store_text(name)), err) < 0)
		return -1;
	return current(&lease, call, name, fence, 412, err);
}
