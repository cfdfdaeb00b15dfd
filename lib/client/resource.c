/* SPDX-License-Identifier: Apache-2.0 */
#include "resource.h"

#include "../base/text.h"
#include "../http/http.h"


/* clang-format off */
const struct resource resources[] = {
	{ "recipe", "recipes", KIND_RECIPE, "/v1/recipes", "/v1/recipes/%s", { "slug" }, 0, "slug", recipe_columns },
	{ "cluster", "clusters", KIND_CLUSTER, "/v1/clusters", "/v1/clusters/%s", { "slug" }, 0, "slug", cluster_columns },
	{ "prober", "probers", KIND_PROBER, "/v1/probers", "/v1/probers/%s", { "slug" }, 0, "slug", prober_columns },
	{ "variable", "variables", -1, "/v1/clusters/%s/variables", "/v1/clusters/%s/variables/%s", { "cluster", "name" }, 1,
	  "name", variable_columns },
	{ "deployment", "deployments", -1, "/v1/clusters/%s/deployments", "/v1/deployments/%s", { "id" }, 1, "id",
	  deployment_columns },
	{ "agent", "agents", -1, "/v1/agents", "/v1/agents/%s/%s", { "cluster", "host" }, 0, "host", agent_columns },
	{ "blob", "blobs", -1, NULL, "/v1/blobs/%s", { "sha256" }, 0, "sha256", NULL },
	{ .name = NULL },
};
/* clang-format on */

const struct resource *resource_find(const char *name, struct mrp_err *err)
{
	const char *words[32];
	size_t n = 0;

	for (const struct resource *resource = resources; resource->name; resource++) {
		if (streq(name, resource->name) || streq(name, resource->plural))
			return resource;
		words[n++] = resource->name;
		words[n++] = resource->plural;
	}
	const char *near = nearest_word(name, words, n);
	if (near)
		mrp_err_set(err, MRP_EUSAGE, "unknown kind '%s'; did you mean '%s'?", name, near);
	else
		mrp_err_set(err, MRP_EUSAGE,
			"unknown kind '%s' (recipes, clusters, probers, variables, deployments, agents, blobs)", name);
	return NULL;
}

static int count_parts(const struct resource *resource)
{
	int n = 0;

	while (n < RESOURCE_PARTS_MAX && resource->parts[n])
		n++;
	return n;
}

/* What names part `i` of a list: a deployment has an id, its list a cluster. */
static const char *part_name(const struct target *target, int i)
{
	return target->one ? target->resource->parts[i] : "cluster";
}

static int check_parts(const struct target *target, int given, struct mrp_err *err)
{
	const struct resource *resource = target->resource;
	int want = target->one ? count_parts(resource) : resource->list_parts;

	if (!target->one && !resource->path)
		return mrp_err_set(err, MRP_EUSAGE, "%s cannot be listed, only read one by one", resource->plural);
	if (given < want)
		return mrp_err_set(err, MRP_EUSAGE, "which %s? <%s> is missing", resource->name,
			part_name(target, given));
	for (int i = 0; i < given; i++) {
		if (!*target->parts[i])
			return mrp_err_set(err, MRP_EUSAGE, "<%s> of the %s is empty", part_name(target, i), resource->name);
	}
	if (streq(resource->name, "blob") && !sha256_from_hex(NULL, target->parts[0]))
		return mrp_err_set(
			err, MRP_EUSAGE, "'%s' is not a SHA-256 in lower-case hex, which names a blob", target->parts[0]);
	return 0;
}

int target_parse(struct target *out, struct arena *arena, enum target_form form, int argc, char *const *argv,
	struct mrp_err *err)
{
	const char *words[1 + RESOURCE_PARTS_MAX + 1];
	char *first = arena_strdup(arena, argv[0]), *slash;
	int n = 0, max, given;

	*out = (struct target){ .resource = NULL };
	words[n++] = first;
	while (n < (int)ARRAY_SIZE(words) && (slash = strchr(words[n - 1], '/'))) {
		*slash = '\0';
		words[n++] = slash + 1;
	}
	out->resource = resource_find(first, err);
	if (!out->resource)
		return -1;
	for (int i = 1; i < argc && n < (int)ARRAY_SIZE(words); i++) {
		words[n++] = arena_strdup(arena, argv[i]);
		/* "net/h1": no part of a thing with two has a slash in it */
		if (count_parts(out->resource) > 1 && n < (int)ARRAY_SIZE(words) && (slash = strchr(words[n - 1], '/'))) {
			*slash = '\0';
			words[n++] = slash + 1;
		}
	}
	given = n - 1;
	max = form == TARGET_LIST ? out->resource->list_parts : count_parts(out->resource);
	if (given > max)
		return mrp_err_set(err, MRP_EUSAGE, "unexpected argument '%s'", words[max + 1]);
	for (int i = 0; i < given; i++)
		out->parts[i] = words[1 + i];
	out->one = form == TARGET_ONE || (form == TARGET_EITHER && (given > out->resource->list_parts || !out->resource->path));
	return check_parts(out, given, err);
}

/* `format` with its %s replaced by the parts, escaped. */
static void add_path(struct strbuf *out, const char *format, const struct target *target)
{
	int part = 0;

	for (; *format; format++) {
		if (skip_prefix(format, "%s", NULL)) {
			http_add_escaped(out, target->parts[part++]);
			format++;
		} else {
			strbuf_addch(out, *format);
		}
	}
}

void target_path(struct strbuf *out, const struct target *target)
{
	const struct resource *resource = target->resource;

	add_path(out, target->one ? resource->item : resource->path, target);
}

void target_name(struct strbuf *out, const struct target *target)
{
	strbuf_addstr(out, target->resource->name);
	for (int i = 0; i < RESOURCE_PARTS_MAX && target->parts[i]; i++) {
		strbuf_addch(out, '/');
		strbuf_add_visible(out, target->parts[i], strlen(target->parts[i]));
	}
}

void resource_item_name(struct strbuf *out, const struct target *list, const struct value *item)
{
	const struct resource *resource = list->resource;
	const struct value *key = value_get(item, resource->key);

	strbuf_addstr(out, resource->name);
	if (count_parts(resource) > 1) { /* the list says it, or the item itself */
		const char *first = list->parts[0] ? list->parts[0] : value_get_string(item, resource->parts[0]);

		strbuf_addch(out, '/');
		if (first)
			strbuf_add_visible(out, first, strlen(first));
	}
	strbuf_addch(out, '/');
	if (key && key->type == V_STRING)
		strbuf_add_visible(out, key->s, key->n);
	else if (key && key->type == V_INT)
		strbuf_addf(out, "%lld", (long long)key->i);
}
