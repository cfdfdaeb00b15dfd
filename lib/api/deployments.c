/* SPDX-License-Identifier: Apache-2.0 */
/* Deployments: one row for each run of a creator. What a run does to its cluster's state is in deployment_state.c. */
#include "deployment.h"

#include <inttypes.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "../cloud/s3.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, LOG_MAX = 64 << 20 };

static const char *const deployment_statuses[] = { "running", "no-changes", "applied", "planned", "destroyed", "failed",
	"refused", "interrupted", NULL };

static bool stage_valid(const char *text, size_t len)
{
	return slug_valid(text, len);
}

/* 2026-11-21T03:00:00Z, 2026-11-21T03:00:00.123+03:00 */
static bool time_valid(const char *text, size_t len)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t i = 0;

	for (; i < sizeof(form) - 1; i++) {
		if (i >= len || (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]))
			return false;
	}
	if (text[i] == '.')
		i += 1 + strspn(text + i + 1, "0123456789");
	return streq(text + i, "Z") || ((text[i] == '+' || text[i] == '-') && len == i + 6 && text[i + 3] == ':');
}

#define TIME \
	.valid = time_valid, .form = "a time (like 2026-11-21T03:00:00Z)", .pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"
#define STAGE \
	.valid = stage_valid, .form = "a name (a-z, 0-9 and '-')", .pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"

static const struct field item_address = { "", F_STRING, FF_BOTH, NULL, .min = 1, .max = 1024 };
static const struct field item_log = { "", F_STRING, FF_BOTH, NULL, .min = 1, .max = 4096 };

const struct field deployment_fields[] = {
	{ "id", F_INT, FF_READONLY, "counts up" },
	{ "cluster", F_STRING, FF_READONLY, "slug of the cluster" },
	{ "status", F_ENUM, FF_API, "how it ended; running until then", .words = deployment_statuses },
	{ "stage", F_PATTERN, FF_API, "where it is or ended: variables, fetch, gate, before-plan, init, plan, apply, ...", STAGE },
	{ "message", F_STRING, FF_API, "what to tell people about it", .max = 65536 },
	{ "exit_code", F_INT, FF_API, "of the last program that ran", .min = -1, .max = 255 },
	{ "added", F_INT, FF_API, "resources, of the plan or of what was applied", .max = INT32_MAX },
	{ "changed", F_INT, FF_API, "likewise", .max = INT32_MAX },
	{ "destroyed", F_INT, FF_API, "likewise", .max = INT32_MAX },
	{ "plan_digest", F_PATTERN, FF_API, "SHA-256 of the plan: an approval is for that plan", .valid = valid_sha256,
		.form = "a SHA-256 in lower-case hex", .pattern = "^[0-9a-f]{64}$" },
	{ "refused_by", F_PATTERN, FF_API, "SHA-256 of what the creator allows and of the recipe that it does not",
		.valid = valid_sha256, .form = "a SHA-256 in lower-case hex", .pattern = "^[0-9a-f]{64}$" },
	{ "creator", F_STRING, FF_API, "who ran it", .max = 256 },
	{ "state_holder", F_STRING, FF_API,
		"the creator that has the terraform state in a folder of its own; absent: it is where all can reach it",
		.min = 1, .max = 256 },
	{ "dirty", F_BOOL, FF_API,
		"true: terraform was killed while it applied, and its state is not to be believed; false: it is again" },
	{ "half_made", F_LIST, FF_API, "what it was making then, as far as that is known", .sub = &item_address,
		.max = 1000 },
	{ DEPLOYED, F_OBJECT, FF_API,
		"recipe and variables that it applies; kept until the next one, shown only with show_sensitive=true",
		.sub = deployed_fields },
	{ "approved_deployment", F_INT, FF_API, "the refused one whose approval, for this very plan, it makes use of",
		.min = 1, .max = INT64_MAX },
	{ "logs", F_MAP, FF_API | FF_ALWAYS, "stage -> where its output is", .sub = &item_log, STAGE },
	{ "started_at", F_PATTERN, FF_API, "RFC 3339", TIME },
	{ "finished_at", F_PATTERN, FF_API, "RFC 3339", TIME },
	{ "approved_by", F_STRING, FF_READONLY, "who allowed a refused plan" },
	{ "approved_at", F_STRING, FF_READONLY, "RFC 3339, UTC" },
	{ "revision", F_INT, FF_READONLY, "moved by every write" },
	{ "created_at", F_STRING, FF_READONLY, "RFC 3339, UTC" },
	{ "updated_at", F_STRING, FF_READONLY, "RFC 3339, UTC" },
	{ .name = NULL },
};

