/* SPDX-License-Identifier: Apache-2.0 */
#include "complete_configs.h"

#include "../lib/config/config.h"

void complete_kind_limits(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argc, (void)argv, (void)word;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		cleanup(freep) char *candidate = xasprintf("%s=", kinds[kind].plural);

		mrp_complete_add(c, candidate, NULL);
	}
	c->flags |= COMPLETE_NO_SPACE;
}

void complete_config_objects(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *root = strchr(word, '/') ? config_find_root(NULL, &err) : NULL;

	(void)argc, (void)argv;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		cleanup(strvec_clear) struct strvec slugs = STRVEC_INIT;
		cleanup(strbuf_release) struct strbuf candidate = STRBUF_INIT;
		const char *rest;

		strbuf_addf(&candidate, "%s/", kinds[kind].name);
		if (!strchr(word, '/')) {
			mrp_complete_add(c, candidate.buf, NULL);
			c->flags |= COMPLETE_NO_SPACE;
			continue;
		}
		if (!root || !skip_prefix(word, candidate.buf, &rest) ||
			config_list_slugs(&slugs, root, (enum kind)kind, &err) < 0)
			continue;
		for (size_t i = 0; i < slugs.n; i++) {
			strbuf_setlen(&candidate, strlen(kinds[kind].name) + 1);
			strbuf_addstr(&candidate, slugs.v[i]);
			mrp_complete_add(c, candidate.buf, NULL);
		}
	}
	mrp_err_clear(&err);
}
