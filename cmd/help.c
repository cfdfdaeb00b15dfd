/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober help`: the overview, or a manual page by man(1); what -h prints when there is no man or no page. */
#include "dispatch.h"

#include "../lib/base/file.h"
#include "../lib/base/text.h"
#include "complete_sources.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* The folder of this executable; NULL when /proc does not say. */
static char *own_folder(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len <= 0)
		return NULL;
	path[len] = '\0';
	*strrchr(path, '/') = '\0';
	return xstrdup(path);
}

/* The page's file: in the build tree, beside an installation that was moved, where it was installed. */
static char *find_page(const char *page, int section)
{
	cleanup(freep) char *own = own_folder();
	cleanup(freep) char *build = xasprintf("%s/man/%s.%d", own ? own : "", page, section);
	cleanup(freep) char *moved = xasprintf("%s/../share/man/man%d/%s.%d", own ? own : "", section, page, section);
	cleanup(freep) char *installed = xasprintf(MRP_MAN_DIR "/man%d/%s.%d", section, page, section);
	const char *const places[] = { build, moved, installed };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *packed = xasprintf("%s.gz", places[i]);

		if (access(places[i], R_OK) == 0) {
			free(packed);
			return xstrdup(places[i]);
		}
		if (access(packed, R_OK) == 0)
			return packed;
		free(packed);
	}
	return NULL;
}

/* Returns only when there is no man(1) or no page. */
static void open_page(const char *name, int section)
{
	cleanup(freep) char *page = xasprintf("mrprober-%s", name);
	cleanup(freep) char *path = find_page(page, section);

	if (!path)
		return;
	fflush(stdout);
	execlp("man", "man", "-l", path, (char *)NULL);
}

/* The row that the words name, its full name in *path. A sub has no page of its own. */
static const struct mrp_cmd *find_row(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct mrp_cmd *cmd = cmd_find(mrp_commands, argv[0]);

	ctx->cmd_path = argv[0];
	if (!cmd) {
		unknown_command(ctx, argv[0], err);
		ctx->cmd_path = "help";
		return NULL;
	}
	for (int i = 1; i < argc; i++) {
		const struct mrp_cmd *sub = cmd->subs ? cmd_find(cmd->subs, argv[i]) : NULL;

		if (!sub) {
			mrp_err_set(err, MRP_EUSAGE, "'mrprober %s' has no command '%s'", ctx->cmd_path, argv[i]);
			return NULL;
		}
		cmd = sub;
		ctx->cmd_path = arena_printf(&ctx->arena, "%s %s", ctx->cmd_path, argv[i]);
	}
	return cmd;
}

/* Pages of the manual that are about no command. */
static const char *const topics[] = { "configs" };

static bool is_topic(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
		if (streq(topics[i], name))
			return true;
	}
	return false;
}

static int run_help(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (!argc) {
		cmd_overview(&text, help_columns(1));
	} else if (argc == 1 && is_topic(argv[0])) {
		open_page(argv[0], 5);
		return mrp_err_set(err, MRP_ENOTFOUND,
			"cannot show the manual page 'mrprober-%s': man(1) or the page is not installed", argv[0]);
	} else {
		const struct mrp_cmd *cmd = find_row(ctx, argc, argv, err);

		if (!cmd)
			return -1;
		open_page(argv[0], 1);
		cmd_usage(&text, cmd, ctx->cmd_path, help_columns(1));
	}
	fputs(text.buf, stdout);
	return 0;
}

const struct mrp_cmd cmd_help = {
	.name = "help",
	.summary = "list the commands, or open the manual page of one",
	.args = "[<command>...]",
	.max_args = ANY_NUMBER,
	.run = run_help,
	.complete = complete_help,
};
