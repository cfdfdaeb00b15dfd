/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mrprober agent shell`: a shell, or any command, as the prober would be run. The agent only tells how; the shell is a
 * child of the engineer's, with the engineer's rights: root becomes the prober's user, everybody else stays who they
 * are.
 */
#include "agent.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../lib/cli/term.h"
#include "../lib/duty/inherited.h"

static int64_t number(const struct value *object, const char *key)
{
	const struct value *v = object && object->type == V_OBJECT ? value_get(object, key) : NULL;

	return v && v->type == V_INT ? v->i : 0;
}

/* Root gives up its rights; others cannot become anybody, and are told. */
static int become_user(const struct mrp_ctx *ctx, const struct value *user, struct mrp_err *err)
{
	const struct value *list = user && user->type == V_OBJECT ? value_get(user, "groups") : NULL;
	uid_t uid = (uid_t)number(user, "uid");
	gid_t gid = (gid_t)number(user, "gid"), groups[NGROUPS_MAX];
	size_t n = 0;

	if (!list || list->type != V_ARRAY)
		return mrp_err_set(err, MRP_EPARSE, "the agent does not say as whom the prober runs");
	if (geteuid() != 0) {
		if (!ctx->quiet && uid != geteuid())
			fprintf(stderr,
				"mrprober: you stay uid %u: the agent runs it as '%s' (uid %u), which needs root\n",
				(unsigned)geteuid(), value_get_string(user, "name"), (unsigned)uid);
		return 0;
	}
	for (; n < list->n && n < NGROUPS_MAX; n++)
		groups[n] = (gid_t)list->items[n]->i;
	if (setgroups(n, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return mrp_err_errno(err, "cannot become uid %u", (unsigned)uid);
	return 0;
}

static int set_limit(int which, int64_t value, struct mrp_err *err)
{
	if (inherited_lower_limit(which, value) < 0)
		return mrp_err_errno(err, "cannot set a limit");
	return 0;
}

static int set_limits(const struct value *limits, struct mrp_err *err)
{
	int64_t address_bytes = number(limits, "address_bytes"), processes = number(limits, "processes");

	if (set_limit(RLIMIT_CORE, 0, err) < 0 || (processes && set_limit(RLIMIT_NPROC, processes, err) < 0))
		return -1;
	return address_bytes ? set_limit(RLIMIT_AS, address_bytes, err) : 0;
}

static char **environment_of(const struct value *run, bool interactive)
{
	const struct value *env = value_get(run, "env");
	const char *term = getenv("TERM");
	struct strvec all = STRVEC_INIT;

	for (uint32_t i = 0; env && env->type == V_ARRAY && i < env->n; i++)
		strvec_push(&all, env->items[i]->s);
	/* the only thing that an interactive shell cannot do without */
	if (interactive && term)
		strvec_pushf(&all, "TERM=%s", term);
	return all.v;
}

/* No start-up files: they would change what is to be shown. */
static const char *const *shell_words(void)
{
	static const char *const bash[] = { "/bin/bash", "--noprofile", "--norc", NULL };
	static const char *const sh[] = { "/bin/sh", NULL };

	return access(bash[0], X_OK) == 0 ? bash : sh;
}

static void say_command(const struct value *run)
{
	const struct value *argv = value_get(run, "argv");

	fputs("mrprober: the prober's command is:", stderr);
	for (uint32_t i = 0; argv && argv->type == V_ARRAY && i < argv->n; i++) {
		cleanup(strbuf_release) struct strbuf word = STRBUF_INIT;

		strbuf_add_visible(&word, argv->items[i]->s, argv->items[i]->n);
		fprintf(stderr, " '%s'", word.buf);
	}
	fputc('\n', stderr);
}

static int run_shell(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct agent_socket_args *args = ctx->opts;
	struct value *request = agent_request(ctx, "explain", 0, argv), *answer;
	bool interactive = argc == 1;

	value_append(&ctx->arena, request, "prober", value_string(&ctx->arena, argv[0]));
	if (agent_ask(ctx, &answer, args->socket, request, NULL, NULL, err) < 0)
		return -1;
	const struct value *run = value_get(answer, "run");
	const char *folder = run && run->type == V_OBJECT ? value_get_string(run, "folder") : NULL;
	const char *error = run && run->type == V_OBJECT ? value_get_string(run, "error") : NULL;
	if (error)
		return mrp_err_set(err, MRP_EINVALID, "prober '%s' cannot be run: %s", argv[0], error);
	const struct value *inherited = folder ? value_get(run, "inherited") : NULL;
	if (!inherited || inherited->type != V_OBJECT)
		return mrp_err_set(
			err, MRP_EUSAGE, "prober '%s' is a built-in probe: there is no program to be run", argv[0]);
	if (interactive && !ctx->quiet)
		say_command(run);
	inherited_apply(inherited);
	if (become_user(ctx, value_get(run, "user"), err) < 0)
		return -1;
	if (chdir(folder) < 0)
		return mrp_err_errno(err, "cannot go to folder '%s'", folder);
	environ = environment_of(run, interactive);
	const char *const *words = interactive ? shell_words() : (const char *const *)(argv + 1);
	if (set_limits(value_get(run, "limits"), err) < 0)
		return -1;
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execvp(words[0], (char *const *)(uintptr_t)words);
	return mrp_err_errno(err, "cannot run '%s'", words[0]);
}

static const struct mrp_opt opts[] = { OPT_AGENT_SOCKET(struct agent_socket_args), OPT_END };

const struct mrp_cmd cmd_agent_shell = {
	.name = "shell",
	.summary = "open a shell in exactly the prober's environment",
	.description = "Its folder, its variables and no others, its limits, umask and nice value; as its user when "
		       "you are root, else as yourself. With a command, that is run instead of a shell.",
	.args = "<prober> [-- <command> [<arg>...]]",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.opts = opts,
	CMD_OPTS(struct agent_socket_args, .socket = DUTY_SOCKET),
	.run = run_shell,
	.complete = complete_agent_probers,
};
