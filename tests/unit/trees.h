/* SPDX-License-Identifier: Apache-2.0 */
/* Config trees in a temporary folder, which becomes the working folder. */
#ifndef MRP_TESTS_TREES_H
#define MRP_TESTS_TREES_H

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/base/file.h"

struct tree_file {
	const char *path, *text; /* text NULL: not there */
	unsigned mode;           /* 0: 0644 */
};

static char tree_folder[64];

static void tree_write(const char *path, const char *text, unsigned mode)
{
	struct mrp_err err = MRP_ERR_INIT;
	char *copy = xstrdup(path), *slash = strrchr(copy, '/');

	if (slash) {
		*slash = '\0';
		assert_int_equal(make_folders(copy, 0755, &err), 0);
	}
	free(copy);
	if (replace_file(path, text, strlen(text), mode ? mode : 0644, &err) < 0)
		fail_msg("%s", err.msg);
}

static int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void tree_remove(void)
{
	assert_int_equal(chdir("/"), 0);
	if (*tree_folder)
		nftw(tree_folder, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	*tree_folder = '\0';
}

/* A new tree with these files (up to the first without a path), instead of the last one. */
static void tree_make(const struct tree_file *files, size_t n)
{
	tree_remove();
	snprintf(tree_folder, sizeof(tree_folder), "/tmp/mrprober-test.XXXXXX");
	assert_non_null(mkdtemp(tree_folder));
	assert_int_equal(chdir(tree_folder), 0);
	for (size_t i = 0; i < n && files[i].path; i++) {
		if (files[i].text)
			tree_write(files[i].path, files[i].text, files[i].mode);
	}
}

/* The same, and over it others: changed files, or removed ones. */
__attribute__((unused)) static void tree_make_over(const struct tree_file *base, size_t n_base, const struct tree_file *over, size_t n_over)
{
	tree_make(base, n_base);
	for (size_t i = 0; i < n_over && over[i].path; i++) {
		if (over[i].text)
			tree_write(over[i].path, over[i].text, over[i].mode);
		else
			assert_int_equal(unlink(over[i].path), 0);
	}
}

#endif
