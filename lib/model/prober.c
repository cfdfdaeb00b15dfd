/* SPDX-License-Identifier: Apache-2.0 */
/* A prober: what to run, when, where, and how to read its result. */
#include <strings.h>

#include "../base/parse.h"
#include "probe_fields.h"
#include "tables.h"

static const char *const overlaps[] = { "skip", "queue", "allow", NULL };
static const char *const outputs[] = { "exit", "nagios", "prometheus", "json", NULL };
static const char *const warning_verdicts[] = { "success", "failure", NULL };
static const char *const log_policies[] = { "none", "failures", "all", NULL };

enum { DAY_MS = 86400000, MATRIX_RUNS_MAX = 100000 };

static const struct field item_matrix = { "", F_MATRIX, FF_BOTH, NULL };

/* What a prober and each of its placements may set. */
#define ENV                                                                                                            \
	{ "env", F_MAP, FF_BOTH, "environment variables of a run", .sub = &item_string, .valid = valid_identifier,     \
	  .form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN }
#define MATRIX                                                                                                         \
	{ "matrix", F_MAP, FF_BOTH, "name -> values; the prober runs once for each combination", .sub = &item_matrix,  \
	  .valid = valid_identifier, .form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN }
#define SCHEDULE_FIELDS                                                                                                \
	{ "interval", F_DURATION, FF_BOTH, "time between runs; 30s when absent", .min = 100, .max = 366 * (int64_t)DAY_MS }, \
	{ "timeout", F_DURATION, FF_BOTH, "time for one run; 10s when absent", .min = 1, .max = 7 * (int64_t)DAY_MS },  \
	{ "retry_interval", F_DURATION, FF_BOTH, "time to the next run after a failure; the interval when absent",     \
	  .min = 100, .max = 366 * (int64_t)DAY_MS },                                                                  \
	{ "grace", F_DURATION, FF_BOTH, "time between TERM and KILL after a time-out; 2s when absent", .max = DAY_MS },\
	{ "overlap", F_ENUM, FF_BOTH, "when a run is due while one goes on; skip when absent", .words = overlaps },    \
	{ "concurrency_group", F_STRING, FF_BOTH, "probers of a group run one at a time", .min = 1, .max = 128 },      \
	{ "output", F_ENUM, FF_BOTH, "how a run's result is read; exit when absent", .words = outputs },               \
	{ "warning_is", F_ENUM, FF_BOTH, "what a warning counts as; failure when absent", .words = warning_verdicts }, \
	{ "keep_logs", F_ENUM, FF_BOTH, "which runs' output is kept; failures when absent", .words = log_policies }

static const struct field limits_fields[] = {
	{ "memory", F_SIZE, FF_BOTH, "of the run's processes together", .min = 1 << 20, .max = INT64_C(1) << 50 },
	{ "cpu", F_NUMBER, FF_BOTH, "processors, like 0.5", .max = 4096 },
	{ "processes", F_INT, FF_BOTH, "at one time", .min = 1, .max = 1000000 },
	{ "output", F_SIZE, FF_BOTH, "of a run, which is ended at it; when absent, 64KiB of it are kept", .min = 1, .max = INT64_C(1) << 30 },
	END_FIELDS
};

static const struct field placement_fields[] = {
	{ "clusters", F_LIST, FF_BOTH, "globs of cluster slugs; any when absent", .sub = &item_glob, .min = 1, .max = 1000 },
	{ "hosts", F_LIST, FF_BOTH, "globs of host names; any when absent", .sub = &item_glob, .min = 1, .max = 1000 },
	{ "enabled", F_BOOL, FF_BOTH, "false: does not run there" },
	SCHEDULE_FIELDS,
	ENV,
	MATRIX,
	{ "labels", F_MAP, FF_BOTH, "added to the prober's", .sub = &item_label, .valid = valid_label_key,
		.form = "a label name (letters, digits, '_', '.', '/', '-')" },
	END_FIELDS
};

static const struct field alert_fields[] = {
	{ "name", F_PATTERN, FF_BOTH | FF_REQUIRED, "of the Prometheus alert", .valid = valid_identifier,
		.form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN },
	{ "after", F_INT, FF_BOTH, "failures in a row before it fires; 1 when absent", .min = 1, .max = 100000 },
	{ "severity", F_STRING, FF_BOTH, "label of the alert; page when absent", .min = 1, .max = 64 },
	{ "summary", F_STRING, FF_BOTH, "annotation; may use Prometheus templates", .max = 4096 },
	{ "description", F_STRING, FF_BOTH, "annotation; may use Prometheus templates", .max = 65536 },
	{ "labels", F_MAP, FF_BOTH, "added to the alert", .sub = &item_string, .valid = valid_identifier,
		.form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN },
	END_FIELDS
};

