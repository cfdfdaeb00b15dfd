/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files that mean something to terraform before, or beside, what is in them. */
#include "scan.h"
#include "workdir.h"

static bool is_for_another_command(const char *name)
{
	static const char *const endings[] = { ".tftest.hcl", ".tftest.json", ".tfmock.hcl", ".tfmock.json",
		".tfquery.hcl", ".tfquery.json" };

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		if (ends_with(name, endings[i]))
			return true;
	}
	return false;
}

static bool is_variables_file(const char *name)
{
	return ends_with(name, ".auto.tfvars") || ends_with(name, ".auto.tfvars.json");
}

static bool has_part(const char *path, const char *part)
{
	size_t len = strlen(part);

	for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
		if (strncmp(at, part, len) == 0 && (at[len] == '/' || at[len] == '\0'))
			return true;
	}
	return false;
}

/* Why the recipe may not have it; NULL: it may. */
static const char *refusal(const char *path, const char *name)
{
	static const char *const ours[] = { WORKDIR_PROVIDERS, WORKDIR_OVERRIDE, WORKDIR_BACKEND, WORKDIR_VARIABLES,
		WORKDIR_SENSITIVE };

	if (has_part(path, ".terraform") || has_part(path, "terraform.d") || has_part(path, "terraform.tfstate.d"))
		return "terraform keeps its own state there";
	if (ends_with(name, ".tfstate") || ends_with(name, ".tfstate.backup"))
		return "a recipe must not bring a state";
	if (ends_with(name, ".tofu") || ends_with(name, ".tofu.json"))
		return "what only OpenTofu reads is not what terraform would do";
	/* terraform reads the variables of the root only */
	if (name != path)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (streq(name, ours[i]))
			return "the creator writes this file";
	}
	if (is_variables_file(name) && strcmp(name, WORKDIR_VARIABLES) > 0)
		return "its variables would replace those of the cluster";
	if (scan_is_override(name) && strcmp(name, WORKDIR_OVERRIDE) > 0)
		return "it would override what the creator says about providers";
	return NULL;
}

int recipe_path_judge(enum path_fate *fate, const char *path, struct mrp_err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *why = refusal(path, name);

	if (path[0] == '/' || !*name || has_part(path, "..") || has_part(path, "."))
		why = "not a path within a recipe";
	if (why)
		return mrp_err_at(err, MRP_EREFUSED, (struct mrp_loc){ path, 0, 0 }, "%s", why);
	*fate = is_for_another_command(name) ? PATH_LEAVE_OUT : PATH_WRITE;
	return 0;
}
