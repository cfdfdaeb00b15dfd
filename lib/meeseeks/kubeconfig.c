/* SPDX-License-Identifier: Apache-2.0 */
#include "kubeconfig.h"

#include "../base/file.h"
#include "../value/yaml.h"

/* One of the files that are one configuration together. */
struct kube_file {
	const char *path;
	const struct value *config;
};

VEC_DEFINE(kube_file_vec, struct kube_file)

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void kube_access_release(struct kube_access *access)
{
	kube_program_release(&access->program);
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

/* {"name": NAME, MEMBER: {...}} of the list `key`, in the first file that has one; *path: that file's. */
static const struct value *named(
	const struct kube_file_vec *files, const char *key, const char *name, const char *member, const char **path)
{
	for (size_t f = 0; name && f < files->n; f++) {
		const struct value *list = value_get(files->v[f].config, key);

		for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
			const struct value *item = list->items[i];
			const char *own = item->type == V_OBJECT ? value_get_string(item, "name") : NULL;
			const struct value *found = own && streq(own, name) ? value_get(item, member) : NULL;

			*path = files->v[f].path;
			if (found && found->type == V_OBJECT)
				return found;
		}
	}
	return NULL;
}

static const char *current_context(const struct kube_file_vec *files)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *name = value_get_string(files->v[i].config, "current-context");

		if (name && *name)
			return name;
	}
	return NULL;
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
		*path = kube_beside(config, name);
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

	out->token_file = file && *file ? kube_beside(path, file) : NULL;
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
		return kube_program_read(&out->program, exec, cluster, path, err);
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
static int no_context(const struct kube_file_vec *files, const char *name, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf names = STRBUF_INIT;

	for (size_t f = 0; f < files->n; f++) {
		const struct value *list = value_get(files->v[f].config, "contexts");

		for (uint32_t i = 0; list && list->type == V_ARRAY && i < list->n; i++) {
			const struct value *item = list->items[i];
			const char *own = item->type == V_OBJECT ? value_get_string(item, "name") : NULL;

			if (own)
				strbuf_addf(&names, "%s'%s'", names.len ? ", " : ", only ", own);
		}
	}
	const char *path = files->v[0].path;
	if (!name)
		return mrp_err_set(err, MRP_EINVALID, "'%s': there is no current-context%s", path, names.buf);
	return mrp_err_set(err, MRP_EINVALID, "'%s': there is no context '%s'%s", path, name, names.buf);
}

static int choose(struct kube_access *out, const struct kube_file_vec *files, const char *wanted, struct mrp_err *err)
{
	const char *name = wanted ? wanted : current_context(files), *path, *cluster_path, *user_path;
	const struct value *context = named(files, "contexts", name, "context", &path);

	if (!context)
		return no_context(files, name, err);
	const char *user_name = value_get_string(context, "user");
	const struct value *cluster = named(
				   files, "clusters", value_get_string(context, "cluster"), "cluster", &cluster_path),
			   *user = named(files, "users", user_name, "user", &user_path);
	if (!cluster)
		return mrp_err_set(err, MRP_EINVALID, "'%s': context '%s' names no cluster of it", path, name);
	if (!user && user_name && *user_name)
		return mrp_err_set(err, MRP_EINVALID, "'%s': context '%s' names no user of it", path, name);
	if (take_cluster(out, cluster, cluster_path, err) < 0)
		return mrp_err_wrap(err, "'%s'", cluster_path);
	if (user && take_user(out, user, cluster, user_path, err) < 0)
		return mrp_err_wrap(err, "'%s'", user_path);
	return 0;
}

static int add_text(struct kube_file_vec *files, struct arena *arena, const char *text, size_t len, const char *path,
	struct mrp_err *err)
{
	struct problems problems = PROBLEMS_INIT;
	const struct value *config = value_from_yaml(arena, text, len, path, 0, &problems);
	bool good = config && config->type == V_OBJECT && !problems.errors;

	problems_clear(&problems); /* they may quote the token */
	if (!good)
		return mrp_err_set(err, MRP_EINVALID, "'%s' is no kubeconfig", path);
	kube_file_vec_push(files, (struct kube_file){ .path = path, .config = config });
	return 0;
}

int kubeconfig_parse(struct kube_access *out, const char *text, size_t len, const char *path, const char *context,
	struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(kube_file_vec_clear) struct kube_file_vec files = VEC_INIT;

	return add_text(&files, &arena, text, len, path, err) < 0 ? -1 : choose(out, &files, context, err);
}

static int add_file(struct kube_file_vec *files, struct arena *arena, const char *path, struct mrp_err *err)
{
	struct strbuf text = STRBUF_INIT;
	int result = read_file(&text, path, YAML_MAX_BYTES, err);

	if (result == 0)
		result = add_text(files, arena, text.buf, text.len, path, err);
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	return result;
}

int kubeconfig_read(struct kube_access *out, const char *path, const char *context, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(kube_file_vec_clear) struct kube_file_vec files = VEC_INIT;

	return add_file(&files, &arena, path, err) < 0 ? -1 : choose(out, &files, context, err);
}

int kubeconfig_read_list(struct kube_access *out, const char *paths, const char *context, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(kube_file_vec_clear) struct kube_file_vec files = VEC_INIT;

	for (const char *p = paths; *p; p += *p == ':') {
		size_t len = strcspn(p, ":");
		const char *path = arena_strndup(&arena, p, len);

		p += len;
		if (!len || add_file(&files, &arena, path, err) == 0)
			continue;
		if (err->code != MRP_ENOTFOUND)
			return -1;
		mrp_err_clear(err); /* as kubectl does */
	}
	if (!files.n)
		return mrp_err_set(err, MRP_ENOTFOUND, "KUBECONFIG: there is no '%s'", paths);
	return choose(out, &files, context, err);
}

int kube_access_of_pod(struct kube_access *out, struct mrp_err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");

	if (!host || !*host)
		return mrp_err_set(err, MRP_ENOTFOUND,
			"this is no pod of Kubernetes, and there is no kubeconfig (--kubeconfig, KUBECONFIG, "
			"~/.kube/config)");
	bool v6 = strchr(host, ':');
	out->server = xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port && *port ? port : "443");
	out->ca_file = xstrdup(KUBERNETES_ACCOUNT "/ca.crt");
	out->token_file = xstrdup(KUBERNETES_ACCOUNT "/token");
	return 0;
}
