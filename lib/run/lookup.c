/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* as the C library's, when there is no PATH */
static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

const char *env_value(const char *const *env, const char *name)
{
	const char *value;

	for (; env && *env; env++) {
		if (skip_prefix(*env, name, &value) && *value == '=')
			return value + 1;
	}
	return NULL;
}

/* 0 or errno; `path` is relative to the folder. */
static int look_at(const struct run_spec *spec, const char *path, int mode)
{
	struct stat st;
	int error = 0, folder = AT_FDCWD;

	if (*path != '/' && spec->folder) {
		folder = open(spec->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			return errno;
	}
	if (faccessat(folder, path, mode, AT_EACCESS) < 0 || fstatat(folder, path, &st, 0) < 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EACCES;
	if (folder >= 0)
		close(folder);
	return error;
}

int find_program(struct strbuf *path, const struct run_spec *spec)
{
	const char *name = spec->argv[0], *at = env_value(spec->env, "PATH");
	int error = ENOENT;

	strbuf_reset(path);
	if (strchr(name, '/')) {
		strbuf_addstr(path, name);
		return 0;
	}
	for (at = at ? at : default_path; *name;) {
		size_t len = strcspn(at, ":");

		strbuf_reset(path);
		strbuf_add(path, at, len);
		if (len) /* an empty entry is the working folder */
			strbuf_addch(path, '/');
		strbuf_addstr(path, name);
		int why = look_at(spec, path->buf, X_OK);
		if (why == 0)
			return 0;
		if (why == EACCES)
			error = EACCES;
		if (!at[len])
			break;
		at += len + 1;
	}
	return error;
}

bool program_exists(const struct run_spec *spec, const char *path)
{
	return look_at(spec, path, F_OK) == 0;
}
