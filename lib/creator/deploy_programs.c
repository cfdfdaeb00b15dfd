/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recipe brings to be run: `initial_values`, which a new cluster gets once, and hooks, each time. They run in
 * the recipe's folder, with the environment of terraform, and were allowed by the gate.
 */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"
#include "../ev/loop.h"
#include "../value/json.h"
#include "../value/yaml.h"

enum { PROGRAM_TIMEOUT_MS = 300000 };

/* --- variables that programs return --- */

/* A map of names and values, as YAML. */
static int parse_values(
	const struct value **out, struct deploy *d, const struct strbuf *text, const char *name, struct mrp_err *err)
{
	struct problems problems = PROBLEMS_INIT;
	cleanup(strbuf_release) struct strbuf what = STRBUF_INIT;
	const struct value *v = value_from_yaml(
		&d->inputs.arena, text->buf, text->len, arena_strdup(&d->inputs.arena, name), 0, &problems);

	if (problems.errors)
		problem_format(&what, &problems.list.v[0]);
	else if (v && v->type != V_OBJECT && v->type != V_NULL)
		strbuf_addf(&what, "%s: is no map of variables", name);
	problems_clear(&problems);
	*out = v && v->type == V_OBJECT ? v : NULL;
	for (uint32_t i = 0; *out && !what.len && i < v->n; i++) {
		if (!valid_identifier(v->members[i].key, strlen(v->members[i].key)))
			strbuf_addf(&what, "%s: '%s' is no name of a variable", name, v->members[i].key);
	}
	return what.len ? mrp_err_set(err, MRP_EFAILED, "%s", what.buf) : 0;
}

/* --- initial values --- */

static int remember(struct deploy *d, const char *name, struct value *value, struct mrp_err *err)
{
	struct arena *arena = &d->inputs.arena;
	struct value *entry = value_object(arena);
	struct http_request request;
	struct api_result result;

	value_append(arena, entry, "value", value);
	value_append(arena, entry, "owner", value_string(arena, "initial"));
	value_append(arena, entry, "sensitive", value_bool(arena, cluster_hides(d->inputs.cluster, name, entry)));
	api_request_put_variable(&request, d->slug, name, entry, -1); /* never over one that is there */
	if (api_call(d->client, &request, arena, &result, err) == 0)
		return 0;
	if (err->code != MRP_EPRECONDITION)
		return mrp_err_wrap(err, "initial value '%s'", name);
	mrp_err_clear(err); /* somebody has written it meanwhile: that counts */
	return 0;
}

/* The names that are remembered say that the program has run. */
static bool has_run(const struct deploy *d)
{
	const struct value *variables = value_get(d->inputs.cluster, "variables");

	for (uint32_t i = 0; variables && variables->type == V_OBJECT && i < variables->n; i++) {
		const char *owner = value_get_string(variables->members[i].value, "owner");

		if (owner && streq(owner, "initial"))
			return true;
	}
	return false;
}

static int take_initial_values(struct deploy *d, const struct strbuf *text, struct mrp_err *err)
{
	const struct value *values, *present = value_get(d->inputs.cluster, "variables");

	if (parse_values(&values, d, text, "initial_values", err) < 0)
		return -1;
	for (uint32_t i = 0; values && i < values->n; i++) {
		const struct member *m = &values->members[i];

		if (present && value_get(present, m->key))
			continue;
		if (!d->creator->options.plan_only && remember(d, m->key, m->value, err) < 0)
			return -1;
		inputs_set(&d->inputs, m->key, m->value, cluster_hides(d->inputs.cluster, m->key, m->value));
	}
	return 0;
}

static int run_initial_values(struct deploy *d, const char *sha256, struct mrp_err *err)
{
	cleanup(freep) char *path = path_join(d->run_folder, "initial_values");
	const char *const argv[] = { path, NULL };
	struct program program = { .argv = argv, .keep_stdout = true, .timeout_ms = PROGRAM_TIMEOUT_MS };

	if (inputs_fetch_blob(d->client, sha256, path, 0700, err) < 0)
		return -1;
	int code = deploy_run(d, &program, err);
	if (code > 0)
		code = mrp_err_set(err, MRP_EFAILED, "initial_values failed (exit code %d)", code);
	if (code == 0)
		code = take_initial_values(d, &program.out, err);
	program_release(&program);
	return code;
}

int deploy_initial_values(struct deploy *d, struct mrp_err *err)
{
	const char *sha256 = value_get_string(d->inputs.recipe, "initial_values");

	if (!sha256 || d->inputs.destroy)
		return 1;
	if (!has_run(d)) {
		if (deploy_enter(d, "initial-values", err) < 0 || run_initial_values(d, sha256, err) < 0)
			return -1;
		deploy_renew_secrets(d);
	}
	return deploy_check_variables(d, err);
}

/* --- hooks --- */

