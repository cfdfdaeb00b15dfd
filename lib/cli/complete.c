/* SPDX-License-Identifier: Apache-2.0 */
#include "complete.h"

void mrp_complete_add(struct mrp_complete *c, const char *candidate, const char *description)
{
	if (!skip_prefix(candidate, c->word, NULL) || strvec_contains(&c->seen, candidate))
		return;
	strvec_push(&c->seen, candidate);
	strbuf_addstr(&c->out, c->prefix ? c->prefix : "");
	strbuf_add_visible(&c->out, candidate, strlen(candidate));
	if (description && *description) {
		strbuf_addch(&c->out, '\t');
		strbuf_add_visible(&c->out, description, strcspn(description, "\n"));
	}
	strbuf_addch(&c->out, '\n');
}

void mrp_complete_files(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argc, (void)argv, (void)word;
	c->flags &= ~(unsigned)COMPLETE_NO_FILES;
}

void mrp_complete_folders(struct mrp_complete *c, int argc, char *const *argv, const char *word)
{
	(void)argc, (void)argv, (void)word;
	c->flags = (c->flags & ~(unsigned)COMPLETE_NO_FILES) | COMPLETE_FOLDERS;
}
