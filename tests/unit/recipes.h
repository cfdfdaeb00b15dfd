/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes written in one string: "== PATH" begins a file, "== PATH x" an executable one, "== PATH -> TARGET" is a link.
 */
#ifndef MRP_TESTS_RECIPES_H
#define MRP_TESTS_RECIPES_H

#include <sys/stat.h>

#include "../../lib/base/file.h"
#include "scratch.h"

static inline void recipe_file(const char *folder, const char *head, const char *text, size_t len)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	char *name = xasprintf("%s/%s", folder, head), *arrow = strstr(name, " -> ");
	unsigned mode = ends_with(name, " x") ? 0755 : 0644;

	if (arrow)
		*arrow = '\0';
	if (mode == 0755)
		name[strlen(name) - 2] = '\0';
	char *parent = xstrndup(name, (size_t)(strrchr(name, '/') - name));
	assert_int_equal(make_folders(parent, 0755, &err), 0);
	if (arrow)
		assert_int_equal(symlink(arrow + 4, name), 0);
	else
		assert_int_equal(replace_file(name, text, len, mode, &err), 0);
	free(parent);
	free(name);
}

/* The folder of the recipe; yours to free. Text before the first head is main.tf. */
static inline char *recipe_write(const char *text)
{
	static int number;
	char *folder = xasprintf("%s/%d", scratch, number++), *head = xstrdup("main.tf");

	assert_int_equal(mkdir(folder, 0755), 0);
	for (const char *at = text, *next; at; at = next) {
		const char *mark = strncmp(at, "== ", 3) == 0 ? at : strstr(at, "\n== ");
		size_t len = mark ? (size_t)(mark + (*mark == '\n') - at) : strlen(at);

		if (len)
			recipe_file(folder, head, at, len);
		free(head);
		head = NULL;
		next = NULL;
		if (mark) {
			mark += *mark == '\n' ? 4 : 3;
			const char *end = strchr(mark, '\n');
			head = xstrndup(mark, (size_t)(end - mark));
			next = end + 1;
			/* a file without contents, or a link */
			if (!*next || strncmp(next, "== ", 3) == 0)
				recipe_file(folder, head, "", 0);
		}
	}
	free(head);
	return folder;
}

#endif
