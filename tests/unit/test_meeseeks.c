/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of nodes: places, filters, templates, comparing, guards, texts, files of mappings. Servers: http/meeseeks. */
#include "unit.h"

#include "../../lib/meeseeks/changes.h"
#include "../../lib/meeseeks/kubeconfig.h"
#include "../../lib/meeseeks/path.h"
#include "../../lib/meeseeks/text.h"
#include "../../lib/value/json.h"
#include <unistd.h>

static struct arena arena;
static struct mrp_err err = MRP_ERR_INIT;

static int reset(void **state)
{
	(void)state;
	arena_release(&arena);
	mrp_err_clear(&err);
	return 0;
}

static struct value *parse(const char *json)
{
	struct value *v = json_parse(&arena, json, strlen(json), "the test", &err);

	if (!v)
		fail_msg("%s", err.msg);
	return v;
}

static void test_paths(void **state)
{
	static const char doc[] =
		"{\"a\":{\"b\":[{\"t\":\"x\",\"v\":1},{\"t\":\"y.z\",\"v\":2},7]},\"e.f/g\":3,\"\":4}";
	static const struct {
		const char *path, *json; /* NULL: no path; "": nothing is there */
	} cases[] = {
		{ ".", NULL },
		{ "a.", NULL },
		{ ".a", NULL },
		{ "a..b", NULL },
		{ "a[", NULL },
		{ "a[t", NULL },
		{ "a[t]", NULL },
		{ "a[=x]", NULL },
		{ "a[t=x", NULL },
		{ "a[t=x]b", NULL },
		{ "a\\", NULL },
		{ "[t=x]", NULL },
		{ "a.c", "" },
		{ "a.b.3", "" },
		{ "a.b.-1", "" },
		{ "a.b.x", "" },
		{ "a.b[t=z].v", "" },
		{ "a[t=x].v", "" },
		{ "e.f/g", "" },
		{ "a.b.2.v", "" },
		{ "a.b.0.v", "1" },
		{ "a.b.2", "7" },
		{ "a.b[t=y.z].v", "2" },
		{ "e\\.f/g", "3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
		int code = path_check(cases[i].path, &err);

		if ((code == 0) != (cases[i].json != NULL))
			fail_msg("'%s': %s", cases[i].path, code ? err.msg : "accepted");
		struct value *v = path_get(parse(doc), cases[i].path);
		if (v)
			json_canonical(&text, v);
		if (!streq(text.buf, cases[i].json ? cases[i].json : ""))
			fail_msg("'%s': %s", cases[i].path, text.buf);
		mrp_err_clear(&err);
	}
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	strbuf_addchars(&text, 'a', 300);
	assert_int_equal(path_check(text.buf, &err), -1);
}

static void test_host_names(void **state)
{
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a-.b", "a_b", "a b",
		"a\nb", "a/b", "a:1", "\xd0\xb0", "${x}", "*",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 */ };
	static const char *const good[] = { "a", "1", "node-1", "Node-1.ru-central1-a.example.net", "10.0.0.1", "a--b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 63 */ };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (host_name_valid(bad[i]))
			fail_msg("'%s' is taken for a host name", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!host_name_valid(good[i]))
			fail_msg("'%s' is not taken for a host name", good[i]);
	}
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < 126; i++)
		strbuf_addstr(&text, "a.");
	strbuf_addch(&text, 'a');
	assert_int_equal(text.len, 253);
	assert_true(host_name_valid(text.buf));
	strbuf_addch(&text, 'a');
	assert_false(host_name_valid(text.buf));
}

/* What is taken of one item; "" when a filter leaves it out. */
static const char *taken(const struct node_mapping *mapping, enum source_kind kind, const char *item)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct view *view = view_new(mapping, &source_of(kind)->places, &err);
	struct node node;

	if (!view)
		return NULL;
	int code = view_take(view, &arena, parse(item), &node, &err);
	view_free(view);
	if (code < 0)
		return NULL;
	if (code)
		json_compact(&text, node.shape);
	return arena_strdup(&arena, text.buf);
}

