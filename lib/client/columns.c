/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables show of each kind: what somebody on duty looks for first. */
#include "resource.h"

#include "../base/clock.h"
#include "../value/json.h"

static void add_text(struct strbuf *out, const struct value *v)
{
	if (v && v->type == V_STRING)
		strbuf_add(out, v->s, v->n);
	else if (v && v->type != V_NULL)
		json_compact(out, v);
}

/* A cell that shows one member as it is. */
#define MEMBER_CELL(function, name)                                                                                    \
	static void function(struct strbuf *out, const struct value *item, int64_t now_ms)                             \
	{                                                                                                              \
		(void)now_ms;                                                                                          \
		add_text(out, value_get(item, name));                                                                  \
	}

MEMBER_CELL(slug_cell, "slug")
MEMBER_CELL(name_cell, "name")
MEMBER_CELL(recipe_cell, "recipe")
MEMBER_CELL(revision_cell, "revision")
MEMBER_CELL(timeout_cell, "timeout")
MEMBER_CELL(owner_cell, "owner")
MEMBER_CELL(cluster_cell, "cluster")
MEMBER_CELL(host_cell, "host")
MEMBER_CELL(version_cell, "version")
MEMBER_CELL(config_cell, "config_revision")
MEMBER_CELL(id_cell, "id")
MEMBER_CELL(status_cell, "status")
MEMBER_CELL(stage_cell, "stage")
MEMBER_CELL(exit_code_cell, "exit_code")
MEMBER_CELL(creator_cell, "creator")
MEMBER_CELL(approved_cell, "approved_by")
MEMBER_CELL(text_message_cell, "message")
MEMBER_CELL(added_cell, "added")
MEMBER_CELL(changed_cell, "changed")
MEMBER_CELL(destroyed_cell, "destroyed")

static void add_age(struct strbuf *out, const char *time, int64_t now_ms)
{
	int64_t then_ms = time_parse(time);

	if (then_ms >= 0)
		time_format_age(out, now_ms - then_ms);
}

static void age_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	add_age(out, value_get_string(item, "created_at"), now_ms);
}

static void changed_age_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	add_age(out, value_get_string(item, "updated_at"), now_ms);
}

static void started_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const char *started = value_get_string(item, "started_at");

	add_age(out, started ? started : value_get_string(item, "created_at"), now_ms);
}

static void add_yes_no(struct strbuf *out, const struct value *v)
{
	strbuf_addstr(out, v && v->type == V_BOOL && v->b ? "yes" : "no");
}

static void managed_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	(void)now_ms;
	add_yes_no(out, value_get(item, "managed"));
}

static void add_count(struct strbuf *out, const struct value *v)
{
	strbuf_addf(out, "%u", v && (v->type == V_OBJECT || v->type == V_ARRAY) ? v->n : 0);
}

#define COUNT_CELL(function, name)                                                                                     \
	static void function(struct strbuf *out, const struct value *item, int64_t now_ms)                             \
	{                                                                                                              \
		(void)now_ms;                                                                                          \
		add_count(out, value_get(item, name));                                                                 \
	}

COUNT_CELL(files_cell, "files")
COUNT_CELL(values_cell, "values")
COUNT_CELL(variables_cell, "variables")
COUNT_CELL(alerts_cell, "alerts")

static void add_joined(struct strbuf *out, const struct value *list, const char *between)
{
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		strbuf_addstr(out, i ? between : "");
		add_text(out, list->items[i]);
	}
}

static void required_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	(void)now_ms;
	add_joined(out, value_get(item, "required_variables"), ",");
}

static void external_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	(void)now_ms;
	add_joined(out, value_get(item, "external_variables"), ",");
}

static void labels_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *labels = value_get(item, "labels");

	(void)now_ms;
	for (uint32_t i = 0; labels && labels->type == V_OBJECT && i < labels->n; i++) {
		strbuf_addf(out, "%s%s=", i ? "," : "", labels->members[i].key);
		add_text(out, labels->members[i].value);
	}
}

