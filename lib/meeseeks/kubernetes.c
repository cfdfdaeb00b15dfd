/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of a Kubernetes cluster: GET /api/v1/nodes?limit=N&continue=T, from kubernetes.io, "Kubernetes API
 * Concepts", "Retrieving large results sets in chunks". All pages are of one version of the list; a server that has
 * dropped it answers 410, and then the list is read from its beginning.
 */
#include <unistd.h>

#include "../base/file.h"
#include "../http/http.h"
#include "kubeconfig.h"
#include "pages.h"
#include "path.h"

enum { PAGE_SIZE = 500 };

struct kubernetes {
	const struct node_mapping *mapping;
	struct kube_access access;
	struct kube_exec *exec;
	struct pages *pages;
};

static void close_kubernetes(void *state)
{
	struct kubernetes *source = state;

	if (!source)
		return;
	pages_close(source->pages);
	kube_exec_free(source->exec);
	kube_access_release(&source->access);
	free(source);
}

/* Where kubectl looks, too; NULL when nothing is there. */
static char *usual_file(void)
{
	const char *home = getenv("HOME");
	char *path = home && *home ? path_join(home, ".kube/config") : NULL;

	if (path && access(path, F_OK) < 0)
		freep(&path);
	return path;
}

/* What the mapping says goes before the environment, and a pod's own account before a file that happens to be there. */
static int find_access(struct kube_access *out, const struct node_mapping *mapping, struct mrp_err *err)
{
	const char *list = getenv("KUBECONFIG"), *pod = getenv("KUBERNETES_SERVICE_HOST");

	if (mapping->kubeconfig)
		return kubeconfig_read(out, mapping->kubeconfig, mapping->kube_context, err);
	if (mapping->url && !mapping->kube_context) {
		out->server = xstrdup(mapping->url);
		return 0;
	}
	if (list && *list)
		return kubeconfig_read_list(out, list, mapping->kube_context, err);
	cleanup(freep) char *usual = pod && *pod && !mapping->kube_context ? NULL : usual_file();
	if (usual)
		return kubeconfig_read(out, usual, mapping->kube_context, err);
	if (mapping->kube_context)
		return mrp_err_set(err, MRP_EUSAGE,
			"a context is one of a kubeconfig, and there is none (--kubeconfig, KUBECONFIG, "
			"~/.kube/config)");
	return kube_access_of_pod(out, err);
}

static int open_kubernetes(
	void **state, const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err)
{
	struct kubernetes *source = xcalloc(1, sizeof(*source));

	*state = source;
	source->mapping = mapping;
	source->access = (struct kube_access)KUBE_ACCESS_INIT;
	if (find_access(&source->access, mapping, err) < 0) {
		if (err->code == MRP_ENOTFOUND)
			err->code = MRP_EUSAGE;
		return -1;
	}
	if (source->access.program.argv.n)
		source->exec = kube_exec_new(&source->access.program, patience);
	const struct pages_options options = {
		.url = mapping->url ? mapping->url : source->access.server,
		.ca_file = mapping->ca_file ? mapping->ca_file : source->access.ca_file,
		.token_file = mapping->token_file ? mapping->token_file : source->access.token_file,
		.token = mapping->token_file ? NULL : source->access.token,
		.cert_file = source->access.cert_file,
		.key_file = source->access.key_file,
		.tls_name = source->access.tls_name,
		.exec = mapping->token_file ? NULL : source->exec,
		.timeout_ms = mapping->timeout_ms,
		.patience = patience,
	};
	source->pages = pages_open(&options, err);
	return source->pages ? 0 : -1;
}

/* Of metadata of the list; "" when there is none. */
static const char *of_list(struct value *page, const char *path)
{
	const struct value *v = path_get(page, path);

	return v && v->type == V_STRING ? v->s : "";
}

static void make_path(struct strbuf *out, const struct node_mapping *mapping, const char *next)
{
	strbuf_reset(out);
	strbuf_addf(out, "/api/v1/nodes?limit=%lld", (long long)(mapping->page_size ? mapping->page_size : PAGE_SIZE));
	if (*next) {
		strbuf_addstr(out, "&continue=");
		http_add_escaped(out, next);
	}
}

/* Any list answers with "items", but only one of nodes is meant. */
static int check_kind(struct value *page, struct mrp_err *err)
{
	const char *kind = of_list(page, "kind");

	return streq(kind, "NodeList") ? 0 : mrp_err_set(err, MRP_EHTTP, "the answer is no NodeList of Kubernetes");
}

static int read_kubernetes(void *state, struct reading *reading, struct mrp_err *err)
{
	struct kubernetes *source = state;
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT, next = STRBUF_INIT, version = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	do {
		const int number = reading->pages + 1;
		bool expired;

		arena_reset(&arena);
		make_path(&path, source->mapping, next.buf);
		struct value *page = pages_get(source->pages, path.buf, &arena, &expired, err);
		if (!page && expired) {
			mrp_err_clear(err);
			reading->moved = true;
			return 0;
		}
		if (!page || check_kind(page, err) < 0 || reading_add_page(reading, page, err) < 0)
			return mrp_err_wrap(err, "page %d", number);
		const char *now = of_list(page, "metadata.resourceVersion"), *more = of_list(page, "metadata.continue");
		if (reading->pages > 1 && !streq(now, version.buf))
			reading->moved = true;
		if (reading->pages >= PAGES_MAX || (*more && streq(more, next.buf)))
			return mrp_err_set(
				err, MRP_EHTTP, "page %d names a next page that was read before", reading->pages);
		strbuf_reset(&version);
		strbuf_addstr(&version, now);
		strbuf_reset(&next);
		strbuf_addstr(&next, more);
	} while (next.len);
	return 0;
}

static const char *ready_word(const char *status)
{
	return streq(status, "True") ? "Ready" : "NotReady";
}

const struct source_ops source_kubernetes = {
	.places = { .list = "items",
		.name = "metadata.name",
		.zone = "metadata.labels.topology\\.kubernetes\\.io/zone",
		.state = "status.conditions[type=Ready].status",
		.address = "status.addresses[type=InternalIP].address",
		.labels = "metadata.labels",
		.state_word = ready_word },
	.open = open_kubernetes,
	.read = read_kubernetes,
	.close = close_kubernetes,
};
