/* SPDX-License-Identifier: Apache-2.0 */
/* PUT and GET /v1/agents/{cluster}/{host}, GET /v1/agents: what agents say about themselves. */
#include "agents.h"

#include "../base/text.h"
#include "config_cache.h"
#include "reports.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, FAILING_MAX = 100 };

static const char *const statuses[] = { "success", "failure", "error", NULL };
static const char *const reasons[] = { "ok", "exit", "warning", "signal", "timeout", "spawn", "limit", "late", "output",
	"config", NULL };

static bool id_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return len >= 1 && len <= 4096;
}

static const struct field status_fields[] = {
	{ "status", F_ENUM, FF_API | FF_REQUIRED, "of the last run", .words = statuses },
	{ "reason", F_ENUM, FF_API, "why", .words = reasons },
	{ "message", F_STRING, FF_API, "what the run said, in short", .max = 4096 },
	{ "finished_at", F_STRING, FF_API, "when, RFC 3339", .max = 64 },
	{ "duration_seconds", F_NUMBER, FF_API, "of the run", .max = 31622400 },
	{ "consecutive_failures", F_INT, FF_API, "up to now", .max = INT32_MAX },
	{ .name = NULL },
};

static const struct field item_status = { "", F_OBJECT, FF_BOTH, NULL, .sub = status_fields };

const struct field agent_fields[] = {
	{ "cluster", F_STRING, FF_READONLY, "slug of the cluster" },
	{ "host", F_STRING, FF_READONLY, "name of the host" },
	{ "last_seen", F_STRING, FF_READONLY, "RFC 3339, UTC; by the clock of the API" },
	{ "version", F_STRING, FF_API, "of the agent", .max = 128 },
	{ "config_revision", F_STRING, FF_API, "of the agent-config that it runs", .max = 128 },
	{ "probers", F_MAP, FF_API | FF_ALWAYS, "id of an entry of agent-config -> how its last run ended", .sub = &item_status,
		.valid = id_valid, .form = "an id of agent-config" },
	{ .name = NULL },
};

static void add_text(struct strbuf *out, const char *key, const char *text)
{
	strbuf_addf(out, "\"%s\":", key);
	if (text)
		json_add_string(out, text, strlen(text));
	else
		strbuf_addstr(out, "null");
	strbuf_addch(out, ',');
}

/* What a list shows: how many of each status, and which fail. */
static char *summary_of(const struct value *object)
{
	const struct value *probers = value_get(object, "probers");
	unsigned counts[ARRAY_SIZE(statuses)] = { 0 }, named = 0;
	struct strbuf out = STRBUF_INIT, failing = STRBUF_INIT;

	for (uint32_t i = 0; i < probers->n; i++) {
		const struct member *m = &probers->members[i];
		const char *status = value_get_string(m->value, "status");
		size_t k = 0;

		while (statuses[k] && !streq(statuses[k], status))
			k++;
		counts[k]++;
		if (k == 0 || named == FAILING_MAX)
			continue;
		if (named++)
			strbuf_addch(&failing, ',');
		json_add_string(&failing, m->key, strlen(m->key));
	}
	add_text(&out, "version", value_get_string(object, "version"));
	add_text(&out, "config_revision", value_get_string(object, "config_revision"));
	strbuf_addf(&out, "\"counts\":{\"success\":%u,\"failure\":%u,\"error\":%u},\"failing\":[%s]", counts[0], counts[1],
		counts[2], failing.buf);
	strbuf_release(&failing);
	return strbuf_detach(&out, NULL);
}

static char *body_of(const struct value *object)
{
	struct strbuf out = STRBUF_INIT;

	json_compact(&out, object);
	return strbuf_detach(&out, NULL);
}

