/* SPDX-License-Identifier: Apache-2.0 */
#include "kubeconfig.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../base/file.h"
#include "../value/yaml.h"

void kube_access_release(struct kube_access *access)
{
	if (access->token)
		explicit_bzero(access->token, strlen(access->token));
	free(access->server);
	free(access->ca_file);
	free(access->token_file);
	free(access->token);
	fd_closep(&access->ca_fd);
	*access = (struct kube_access)KUBE_ACCESS_INIT;
}

/* RFC 4648 section 4; white space is passed over. False when it is something else. */
static bool decode_base64(struct strbuf *out, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (strchr(" \t\r\n", *text))
			continue;
		if (!digit)
			return false;
		bits = bits << 6 | (unsigned)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			strbuf_addch(out, (char)(bits >> have & 0xff));
		}
	}
	return text[strspn(text, "=\r\n ")] == '\0';
}

/* The library reads certificates from files only; one in memory leaves nothing behind. */
static int keep_certificates(struct kube_access *out, const char *base64, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf pem = STRBUF_INIT;

	if (!decode_base64(&pem, base64))
		return mrp_err_set(err, MRP_EINVALID, "certificate-authority-data is not base64");
	out->ca_fd = memfd_create("ca", MFD_CLOEXEC);
	if (out->ca_fd < 0)
		return mrp_err_errno(err, "cannot keep the certificates in memory");
	out->ca_file = xasprintf("/proc/self/fd/%d", out->ca_fd);
	return write_all(out->ca_fd, pem.buf, pem.len, err);
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

static int take_cluster(struct kube_access *out, const struct value *cluster, const char *path, struct mrp_err *err)
{
	const char *server = value_get_string(cluster, "server"),
		   *ca = value_get_string(cluster, "certificate-authority"),
		   *data = value_get_string(cluster, "certificate-authority-data");
	const struct value *insecure = value_get(cluster, "insecure-skip-tls-verify");

	if (!server)
		return mrp_err_set(err, MRP_EINVALID, "the cluster has no server");
	if (insecure && insecure->type == V_BOOL && insecure->b)
		return mrp_err_set(err, MRP_EINVALID,
			"insecure-skip-tls-verify is not done here: a token does not go to anybody; set "
			"certificate-authority");
	out->server = xstrdup(server);
	if (data)
		return keep_certificates(out, data, err);
	out->ca_file = ca ? beside(path, ca) : NULL;
	return 0;
}

static int take_user(struct kube_access *out, const struct value *user, const char *path, struct mrp_err *err)
{
	static const char *const others[] = { "exec", "auth-provider", "client-certificate", "client-certificate-data",
		"username" };
	const char *token = value_get_string(user, "token"), *file = value_get_string(user, "tokenFile");

	out->token_file = file ? beside(path, file) : NULL;
	out->token = token && !file ? xstrdup(token) : NULL;
	if (out->token && strcspn(out->token, " \t\r\n") != strlen(out->token))
		return mrp_err_set(err, MRP_EINVALID, "the user's token holds a character that is not allowed in one");
	for (size_t i = 0; !file && !token && i < ARRAY_SIZE(others); i++) {
		if (value_get(user, others[i]))
			return mrp_err_set(err, MRP_EINVALID,
				"the user has '%s', which is not done here; a token or tokenFile is wanted", others[i]);
	}
	return 0;
}

int kubeconfig_parse(struct kube_access *out, const char *text, size_t len, const char *path, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct problems problems = PROBLEMS_INIT;
	const struct value *config = value_from_yaml(&arena, text, len, path, 0, &problems);
	bool good = config && config->type == V_OBJECT && !problems.errors;

	problems_clear(&problems); /* they may quote the token */
	if (!good)
		return mrp_err_set(err, MRP_EINVALID, "'%s' is no kubeconfig", path);
	const char *name = value_get_string(config, "current-context");
	const struct value *context = named(config, "contexts", name, "context");
	if (!context)
		return mrp_err_set(err, MRP_EINVALID, "'%s': there is no current-context", path);
	const struct value *cluster = named(config, "clusters", value_get_string(context, "cluster"), "cluster"),
			   *user = named(config, "users", value_get_string(context, "user"), "user");
	if (!cluster)
		return mrp_err_set(err, MRP_EINVALID, "'%s': context '%s' names no cluster of it", path, name);
	if (take_cluster(out, cluster, path, err) < 0 || (user && take_user(out, user, path, err) < 0))
		return mrp_err_wrap(err, "'%s'", path);
	return 0;
}

int kubeconfig_read(struct kube_access *out, const char *path, struct mrp_err *err)
{
	struct strbuf text = STRBUF_INIT;
	int result = read_file(&text, path, YAML_MAX_BYTES, err);

	if (result == 0)
		result = kubeconfig_parse(out, text.buf, text.len, path, err);
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
