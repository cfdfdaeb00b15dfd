/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate with a real terraform, for tests:
 *
 *	gate ALLOW FOLDER [-p] [-m MIRROR] [-s STATE] [-a] [-v NAME=JSON]...
 *
 * FOLDER is a recipe and becomes a work folder; FOLDER.rc is the CLI configuration. Steps are said on stdout as they
 * begin: judge, list, init, plan, apply. -p allows programs, -a goes on to apply; else it ends after init. Exits 1 and
 *says why when the recipe is refused, 2 when terraform fails.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/base/file.h"
#include "../../lib/creator/gate.h"
#include "../../lib/creator/workdir.h"
#include "../../lib/value/json.h"

extern char **environ;

struct options {
	const char *allow, *folder, *mirror, *state;
	bool programs, apply;
	struct workdir_variable variables[16];
	size_t n_variables;
	struct arena arena;
};

struct gate {
	struct options options;
	struct providers providers;
	struct scan scan;
	struct strvec env;
	char *rc;
};

static void say(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

/* terraform in the work folder; its stdout to `out`. */
static int terraform(struct strbuf *out, const struct gate *gate, const char *const *argv, struct mrp_err *err)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int pipes[2], status = -1, rc;

	if (pipe(pipes) < 0)
		return mrp_err_errno(err, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addchdir_np(&actions, gate->options.folder);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	posix_spawn_file_actions_addclose(&actions, pipes[0]);
	posix_spawn_file_actions_addclose(&actions, pipes[1]);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, gate->env.v);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (rc == 0)
		rc = read_fd(out, pipes[0], 64 << 20, "terraform", err);
	close(pipes[0]);
	if (rc != 0 || waitpid(pid, &status, 0) < 0)
		return mrp_err_set(err, MRP_EFAILED, "cannot run terraform");
	if (status == 0)
		return 0;
	return mrp_err_set(err, MRP_EFAILED, "terraform %s has failed\n%s", argv[1], out->buf);
}

static int judge(struct gate *gate, struct mrp_err *err)
{
	cleanup(problems_clear) struct problems problems = PROBLEMS_INIT;
	struct gate_policy policy = { &gate->providers, gate->options.programs, false };

	say("judge");
	if (providers_load(&gate->providers, gate->options.allow, err) < 0 ||
		scan_recipe(&gate->scan, gate->options.folder, &problems, err) < 0)
		return -1;
	gate_judge(&gate->scan, &policy, &problems);
	for (size_t i = 0; i < problems.list.n; i++) {
		cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

		problem_format(&line, &problems.list.v[i]);
		say(line.buf);
	}
	return problems.errors ? mrp_err_set(err, MRP_EREFUSED, "refused") : 0;
}

static int prepare(struct gate *gate, struct mrp_err *err)
{
	struct cli_config config = { gate->options.mirror, NULL, false };
	struct workdir_spec spec = { gate->options.folder, &gate->scan, &gate->providers, gate->options.variables,
		gate->options.n_variables };

	gate->rc = xasprintf("%s.rc", gate->options.folder);
	terraform_environment(&gate->env, (const char *const *)environ, gate->rc);
	if (cli_config_write(gate->rc, &config, &gate->providers, err) < 0)
		return -1;
	return workdir_prepare(&spec, err);
}

static int list_and_init(struct gate *gate, struct mrp_err *err)
{
	static const char *const list[] = { "terraform", "providers", "-no-color", NULL };
	static const char *const init[] = { "terraform", "init", "-no-color", "-get=false", NULL };
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct value *settings = value_object(&gate->options.arena);

	say("list");
	if (terraform(&out, gate, list, err) < 0 ||
		gate_compare(&gate->scan, &gate->providers, out.buf, out.len, err) < 0)
		return -1;
	if (gate->options.state)
		value_append(&gate->options.arena, settings, "path",
			value_string(&gate->options.arena, gate->options.state));
	if (workdir_backend(gate->options.folder, "local", settings, err) < 0)
		return -1;
	say("init");
	strbuf_reset(&out);
	return terraform(&out, gate, init, err);
}

static int plan_and_apply(struct gate *gate, struct mrp_err *err)
{
	static const char *const plan[] = { "terraform", "plan", "-no-color", "-out=plan", NULL };
	static const char *const show[] = { "terraform", "show", "-json", "plan", NULL };
	static const char *const apply[] = { "terraform", "apply", "-no-color", "plan", NULL };
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	const struct value *v;

	say("plan");
	if (terraform(&out, gate, plan, err) < 0)
		return -1;
	strbuf_reset(&out);
	if (terraform(&out, gate, show, err) < 0 ||
		!(v = json_parse(&gate->options.arena, out.buf, out.len, "plan", err)) ||
		gate_judge_plan(&gate->scan, v, err) < 0)
		return -1;
	say("apply");
	strbuf_reset(&out);
	if (terraform(&out, gate, apply, err) < 0)
		return -1;
	say(out.buf);
	return 0;
}

static int read_variable(struct options *options, char *text, struct mrp_err *err)
{
	char *equal = strchr(text, '=');

	if (!equal || options->n_variables == ARRAY_SIZE(options->variables))
		return mrp_err_set(err, MRP_EUSAGE, "bad variable '%s'", text);
	*equal = '\0';
	const struct value *v = json_parse(&options->arena, equal + 1, strlen(equal + 1), text, err);
	options->variables[options->n_variables++] = (struct workdir_variable){ text, v, false };
	return v ? 0 : -1;
}

static int read_options(struct options *options, int argc, char **argv, struct mrp_err *err)
{
	int c;

	while ((c = getopt(argc, argv, "pam:s:v:")) != -1) {
		if (c == 'p')
			options->programs = true;
		else if (c == 'a')
			options->apply = true;
		else if (c == 'm')
			options->mirror = optarg;
		else if (c == 's')
			options->state = optarg;
		else if (c != 'v' || read_variable(options, optarg, err) < 0)
			return mrp_err_set(err, MRP_EUSAGE, "usage: gate [options] ALLOW FOLDER");
	}
	if (argc - optind != 2)
		return mrp_err_set(err, MRP_EUSAGE, "usage: gate [options] ALLOW FOLDER");
	options->allow = argv[optind];
	options->folder = argv[optind + 1];
	return 0;
}

int main(int argc, char **argv)
{
	struct gate gate = { .env = STRVEC_INIT };
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;

	scan_init(&gate.scan);
	int rc = read_options(&gate.options, argc, argv, &err);
	if (rc == 0)
		rc = judge(&gate, &err);
	if (rc == 0)
		rc = prepare(&gate, &err);
	if (rc == 0)
		rc = list_and_init(&gate, &err);
	if (rc == 0 && gate.options.apply)
		rc = plan_and_apply(&gate, &err);
	if (rc < 0)
		fprintf(stderr, "%s%s%s\n", err.where ? err.where : "", err.where ? ": " : "", err.msg);
	scan_release(&gate.scan);
	providers_release(&gate.providers);
	arena_release(&gate.options.arena);
	strvec_clear(&gate.env);
	free(gate.rc);
	return rc == 0 ? 0 : err.code == MRP_EREFUSED ? 1 : 2;
}
