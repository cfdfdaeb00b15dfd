/* SPDX-License-Identifier: Apache-2.0 */
#include "kubeconfig.h"

#include "../base/file.h"
#include "../value/json.h"
#include "../value/yaml.h"
#include "helper.h"

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void kube_access_release(struct kube_access *access)
{
	for (size_t i = 0; i < access->program.env.n; i++)
		explicit_bzero(access->program.env.v[i], strlen(access->program.env.v[i]));
	strvec_clear(&access->program.argv);
	strvec_clear(&access->program.env);
	free(access->program.api_version);
	free(access->program.hint);
	free(access->server);
	free(access->tls_name);
	free(access->ca_file);
	free(access->cert_file);
	free(access->key_file);
	free(access->token_file);
	wipe(access->token);
	memory_file_release(&access->ca);
	memory_file_release(&access->cert);
	memory_file_release(&access->key);
	*access = (struct kube_access)KUBE_ACCESS_INIT;
}

/* {"name": NAME, MEMBER: {...}} of the list `key` */
static const struct value *named(const struct value *config, const char *key, const char *name, const char *member)
{
	const struct value *list = value_get(config, key);

	for (uint32_t i = 0; name && list && list->type == V_ARRAY && i < list->n; i++) {
		const struct value *item = list->items[i];
		const char *own = item->type == V_OBJECT ? value_get_string(item, "name") : NULL;
		const struct value *found = own && streq(own, name) ? value_get(item, member) : NULL;

		if (found && found->type == V_OBJECT)
			return found;
	}
	return NULL;
}

static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	cleanup(freep) char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("");

	return *folder ? path_join(folder, name) : xstrdup(name);
}

static char *copy(const char *text)
{
	return text && *text ? xstrdup(text) : NULL;
}

static bool is_true(const struct value *object, const char *key)
{
	const struct value *v = value_get(object, key);

	return v && v->type == V_BOOL && v->b;
}

/* A file that `key` names, or the text of one in `key`-data, which goes first. */
static int take_file(char **path, struct memory_file *memory, const struct value *object, const char *key,
	const char *config, struct mrp_err *err)
{
	cleanup(freep) char *data_key = xasprintf("%s-data", key);
	const char *name = value_get_string(object, key), *data = value_get_string(object, data_key);

	if (data && *data) {
		if (memory_file_decode(memory, data, data_key, err) < 0)
			return -1;
		*path = xstrdup(memory->path);
	} else if (name && *name) {
		*path = beside(config, name);
	}
	return 0;
}

