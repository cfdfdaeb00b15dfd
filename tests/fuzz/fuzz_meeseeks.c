/* SPDX-License-Identifier: Apache-2.0 */
/* What servers, files and programs say about nodes, templates and places that people write, kubeconfigs: a list or an
 * error; a list is sorted, unique, and compares equal to itself. The first byte says what the rest is. */
#include "fuzz.h"

#include "../../lib/meeseeks/changes.h"
#include "../../lib/meeseeks/kube_exec.h"
#include "../../lib/meeseeks/path.h"
#include "../../lib/meeseeks/text.h"
#include "../../lib/value/json.h"

static void check_list(struct reading *reading, const char *name_key)
{
	struct changes changes = CHANGES_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	bool moved = false;

	nodes_sort(&reading->nodes);
	if (nodes_unique(&reading->nodes, &moved, &err) < 0) {
		MUST(err.code == MRP_EREFUSED);
		mrp_err_clear(&err);
		return;
	}
	MUST(!moved || reading->pages > 1);
	for (size_t i = 1; i < reading->nodes.n; i++)
		MUST(strcmp(reading->nodes.v[i - 1].name, reading->nodes.v[i].name) < 0);
	struct value *list = nodes_value(&reading->nodes, &reading->arena);
	changes_find(&changes, list, name_key, &reading->nodes);
	MUST(!changes_any(&changes) && changes.before == changes.after);
	changes_clear(&changes);
	changes_find(&changes, NULL, name_key, &reading->nodes);
	MUST(changes.added.n == reading->nodes.n);
	changes_clear(&changes);
	if (nodes_check_names(&reading->nodes, &err) < 0)
		MUST(err.code == MRP_EREFUSED);
	mrp_err_clear(&err);
}

static void check_text(const char *text, size_t len, const struct node_mapping *mapping, enum source_kind kind)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct view *view = view_new(mapping, &source_of(kind)->places, &err);
	struct reading reading = { .view = view };

	MUST(view);
	if (text_read(&reading, text, len, "text", &err) == 0)
		check_list(&reading, view_name_key(view));
	else
		MUST(err.msg);
	mrp_err_clear(&err);
	reading_release(&reading);
	view_free(view);
}

static void check_template(const char *text)
{
	static const char item[] = "{\"name\":\"n\",\"labels\":{\"a\":[{\"b\":\"c\"}]}}";
	struct node_mapping mapping = { MAPPING_INIT, .template = text };
	struct mrp_err err = MRP_ERR_INIT;
	struct view *view = view_new(&mapping, &source_file.places, &err);
	struct arena arena = ARENA_INIT;
	struct node node;

	MUST(view || err.msg);
	mrp_err_clear(&err);
	if (view) {
		struct value *v = json_parse(&arena, item, strlen(item), "item", &err);

		MUST(view_take(view, &arena, v, &node, &err) == 1 && streq(node.name, "n"));
		MUST(node.shape->type == (view_name_key(view) ? V_OBJECT : V_STRING));
	}
	view_free(view);
	arena_release(&arena);
}

/* A place in a document: "PATH\nJSON". */
static void check_path(char *text)
{
	char *newline = strchr(text, '\n');
	struct mrp_err err = MRP_ERR_INIT;
	struct arena arena = ARENA_INIT;

	if (newline) {
		*newline = '\0';
		struct value *v = json_parse(&arena, newline + 1, strlen(newline + 1), "document", &err);
		struct value *found = v ? path_get(v, text) : NULL;

		MUST(!found || path_check(text, &err) == 0);
	}
	mrp_err_clear(&err);
	arena_release(&arena);
}

static void check_kubeconfig(const char *text, size_t len)
{
	struct kube_access access = KUBE_ACCESS_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (kubeconfig_parse(&access, text, len, "kubeconfig", NULL, &err) == 0) {
		MUST(access.server && !access.cert_file == !access.key_file);
		MUST(!access.program.argv.n || (access.program.api_version && access.program.env.n));
		MUST(!access.token || !strpbrk(access.token, "\r\n "));
	} else {
		MUST(err.msg);
	}
	mrp_err_clear(&err);
	kube_access_release(&access);
}

static void check_credential(const char *text, size_t len)
{
	struct exec_answer answer = { NULL };
	struct arena arena = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (exec_answer_read(&answer, &arena, text, len, "client.authentication.k8s.io/v1", &err) == 0)
		MUST((answer.token || answer.cert) && !answer.cert == !answer.key && answer.ends_ms >= 0);
	else
		MUST(err.code == MRP_EFAILED);
	mrp_err_clear(&err);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct node_mapping names = { MAPPING_INIT },
				  objects = { MAPPING_INIT, .template = "{host: name, zone, state, address}" };

	if (size < 1)
		return 0;
	cleanup(freep) char *text = xstrndup((const char *)data + 1, size - 1);
	switch (data[0] == 'x' ? 6 : data[0] % 6) {
	case 0:
		check_text((const char *)data + 1, size - 1, &names, SOURCE_FILE);
		break;
	case 1:
		check_text((const char *)data + 1, size - 1, &objects, SOURCE_COMPUTE_ADMIN);
		break;
	case 2:
		check_text((const char *)data + 1, size - 1, &objects, SOURCE_KUBERNETES);
		break;
	case 3:
		check_template(text);
		break;
	case 4:
		check_path(text);
		break;
	case 6:
		check_credential(text, strlen(text));
		break;
	default:
		check_kubeconfig(text, strlen(text));
	}
	return 0;
}