/* "probers/dns/prober.yaml:1" */
static void source_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *source = value_get(item, "source");

	(void)now_ms;
	if (!source || source->type != V_OBJECT)
		return;
	add_text(out, value_get(source, "path"));
	if (value_get(source, "line")) {
		strbuf_addch(out, ':');
		add_text(out, value_get(source, "line"));
	}
}

static void state_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *state = value_get(item, "state");

	(void)now_ms;
	if (state)
		add_text(out, state->type == V_OBJECT ? value_get(state, "status") : state);
}

static void message_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *state = value_get(item, "state");

	(void)now_ms;
	if (state && state->type == V_OBJECT)
		add_text(out, value_get(state, "message"));
}

static void deploy_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *deploy = value_get(item, "deploy"), *enabled;

	(void)now_ms;
	if (!deploy || deploy->type != V_OBJECT)
		return;
	enabled = value_get(deploy, "enabled");
	if (enabled && enabled->type == V_BOOL && !enabled->b)
		strbuf_addstr(out, "off");
	else if (value_get(deploy, "mode"))
		add_text(out, value_get(deploy, "mode"));
	else
		strbuf_addstr(out, "apply");
}

/* The command line, or "probe http". */
static void runs_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *probe = value_get(item, "probe");

	(void)now_ms;
	if (probe && probe->type == V_OBJECT && probe->n)
		strbuf_addf(out, "probe %s", probe->members[0].key);
	else
		add_joined(out, value_get(item, "command"), " ");
}

static void interval_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	(void)now_ms;
	if (value_get(item, "interval"))
		add_text(out, value_get(item, "interval"));
	else
		strbuf_addstr(out, "30s");
}

/* "net-a,meeseeks/canary,!net-lab" (clusters, then hosts): where it runs, in the order that decides. */
static void placements_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *placements = value_get(item, "placements");

	(void)now_ms;
	for (uint32_t i = 0; placements && placements->type == V_ARRAY && i < placements->n; i++) {
		const struct value *placement = placements->items[i], *enabled = value_get(placement, "enabled"),
				   *hosts = value_get(placement, "hosts"), *clusters = value_get(placement, "clusters");
		const char *not = enabled && enabled->type == V_BOOL && !enabled->b ? "!" : "";
		uint32_t n = clusters && clusters->type == V_ARRAY ? clusters->n : 0;

		for (uint32_t k = 0; k < MAX(n, 1); k++) {
			strbuf_addf(out, "%s%s", i || k ? "," : "", not);
			if (n)
				add_text(out, clusters->items[k]);
			else
				strbuf_addch(out, '*');
			if (hosts) {
				strbuf_addch(out, '/');
				add_joined(out, hosts, "|");
			}
		}
	}
}

static void value_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *v = value_get(item, "value"), *sensitive = value_get(item, "sensitive");

	(void)now_ms;
	if (v)
		json_compact(out, v);
	else if (sensitive && sensitive->type == V_BOOL && sensitive->b)
		strbuf_addstr(out, "***");
}

static void sensitive_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	(void)now_ms;
	add_yes_no(out, value_get(item, "sensitive"));
}

static void seen_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	add_age(out, value_get_string(item, "last_seen"), now_ms);
}

/* A list has numbers, a single agent has its probers. */
static void probers_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *counts = value_get(item, "counts"), *probers = value_get(item, "probers");
	int64_t n = probers && probers->type == V_OBJECT ? probers->n : 0;

	(void)now_ms;
	for (uint32_t i = 0; counts && counts->type == V_OBJECT && i < counts->n; i++)
		n += counts->members[i].value->type == V_INT ? counts->members[i].value->i : 0;
	strbuf_addf(out, "%lld", (long long)n);
}

static void failing_cell(struct strbuf *out, const struct value *item, int64_t now_ms)
{
	const struct value *probers = value_get(item, "probers");
	const char *between = "";

	(void)now_ms;
	add_joined(out, value_get(item, "failing"), " ");
	for (uint32_t i = 0; probers && probers->type == V_OBJECT && i < probers->n; i++) {
		const char *status = value_get_string(probers->members[i].value, "status");

		if (status && streq(status, "success"))
			continue;
		strbuf_addf(out, "%s%s", between, probers->members[i].key);
		between = " ";
	}
}

