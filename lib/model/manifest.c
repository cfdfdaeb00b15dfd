/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest: environments, what every cluster must have, guards. And what a file of variables is. */
#include "manifest.h"

#include "../base/parse.h"
#include "tables.h"

static bool valid_url(const char *text, size_t len)
{
	const char *host;
	bool scheme = skip_prefix(text, "http://", &host) || skip_prefix(text, "https://", &host);

	return scheme && *host && *host != '/' && strcspn(text, " \t\"<>\\^`{|}") == len && len <= 2048;
}

bool valid_guard(const char *text, size_t len)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;
	double percent;
	bool valid = len && (text[len - 1] == '%' ? parse_percent(&percent, text, &err)
						  : parse_int(&n, text, 0, 1000000000, &err)) == 0;

	mrp_err_clear(&err);
	return valid;
}

#define GUARD(name, type, sub_, help)                                                                                  \
	{ name, type, FF_CONFIG, help, .sub = sub_, .valid = valid_guard,                                              \
	  .form = "a number or a percentage (like 5, 10%)", .pattern = "^[0-9]+(\\.[0-9]+)?%?$" }

static const struct field guard_kinds[] = {
	GUARD("recipes", F_PATTERN, NULL, "the same of recipes"),
	GUARD("clusters", F_PATTERN, NULL, "the same of clusters"),
	GUARD("probers", F_PATTERN, NULL, "the same of probers"),
	END_FIELDS
};

static const struct field guard_fields[] = {
	GUARD("max_deletes", F_EITHER, guard_kinds,
		"a plan that deletes more (P%: of a kind) is refused; 10%, at least 1, when absent; a map says it by kind"),
	GUARD("max_changes", F_EITHER, guard_kinds,
		"a plan that changes more (P%: of a kind) is refused; no limit when absent; a map says it by kind"),
	END_FIELDS
};

static const struct field environment_fields[] = {
	{ "api", F_PATTERN, FF_CONFIG, "address of its API; http://127.0.0.1:8080 when absent", .valid = valid_url,
		.form = "an address (like https://mrprober.example.net)", .pattern = "^https?://[^/].*$" },
	{ "values", F_PATTERN, FF_CONFIG, "file of its variables; environments/NAME.yaml, when that exists",
		.valid = valid_relative_path, .form = "a relative path without '..'" },
	END_FIELDS
};

static const struct field item_manifest_environment = { "", F_OBJECT, FF_CONFIG | FF_NULL, NULL, .sub = environment_fields };

const struct field manifest_fields[] = {
	{ "mrprober", F_INT, FF_CONFIG | FF_REQUIRED, "version of the format: 1", .min = MANIFEST_VERSION,
		.max = MANIFEST_VERSION },
	{ "environments", F_MAP, FF_CONFIG | FF_REQUIRED, "name -> where its API is and which variables it has",
		.sub = &item_manifest_environment, .valid = slug_valid, .form = SLUG_FORM, .pattern = SLUG_PATTERN },
	{ "required_variables", F_LIST, FF_CONFIG,
		"variables that every cluster must have; ycp_profile and yc_endpoint when absent", .sub = &item_identifier,
		.max = 1000 },
	{ "guards", F_OBJECT, FF_CONFIG, "plans that change more than this are refused", .sub = guard_fields },
	END_FIELDS
};

const struct field values_field = { "", F_MAP, FF_CONFIG, "name -> any value", .sub = &item_any,
	.valid = valid_identifier, .form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN };
