/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guards: a plan that deletes or changes suspiciously much is refused before anything is done. A number limits the whole
 * plan. A share is looked at kind by kind, of the objects that the API has from configs; however small, it allows one.
 */
#include "plan.h"

#include <inttypes.h>

#include "../base/parse.h"

#define DEFAULT_MAX_DELETES "10%"

/* "5" or "10%" of the manifest. */
static int parse_limit(struct mrp_limit *out, const char *text, struct mrp_err *err)
{
	struct mrp_limit limit = { .set = true, .is_percent = ends_with(text, "%") };
	int code = limit.is_percent ? parse_percent(&limit.percent, text, err)
				    : parse_int(&limit.count, text, 0, INT32_MAX, err);

	if (code == 0)
		*out = limit;
	return code;
}

struct guard {
	const char *option, *guard; /* "--max-deletes", "max_deletes" */
	const char *what;           /* "delete" */
	const char *fallback;       /* NULL: no limit */
	bool deletes_only;
};

static const struct guard guard_deletes = { "--max-deletes", "max_deletes", "delete", DEFAULT_MAX_DELETES, true };
static const struct guard guard_changes = { "--max-changes", "max_changes", "change", NULL, false };

/* The limit that holds and who says so. */
static int find_limit(struct mrp_limit *out, const char **origin, const struct plan *plan, const struct guard *guard,
	const struct mrp_limit *given, struct mrp_err *err)
{
	const char *text = config_guard(plan->config, guard->guard);

	*origin = guard->option;
	*out = *given;
	if (given->set)
		return 0;
	*origin = text ? "guards of the manifest" : "default";
	if (!text)
		text = guard->fallback;
	if (!text)
		return 0;
	if (parse_limit(out, text, err) < 0)
		return mrp_err_wrap(err, "guards.%s", guard->guard);
	return 0;
}

/* `total` is what the whole plan does: a limit that allows just this plan, to be copied to the command line. */
static int refuse(struct mrp_err *err, const struct guard *guard, const char *what, size_t max, const char *said,
	const char *origin, size_t total)
{
	return mrp_err_set(err, MRP_EREFUSED,
		"refused: the plan would %s %s, and at most %zu may be (%s by %s); pass %s %zu to allow this plan", guard->what,
		what, max, said, origin, guard->option, total);
}

static int check_share(const struct plan *plan, const struct guard *guard, const size_t counts[KIND_COUNT],
	size_t total, const struct mrp_limit *limit, const char *origin, struct mrp_err *err)
{
	cleanup(freep) char *said = xasprintf("%g%%", limit->percent);

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		size_t managed = plan->managed[kind], max = (size_t)(limit->percent * (double)managed / 100);

		if (limit->percent > 0)
			max = MAX(max, (size_t)1);
		if (counts[kind] <= max)
			continue;
		cleanup(freep) char *what = xasprintf("%zu of %zu %s", counts[kind], managed, kinds[kind].plural);
		return refuse(err, guard, what, max, said, origin, total);
	}
	return 0;
}

static int check_guard(
	const struct plan *plan, const struct guard *guard, const struct mrp_limit *given, struct mrp_err *err)
{
	size_t counts[KIND_COUNT] = { 0 }, total = 0;
	struct mrp_limit limit;
	const char *origin;

	if (find_limit(&limit, &origin, plan, guard, given, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->changes.n; i++) {
		bool counted = plan->changes.v[i].action == PLAN_DELETE || !guard->deletes_only;

		counts[plan->changes.v[i].kind] += counted;
		total += counted;
	}
	if (!limit.set)
		return 0;
	if (limit.is_percent)
		return check_share(plan, guard, counts, total, &limit, origin, err);
	if (total <= (size_t)limit.count)
		return 0;
	cleanup(freep) char *what = xasprintf("%zu object%s", total, total == 1 ? "" : "s");
	cleanup(freep) char *said = xasprintf("%" PRId64, limit.count);
	return refuse(err, guard, what, (size_t)limit.count, said, origin, total);
}

int plan_guard(const struct plan *plan, const struct mrp_limit *max_deletes, const struct mrp_limit *max_changes,
	struct mrp_err *err)
{
	if (check_guard(plan, &guard_deletes, max_deletes, err) < 0)
		return -1;
	return check_guard(plan, &guard_changes, max_changes, err);
}