const struct field approval_fields[] = {
	{ "approved_by", F_STRING, FF_API, "who says so", .min = 1, .max = 256 },
	{ .name = NULL },
};

/* 1, 0 when it is not there, -1. */
static int load_id(struct deployment *d, struct api_call *call, int64_t id, struct mrp_err *err)
{
	struct store_row row;
	int there = store_first(&row, call->db, SQL_DEPLOYMENT_GET, STORE_ARGS(store_int(id)), err);

	*d = (struct deployment){ .id = id };
	if (there <= 0)
		return there;
	d->revision = row.col[0].i;
	d->current = json_parse(&call->arena, row.col[1].p, row.col[1].n, "a stored deployment", err);
	store_finish(call->db, SQL_DEPLOYMENT_GET);
	if (!d->current) {
		call->status = 500;
		return -1;
	}
	d->cluster = value_get_string(d->current, "cluster");
	d->status = value_get_string(d->current, "status");
	return 1;
}

static int load(struct deployment *d, struct api_call *call, struct mrp_err *err)
{
	struct mrp_err bad = MRP_ERR_INIT;
	int64_t id;

	int there = 0;
	if (parse_int(&id, call->args[0], 1, INT64_MAX, &bad) < 0)
		mrp_err_clear(&bad);
	else
		there = load_id(d, call, id, err);
	if (there == 0)
		mrp_err_set(err, MRP_ENOTFOUND, "deployment '%s' is not there", call->args[0]);
	return there > 0 ? 0 : -1;
}

/* Check `wanted` and make it d->object. */
static int check(struct deployment *d, struct api_call *call, const struct value *wanted, struct mrp_err *err)
{
	struct schema_ctx ctx = { .arena = &call->arena, .problems = &call->problems, .where = FF_API };

	d->object = schema_apply(&ctx, deployment_fields, wanted, "");
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the deployment is not valid");
	if (!value_get(d->object, "status"))
		value_append(&call->arena, d->object, "status", value_string(&call->arena, "running"));
	d->status = value_get_string(d->object, "status");
	return 0;
}

static int no_approval(const struct deployment *d, int64_t of, const char *why, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EEXISTS,
		"deployment %" PRId64 " gives no approval to this plan of cluster '%s': it %s", of, d->cluster, why);
}

/* Who approved the refused deployment that d->object names has approved this one, if it is about the same plan. */
static int take_approval(struct deployment *d, struct api_call *call, struct mrp_err *err)
{
	const struct value *id = value_get(d->object, "approved_deployment");
	const char *digest = value_get_string(d->object, "plan_digest"), *approved;
	struct deployment other;

	if (!id)
		return 0;
	int there = load_id(&other, call, id->i, err);
	if (there < 0)
		return -1;
	if (!there || !streq(other.cluster, d->cluster))
		return no_approval(d, id->i, there ? "is of another cluster" : "is not there", err);
	if (!value_get(other.current, "approved_at"))
		return no_approval(d, id->i, "was not approved", err);
	approved = value_get_string(other.current, "plan_digest");
	if (!digest || !approved || !streq(digest, approved))
		return no_approval(d, id->i, "has another plan", err);
	value_set(&call->arena, d->object, "approved_by", value_get(other.current, "approved_by"));
	value_set(&call->arena, d->object, "approved_at", value_get(other.current, "approved_at"));
	return 0;
}

static void keep(struct deployment *d, struct arena *arena, const char *key)
{
	struct value *v = d->current ? value_get(d->current, key) : NULL;

	if (v)
		value_set(arena, d->object, key, v);
}

