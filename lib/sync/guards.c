/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who says a limit: the command line before the manifest before the default, and at each of these a kind's own before
 * the one for all; but what the command line says for all kinds goes before all of the manifest. A share is of the objects
 * of a kind that the API has from configs; however small, it allows one.
 */
#include "guards.h"

#include <inttypes.h>

#define DEFAULT_MAX_DELETES "10%"

struct guard {
	const char *option, *name; /* "--max-deletes", "max_deletes" of the manifest */
	const char *what;          /* "delete" */
	const char *fallback;      /* NULL: no limit */
	bool deletes_only;
};

static const struct guard guards[] = {
	{ "--max-deletes", "max_deletes", "delete", DEFAULT_MAX_DELETES, true },
	{ "--max-changes", "max_changes", "change", NULL, false },
};

/* A limit and who says it. */
struct rule {
	struct mrp_limit limit;
	const char *origin;
};

struct rules {
	struct rule all, kinds[KIND_COUNT];
};

/* What is too much, and what allows it. */
struct refusal {
	struct strbuf what, flags;
};

int plan_limits_add(struct plan_limits *limits, const char *text, struct mrp_err *err)
{
	const char *equals = strchr(text, '=');

	if (!equals)
		return mrp_limit_parse(&limits->all, text, err);
	cleanup(freep) char *name = xstrndup(text, (size_t)(equals - text));
	int kind = kind_from_name(name);
	if (kind < 0)
		return mrp_err_set(err, MRP_EPARSE, "'%s' is no kind of object (recipes, clusters, probers)", name);
	return mrp_limit_parse(&limits->kinds[kind], equals + 1, err);
}

bool plan_limits_set(const struct plan_limits *limits)
{
	bool set = limits->all.set;

	for (int kind = 0; kind < KIND_COUNT; kind++)
		set |= limits->kinds[kind].set;
	return set;
}

static int set_rule(struct rule *rule, const char *text, const char *origin, struct mrp_err *err)
{
	rule->origin = origin;
	return mrp_limit_parse(&rule->limit, text, err);
}

/* What the manifest says: one limit, or a map of them by kind. */
static int add_manifest(struct rules *rules, const struct value *said, struct mrp_err *err)
{
	static const char origin[] = "guards of the manifest";

	if (said->type == V_STRING)
		return set_rule(&rules->all, said->s, origin, err);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const char *text = value_get_string(said, kinds[kind].plural);

		if (text && set_rule(&rules->kinds[kind], text, origin, err) < 0)
			return -1;
	}
	return 0;
}

static int find_rules(struct rules *rules, const struct plan *plan, const struct guard *guard,
	const struct plan_limits *given, struct mrp_err *err)
{
	const struct value *said = config_guard(plan->config, guard->name);

	*rules = (struct rules){ .all.origin = "default" };
	if (guard->fallback && set_rule(&rules->all, guard->fallback, "default", err) < 0)
		return -1;
	if (given->all.set)
		rules->all = (struct rule){ given->all, guard->option };
	else if (said && add_manifest(rules, said, err) < 0)
		return mrp_err_wrap(err, "guards.%s", guard->name);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (given->kinds[kind].set)
			rules->kinds[kind] = (struct rule){ given->kinds[kind], guard->option };
	}
	return 0;
}

static void add_what(struct refusal *refusal, const char *fmt, ...) PRINTF(2, 3);
static void add_what(struct refusal *refusal, const char *fmt, ...)
{
	va_list ap;

	if (refusal->what.len)
		strbuf_addstr(&refusal->what, ", ");
	va_start(ap, fmt);
	strbuf_vaddf(&refusal->what, fmt, ap);
	va_end(ap);
}

/* One kind against the limit that holds for it. */
static void check_kind(struct refusal *refusal, const struct plan *plan, const struct guard *guard,
	const struct rule *rule, enum kind kind, size_t count)
{
	const struct mrp_limit *limit = &rule->limit;
	const char *name = kinds[kind].plural;
	size_t managed = plan->managed[kind], max = (size_t)limit->count;

	if (limit->is_percent)
		max = (size_t)(limit->percent * (double)managed / 100);
	if (limit->is_percent && limit->percent > 0)
		max = MAX(max, (size_t)1);
	if (count <= max)
		return;
	if (limit->is_percent)
		add_what(refusal, "%s %zu of %zu %s (at most %zu: %g%% by %s)", guard->what, count, managed, name, max,
			limit->percent, rule->origin);
	else
		add_what(refusal, "%s %zu of %zu %s (at most %zu by %s)", guard->what, count, managed, name, max,
			rule->origin);
	strbuf_addf(&refusal->flags, " %s %s=%zu", guard->option, name, count);
}

static int check_guard(struct refusal *refusal, const struct plan *plan, const struct guard *guard,
	const struct plan_limits *given, struct mrp_err *err)
{
	size_t counts[KIND_COUNT] = { 0 }, together = 0;
	struct rules rules;

	if (find_rules(&rules, plan, guard, given, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->changes.n; i++)
		counts[plan->changes.v[i].kind] += plan->changes.v[i].action == PLAN_DELETE || !guard->deletes_only;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (rules.kinds[kind].limit.set)
			check_kind(refusal, plan, guard, &rules.kinds[kind], (enum kind)kind, counts[kind]);
		else if (rules.all.limit.is_percent)
			check_kind(refusal, plan, guard, &rules.all, (enum kind)kind, counts[kind]);
		else
			together += counts[kind];
	}
	if (!rules.all.limit.set || together <= (size_t)rules.all.limit.count)
		return 0;
	add_what(refusal, "%s %zu object%s (at most %" PRId64 " by %s)", guard->what, together, together == 1 ? "" : "s",
		rules.all.limit.count, rules.all.origin);
	strbuf_addf(&refusal->flags, " %s %zu", guard->option, together);
	return 0;
}

int plan_guard(const struct plan *plan, const struct plan_limits *max_deletes, const struct plan_limits *max_changes,
	struct mrp_err *err)
{
	const struct plan_limits *const given[] = { max_deletes, max_changes };
	struct refusal refusal = { STRBUF_INIT, STRBUF_INIT };
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(guards) && result == 0; i++)
		result = check_guard(&refusal, plan, &guards[i], given[i], err);
	if (result == 0 && refusal.what.len)
		result = mrp_err_set(err, MRP_EREFUSED, "refused: the plan would %s; to allow this plan pass%s",
			refusal.what.buf, refusal.flags.buf);
	strbuf_release(&refusal.what);
	strbuf_release(&refusal.flags);
	return result;
}