/* clang-format off */
const struct resource_column agent_columns[] = {
	{ "CLUSTER", cluster_cell },
	{ "HOST", host_cell },
	{ "SEEN", seen_cell, .right = true },
	{ "VERSION", version_cell },
	{ "CONFIG", config_cell, .wide = true },
	{ "PROBERS", probers_cell, .right = true },
	{ "FAILING", failing_cell },
	{ .heading = NULL },
};

const struct resource_column recipe_columns[] = {
	{ "SLUG", slug_cell },
	{ "NAME", name_cell, .wide = true },
	{ "FILES", files_cell, .right = true },
	{ "VALUES", values_cell, .right = true },
	{ "REQUIRED", required_cell },
	{ "MANAGED", managed_cell },
	{ "AGE", age_cell, .right = true },
	{ "CHANGED", changed_age_cell, .wide = true, .right = true },
	{ "REVISION", revision_cell, .wide = true, .right = true },
	{ "SOURCE", source_cell, .wide = true },
	{ "LABELS", labels_cell, .wide = true },
	{ .heading = NULL },
};

const struct resource_column cluster_columns[] = {
	{ "SLUG", slug_cell },
	{ "NAME", name_cell, .wide = true },
	{ "RECIPE", recipe_cell },
	{ "STATE", state_cell },
	{ "DEPLOY", deploy_cell },
	{ "VARIABLES", variables_cell, .right = true },
	{ "EXTERNAL", external_cell, .wide = true },
	{ "MANAGED", managed_cell },
	{ "AGE", age_cell, .right = true },
	{ "CHANGED", changed_age_cell, .wide = true, .right = true },
	{ "REVISION", revision_cell, .wide = true, .right = true },
	{ "SOURCE", source_cell, .wide = true },
	{ "LABELS", labels_cell, .wide = true },
	{ "MESSAGE", message_cell, .wide = true },
	{ .heading = NULL },
};

const struct resource_column prober_columns[] = {
	{ "SLUG", slug_cell },
	{ "NAME", name_cell, .wide = true },
	{ "RUNS", runs_cell },
	{ "INTERVAL", interval_cell, .right = true },
	{ "TIMEOUT", timeout_cell, .wide = true, .right = true },
	{ "PLACEMENTS", placements_cell },
	{ "ALERTS", alerts_cell, .right = true },
	{ "FILES", files_cell, .wide = true, .right = true },
	{ "MANAGED", managed_cell },
	{ "AGE", age_cell, .right = true },
	{ "CHANGED", changed_age_cell, .wide = true, .right = true },
	{ "REVISION", revision_cell, .wide = true, .right = true },
	{ "SOURCE", source_cell, .wide = true },
	{ "LABELS", labels_cell, .wide = true },
	{ .heading = NULL },
};

const struct resource_column variable_columns[] = {
	{ "NAME", name_cell },
	{ "VALUE", value_cell },
	{ "OWNER", owner_cell },
	{ "SENSITIVE", sensitive_cell },
	{ "CHANGED", changed_age_cell, .right = true },
	{ "REVISION", revision_cell, .wide = true, .right = true },
	{ .heading = NULL },
};

const struct resource_column deployment_columns[] = {
	{ "ID", id_cell, .right = true },
	{ "STATUS", status_cell },
	{ "STAGE", stage_cell },
	{ "ADDED", added_cell, .right = true },
	{ "CHANGED", changed_cell, .right = true },
	{ "DESTROYED", destroyed_cell, .right = true },
	{ "AGE", started_cell, .right = true },
	{ "EXIT", exit_code_cell, .wide = true, .right = true },
	{ "CREATOR", creator_cell, .wide = true },
	{ "APPROVED", approved_cell, .wide = true },
	{ "MESSAGE", text_message_cell, .wide = true },
	{ .heading = NULL },
};
/* clang-format on */