static void set_default_time(struct deployment *d, struct arena *arena, const char *key, const char *now)
{
	if (!value_get(d->object, key))
		value_append(arena, d->object, key, value_string(arena, now));
}

/* Write d->object; the response becomes it. */
static int save(struct deployment *d, struct api_call *call, struct mrp_err *err)
{
	struct arena *arena = &call->arena;
	const char *now = format_time(arena, call->now_ms);

	if (store_next_revision(&d->revision, call->db, err) < 0)
		return -1;
	if (!d->current &&
		store_number(&d->id, -1, call->db, SQL_DEPLOYMENT_INSERT,
			STORE_ARGS(store_text(d->cluster), store_text(d->status), store_int(d->revision)), err) < 0)
		return -1;
	set_default_time(d, arena, "started_at", now);
	if (!streq(d->status, "running"))
		set_default_time(d, arena, "finished_at", now);
	value_set(arena, d->object, "id", value_int(arena, d->id));
	value_set(arena, d->object, "cluster", value_string(arena, d->cluster));
	value_set(arena, d->object, "revision", value_int(arena, d->revision));
	value_set(arena, d->object, "created_at", value_string(arena, now));
	keep(d, arena, "created_at");
	value_set(arena, d->object, "updated_at", value_string(arena, now));
	struct value *ordered = value_object(arena);
	for (const struct field *field = deployment_fields; field->name; field++) {
		struct value *v = value_get(d->object, field->name);

		if (v)
			value_append(arena, ordered, field->name, v);
	}
	api_set_etag(call, d->revision);
	respond_value(call, 200, ordered);
	if (deployed_store(d, call, err) < 0)
		return -1;
	return store_run(call->db, SQL_DEPLOYMENT_UPDATE,
		STORE_ARGS(store_int(d->id), store_text(d->status), store_int(d->revision),
			store_text_n(call->response.body.buf, call->response.body.len)),
		err);
}

int deployment_create(struct api_call *call, struct mrp_err *err)
{
	struct deployment d = { .cluster = call->args[0] };
	struct object_row info;
	int there = object_info(&info, &call->arena, call->db, KIND_CLUSTER, d.cluster, err);

	if (there <= 0)
		return there < 0 ? -1 : api_not_found(err, KIND_CLUSTER, d.cluster);
	bool force;
	if (query_bool(&force, call, Q_FORCE, err) < 0 || deployed_take(&d, call, err) < 0 ||
		check(&d, call, call->body, err) < 0 || take_approval(&d, call, err) < 0 || save(&d, call, err) < 0 ||
		deployment_began(call, &d, force, err) < 0)
		return -1;
	call->response.status = 201;
	call->response.location = arena_printf(&call->arena, "/v1/deployments/%" PRId64, d.id);
	return 0;
}

int deployment_get(struct api_call *call, struct mrp_err *err)
{
	struct deployment d;
	bool secrets;

	if (api_show_sensitive(&secrets, call, err) < 0 || load(&d, call, err) < 0)
		return -1;
	api_set_etag(call, d.revision);
	if (api_not_modified(call))
		return 0;
	if (secrets && deployed_show(&d.current, &d, call, err) < 0)
		return -1;
	respond_value(call, 200, d.current);
	return 0;
}

int deployment_patch(struct api_call *call, struct mrp_err *err)
{
	struct deployment d;

	if (load(&d, call, err) < 0 || api_check_preconditions(call, d.revision, err) < 0 ||
		deployed_take(&d, call, err) < 0)
		return -1;
	const char *before = d.status;
	if (check(&d, call, merge_patch(&call->arena, d.current, call->body), err) < 0)
		return -1;
	if (!streq(before, "running") && !streq(before, d.status))
		return mrp_err_set(err, MRP_EEXISTS, "deployment %" PRId64 " has ended (%s) and cannot become '%s'",
			d.id, before, d.status);
	keep(&d, &call->arena, "approved_by");
	keep(&d, &call->arena, "approved_at");
	if (take_approval(&d, call, err) < 0 || save(&d, call, err) < 0)
		return -1;
	/* what is added to a run that ended, say a log that was uploaded late, does not move the cluster any more */
	return streq(before, "running") ? deployment_went_on(call, &d, err) : 0;
}

