/* SPDX-License-Identifier: Apache-2.0 */
/* All files of a recipe, also those that no module has: what must not be there at all, and hooks. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "../base/file.h"
#include "scan_internal.h"

int scan_list_folder(struct strvec *names, const char *path, struct mrp_err *err)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return mrp_err_errno(err, "cannot read '%s'", path);
	while (errno = 0, (entry = readdir(dir))) {
		if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
			strvec_push(names, entry->d_name);
	}
	int error = errno;
	closedir(dir);
	strvec_sort(names);
	errno = error;
	return error ? mrp_err_errno(err, "cannot read '%s'", path) : 0;
}

/* hooks/before-plan/X and hooks/after-apply/X */
static void look_for_hook(struct scanner *scanner, const char *path, const struct stat *st)
{
	const char *name = NULL;

	if (!(st->st_mode & S_IXUSR) ||
		(!skip_prefix(path, "hooks/before-plan/", &name) && !skip_prefix(path, "hooks/after-apply/", &name)) ||
		strchr(name, '/'))
		return;
	const char *what = arena_printf(&scanner->scan->arena, "hook '%s'", path);
	program_use_vec_push(&scanner->scan->programs,
		(struct program_use){ what, { arena_strdup(&scanner->scan->arena, path), 0, 0 } });
}

int scan_walk(struct scanner *scanner, const char *folder, int depth)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
	cleanup(freep) char *whole = path_join(scanner->folder, folder);

	if (depth > SCAN_DEPTH)
		return mrp_err_at(scanner->err, MRP_EINVALID, (struct mrp_loc){ folder, 0, 0 }, "too many folders");
	if (scan_list_folder(&names, whole, scanner->err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
		cleanup(freep) char *relative = *folder ? path_join(folder, names.v[i]) : xstrdup(names.v[i]);
		cleanup(freep) char *path = path_join(scanner->folder, relative);
		struct mrp_loc loc = { relative, 0, 0 };
		enum path_fate fate;
		struct stat st;

		if (lstat(path, &st) < 0)
			return mrp_err_errno(scanner->err, "cannot look at '%s'", path);
		if (recipe_path_judge(&fate, relative, &err) < 0)
			scan_complain_error(scanner->problems, &err);
		else if (S_ISDIR(st.st_mode)) {
			if (scan_walk(scanner, relative, depth + 1) < 0)
				return -1;
		} else if (!S_ISREG(st.st_mode))
			problems_add(scanner->problems, loc, NULL, "not a regular file");
		else if (fate == PATH_LEAVE_OUT)
			problems_add(scanner->problems, loc, NULL, "a test in a work folder");
		else
			look_for_hook(scanner, relative, &st);
	}
	return 0;
}