static const struct field heal_fields[] = {
	{ "after", F_INT, FF_BOTH, "failures in a row before it runs; 3 when absent", .min = 1, .max = 100000 },
	{ "command", F_LIST, FF_BOTH | FF_REQUIRED, "program and arguments", .sub = &item_string, .min = 1, .max = 1000 },
	{ "at_most_every", F_DURATION, FF_BOTH, "10m when absent", .min = 1000, .max = 366 * (int64_t)DAY_MS },
	{ "give_up_after", F_INT, FF_BOTH, "tries without a success in between; 3 when absent", .min = 1, .max = 100000 },
	{ "timeout", F_DURATION, FF_BOTH, "time for one try; the prober's when absent", .min = 1, .max = DAY_MS },
	END_FIELDS
};

static const struct field item_placement = { "", F_OBJECT, FF_BOTH, NULL, .sub = placement_fields };
static const struct field item_alert = { "", F_OBJECT, FF_BOTH, NULL, .sub = alert_fields };

const struct field prober_fields[] = {
	COMMON_FIELDS,
	{ "command", F_LIST, FF_BOTH | FF_ONE, "program and arguments; no shell", .sub = &item_string, .min = 1, .max = 1000 },
	{ "probe", F_OBJECT, FF_BOTH | FF_ONE, "a built-in check", .sub = probe_fields },
	{ "files", F_LIST, FF_CONFIG, "globs of the folder's files that belong to the prober; all when absent",
		.sub = &item_glob, .min = 1, .max = 1000 },
	{ "files", F_MAP, FF_API | FF_ALWAYS, "relative path -> content by hash and mode", .sub = &item_file,
		.valid = valid_relative_path, .form = "a relative path without '..'" },
	SCHEDULE_FIELDS,
	ENV,
	MATRIX,
	{ "limits", F_OBJECT, FF_BOTH, "what a run may use", .sub = limits_fields },
	{ "run_as", F_STRING, FF_BOTH, "user; the agent's local configuration says which are allowed", .min = 1, .max = 64 },
	{ "placements", F_LIST, FF_BOTH, "where it runs; nowhere when absent", .sub = &item_placement, .max = 1000 },
	{ "alerts", F_LIST, FF_BOTH, "Prometheus alerts", .sub = &item_alert, .max = 100 },
	{ "heal", F_OBJECT, FF_BOTH, "what to run after failures in a row", .sub = heal_fields },
	END_FIELDS
};

static void check_label_names(struct schema_ctx *ctx, const struct value *owner, const char *field, const char *path)
{
	const struct value *map = value_get(owner, field);

	for (uint32_t i = 0; map && map->type == V_OBJECT && i < map->n; i++) {
		const struct member *m = &map->members[i];

		bool checked = streq(field, "matrix"); /* by its table already */
		if (!checked && !valid_identifier(m->key, strlen(m->key)))
			problems_add(ctx->problems, member_loc(map, m), path,
				"'%s' becomes a metric's label, so it must be %s", m->key, IDENTIFIER_FORM);
		else if (label_reserved(m->key))
			problems_add(ctx->problems, member_loc(map, m), path, "'%s' is a label that metrics use themselves",
				m->key);
	}
}

static void check_matrix(struct schema_ctx *ctx, const struct value *owner, const char *path)
{
	const struct value *matrix = value_get(owner, "matrix");
	uint64_t runs = 1;

	check_label_names(ctx, owner, "matrix", path);
	for (uint32_t i = 0; matrix && matrix->type == V_OBJECT && i < matrix->n; i++) {
		const struct value *values = matrix->members[i].value;

		if (values->type == V_ARRAY && values->n)
			runs *= values->n;
		if (runs > MATRIX_RUNS_MAX) {
			problems_add(ctx->problems, value_loc(matrix), path, "has more than %d combinations",
				(int)MATRIX_RUNS_MAX);
			return;
		}
	}
}

static void ignore_placeholder(void *ctx, const char *name, size_t len)
{
	(void)ctx, (void)name, (void)len;
}

static void check_placeholders(struct schema_ctx *ctx, const struct value *v, const char *path)
{
	if (v->type == V_STRING && placeholders(v->s, ignore_placeholder, NULL) < 0)
		problems_add(ctx->problems, value_loc(v), path, "'%s' has a '${' without '}' ('$${' is a literal '${')",
			v->s);
	for (uint32_t i = 0; (v->type == V_ARRAY || v->type == V_OBJECT) && i < v->n; i++) {
		char inner[FIELD_PATH_BYTES];

		check_placeholders(ctx, field_at(v, i, path, inner), inner);
	}
}

