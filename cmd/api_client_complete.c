/* SPDX-License-Identifier: Apache-2.0 */
/* Completion of `api-client` arguments: kinds, then what names one of them. */
#include "api_client.h"

static const struct resource *find(const char *name)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	const struct resource *resource = resource_find(name, &ignored);

	mrp_err_clear(&ignored);
	return resource;
}

/* What stands behind a kind: its slugs, or the cluster whose variables or deployments are meant. */
static void complete_behind(struct mrp_complete *c, int argc, char *const *argv, const char *word, bool list)
{
	const struct resource *resource = find(argv[0]);

	if (!resource || argc > 1)
		return;
	if (resource->kind >= 0 && !list)
		complete_kind_then_slug(c, argc, argv, word);
	else if (streq(resource->name, "agent") && !list)
		complete_agents(c, 0, argv, word);
	else if (list ? resource->list_parts : streq(resource->name, "variable"))
		complete_clusters(c, 0, argv, word);
}

void complete_kind_list(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	for (const struct resource *resource = resources; !argc && resource->name; resource++) {
		if (resource->path)
			mrp_complete_add(c, resource->plural, resource->list_parts ? "of a cluster" : NULL);
	}
	if (argc)
		complete_behind(c, argc, argv, word, true);
}

void complete_kind_one(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	for (const struct resource *resource = resources; !argc && resource->name; resource++)
		mrp_complete_add(c, resource->name, NULL);
	if (argc)
		complete_behind(c, argc, argv, word, false);
}
