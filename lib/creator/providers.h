/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The providers that recipes may use, from a file in the form of terraform_providers.tf.json:
 *
 *	{"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
 *	 "provider": {"aws": {"region": "${var.region}"}}, "variable": {"region": {"type": "string"}}}
 *
 * `provider` and `variable` are optional, and go into the work folder with the providers that a recipe uses.
 * https://developer.hashicorp.com/terraform/language/providers/requirements
 */
#ifndef MRP_CREATOR_PROVIDERS_H
#define MRP_CREATOR_PROVIDERS_H

#include "../value/value.h"

struct allowed_provider {
	const char *name;    /* local name in the file */
	const char *source;  /* whole, lower case: "registry.terraform.io/hashicorp/aws" */
	const char *version; /* exact: "5.100.0" */
};

VEC_DEFINE(allowed_provider_vec, struct allowed_provider)

struct providers {
	struct arena arena;
	struct allowed_provider_vec allowed;
	const struct value *configured; /* the object `provider`, or NULL */
	const struct value *variables;  /* the object `variable`, or NULL */
};

#define TERRAFORM_BUILTIN "terraform.io/builtin/terraform" /* in every terraform: allowed without being listed */

/* MRP_EINVALID for a version that is not exact or a form that is not known. */
int providers_load(struct providers *providers, const char *path, struct mrp_err *err);
int providers_parse(struct providers *providers, const char *text, size_t len, const char *name, struct mrp_err *err);
void providers_release(struct providers *providers);

/* By whole source, by local name; NULL when there is none. */
const struct allowed_provider *providers_by_source(const struct providers *providers, const char *source);
const struct allowed_provider *providers_by_name(const struct providers *providers, const char *name);

/* "aws", "hashicorp/aws" or "registry.terraform.io/hashicorp/aws" in any case -> the whole, in the arena. */
const char *provider_source(struct arena *arena, const char *text, struct mrp_err *err);

/* What a provider takes from the environment (spec: YC_TOKEN or the machine's service account, ...). The names that are
 * needed by the sources and missing in `env` are added to `missing` as sentences: "YC_TOKEN, for provider 'yandex'".
 * has_metadata_account: the machine has a service account. */
void providers_missing_environment(struct strvec *missing, const char *const *sources, size_t n, const char *const *env,
	bool has_metadata_account);

#endif
