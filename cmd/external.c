/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that have no row: programs named mrprober-<name> on PATH, and the answer when there is none either. */
#include "dispatch.h"

#include "../lib/base/file.h"
#include "../lib/base/text.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path of the program in one of PATH's folders, or NULL. An empty or relative folder would be wherever we happen to
 * be, which may be a tree that somebody else wrote; those are skipped. */
static char *find_program(const char *program)
{
	const char *path = getenv("PATH");

	for (size_t len; path; path = path[len] ? path + len + 1 : NULL) {
		struct stat st;

		len = strcspn(path, ":");
		if (path[0] != '/')
			continue;
		cleanup(freep) char *folder = xstrndup(path, len);
		char *full = path_join(folder, program);
		if (stat(full, &st) == 0 && S_ISREG(st.st_mode) && access(full, X_OK) == 0)
			return full;
		free(full);
	}
	return NULL;
}

int run_external(struct mrp_ctx *ctx, const char *name, char **argv, struct mrp_err *err)
{
	if (strchr(name, '/'))
		return 0;
	cleanup(freep) char *program = xasprintf("mrprober-%s", name);
	cleanup(freep) char *full = find_program(program);
	if (!full)
		return 0;
	if (settings_init(ctx, err) < 0 || settings_load_config(ctx, err) < 0 || settings_find_manifest(ctx, err) < 0)
		return -1;
	settings_export(ctx);
	argv[0] = program;
	report_warnings(ctx);
	execv(full, argv);
	return mrp_err_errno(err, "cannot run '%s'", full);
}

int unknown_command(const struct mrp_ctx *ctx, const char *name, struct mrp_err *err)
{
	cleanup(freep) const char **words = NULL;
	size_t n = 0;

	for (const struct mrp_cmd *const *cmd = mrp_commands; *cmd; cmd++) {
		words = xrealloc(words, (n + 1) * sizeof(*words));
		if (!((*cmd)->needs & CMD_HIDDEN))
			words[n++] = (*cmd)->name;
	}
	for (size_t i = 0; i < ctx->aliases.n; i++) {
		words = xrealloc(words, (n + 1) * sizeof(*words));
		words[n++] = ctx->aliases.v[i].name;
	}
	const char *near = nearest_word(name, words, n);
	if (near)
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is not a mrprober command; did you mean '%s'?", name, near);
	return mrp_err_set(err, MRP_EUSAGE, "'%s' is not a mrprober command", name);
}
