/* SPDX-License-Identifier: Apache-2.0 */
#include "schemas.h"

#include "kinds.h"
#include "manifest.h"

const char *const schema_page_names[] = { "manifest", "values", "recipe", "cluster", "prober", NULL };

static const struct page {
	const char *title;
	const struct field *fields; /* NULL: the file is one value */
} pages[] = {
	{ "mrprober.yaml: the manifest of a config tree", manifest_fields },
	{ "values.yaml: variables", NULL },
	{ "recipe.yaml: a recipe", recipe_fields },
	{ "cluster.yaml: a cluster", cluster_fields },
	{ "prober.yaml: a prober", prober_fields },
};

struct value *schema_page(struct arena *arena, const char *name)
{
	for (size_t i = 0; schema_page_names[i]; i++) {
		if (!streq(name, schema_page_names[i]))
			continue;
		const char *id = arena_printf(arena, "urn:mrprober:schema:%s", name);

		return pages[i].fields ? schema_to_json(arena, pages[i].fields, FF_CONFIG, id, pages[i].title)
				       : schema_value_to_json(arena, &values_field, FF_CONFIG, id, pages[i].title);
	}
	return NULL;
}