#define NODE                                                                                                           \
	"{\"name\":\"n1\",\"zoneId\":\"ru-a\",\"status\":\"UP\",\"labels\":{\"rack\":\"r1\",\"gpu\":\"\"},\"nics\":[{" \
	"\"ip\":\"10.0.0.1\"}]}"

static void test_filters(void **state)
{
	static const struct {
		const char *zone, *zone2, *node_state, *label, *field;
		bool in;
	} cases[] = {
		{ NULL, NULL, NULL, NULL, NULL, true },
		{ "ru-b", NULL, NULL, NULL, NULL, false },
		{ "ru", NULL, NULL, NULL, NULL, false },
		{ "ru-?", NULL, NULL, NULL, NULL, true },
		{ "x", "ru-a", NULL, NULL, NULL, true },
		{ "ru-a", NULL, "DOWN", NULL, NULL, false },
		{ "ru-a", NULL, "UP", NULL, NULL, true },
		{ "ru-a", NULL, NULL, NULL, "zone=nowhere", false },
		{ "10.*", NULL, NULL, NULL, "zone=nics.0.ip", true },
		{ NULL, NULL, NULL, "rack", NULL, true },
		{ NULL, NULL, NULL, "gpu", NULL, true },
		{ NULL, NULL, NULL, "cpu", NULL, false },
		{ NULL, NULL, NULL, "rack=r1", NULL, true },
		{ NULL, NULL, NULL, "rack=r2", NULL, false },
		{ NULL, NULL, NULL, "rack=r*", NULL, true },
		{ NULL, NULL, NULL, "rack!=r1", NULL, false },
		{ NULL, NULL, NULL, "rack!=r2", NULL, true },
		{ NULL, NULL, NULL, "cpu!=x", NULL, true },
		{ NULL, NULL, NULL, "rack", "labels=nics", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct node_mapping mapping = { MAPPING_INIT };

		if (cases[i].zone)
			strvec_push(&mapping.zones, cases[i].zone);
		if (cases[i].zone2)
			strvec_push(&mapping.zones, cases[i].zone2);
		if (cases[i].node_state)
			strvec_push(&mapping.states, cases[i].node_state);
		if (cases[i].label)
			strvec_push(&mapping.labels, cases[i].label);
		if (cases[i].field)
			strvec_push(&mapping.fields, cases[i].field);
		const char *shape = taken(&mapping, SOURCE_COMPUTE_ADMIN, NODE);
		if (!shape || !streq(shape, cases[i].in ? "\"n1\"" : ""))
			fail_msg("row %zu: %s", i, shape ? shape : err.msg);
		node_mapping_release(&mapping);
	}
}

static void test_templates(void **state)
{
	static const struct {
		const char *template, *field, *result; /* NULL: refused */
	} cases[] = {
		{ "", NULL, NULL },
		{ "zone", NULL, NULL },
		{ "{}", NULL, NULL },
		{ "{name", NULL, NULL },
		{ "{name,}", NULL, NULL },
		{ "{zone}", NULL, NULL },
		{ "{name, name}", NULL, NULL },
		{ "{name, a.b}", NULL, NULL },
		{ "{name, x: a..b}", NULL, NULL },
		{ "{name, x:}", NULL, NULL },
		{ "name", "zone", NULL },
		{ "name", "zone=", NULL },
		{ "name", "=a", NULL },
		{ "name", "zone=a..b", NULL },
		{ "name", NULL, "\"n1\"" },
		{ " name ", NULL, "\"n1\"" },
		{ "name", "name=zoneId", "\"ru-a\"" },
		{ "{name}", NULL, "{\"name\":\"n1\"}" },
		{ "{ zone , name }", NULL, "{\"zone\":\"ru-a\",\"name\":\"n1\"}" },
		{ "{host: name, ip: nics.0.ip}", NULL, "{\"host\":\"n1\",\"ip\":\"10.0.0.1\"}" },
		{ "{name, address}", NULL, "{\"name\":\"n1\",\"address\":null}" },
		{ "{name, ip}", "ip=nics.0.ip", "{\"name\":\"n1\",\"ip\":\"10.0.0.1\"}" },
		{ "{name, rack: labels.rack}", NULL, "{\"name\":\"n1\",\"rack\":\"r1\"}" },
		{ "{name, labels}", NULL, "{\"name\":\"n1\",\"labels\":{\"rack\":\"r1\",\"gpu\":\"\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct node_mapping mapping = { MAPPING_INIT, .template = cases[i].template };

		if (cases[i].field)
			strvec_push(&mapping.fields, cases[i].field);
		const char *shape = taken(&mapping, SOURCE_COMPUTE_ADMIN, NODE);
		if ((shape != NULL) != (cases[i].result != NULL) || (shape && !streq(shape, cases[i].result)))
			fail_msg("'%s' (%s): %s", cases[i].template, cases[i].field ? cases[i].field : "-",
				shape ? shape : err.msg);
		if (!shape)
			assert_int_equal(err.code, MRP_EUSAGE);
		node_mapping_release(&mapping);
		mrp_err_clear(&err);
	}
}

static void test_kubernetes_places(void **state)
{
	static const char node[] =
		"{\"metadata\":{\"name\":\"k1\",\"labels\":{\"topology.kubernetes.io/zone\":\"z1\"}},"
		"\"status\":{\"addresses\":[{\"type\":\"Hostname\",\"address\":\"k1\"},"
		"{\"type\":\"InternalIP\",\"address\":\"10.1.1.1\"}],"
		"\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\"}]}}";
	struct node_mapping mapping = { MAPPING_INIT, .template = "{name, zone, state, address}" };

	(void)state;
	assert_string_equal(taken(&mapping, SOURCE_KUBERNETES, node),
		"{\"name\":\"k1\",\"zone\":\"z1\",\"state\":\"NotReady\",\"address\":\"10.1.1.1\"}");
	strvec_push(&mapping.states, "Ready");
	assert_string_equal(taken(&mapping, SOURCE_KUBERNETES, node), "");
	node_mapping_release(&mapping);
}

/* Reads a text with a mapping; the nodes as one line, or what was wrong. */
static const char *read_text(const char *text, size_t len, const char *template)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
	struct node_mapping mapping = { MAPPING_INIT, .template = template };
	struct view *view = view_new(&mapping, &source_file.places, &err);
	struct reading reading = { .view = view };
	bool moved = false;

	mrp_err_clear(&err);
	if (text_read(&reading, text, len, "f", &err) < 0) {
		strbuf_addf(&line, "! %s", err.msg);
	} else {
		nodes_sort(&reading.nodes);
		if (nodes_unique(&reading.nodes, &moved, &err) < 0)
			strbuf_addf(&line, "! %s", err.msg);
		else
			json_compact(&line, nodes_value(&reading.nodes, &reading.arena));
	}
	reading_release(&reading);
	view_free(view);
	return arena_strdup(&arena, line.buf);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *template, *result;
	} cases[] = {
		{ "[1]", NULL, "! f: an item of the list has no text at 'name', so no name" },
		{ "[{}]", NULL, "! f: an item of the list has no text at 'name', so no name" },
		{ "[\"a\"", NULL, "! f is not valid JSON: line 1, column 4: ']' expected near end of file" },
		{ "{\"node\": [\"a\"]}", NULL, "! f: there is no list at 'nodes'" },
		{ "{\"nodes\": \"a\"}", NULL, "! f: there is no list at 'nodes'" },
		{ "- a\n- [\n", NULL, NULL },
		{ "a: 1\na: 2\n", NULL, NULL },
		{ "[{\"name\":\"a\",\"zone\":\"x\"},{\"name\":\"a\",\"zone\":\"y\"}]", "{name, zone}",
			"! node 'a' is listed twice, and what is said about it differs" },
		{ "[{\"name\":\"a\",\"zone\":\"x\"},{\"name\":\"a\",\"zone\":\"y\"}]", NULL, "[\"a\"]" },
		{ "", NULL, "[]" },
		{ "# nothing\n\n", NULL, "[]" },
		{ "[]", NULL, "[]" },
		{ "{}", NULL, "[]" },
		{ "b\r\n a # the first\n\nc.d", NULL, "[\"a\",\"b\",\"c.d\"]" },
		{ "b\na\nb\n", NULL, "[\"a\",\"b\"]" },
		{ "a b\n", NULL, "[\"a b\"]" },
		{ "# yaml\n- b\n- a\n", NULL, "[\"a\",\"b\"]" },
		{ "---\n- a\n", NULL, "[\"a\"]" },
		{ "nodes:\n- {name: b, zone: z}\n- a\n", "{name, zone}",
			"[{\"name\":\"a\",\"zone\":null},{\"name\":\"b\",\"zone\":\"z\"}]" },
		{ " {\"nodes\": [\"b\", {\"name\": \"a\"}]}", NULL, "[\"a\",\"b\"]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *result = read_text(cases[i].text, strlen(cases[i].text), cases[i].template);

		if (cases[i].result ? !streq(result, cases[i].result) : *result != '!')
			fail_msg("'%s': %s", cases[i].text, result);
	}
	assert_string_equal(read_text("a\0b", 3, NULL), "! f is no text in UTF-8");
	assert_string_equal(read_text("\xff\n", 2, NULL), "! f is no text in UTF-8");
}

static struct node_vec nodes_of(const char *names)
{
	struct node_vec nodes = VEC_INIT;
	struct value *list = parse(names);

	value_for_each(item, list)
		node_vec_push(&nodes,
			(struct node){ item->type == V_STRING ? item->s : value_get_string(item, "name"), item, 1 });
	return nodes;
}

static void add(struct strbuf *out, char sign, const struct strvec *names)
{
	for (size_t i = 0; i < names->n; i++)
		strbuf_addf(out, "%c%s ", sign, names->v[i]);
}

static void test_changes(void **state)
{
	static const struct {
		const char *before, *after,
			*result; /* before NULL: no variable; result ends with '!' when only the form differs */
	} cases[] = {
		{ NULL, "[\"a\",\"b\"]", "+a +b " },
		{ NULL, "[]", "" },
		{ "null", "[\"a\"]", "+a " },
		{ "\"a\"", "[\"a\"]", "+a " },
		{ "[\"a\",\"b\"]", "[\"a\",\"b\"]", NULL },
		{ "[]", "[]", NULL },
		{ "[\"b\",\"a\"]", "[\"a\",\"b\"]", "" },
		{ "[\"a\",\"a\",\"b\"]", "[\"a\",\"b\"]", "" },
		{ "[\"a\",7]", "[\"a\"]", "" },
		{ "[\"a\",\"b\",\"d\"]", "[\"b\",\"c\"]", "+c -a -d " },
		{ "[\"a\"]", "[]", "-a " },
		{ "[\"a\"]", "[{\"name\":\"a\"}]", "~a " },
		{ "[{\"name\":\"a\",\"z\":1}]", "[{\"name\":\"a\",\"z\":2}]", "~a " },
		{ "[{\"z\":1,\"name\":\"a\"}]", "[{\"name\":\"a\",\"z\":1.0}]", NULL },
		{ "[{\"host\":\"a\"}]", "[\"a\"]", "~a " },
		{ "[{\"host\":\"b\"}]", "[\"a\"]", "+a -b " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
		struct node_vec nodes = nodes_of(cases[i].after);
		struct changes changes = CHANGES_INIT;

		changes_find(&changes, cases[i].before ? parse(cases[i].before) : NULL, "name", &nodes);
		add(&text, '+', &changes.added);
		add(&text, '-', &changes.removed);
		add(&text, '~', &changes.changed);
		if (changes_any(&changes) != (cases[i].result != NULL) ||
			(cases[i].result && !streq(text.buf, cases[i].result)))
			fail_msg("%s -> %s: '%s'", cases[i].before ? cases[i].before : "-", cases[i].after, text.buf);
		changes_clear(&changes);
		node_vec_clear(&nodes);
	}
}

static void test_guards(void **state)
{
	static const struct {
		size_t before, removed, after;
		struct mrp_limit limit;
		bool allow_empty, good;
	} cases[] = {
		{ 0, 0, 0, { 0 }, false, false },
		{ 0, 0, 0, { 0 }, true, true },
		{ 5, 5, 0, { 0 }, true, true },
		{ 5, 5, 0, { .set = true, .is_percent = true, .percent = 100 }, false, false },
		{ 10, 2, 8, { 0 }, false, true },
		{ 10, 3, 7, { 0 }, false, false },
		{ 10, 3, 70, { 0 }, false, false }, /* many came, but three have gone */
		{ 4, 1, 3, { 0 }, false, false },
		{ 4, 1, 3, { .set = true, .count = 1 }, false, true },
		{ 4, 2, 2, { .set = true, .count = 1 }, false, false },
		{ 4, 1, 3, { .set = true, .count = 0 }, false, false },
		{ 4, 0, 4, { .set = true, .count = 0 }, false, true },
		{ 1000, 5, 995, { .set = true, .is_percent = true, .percent = 0.5 }, false, true },
		{ 1000, 6, 994, { .set = true, .is_percent = true, .percent = 0.5 }, false, false },
		{ 0, 0, 9, { .set = true, .is_percent = true }, false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct changes changes = CHANGES_INIT;

		changes.before = cases[i].before;
		changes.after = cases[i].after;
		for (size_t k = 0; k < cases[i].removed; k++)
			strvec_push(&changes.removed, "n");
		int code = changes_guard(&changes, &cases[i].limit, cases[i].allow_empty, &err);
		if ((code == 0) != cases[i].good || (code < 0 && err.code != MRP_EREFUSED))
			fail_msg("row %zu: %s", i, code ? err.msg : "accepted");
		mrp_err_clear(&err);
		changes_clear(&changes);
	}
}

static void test_bad_names(void **state)
{
	struct node_vec nodes = nodes_of("[\"a\",\"b_1\",\"b_2\",\"b_3\",\"b_4\",\"b_5\",\"b_6\",\"b_7\"]");

	(void)state;
	assert_int_equal(nodes_check_names(&nodes, &err), -1);
	assert_int_equal(err.code, MRP_EREFUSED);
	assert_string_equal(err.msg, "'b_1', 'b_2', 'b_3', 'b_4', 'b_5' and 2 more are no host names");
	nodes.n = 1;
	assert_int_equal(nodes_check_names(&nodes, &err), 0);
	node_vec_clear(&nodes);
}

#define CONFIG(cluster, user)                                                                                     \
	"current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"                             \
	"clusters: [{name: c, cluster: {server: 'https://k8s:6443'" cluster "}}]\nusers: [{name: u, user: {" user \
	"}}]\n"

#define EXEC "exec: {command: bin/x, apiVersion: client.authentication.k8s.io/v1"

static void test_kubeconfigs(void **state)
{
	static const struct {
		const char *text, *ca_file, *token_file, *token, *msg;
	} cases[] = {
		{ "", NULL, NULL, NULL, "'d/k' is no kubeconfig" },
		{ "s3cret", NULL, NULL, NULL, "'d/k' is no kubeconfig" },
		{ "a: [s3cret", NULL, NULL, NULL, "'d/k' is no kubeconfig" },
		{ "clusters: []", NULL, NULL, NULL, "'d/k': there is no current-context" },
		{ "current-context: y\ncontexts: 7", NULL, NULL, NULL, "'d/k': there is no context 'y'" },
		{ "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]", NULL, NULL, NULL,
			"'d/k': context 'x' names no cluster of it" },
		{ CONFIG(", insecure-skip-tls-verify: true", "token: s3cret"), NULL, NULL, NULL,
			"'d/k': insecure-skip-tls-verify is not done here: a token does not go to anybody; set "
			"certificate-authority, or tls-server-name when the certificate has another name" },
		{ CONFIG(", proxy-url: 'http://p'", "token: s3cret"), NULL, NULL, NULL,
			"'d/k': proxy-url is not done here; HTTPS_PROXY in the environment names a proxy" },
		{ CONFIG("", "auth-provider: {name: gcp}"), NULL, NULL, NULL,
			"'d/k': the user has 'auth-provider', which is not done here; a token, a client-certificate or "
			"exec is wanted" },
		{ CONFIG("", "client-key-data: s3cret"), NULL, NULL, NULL,
			"'d/k': the user has a client-key without a client-certificate" },
		{ CONFIG("", "client-certificate: c, client-key-data: '-'"), NULL, NULL, NULL,
			"'d/k': client-key-data is not base64" },
		{ CONFIG("", "exec: {args: [s3cret]}"), NULL, NULL, NULL, "'d/k': exec: 'command' is missing" },
		{ CONFIG("", "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"), NULL, NULL, NULL,
			"'d/k': exec: 'apiVersion' is neither client.authentication.k8s.io/v1 nor v1beta1" },
		{ CONFIG("", EXEC ", interactiveMode: Always}"), NULL, NULL, NULL,
			"'d/k': exec: 'bin/x' wants to ask somebody, and nobody is here" },
		{ CONFIG("", EXEC ", args: [7]}"), NULL, NULL, NULL, "'d/k': exec: 'args' is no list of texts" },
		{ CONFIG("", EXEC ", env: [{name: A}]}"), NULL, NULL, NULL,
			"'d/k': exec: 'env' is no list of {name, value}" },
		{ CONFIG("", "token: t, " EXEC "}"), NULL, NULL, "t", NULL },
		{ CONFIG("", "token: \"s3cret\\nX: y\""), NULL, NULL, NULL,
			"'d/k': the user's token holds a character that is not allowed in one" },
		{ CONFIG(", certificate-authority-data: '?'", "token: s3cret"), NULL, NULL, NULL,
			"'d/k': certificate-authority-data is not base64" },
		{ CONFIG("", "token: t"), NULL, NULL, "t", NULL },
		{ CONFIG(", certificate-authority: ca.pem", "tokenFile: /t, token: x"), "d/ca.pem", "/t", NULL, NULL },
		{ CONFIG(", certificate-authority-data: 'aGVs bG8h'", "tokenFile: t"), "hello!", "d/t", NULL, NULL },
		{ CONFIG(", certificate-authority-data: 'aGVsbG8='", ""), "hello", NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_access access = KUBE_ACCESS_INIT;
		int code = kubeconfig_parse(&access, cases[i].text, strlen(cases[i].text), "d/k", NULL, &err);
		char content[64] = "";

		if ((code < 0) != (cases[i].msg != NULL))
			fail_msg("row %zu: %s", i, code ? err.msg : "accepted");
		if (code < 0) {
			assert_string_equal(err.msg, cases[i].msg);
			assert_int_equal(err.code, MRP_EINVALID);
			assert_null(strstr(err.msg, "s3cret"));
		} else {
			if (access.ca.path)
				assert_true(pread(access.ca.fd, content, sizeof(content) - 1, 0) > 0);
			const char *ca = access.ca.path ? content : access.ca_file;
			assert_string_equal(access.server, "https://k8s:6443");
			assert_string_equal(ca ? ca : "", cases[i].ca_file ? cases[i].ca_file : "");
			assert_string_equal(access.token_file ? access.token_file : "",
				cases[i].token_file ? cases[i].token_file : "");
			assert_string_equal(access.token ? access.token : "", cases[i].token ? cases[i].token : "");
		}
		kube_access_release(&access);
		mrp_err_clear(&err);
	}
}

static const char *variable_of(const struct strvec *env, const char *name)
{
	const char *value;

	for (size_t i = 0; i < env->n; i++) {
		if (skip_prefix(env->v[i], name, &value) && *value == '=')
			return value + 1;
	}
	return "";
}

/* Which context, and what its program gets. */
static void test_kube_programs(void **state)
{
	static const char text[] =
		"current-context: x\n"
		"contexts: [{name: x, context: {cluster: c}}, {name: y, context: {cluster: c, user: u}}, "
		"{name: z, context: {cluster: c, user: nobody}}]\n"
		"clusters: [{name: c, cluster: {server: 'https://k8s', tls-server-name: k, "
		"certificate-authority-data: aGVsbG8=}}]\n"
		"users: [{name: u, user: {" EXEC ", args: [-v, ''], provideClusterInfo: true, installHint: h, "
		"env: [{name: HOME, value: /h}, {name: NEW, value: ''}]}, client-certificate: c.pem, client-key-data: "
		"a2V5}}]\n";
	struct kube_access access = KUBE_ACCESS_INIT;

	(void)state;
	assert_int_equal(kubeconfig_parse(&access, text, strlen(text), "d/k", "z", &err), -1);
	assert_string_equal(err.msg, "'d/k': context 'z' names no user of it");
	kube_access_release(&access);
	assert_int_equal(kubeconfig_parse(&access, text, strlen(text), "d/k", "w", &err), -1);
	assert_string_equal(err.msg, "'d/k': there is no context 'w', only 'x', 'y', 'z'");
	mrp_err_clear(&err);
	kube_access_release(&access);
	setenv("MRPROBER_TOKEN", "s3cret", 1);
	setenv("HOME", "/nowhere", 1);
	assert_int_equal(kubeconfig_parse(&access, text, strlen(text), "d/k", "y", &err), 0);
	assert_int_equal(access.program.argv.n, 3);
	assert_string_equal(access.program.argv.v[0], "d/bin/x");
	assert_string_equal(access.program.argv.v[2], "");
	assert_string_equal(access.program.hint, "h");
	assert_string_equal(access.cert_file, "d/c.pem");
	assert_string_equal(access.key_file, access.key.path);
	assert_string_equal(variable_of(&access.program.env, "HOME"), "/h");
	assert_string_equal(variable_of(&access.program.env, "MRPROBER_TOKEN"), "");
	assert_string_equal(variable_of(&access.program.env, "KUBERNETES_EXEC_INFO"),
		"{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"spec\":{"
		"\"interactive\":false,\"cluster\":{\"server\":\"https://k8s\",\"tls-server-name\":\"k\","
		"\"certificate-authority-data\":\"aGVsbG8=\"}}}");
	kube_access_release(&access);
	unsetenv("MRPROBER_TOKEN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_paths, reset),
		cmocka_unit_test_teardown(test_host_names, reset),
		cmocka_unit_test_teardown(test_filters, reset),
		cmocka_unit_test_teardown(test_templates, reset),
		cmocka_unit_test_teardown(test_kubernetes_places, reset),
		cmocka_unit_test_teardown(test_texts, reset),
		cmocka_unit_test_teardown(test_changes, reset),
		cmocka_unit_test_teardown(test_guards, reset),
		cmocka_unit_test_teardown(test_bad_names, reset),
		cmocka_unit_test_teardown(test_kubeconfigs, reset),
		cmocka_unit_test_teardown(test_kube_programs, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
