/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty.h"

#include <errno.h>
#include <unistd.h>

#include "../base/file.h"

enum { FILE_MAX = 1 << 20 };

void dirty_init(struct dirty *dirty)
{
	*dirty = (struct dirty){ .half_made = STRVEC_INIT };
}

void dirty_release(struct dirty *dirty)
{
	strvec_clear(&dirty->half_made);
}

static void add_one(struct dirty *dirty, const char *address)
{
	if (!strvec_contains(&dirty->half_made, address))
		strvec_push(&dirty->half_made, address);
}

void dirty_add(struct dirty *dirty, const struct strvec *half_made)
{
	dirty->is = true;
	for (size_t i = 0; half_made && i < half_made->n; i++)
		add_one(dirty, half_made->v[i]);
}

void dirty_of_cluster(struct dirty *dirty, const struct value *cluster)
{
	const struct value *state = value_get(cluster, "state"),
			   *mark = state && state->type == V_OBJECT ? value_get(state, "dirty") : NULL,
			   *list = mark && mark->type == V_OBJECT ? value_get(mark, "half_made") : NULL;

	if (!mark)
		return;
	dirty->is = true;
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		if (list->items[i]->type == V_STRING)
			add_one(dirty, list->items[i]->s);
	}
}

int dirty_write(const char *path, const struct dirty *dirty, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < dirty->half_made.n; i++)
		strbuf_addf(&text, "%s\n", dirty->half_made.v[i]);
	return replace_file(path, text.buf, text.len, 0600, err);
}

int dirty_read(struct dirty *dirty, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (read_file(&text, path, FILE_MAX, err) < 0)
		return -1;
	dirty->is = true;
	for (char *line = text.buf, *end; line && *line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		if (*line)
			add_one(dirty, line);
	}
	return 0;
}

void dirty_format(struct strbuf *out, const struct dirty *dirty)
{
	for (size_t i = 0; i < dirty->half_made.n; i++) {
		strbuf_addstr(out, i ? ", " : "");
		strbuf_add_visible(out, dirty->half_made.v[i], strlen(dirty->half_made.v[i]));
	}
	if (!dirty->half_made.n)
		strbuf_addstr(out, "what is not known");
}