int agent_put(struct api_call *call, struct mrp_err *err)
{
	struct schema_ctx ctx = { .arena = &call->arena, .problems = &call->problems, .where = FF_API };
	const char *cluster = call->args[0], *host = call->args[1];

	if (agent_check_names(cluster, host, err) < 0)
		return -1;
	/* known clusters only, so that nobody fills the database by mistake */
	if (!config_cache_find(call->api->configs, call->db, cluster, host, call->started_us, err))
		return -1;
	const struct value *object = schema_apply(&ctx, agent_fields, call->body, "");
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the report is not valid");
	struct report report = { xstrdup(cluster), xstrdup(host), call->now_ms, body_of(object), summary_of(object) };
	if (reports_put(call->api->reports, &report, err) < 0)
		return -1;
	call->response.status = 204;
	return 0;
}

static void add_head(struct strbuf *out, struct arena *arena, const struct report *report)
{
	strbuf_addch(out, '{');
	add_text(out, "cluster", report->cluster);
	add_text(out, "host", report->host);
	add_text(out, "last_seen", format_time(arena, report->seen_ms));
}

int agent_get(struct api_call *call, struct mrp_err *err)
{
	const char *cluster = call->args[0], *host = call->args[1];
	struct report report;

	if (agent_check_names(cluster, host, err) < 0)
		return -1;
	int there =
		reports_get(&report, call->api->reports, &call->arena, call->db, cluster, host, call->now_ms, err);
	if (there < 0)
		return -1;
	if (!there)
		return mrp_err_set(err, MRP_ENOTFOUND, "agent '%s/%s' has not been heard of for a week", cluster, host);
	add_head(&call->response.body, &call->arena, &report);
	strbuf_addf(&call->response.body, "%s\n", report.body + 1); /* what follows the '{' of an object with members */
	respond_json(call, 200);
	return 0;
}

struct agent_page {
	struct api_call *call;
	int64_t size, n;
	const char *last; /* page token that leads behind the last item */
	bool more;
};

/* One report more than fits is asked for, to know whether there is another page. */
static bool add_item(void *ctx, const struct report *report)
{
	struct agent_page *page = ctx;
	struct strbuf *out = &page->call->response.body;

	page->more = page->n == page->size;
	if (page->more)
		return false;
	if (page->n++)
		strbuf_addch(out, ',');
	add_head(out, &page->call->arena, report);
	strbuf_addf(out, "%s}", report->summary);
	if (page->n == page->size)
		page->last = arena_printf(&page->call->arena, "after.%s/%s", report->cluster, report->host);
	return true;
}

static int parse_token(const char **cluster, const char **host, struct api_call *call, struct mrp_err *err)
{
	const char *token = call->query[Q_PAGE_TOKEN], *rest, *slash;

	*cluster = *host = "";
	if (!token || !*token)
		return 0;
	if (skip_prefix(token, "after.", &rest) && (slash = strchr(rest, '/')) && slug_valid(rest, (size_t)(slash - rest)) &&
		agent_host_valid(slash + 1)) {
		*cluster = arena_strndup(&call->arena, rest, (size_t)(slash - rest));
		*host = slash + 1;
		if (!call->query[Q_CLUSTER] || streq(*cluster, call->query[Q_CLUSTER]))
			return 0;
	}
	return mrp_err_set(err, MRP_EPARSE, "query parameter 'page_token' is '%s', which no answer gave", token);
}

int agent_list(struct api_call *call, struct mrp_err *err)
{
	const char *cluster, *host, *only = call->query[Q_CLUSTER];
	struct strbuf *out = &call->response.body;
	struct agent_page page = { .call = call };

	if (query_int(&page.size, call, Q_PAGE_SIZE, PAGE_DEFAULT, 1, PAGE_MAX, err) < 0 ||
		parse_token(&cluster, &host, call, err) < 0)
		return -1;
	if (only && !slug_valid(only, strlen(only)))
		return mrp_err_set(err, MRP_EPARSE, "query parameter 'cluster': '%s' is not a slug", only);
	strbuf_addstr(out, "{\"items\":[");
	if (reports_list(call->api->reports, &call->arena, call->db, cluster, host, only, call->now_ms, page.size + 1,
		    add_item, &page, err) < 0)
		return -1;
	if (page.more)
		strbuf_addf(out, "],\"next_page_token\":\"%s\"}\n", page.last);
	else
		strbuf_addstr(out, "],\"next_page_token\":null}\n");
	respond_json(call, 200);
	return 0;
}
