/* SPDX-License-Identifier: Apache-2.0 */
/* What providers take from the environment: better said before terraform starts than by a provider, half-way. */
#include "providers.h"

static const struct {
	const char *type; /* the last part of the source: a provider may come from one registry or another */
	const char *variable;
	bool or_metadata; /* the service account of the machine does as well */
} needs[] = {
	{ "yandex", "YC_TOKEN", true },
	{ "ycp", "MR_PROBER_SA_AUTHORIZED_KEY", false },
	{ "ytr", "CONDUCTOR_TOKEN", false },
};

static bool has_value(const char *const *env, const char *name)
{
	const char *rest;

	for (; *env; env++) {
		if (skip_prefix(*env, name, &rest) && rest[0] == '=')
			return rest[1] != '\0';
	}
	return false;
}

void providers_missing_environment(
	struct strvec *missing, const char *const *sources, size_t n, const char *const *env, bool has_metadata_account)
{
	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(sources[i], '/'), *type = slash ? slash + 1 : sources[i];

		for (size_t k = 0; k < ARRAY_SIZE(needs); k++) {
			if (streq(needs[k].type, type) && !(needs[k].or_metadata && has_metadata_account) &&
				!has_value(env, needs[k].variable))
				strvec_pushf(missing, "%s, for provider '%s'%s", needs[k].variable, type,
					needs[k].or_metadata ? " (or a service account of the machine)" : "");
		}
	}
}
