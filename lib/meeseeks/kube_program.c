/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_program.h"

#include "../base/file.h"
#include "../value/json.h"
#include "helper.h"

void kube_program_release(struct kube_program *program)
{
	for (size_t i = 0; i < program->env.n; i++)
		explicit_bzero(program->env.v[i], strlen(program->env.v[i]));
	strvec_clear(&program->argv);
	strvec_clear(&program->env);
	free(program->api_version);
	free(program->hint);
	*program = (struct kube_program)KUBE_PROGRAM_INIT;
}

char *kube_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	cleanup(freep) char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("");

	return *folder ? path_join(folder, name) : xstrdup(name);
}

static bool is_true(const struct value *object, const char *key)
{
	const struct value *v = value_get(object, key);

	return v && v->type == V_BOOL && v->b;
}

/* What the program is told about itself and the cluster, as kubernetes.io has it: "client-go credential plugins". */
static void add_exec_info(
	struct strvec *env, const char *version, const struct value *exec, const struct value *cluster)
{
	static const char *const members[] = { "server", "tls-server-name", "certificate-authority-data" };
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	struct value *info = value_object(&arena), *spec = value_object(&arena), *told = value_object(&arena);

	value_append(&arena, info, "apiVersion", value_string(&arena, version));
	value_append(&arena, info, "kind", value_string(&arena, "ExecCredential"));
	value_append(&arena, spec, "interactive", value_bool(&arena, false));
	for (size_t i = 0; is_true(exec, "provideClusterInfo") && i < ARRAY_SIZE(members); i++) {
		const char *text = value_get_string(cluster, members[i]);

		if (text)
			value_append(&arena, told, members[i], value_string(&arena, text));
	}
	if (told->n)
		value_append(&arena, spec, "cluster", told);
	value_append(&arena, info, "spec", spec);
	json_compact(&json, info);
	strvec_pushf(env, "KUBERNETES_EXEC_INFO=%s", json.buf);
}

static void set_variable(struct strvec *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=') {
			free(env->v[i]);
			env->v[i] = xasprintf("%s=%s", name, value);
			return;
		}
	}
	strvec_pushf(env, "%s=%s", name, value);
}

static int take_environment(struct strvec *env, const struct value *list, struct mrp_err *err)
{
	helper_environment(env);
	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		const struct value *item = list->items[i];
		const char *name = item->type == V_OBJECT ? value_get_string(item, "name") : NULL,
			   *value = name ? value_get_string(item, "value") : NULL;

		if (!value || !*name || strchr(name, '='))
			return mrp_err_set(err, MRP_EINVALID, "exec: 'env' is no list of {name, value}");
		set_variable(env, name, value);
	}
	return 0;
}

int kube_program_read(struct kube_program *out, const struct value *exec, const struct value *cluster, const char *path,
	struct mrp_err *err)
{
	const char *command = value_get_string(exec, "command"), *version = value_get_string(exec, "apiVersion"),
		   *mode = value_get_string(exec, "interactiveMode"), *rest;
	const char *hint = value_get_string(exec, "installHint");
	const struct value *args = value_get(exec, "args");

	if (!command || !*command)
		return mrp_err_set(err, MRP_EINVALID, "exec: 'command' is missing");
	if (!version || !skip_prefix(version, "client.authentication.k8s.io/", &rest) ||
		(!streq(rest, "v1") && !streq(rest, "v1beta1")))
		return mrp_err_set(
			err, MRP_EINVALID, "exec: 'apiVersion' is neither client.authentication.k8s.io/v1 nor v1beta1");
	if (mode && streq(mode, "Always"))
		return mrp_err_set(err, MRP_EINVALID, "exec: '%s' wants to ask somebody, and nobody is here", command);
	strvec_push_nodup(&out->argv, strchr(command, '/') ? kube_beside(path, command) : xstrdup(command));
	for (uint32_t i = 0; args && args->type == V_ARRAY && i < args->n; i++) {
		if (args->items[i]->type != V_STRING)
			return mrp_err_set(err, MRP_EINVALID, "exec: 'args' is no list of texts");
		strvec_push(&out->argv, args->items[i]->s);
	}
	out->api_version = xstrdup(version);
	out->hint = hint && *hint ? xstrdup(hint) : NULL;
	if (take_environment(&out->env, value_get(exec, "env"), err) < 0)
		return -1;
	add_exec_info(&out->env, version, exec, cluster);
	return 0;
}
