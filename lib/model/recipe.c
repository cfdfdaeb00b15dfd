/* SPDX-License-Identifier: Apache-2.0 */
/* A recipe: terraform files, default variables, the names a cluster must give. */
#include "tables.h"

const struct field recipe_fields[] = {
	COMMON_FIELDS,
	{ "files", F_LIST, FF_CONFIG, "globs of the folder's files that belong to the recipe; all when absent",
		.sub = &item_glob, .min = 1, .max = 1000 },
	{ "files", F_MAP, FF_API | FF_ALWAYS, "relative path -> content by hash and mode", .sub = &item_file,
		.valid = valid_relative_path, .form = "a relative path without '..'" },
	{ "values", F_MAP, FF_API | FF_ALWAYS, "default variables of clusters made from it", .sub = &item_any,
		.valid = valid_identifier, .form = IDENTIFIER_FORM, .pattern = IDENTIFIER_PATTERN },
	{ "initial_values", F_PATTERN, FF_API, "SHA-256 of the program that prints a new cluster's first values",
		.valid = valid_sha256, .form = "a SHA-256 in lower-case hex", .pattern = "^[0-9a-f]{64}$" },
	{ "required_variables", F_LIST, FF_BOTH | FF_ALWAYS, "variables that every cluster made from it must have",
		.sub = &item_identifier, .max = 1000 },
	{ "state", F_ANY, FF_READONLY, "only while it waits for clusters that are being destroyed" },
	END_FIELDS
};

void recipe_check(struct schema_ctx *ctx, const struct value *recipe)
{
	(void)ctx;
	(void)recipe;
}
