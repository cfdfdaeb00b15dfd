/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster: a recipe, variables with their owners, and how it is deployed. */
#include "tables.h"

const char *const variable_owners[] = { "synchronize", "meeseeks", "initial", "manual", NULL };

static const char *const deploy_modes[] = { "apply", "plan-only", NULL };

static const struct field deploy_fields[] = {
	{ "enabled", F_BOOL, FF_BOTH, "whether the creator deploys it; true when absent" },
	{ "mode", F_ENUM, FF_BOTH, "apply plans or only make them; apply when absent", .words = deploy_modes },
	{ "interval", F_DURATION, FF_BOTH, "time between runs; 15m when absent", .min = 1000, .max = INT64_C(366) * 86400000 },
	{ "timeout", F_DURATION, FF_BOTH, "time for one run; 30m when absent", .min = 1000, .max = INT64_C(7) * 86400000 },
	{ "max_destroy", F_INT, FF_BOTH, "a plan that destroys more waits for approval; no limit when absent",
		.max = 1000000 },
	END_FIELDS
};

static const struct field variable_fields[] = {
	{ "value", F_ANY, FF_API, "any JSON; absent from what readers of sensitive variables get, unchanged when written so" },
	{ "owner", F_ENUM, FF_API, "who writes it; manual when absent", .words = variable_owners },
	{ "sensitive", F_BOOL, FF_API, "never shown or logged" },
	{ "updated_at", F_STRING, FF_READONLY, "RFC 3339, UTC" },
	{ "revision", F_INT, FF_READONLY, "moved by every write" },
	END_FIELDS
};

const struct field item_variable = { "", F_OBJECT, FF_BOTH, NULL, .sub = variable_fields };
static const struct field item_environment = { "", F_PATTERN, FF_BOTH, NULL, .valid = slug_valid, .form = SLUG_FORM,
	.pattern = SLUG_PATTERN };

const struct field cluster_fields[] = {
	COMMON_FIELDS,
	{ "recipe", F_PATTERN, FF_BOTH | FF_REQUIRED, "slug of the recipe it is made from", .valid = slug_valid,
		.form = SLUG_FORM, .pattern = SLUG_PATTERN },
	{ "environments", F_LIST, FF_CONFIG, "environments of the manifest that have it; all when absent",
		.sub = &item_environment, .min = 1, .max = 100 },
	{ "variables", F_MAP, FF_CONFIG, "name -> any value; !env NAME and !file PATH read secrets", .sub = &item_any,
		.valid = valid_identifier, .form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN },
	{ "variables", F_MAP, FF_API | FF_ALWAYS, "name -> value and owner", .sub = &item_variable,
		.valid = valid_identifier, .form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN },
	{ "external_variables", F_LIST, FF_BOTH | FF_ALWAYS,
		"names that must exist before a deployment, written by someone else", .sub = &item_identifier, .max = 1000 },
	{ "sensitive_variables", F_LIST, FF_BOTH | FF_ALWAYS, "names whose values are never shown or logged",
		.sub = &item_identifier, .max = 1000 },
	{ "deploy", F_OBJECT, FF_BOTH | FF_ALWAYS, "how the creator treats it", .sub = deploy_fields },
	{ "state", F_ANY, FF_READONLY, "how it stands: pending, deploying, deployed, failed, waiting, refused, disabled, destroying" },
	END_FIELDS
};

void cluster_check(struct schema_ctx *ctx, const struct value *cluster)
{
	const struct value *external = value_get(cluster, "external_variables");
	const struct value *variables = value_get(cluster, "variables");

	if (!(ctx->where & FF_CONFIG) || !external || external->type != V_ARRAY || !variables)
		return;
	for (uint32_t i = 0; variables->type == V_OBJECT && i < variables->n; i++) {
		const struct member *m = &variables->members[i];

		if (value_lists(external, m->key))
			problems_add(ctx->problems, member_loc(variables, m), "variables",
				"'%s' is also one of external_variables, which someone else writes", m->key);
	}
}
