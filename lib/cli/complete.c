/* SPDX-License-Identifier: Apache-2.0 */
#include "complete.h"

void mrp_complete_add(struct mrp_complete *c, const char *candidate, const char *description)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	if (!skip_prefix(candidate, c->word, NULL))
		return;
	strbuf_addstr(&line, c->prefix ? c->prefix : "");
	strbuf_add_visible(&line, candidate, strlen(candidate));
	if (description && *description) {
		strbuf_addch(&line, '\t');
		strbuf_add_visible(&line, description, strcspn(description, "\n"));
	}
	strvec_push(&c->lines, line.buf);
}

void mrp_complete_format(struct strbuf *out, struct mrp_complete *c)
{
	size_t len = 0;

	strvec_sort(&c->lines);
	for (size_t i = 0; i < c->lines.n; i++) {
		const char *line = c->lines.v[i], *before = i ? c->lines.v[i - 1] : NULL;
		bool again = before && strcspn(line, "\t") == len && memcmp(line, before, len) == 0;

		len = strcspn(line, "\t");
		if (!again)
			strbuf_addf(out, "%s\n", line);
	}
	strbuf_addf(out, ":%u\n", c->flags);
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