static int take_cluster(struct kube_access *out, const struct value *cluster, const char *path, struct mrp_err *err)
{
	out->server = copy(value_get_string(cluster, "server"));
	out->tls_name = copy(value_get_string(cluster, "tls-server-name"));
	if (!out->server)
		return mrp_err_set(err, MRP_EINVALID, "the cluster has no server");
	if (is_true(cluster, "insecure-skip-tls-verify"))
		return mrp_err_set(err, MRP_EINVALID,
			"insecure-skip-tls-verify is not done here: a token does not go to anybody; set "
			"certificate-authority, or tls-server-name when the certificate has another name");
	if (value_get(cluster, "proxy-url"))
		return mrp_err_set(
			err, MRP_EINVALID, "proxy-url is not done here; HTTPS_PROXY in the environment names a proxy");
	return take_file(&out->ca_file, &out->ca, cluster, "certificate-authority", path, err);
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
			wipe(env->v[i]);
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

static int take_program(struct kube_program *out, const struct value *exec, const struct value *cluster,
	const char *path, struct mrp_err *err)
{
	const char *command = value_get_string(exec, "command"), *version = value_get_string(exec, "apiVersion"),
		   *mode = value_get_string(exec, "interactiveMode"), *rest;
	const struct value *args = value_get(exec, "args");

	if (!command || !*command)
		return mrp_err_set(err, MRP_EINVALID, "exec: 'command' is missing");
	if (!version || !skip_prefix(version, "client.authentication.k8s.io/", &rest) ||
		(!streq(rest, "v1") && !streq(rest, "v1beta1")))
		return mrp_err_set(
			err, MRP_EINVALID, "exec: 'apiVersion' is neither client.authentication.k8s.io/v1 nor v1beta1");
	if (mode && streq(mode, "Always"))
		return mrp_err_set(err, MRP_EINVALID, "exec: '%s' wants to ask somebody, and nobody is here", command);
	strvec_push_nodup(&out->argv, strchr(command, '/') ? beside(path, command) : xstrdup(command));
	for (uint32_t i = 0; args && args->type == V_ARRAY && i < args->n; i++) {
		if (args->items[i]->type != V_STRING)
			return mrp_err_set(err, MRP_EINVALID, "exec: 'args' is no list of texts");
		strvec_push(&out->argv, args->items[i]->s);
	}
	out->api_version = xstrdup(version);
	out->hint = copy(value_get_string(exec, "installHint"));
	if (take_environment(&out->env, value_get(exec, "env"), err) < 0)
		return -1;
	add_exec_info(&out->env, version, exec, cluster);
	return 0;
}

static int check_token(const char *token, struct mrp_err *err)
{
	if (token && strcspn(token, " \t\r\n") != strlen(token))
		return mrp_err_set(err, MRP_EINVALID, "the user's token holds a character that is not allowed in one");
	return 0;
}

/* A token goes before a program, as kubectl has it; a certificate goes along with either. */
static int take_user(struct kube_access *out, const struct value *user, const struct value *cluster, const char *path,
	struct mrp_err *err)
{
	static const char *const others[] = { "auth-provider", "username" };
	const char *file = value_get_string(user, "tokenFile");
	const struct value *exec = value_get(user, "exec");

	out->token_file = file && *file ? beside(path, file) : NULL;
	out->token = out->token_file ? NULL : copy(value_get_string(user, "token"));
	if (check_token(out->token, err) < 0 ||
		take_file(&out->cert_file, &out->cert, user, "client-certificate", path, err) < 0 ||
		take_file(&out->key_file, &out->key, user, "client-key", path, err) < 0)
		return -1;
	if (!out->cert_file != !out->key_file)
		return mrp_err_set(err, MRP_EINVALID, "the user has a %s without a %s",
			out->cert_file ? "client-certificate" : "client-key",
			out->cert_file ? "client-key" : "client-certificate");
	if (out->token || out->token_file)
		return 0;
	if (exec && exec->type == V_OBJECT)
		return take_program(&out->program, exec, cluster, path, err);
	for (size_t i = 0; !out->cert_file && i < ARRAY_SIZE(others); i++) {
		if (value_get(user, others[i]))
			return mrp_err_set(err, MRP_EINVALID,
				"the user has '%s', which is not done here; a token, a client-certificate or exec is "
				"wanted",
				others[i]);
	}
	return 0;
}

/* Names of contexts, for somebody who has named another one. */
static int no_context(const struct value *config, const char *path, const char *name, struct mrp_err *err)
{
	const struct value *list = value_get(config, "contexts");
	cleanup(strbuf_release) struct strbuf names = STRBUF_INIT;

	for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
		const char *own = list->items[i]->type == V_OBJECT ? value_get_string(list->items[i], "name") : NULL;

		if (own)
			strbuf_addf(&names, "%s'%s'", names.len ? ", " : "", own);
	}
	if (!name)
		return mrp_err_set(err, MRP_EINVALID, "'%s': there is no current-context%s%s", path,
			names.len ? ", only " : "", names.buf);
	return mrp_err_set(err, MRP_EINVALID, "'%s': there is no context '%s'%s%s", path, name,
		names.len ? ", only " : "", names.buf);
}

int kubeconfig_parse(struct kube_access *out, const char *text, size_t len, const char *path, const char *context_name,
	struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct problems problems = PROBLEMS_INIT;
	const struct value *config = value_from_yaml(&arena, text, len, path, 0, &problems);
	bool good = config && config->type == V_OBJECT && !problems.errors;

	problems_clear(&problems); /* they may quote the token */
	if (!good)
		return mrp_err_set(err, MRP_EINVALID, "'%s' is no kubeconfig", path);
	const char *name = context_name ? context_name : value_get_string(config, "current-context");
	const struct value *context = named(config, "contexts", name, "context");
	if (!context)
		return no_context(config, path, name, err);
	const char *user_name = value_get_string(context, "user");
	const struct value *cluster = named(config, "clusters", value_get_string(context, "cluster"), "cluster"),
			   *user = named(config, "users", user_name, "user");
	if (!cluster)
		return mrp_err_set(err, MRP_EINVALID, "'%s': context '%s' names no cluster of it", path, name);
	if (!user && user_name && *user_name)
		return mrp_err_set(err, MRP_EINVALID, "'%s': context '%s' names no user of it", path, name);
	if (take_cluster(out, cluster, path, err) < 0 || (user && take_user(out, user, cluster, path, err) < 0))
		return mrp_err_wrap(err, "'%s'", path);
	return 0;
}

int kubeconfig_read(struct kube_access *out, const char *path, const char *context, struct mrp_err *err)
{
	struct strbuf text = STRBUF_INIT;
	int result = read_file(&text, path, YAML_MAX_BYTES, err);

	if (result == 0)
		result = kubeconfig_parse(out, text.buf, text.len, path, context, err);
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	return result;
}

int kube_access_of_pod(struct kube_access *out, struct mrp_err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");

	if (!host || !*host)
		return mrp_err_set(err, MRP_ENOTFOUND,
			"this is no pod of Kubernetes, and no kubeconfig is named (--kubeconfig, KUBECONFIG, --url)");
	bool v6 = strchr(host, ':');
	out->server = xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port && *port ? port : "443");
	out->ca_file = xstrdup(KUBERNETES_ACCOUNT "/ca.crt");
	out->token_file = xstrdup(KUBERNETES_ACCOUNT "/token");
	return 0;
}