int deployment_approve(struct api_call *call, struct mrp_err *err)
{
	struct schema_ctx ctx = { .arena = &call->arena, .problems = &call->problems, .where = FF_API };
	struct arena *arena = &call->arena;
	const char *now = format_time(arena, call->now_ms);
	struct deployment d;
	struct document doc;

	if (load(&d, call, err) < 0 || api_check_preconditions(call, d.revision, err) < 0)
		return -1;
	struct value *approval = call->body ? schema_apply(&ctx, approval_fields, call->body, "") : value_object(arena);
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the approval is not valid");
	if (!streq(d.status, "refused"))
		return mrp_err_set(err, MRP_EEXISTS,
			"deployment %" PRId64 " is '%s'; only a refused one can be approved", d.id, d.status);
	if (value_get(d.current, "approved_at"))
		return mrp_err_set(err, MRP_EEXISTS, "deployment %" PRId64 " is already approved", d.id);
	const char *who = value_get_string(approval, "approved_by");
	if (call->caller.known) /* what people say is no proof, the token is */
		who = arena_printf(arena, "%s%stoken %s%s%s%s", who ? who : "", who ? " (" : "",
			call->response.token_id, *call->caller.name ? " " : "", call->caller.name, who ? ")" : "");
	d.object = value_copy_shallow(arena, d.current);
	value_set(arena, d.object, "approved_by", value_string(arena, who ? who : "unknown"));
	value_set(arena, d.object, "approved_at", value_string(arena, now));
	if (save(&d, call, err) < 0)
		return -1;
	struct object_row info;
	int there = object_info(&info, arena, call->db, KIND_CLUSTER, d.cluster, err);
	if (there <= 0)
		return there;
	if (document_load(&doc, call, KIND_CLUSTER, d.cluster, err) < 0)
		return -1;
	if (!doc.row.destroying)
		doc.state = cluster_state_set(
			arena, doc.state, "pending", arena_printf(arena, "deployment %" PRId64 " was approved", d.id));
	else
		doc.state = value_copy_shallow(arena, doc.state);
	value_set(arena, doc.state, "deploy_requested_at", value_string(arena, now));
	return deployment_restate_cluster(call, &doc, err);
}

static int token_id(int64_t *id, struct api_call *call, struct mrp_err *err)
{
	const char *token = call->query[Q_PAGE_TOKEN], *text;

	*id = INT64_MAX;
	if (!token || !*token)
		return 0;
	if (skip_prefix(token, "before.", &text) && parse_int(id, text, 1, INT64_MAX, err) == 0)
		return 0;
	mrp_err_clear(err);
	return mrp_err_set(err, MRP_EPARSE, "query parameter 'page_token' is '%s', which no answer gave", token);
}

int deployment_list(struct api_call *call, struct mrp_err *err)
{
	struct strbuf *out = &call->response.body;
	int64_t size, before, n = 0, last = 0;
	struct object_row info;
	struct store_row row;

	if (query_int(&size, call, Q_PAGE_SIZE, PAGE_DEFAULT, 1, PAGE_MAX, err) < 0 || token_id(&before, call, err) < 0)
		return -1;
	int r = object_info(&info, &call->arena, call->db, KIND_CLUSTER, call->args[0], err);
	if (r <= 0)
		return r < 0 ? -1 : api_not_found(err, KIND_CLUSTER, call->args[0]);
	strbuf_addstr(out, "{\"items\":[");
	r = store_start(call->db, SQL_DEPLOYMENT_LIST,
		STORE_ARGS(store_text(call->args[0]), store_int(before), store_int(size + 1)), err);
	while (r >= 0 && (r = store_step(call->db, SQL_DEPLOYMENT_LIST, &row, err)) > 0 && n++ < size) {
		last = row.col[0].i;
		strbuf_addstr(out, n > 1 ? "," : "");
		strbuf_add(out, row.col[1].p, row.col[1].n);
	}
	store_finish(call->db, SQL_DEPLOYMENT_LIST);
	if (r < 0)
		return -1;
	if (n > size)
		strbuf_addf(out, "],\"next_page_token\":\"before.%" PRId64 "\"}\n", last);
	else
		strbuf_addstr(out, "],\"next_page_token\":null}\n");
	respond_json(call, 200);
	return 0;
}