/* Executables of recipe/hooks/NAME, in the order of their names. */
static int list_hooks(struct strvec *paths, const struct deploy *d, const char *name, struct mrp_err *err)
{
	cleanup(freep) char *folder = xasprintf("%s/hooks/%s", d->recipe_folder, name);
	struct stat st;

	DIR *dir = opendir(folder);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : mrp_err_errno(err, "cannot read folder '%s'", folder);
	for (struct dirent *entry; (entry = readdir(dir));) {
		cleanup(freep) char *path = path_join(folder, entry->d_name);

		if (entry->d_name[0] != '.' && lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IXUSR))
			strvec_push(paths, path);
	}
	closedir(dir);
	strvec_sort(paths);
	return 0;
}

static int take_returned(struct deploy *d, const char *path, const char *hook, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct value *values;

	if (access(path, F_OK) < 0)
		return 0;
	if (read_file(&text, path, YAML_MAX_BYTES, err) < 0 || parse_values(&values, d, &text, hook, err) < 0)
		return -1;
	explicit_bzero(text.buf, text.len);
	for (uint32_t i = 0; values && i < values->n; i++) {
		const struct member *m = &values->members[i];
		struct value *entry = value_object(&d->inputs.arena);

		value_append(&d->inputs.arena, entry, "value", m->value);
		inputs_set(&d->inputs, m->key, m->value, cluster_hides(d->inputs.cluster, m->key, entry));
	}
	return 0;
}

/* "hooks/before-plan/10-check" */
static const char *hook_name(const struct deploy *d, const char *path)
{
	return path + strlen(d->recipe_folder) + 1;
}

static int run_hook(struct deploy *d, const char *path, struct mrp_err *err)
{
	cleanup(freep) char *returned = path_join(d->run_folder, "returned.yaml");
	const char *const argv[] = { path, NULL };
	struct program program = { .argv = argv, .timeout_ms = PROGRAM_TIMEOUT_MS };

	unlink(returned);
	stage_log_say(&d->log, "%s", hook_name(d, path));
	int code = deploy_run(d, &program, err);
	if (code > 0)
		code = mrp_err_set(err, MRP_EFAILED, "hook '%s' failed (exit code %d)", hook_name(d, path), code);
	if (code == 0)
		code = take_returned(d, returned, hook_name(d, path), err);
	program_release(&program);
	return code;
}

/* All variables, for hooks to read. It holds secrets. */
static int write_variables(struct deploy *d, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct arena *arena = &d->inputs.arena;
	struct value *v = value_object(arena);

	for (size_t i = 0; i < d->inputs.variables.n; i++)
		value_append(arena, v, d->inputs.variables.v[i].name, (struct value *)d->inputs.variables.v[i].value);
	json_pretty(&text, v);
	int r = replace_file(path, text.buf, text.len, 0600, err);
	explicit_bzero(text.buf, text.len);
	return r;
}

int deploy_before_plan(struct deploy *d, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec hooks = STRVEC_INIT;
	cleanup(freep) char *variables = path_join(d->run_folder, "variables.json");

	if (list_hooks(&hooks, d, "before-plan", err) < 0)
		return -1;
	if (d->creator->named)
		strvec_pushf(&d->env, "MRPROBER_ENVIRONMENT=%s", d->creator->named);
	strvec_pushf(&d->env, "MRPROBER_ACTION=%s", d->inputs.destroy ? "destroy" : "deploy");
	strvec_pushf(&d->env, "MRPROBER_VARIABLES_PATH=%s", variables);
	strvec_pushf(&d->env, "RETURN_VALUES_PATH=%s/returned.yaml", d->run_folder);
	if (!hooks.n)
		return 1;
	if (deploy_enter(d, "before-plan", err) < 0)
		return -1;
	for (size_t i = 0; i < hooks.n; i++) {
		if (write_variables(d, variables, err) < 0 || run_hook(d, hooks.v[i], err) < 0)
			return -1;
	}
	return 1;
}

int deploy_after_apply(struct deploy *d, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec hooks = STRVEC_INIT;

	if (d->creator->options.plan_only || list_hooks(&hooks, d, "after-apply", err) < 0 || !hooks.n)
		return err->code == MRP_OK ? 0 : -1;
	if (programs_stopped(d->creator->programs) || atomic_load(&d->lost))
		return 0; /* nothing is started any more */
	strvec_pushf(&d->env, "MRPROBER_RESULT=%s", deploy_status_names[d->status]);
	strvec_pushf(&d->env, "MRPROBER_ADDED=%" PRId64, d->changes.added);
	strvec_pushf(&d->env, "MRPROBER_CHANGED=%" PRId64, d->changes.changed);
	strvec_pushf(&d->env, "MRPROBER_DESTROYED=%" PRId64, d->changes.destroyed);
	/* not in the record: the API would take it for a sign that something was made */
	deploy_enter_quietly(d, "after-apply");
	d->deadline_us = MAX(d->deadline_us, monotonic_us() + PROGRAM_TIMEOUT_MS * INT64_C(1000));
	int r = 0;
	for (size_t i = 0; i < hooks.n; i++) { /* each of them, whatever the others do */
		struct mrp_err own = MRP_ERR_INIT;

		if (run_hook(d, hooks.v[i], &own) < 0 && r == 0)
			r = mrp_err_move(err, &own);
		mrp_err_clear(&own);
	}
	if (r < 0 && streq(d->stage, "apply"))
		d->stage = "after-apply";
	return r;
}