/* What a run would say each time, where no "${" leaves it open. */
static void check_probe(struct schema_ctx *ctx, const struct value *probe)
{
	const struct value *http = value_get(probe, "http"), *disk = value_get(probe, "disk");
	const struct value *url = http ? value_get(http, "url") : NULL, *path = disk ? value_get(disk, "path") : NULL;

	if (url && url->type == V_STRING && !strstr(url->s, "${") && strncasecmp(url->s, "http://", 7) != 0 &&
		strncasecmp(url->s, "https://", 8) != 0)
		problems_add(ctx->problems, value_loc(url), "probe.http.url", "begins with neither http:// nor https://");
	if (path && path->type == V_STRING && path->s[0] != '/' && strncmp(path->s, "${", 2) != 0)
		problems_add(ctx->problems, value_loc(path), "probe.disk.path", "'%s' is no absolute path", path->s);
}

static void check_limits(struct schema_ctx *ctx, const struct value *limits)
{
	const struct value *cpu = value_get(limits, "cpu");

	if (cpu && ((cpu->type == V_INT && cpu->i == 0) || (cpu->type == V_REAL && cpu->r == 0)))
		problems_add(ctx->problems, value_loc(cpu), "limits.cpu", "is 0, so nothing could run");
}

static void check_alert_names(struct schema_ctx *ctx, const struct value *alerts)
{
	for (uint32_t i = 0; i < alerts->n; i++) {
		const char *name = value_get_string(alerts->items[i], "name");

		for (uint32_t k = 0; name && k < i; k++) {
			const char *earlier = value_get_string(alerts->items[k], "name");

			if (earlier && streq(name, earlier))
				problems_add(ctx->problems, value_loc(alerts->items[i]), "alerts", "'%s' is there twice", name);
		}
	}
}

static void check_program(struct schema_ctx *ctx, const struct value *command, const char *path)
{
	const struct value *program = command && command->type == V_ARRAY && command->n ? command->items[0] : NULL;

	if (program && program->type == V_STRING && !program->n)
		problems_add(ctx->problems, value_loc(program), path, "is empty, should be a program");
}

void prober_check(struct schema_ctx *ctx, const struct value *prober)
{
	static const char *const substituted[] = { "command", "probe", "env", "heal" };
	const struct value *placements = value_get(prober, "placements"), *alerts = value_get(prober, "alerts"),
			   *probe = value_get(prober, "probe"), *limits = value_get(prober, "limits");

	const struct value *heal = value_get(prober, "heal");

	check_program(ctx, value_get(prober, "command"), "command[0]");
	if (heal && heal->type == V_OBJECT)
		check_program(ctx, value_get(heal, "command"), "heal.command[0]");
	check_label_names(ctx, prober, "labels", "labels");
	check_matrix(ctx, prober, "matrix");
	for (size_t i = 0; i < ARRAY_SIZE(substituted); i++) {
		const struct value *v = value_get(prober, substituted[i]);

		if (v)
			check_placeholders(ctx, v, substituted[i]);
	}
	if (probe && probe->type == V_OBJECT)
		check_probe(ctx, probe);
	if (limits && limits->type == V_OBJECT)
		check_limits(ctx, limits);
	if (alerts && alerts->type == V_ARRAY)
		check_alert_names(ctx, alerts);
	for (uint32_t i = 0; placements && placements->type == V_ARRAY && i < placements->n; i++) {
		const char *path = arena_printf(ctx->arena, "placements[%u].labels", i);
		const struct value *env = value_get(placements->items[i], "env");

		if (env)
			check_placeholders(ctx, env, arena_printf(ctx->arena, "placements[%u].env", i));
		check_label_names(ctx, placements->items[i], "labels", path);
		check_matrix(ctx, placements->items[i], arena_printf(ctx->arena, "placements[%u].matrix", i));
	}
	if ((ctx->where & FF_CONFIG) && (!placements || (placements->type == V_ARRAY && !placements->n)))
		problems_warn(ctx->problems, value_loc(prober), "placements", "there are none, so it runs nowhere");
}

bool prober_runs_on(const struct value *prober, const char *cluster)
{
	const struct value *placements = value_get(prober, "placements");
	bool runs = false;

	for (uint32_t i = 0; placements && i < placements->n; i++) {
		const struct value *placement = placements->items[i], *globs = value_get(placement, "clusters"),
				   *enabled = value_get(placement, "enabled");
		bool match = !globs;

		for (uint32_t k = 0; globs && k < globs->n && !match; k++)
			match = glob_match(globs->items[k]->s, cluster);
		if (!match)
			continue;
		/* a placement for some hosts only cannot take the cluster away as a whole */
		if (!enabled || enabled->b)
			runs = runs || true;
		else if (!value_get(placement, "hosts"))
			runs = false;
	}
	return runs;
}

bool label_reserved(const char *name)
{
	static const char *const reserved[] = { "cluster", "host", "prober", "le", "metric", "unit", "status", "reason" };

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (streq(name, reserved[i]))
			return true;
	}
	return name[0] == '_' && name[1] == '_'; /* Prometheus's own */
}
