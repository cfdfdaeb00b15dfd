/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include "version.h"

static const char *short_source(const char *source)
{
	const char *rest;

	return skip_prefix(source, "registry.terraform.io/", &rest) ? rest : source;
}

const char *gate_use_source(const struct provider_use *use, const struct providers *providers)
{
	const struct allowed_provider *named =
		use->module == 0 && use->implied ? providers_by_name(providers, use->name) : NULL;

	return named && !streq(use->source, TERRAFORM_BUILTIN) ? named->source : use->source;
}

void gate_sources(struct strvec *sources, const struct scan *scan, const struct providers *providers)
{
	for (size_t i = 0; i < scan->providers.n; i++) {
		const struct provider_use *use = &scan->providers.v[i];
		const char *source = gate_use_source(use, providers);

		if (!use->locked && !streq(source, TERRAFORM_BUILTIN) && !strvec_contains(sources, source))
			strvec_push(sources, source);
	}
	strvec_sort(sources);
}

static void judge_version(
	const struct provider_use *use, const struct allowed_provider *allowed, struct problems *problems)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	bool admits = false;

	if (use->locked) {
		if (!streq(use->version, allowed->version))
			problems_add(problems, use->loc, NULL, "provider '%s' is locked to version %s, allowed is %s",
				short_source(use->source), use->version, allowed->version);
		return;
	}
	if (constraint_admits(&admits, use->version, allowed->version, &err) < 0)
		problems_add(problems, use->loc, NULL, "%s: provider '%s': %s", use->what,
			short_source(allowed->source), err.msg);
	else if (!admits)
		problems_add(problems, use->loc, NULL,
			"%s: provider '%s': version '%s' excludes %s, the one that is allowed", use->what,
			short_source(allowed->source), use->version, allowed->version);
}

static void judge_use(const struct provider_use *use, const struct providers *providers, struct problems *problems)
{
	const char *source = gate_use_source(use, providers);
	const struct allowed_provider *allowed = providers_by_source(providers, source);

	if (streq(source, TERRAFORM_BUILTIN))
		return;
	if (allowed) {
		if (use->version)
			judge_version(use, allowed, problems);
	} else if (use->implied)
		problems_add(problems, use->loc, NULL,
			"%s: provider '%s' is not allowed (the module does not declare '%s' in required_providers)",
			use->what, short_source(source), use->name);
	else
		problems_add(
			problems, use->loc, NULL, "%s: provider '%s' is not allowed", use->what, short_source(source));
}

void gate_judge(const struct scan *scan, const struct gate_policy *policy, struct problems *problems)
{
	for (size_t i = 0; i < scan->providers.n; i++) {
		if (!scan->providers.v[i].again)
			judge_use(&scan->providers.v[i], policy->providers, problems);
	}
	for (size_t i = 0; i < scan->programs.n && !policy->allow_programs; i++) {
		problems_add(problems, scan->programs.v[i].loc, NULL, "%s: programs of recipes are not allowed",
			scan->programs.v[i].what);
	}
	if (policy->has_initial_values && !policy->allow_programs)
		problems_add(
			problems, (struct mrp_loc){ 0 }, NULL, "initial_values: programs of recipes are not allowed");
	problems_sort(problems);
}
