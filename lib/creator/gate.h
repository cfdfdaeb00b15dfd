/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a recipe may be deployed, decided before terraform fetches or runs anything. In this order:
 *
 *	recipe_path_judge()   each file, before it is written to the work folder (scan.h)
 *	scan_recipe()         what the recipe says (scan.h)
 *	gate_judge()          against the allow file and --allow-programs; problems -> refused
 *	workdir_prepare()     files of the creator, with the modules' places, so that `terraform get` is never needed
 *	`terraform providers` run in the work folder by the caller: reads only; then gate_compare()
 *	workdir_backend()
 *	`terraform init -get=false`, plan, show -json -> gate_judge_plan(), apply
 */
#ifndef MRP_CREATOR_GATE_H
#define MRP_CREATOR_GATE_H

#include "providers.h"
#include "scan.h"

struct gate_policy {
	const struct providers *providers;
	bool allow_programs;
	bool has_initial_values; /* the recipe names such a program */
};

/* A problem for each provider that is not allowed, each constraint that excludes the pinned version, each program that
 * is not; with file, line and name. Nothing is added when all is well. */
void gate_judge(const struct scan *scan, const struct gate_policy *policy, struct problems *problems);

/* What the provider of a use is, after what the allow file says about names that the root does not declare. */
const char *gate_use_source(const struct provider_use *use, const struct providers *providers);

/* The whole sources that the recipe needs, after what the allow file says about names without a source; each once,
 * sorted, without the built-in one. */
void gate_sources(struct strvec *sources, const struct scan *scan, const struct providers *providers);

/* `text` is what `terraform providers -no-color` printed in the work folder. It must name the same providers in the
 * same modules as the scan; and what the state needs must be allowed too. MRP_EREFUSED says what differs. */
int gate_compare(
	const struct scan *scan, const struct providers *providers, const char *text, size_t len, struct mrp_err *err);

/* `plan` is `terraform show -json` of a saved plan: its configuration may hold no program that the scan did not find.
 * MRP_EREFUSED. To be asked before apply, also when programs are allowed. */
int gate_judge_plan(const struct scan *scan, const struct value *plan, struct mrp_err *err);

#endif