/* "prod", or "development/<hostname>" while no environment is known. */
static char *log_prefix(struct api_call *call, struct mrp_err *err)
{
	struct strbuf environment = STRBUF_INIT;
	char host[256] = "localhost";

	if (store_meta(NULL, &environment, call->db, err) < 0)
		return NULL;
	if (!environment.len) {
		gethostname(host, sizeof(host) - 1);
		strbuf_addf(&environment, "development/%s", host);
	}
	return strbuf_detach(&environment, NULL);
}

/* Where it is, in the bucket or the folder. Which prefix the creator had is in what it has recorded; the rest is not for it
 * to say. */
static char *log_key(struct deployment *d, struct api_call *call, const char *stage, struct mrp_err *err)
{
	const char *recorded = value_get_string(value_get(d->current, "logs"), stage);
	cleanup(freep) char *end = xasprintf("/creator/%s/%" PRId64 "/%s.log", d->cluster, d->id, stage);
	size_t len = recorded ? strlen(recorded) : 0;
	struct mrp_err bad = MRP_ERR_INIT;

	if (len > strlen(end) && streq(recorded + len - strlen(end), end) && s3_key_check(recorded, &bad) == 0)
		return xstrdup(recorded);
	mrp_err_clear(&bad);
	cleanup(freep) char *prefix = log_prefix(call, err);
	return prefix ? xasprintf("%s%s", prefix, end) : NULL;
}

int deployment_log(struct api_call *call, struct mrp_err *err)
{
	const char *stage = call->args[1];
	struct mrp_err why = MRP_ERR_INIT;
	struct deployment d;

	if (load(&d, call, err) < 0)
		return -1;
	if (!stage_valid(stage, strlen(stage)))
		return mrp_err_set(err, MRP_ENOTFOUND, "'%s' is not a stage", stage);
	cleanup(freep) char *key = log_key(&d, call, stage, err);
	if (!key)
		return -1;
	cleanup(freep) char *path = xasprintf("%s/objects/%s", call->api->state_dir, key);
	if (access(path, F_OK) < 0) {
		if (call->api->logs) {
			call->log_key = arena_strdup(&call->arena, key);
			return 0;
		}
		return mrp_err_set(err, MRP_ENOTFOUND, "deployment %" PRId64 " has no log of stage '%s' in this API's folder of objects",
			d.id, stage);
	}
	if (read_file(&call->response.body, path, LOG_MAX, &why) < 0) {
		api_fail(call, err, 500, "%s", why.msg);
		mrp_err_clear(&why);
		return -1;
	}
	call->response.status = 200;
	call->response.content_type = "text/plain; charset=utf-8";
	return 0;
}

int cluster_deploy(struct api_call *call, struct mrp_err *err)
{
	const char *now = format_time(&call->arena, call->now_ms);
	struct document doc;

	if (document_load(&doc, call, KIND_CLUSTER, call->args[0], err) < 0 || document_writable(&doc, err) < 0)
		return -1;
	const char *status = doc.state ? value_get_string(doc.state, "status") : NULL;
	if (status && streq(status, "disabled"))
		return mrp_err_set(err, MRP_EEXISTS, "cluster '%s' is disabled: its 'deploy' says so", doc.row.slug);
	doc.state = doc.state ? value_copy_shallow(&call->arena, doc.state) : value_object(&call->arena);
	value_set(&call->arena, doc.state, "deploy_requested_at", value_string(&call->arena, now));
	if (document_restate(call, &doc, err) < 0)
		return -1;
	respond_value(call, 202, doc.state);
	return 0;
}
