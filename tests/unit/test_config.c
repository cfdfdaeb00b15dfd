/* SPDX-License-Identifier: Apache-2.0 */
/* Loading trees: what objects come out of it, and one clear message for every mistake, at its place. */
#include "trees.h"

#include "../../lib/config/config.h"
#include "../../lib/config/explain.h"
#include "../../lib/value/json.h"

#define PROBER "name: P\ncommand: [./run.sh]\nplacements: [{clusters: [c]}]\n"

static const struct tree_file base[] = {
	{ "mrprober.yaml", "mrprober: 1\nenvironments:\n  prod: {api: 'https://api.example.net'}\n  lab:\nguards: {max_deletes: 5}\n" },
	{ "values.yaml", "ycp_profile: none\nyc_endpoint: e:443\nm: {a: 1, b: 1, c: 1}\nnodes: [x, y]\n" },
	{ "environments/prod.yaml", "ycp_profile: prod\nm: {c: 3}\n" },
	{ "recipes/r/recipe.yaml", "name: R\nrequired_variables: [size]\n" },
	{ "recipes/r/values.yaml", "size: 1\nm: {b: 2}\n" },
	{ "recipes/r/main.tf", "# nothing\n" },
	{ "clusters/c.yaml", "recipe: r\nvariables:\n  size: 5\n  m: {d: 4}\n" },
	{ "probers/p/prober.yaml", PROBER },
	{ "probers/p/run.sh", "#!/bin/sh\n", 0755 },
};

static struct arena arena = ARENA_INIT;

static const char *problems_text(struct problems *problems)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < problems->list.n; i++) {
		problem_format(&out, &problems->list.v[i]);
		strbuf_addch(&out, '\n');
	}
	problems_clear(problems);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

/* Load the tree in the working folder; NULL when that fails as a whole, *text is what was said. */
static struct config *load(const struct config_options *options, const char **text)
{
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct config *config = NULL;

	if (config_load(&config, options, &problems, &err) < 0) {
		*text = arena_strdup(&arena, err.msg);
		mrp_err_clear(&err);
		problems_clear(&problems);
		return NULL;
	}
	*text = problems_text(&problems);
	return config;
}

static struct config *load_clean(const char *environment)
{
	struct config_options options = { .environment = environment, .read_secrets = true };
	const char *text;
	struct config *config = load(&options, &text);

	if (!config || *text)
		fail_msg("%s", text);
	return config;
}

static void test_objects(void **state)
{
	static const struct { enum kind kind; const char *slug, *path, *content, *text; } want[] = {
		{ KIND_RECIPE, "r", "recipes/r/recipe.yaml", "# nothing\n",
			"{\"description\":\"\",\"files\":{\"main.tf\":{\"mode\":\"0644\",\"sha256\":"
			"\"%s\"}},\"labels\":{},\"name\":\"R\","
			"\"required_variables\":[\"ycp_profile\",\"yc_endpoint\",\"size\"],\"slug\":\"r\","
			"\"values\":{\"m\":{\"b\":2},\"size\":1}}" },
		{ KIND_CLUSTER, "c", "clusters/c.yaml", "",
			"{\"deploy\":{},\"description\":\"\",\"external_variables\":[],\"labels\":{},\"name\":\"c\",\"recipe\":\"r\","
			"\"sensitive_variables\":[],\"slug\":\"c\",\"variables\":{"
			"\"m\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":{\"a\":1,\"b\":2,\"c\":3,\"d\":4}},"
			"\"nodes\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":[\"x\",\"y\"]},"
			"\"size\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":5},"
			"\"yc_endpoint\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":\"e:443\"},"
			"\"ycp_profile\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":\"prod\"}}}" },
		{ KIND_PROBER, "p", "probers/p/prober.yaml", "#!/bin/sh\n",
			"{\"command\":[\"./run.sh\"],\"description\":\"\",\"files\":{\"run.sh\":{\"mode\":\"0755\",\"sha256\":"
			"\"%s\"}},\"labels\":{},\"name\":\"P\",\"placements\":[{\"clusters\":[\"c\"]}],\"slug\":\"p\"}" },
	};
	char hex[SHA256_HEX + 1];
	size_t n;

	(void)state;
	tree_make(base, ARRAY_SIZE(base));
	cleanup(config_freep) struct config *config = load_clean("prod");
	const struct config_object *objects = config_objects(config, &n);
	assert_int_equal(n, ARRAY_SIZE(want));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(objects[i].kind, want[i].kind);
		assert_string_equal(objects[i].slug, want[i].slug);
		assert_string_equal(objects[i].path, want[i].path);
		assert_int_equal(objects[i].line, 1);
		assert_int_equal(objects[i].sensitive, false);
		assert_ptr_equal(config_find(config, want[i].kind, want[i].slug), &objects[i]);
	}
	assert_null(config_find(config, KIND_PROBER, "q"));
	assert_null(config_find(config, KIND_RECIPE, "p"));
	for (size_t i = 0; i < n; i++) {
		sha256_hex_of(hex, want[i].content, strlen(want[i].content));
		assert_string_equal(objects[i].text, arena_printf(&arena, want[i].text, hex));
	}
	assert_string_equal(config_environment(config), "prod");
	assert_string_equal(config_api_url(config), "https://api.example.net");
	assert_string_equal(config_guard(config, "max_deletes")->s, "5");
	assert_null(config_guard(config, "max_changes"));
	assert_string_equal(config_root(config), ".");
}

/* What configs come to must be what the API makes of the same object, byte for byte. */
static void test_same_as_api(void **state)
{
	static const struct tree_file more[] = {
		{ "probers/full/prober.yaml",
			"name: 12\ndescription: 1.50\nlabels: {shard: 0x1f, on: true}\ncommand: [/bin/x, 5, 1.0, yes]\ninterval: 1m\n"
			"timeout: 5s\nenv: {A: 1, B: ~x}\nmatrix: {a: [1, 2.50, true], b: \"${nodes}\"}\n"
			"limits: {memory: 64MiB, cpu: 0.5, processes: 3}\nplacements:\n  - clusters: ['*']\n    hosts: [a]\n"
			"    enabled: false\n    labels: {k: 5}\nalerts: [{name: A, after: 3}]\n"
			"heal: {after: 2, command: [/bin/true]}\n" },
		{ "probers/check/prober.yaml",
			"probe: {http: {url: 'https://x/', expect_status: [200, 204], headers: {A: 1}}}\nplacements: [{}]\n" },
		{ "clusters/full/cluster.yaml",
			"recipe: r\nlabels: {v: 1.0}\nvariables: {n: ~, i: 10.0, s: [1, {a: null}], big: 9007199254740993}\n"
			"external_variables: [later]\nsensitive_variables: [s]\ndeploy: {mode: plan-only, max_destroy: 0}\n" },
		{ "recipes/r/initial_values", "#!/bin/sh\n", 0755 },
	};
	size_t n;

	(void)state;
	tree_make_over(base, ARRAY_SIZE(base), more, ARRAY_SIZE(more));
	cleanup(config_freep) struct config *config = load_clean("lab");
	const struct config_object *objects = config_objects(config, &n);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++) {
		struct problems problems = PROBLEMS_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		struct value *body = json_parse(&arena, objects[i].text, objects[i].len, "text", &err);
		uint8_t digest[SHA256_BYTES];

		assert_non_null(body);
		struct value *stored = object_from_api(&arena, objects[i].kind, body, objects[i].slug, &problems);
		const char *text = problems_text(&problems);
		if (*text)
			fail_msg("%s: %s", objects[i].slug, text);
		object_digest(digest, objects[i].kind, stored);
		if (memcmp(digest, objects[i].digest, sizeof(digest)) != 0) {
			struct strbuf out = STRBUF_INIT;

			json_canonical(&out, object_manageable(&arena, objects[i].kind, stored));
			fail_msg("%s\n is not\n%s", objects[i].text, out.buf);
		}
	}
}

static void test_environments(void **state)
{
	static const struct { const char *name, *text; } cases[] = {
		{ NULL, "which environment? the manifest has several (prod, lab); choose one with --environment" },
		{ "prd", "environment 'prd' is not in the manifest, which has prod, lab (did you mean 'prod'?)" },
		{ "x", "environment 'x' is not in the manifest, which has prod, lab" },
	};
	static const struct tree_file one[] = { { "mrprober.yaml", "mrprober: 1\nenvironments: {only: {values: environments/prod.yaml}}\n" },
		{ "clusters/d.yaml", "recipe: r\nenvironments: [only]\n" } };
	const char *text;

	(void)state;
	tree_make(base, ARRAY_SIZE(base));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(load(&(struct config_options){ .environment = cases[i].name }, &text));
		assert_string_equal(text, cases[i].text);
	}
	tree_make_over(base, ARRAY_SIZE(base), one, ARRAY_SIZE(one));
	cleanup(config_freep) struct config *config = load_clean(NULL);
	assert_string_equal(config_environment(config), "only");
	assert_null(config_api_url(config));
	assert_non_null(strstr(config_find(config, KIND_CLUSTER, "d")->text, "\"prod\""));
}

static void test_cluster_of_other_environment(void **state)
{
	static const struct tree_file other[] = { { "clusters/c.yaml", "recipe: r\nenvironments: [prod]\n" } };

	(void)state;
	tree_make_over(base, ARRAY_SIZE(base), other, 1);
	cleanup(config_freep) struct config *config = load_clean("lab");
	assert_null(config_find(config, KIND_CLUSTER, "c"));
	assert_non_null(config_find(config, KIND_PROBER, "p"));
}

static void test_secrets(void **state)
{
	static const struct tree_file secrets[] = {
		{ "clusters/c/cluster.yaml",
			"recipe: r\nvariables:\n  a: !env MRP_TEST_SECRET\n  b: {x: [1, !file key]}\n  c: !file ../../top\n  plain: 1\n"
			"  named: text\nsensitive_variables: [named]\n" },
		{ "clusters/c.yaml", NULL }, { "clusters/c/key", "line\n\n" }, { "top", "crlf\r\n" },
	};

	(void)state;
	tree_make_over(base, ARRAY_SIZE(base), secrets, ARRAY_SIZE(secrets));
	setenv("MRP_TEST_SECRET", "from env\n", 1);
	struct config *config = load_clean("lab");
	const struct config_object *c = config_find(config, KIND_CLUSTER, "c");
	assert_true(c->sensitive);
	assert_non_null(strstr(c->text, "\"a\":{\"owner\":\"synchronize\",\"sensitive\":true,\"value\":\"from env\\n\"}"));
	assert_non_null(strstr(c->text, "\"b\":{\"owner\":\"synchronize\",\"sensitive\":true,\"value\":{\"x\":[1,\"line\\n\"]}}"));
	assert_non_null(strstr(c->text, "\"c\":{\"owner\":\"synchronize\",\"sensitive\":true,\"value\":\"crlf\"}"));
	assert_non_null(strstr(c->text, "\"plain\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":1}"));
	assert_non_null(strstr(c->text, "\"named\":{\"owner\":\"synchronize\",\"sensitive\":true,\"value\":\"text\"}"));
	config_free(config);
	/* checking alone reads none of them */
	unsetenv("MRP_TEST_SECRET");
	assert_int_equal(unlink("top"), 0);
	const char *text;
	config = load(&(struct config_options){ .all_environments = true }, &text);
	assert_string_equal(text, "");
	config_free(config);
	config = load(&(struct config_options){ .environment = "lab", .read_secrets = true }, &text);
	assert_string_equal(text,
		"clusters/c/cluster.yaml:3:6: cluster 'c': variables.a: environment variable 'MRP_TEST_SECRET' is not set\n"
		"clusters/c/cluster.yaml:5:6: cluster 'c': variables.c: !file '../../top': cannot be read: No such file or directory\n");
	config_free(config);
}

#define MANIFEST "mrprober: 1\nenvironments: {prod: {}}\n"
#define PLACED "placements: [{clusters: [c]}]\n"

static const struct mistake {
	const char *what;
	struct tree_file files[4];
	const char *problems;
} mistakes[] = {
	{ "manifest of another version", { { "mrprober.yaml", "mrprober: 2\nenvironments: {prod: {}}\n" } },
		"mrprober.yaml:1:11: mrprober: this tree has format version 2, and this program reads version 1; use a newer program\n" },
	{ "empty manifest", { { "mrprober.yaml", "" } },
		"mrprober.yaml:1:1: is empty; it needs 'mrprober: 1' and 'environments'\n" },
	{ "manifest with mistakes",
		{ { "mrprober.yaml", "mrprober: 1\nenvironment: {}\nenvironments: {Prod: {api: x}, prod: {values: ../x}}\n"
				     "guards: {max_deletes: lots, max_changes: {probers: -1, agents: 1}}\nrequired_variables: [a b]\n" } },
		"mrprober.yaml:2:1: environment: unknown key (did you mean 'environments'?)\n"
		"mrprober.yaml:3:16: environments: 'Prod' is not a slug (a-z, 0-9 and '-', at most 63)\n"
		"mrprober.yaml:3:28: environments.Prod.api: 'x' is not an address (like https://mrprober.example.net)\n"
		"mrprober.yaml:3:47: environments.prod.values: '../x' is not a relative path without '..'\n"
		"mrprober.yaml:4:23: guards.max_deletes: 'lots' is not a number or a percentage (like 5, 10%)\n"
		"mrprober.yaml:4:52: guards.max_changes.probers: '-1' is not a number or a percentage (like 5, 10%)\n"
		"mrprober.yaml:4:56: guards.max_changes.agents: unknown key\n"
		"mrprober.yaml:5:22: required_variables[0]: 'a b' is not a name (letters, digits and '_')\n" },
	{ "no environments", { { "mrprober.yaml", "mrprober: 1\nenvironments: {}\n" }, { "environments/prod.yaml", NULL } },
		"mrprober.yaml:2:15: environments: has none; a tree needs at least one (like 'prod: {}')\n" },
	{ "values file that is not there", { { "mrprober.yaml", "mrprober: 1\nenvironments:\n  prod: {values: v/prod.yaml}\n" } },
		"environments/prod.yaml:1:1: warning: no environment of the manifest uses this file\n"
		"mrprober.yaml:3:18: environments.prod.values: there is no file 'v/prod.yaml' in the tree\n" },
	{ "names that are nearly right", { { "values.yml", "" }, { "prober/p/prober.yaml", "" }, { "environments/lab.yml", "" } },
		"environments/lab.yml:1:1: warning: no environment of the manifest uses this file\n"
		"prober:1:1: warning: is not read; did you mean 'probers'?\n"
		"values.yml:1:1: warning: is not read; did you mean 'values.yaml'?\n" },
	{ "environment's file misspelled", { { "environments/prd.yaml", "a: 1\n" } },
		"environments/prd.yaml:1:1: warning: no environment of the manifest uses this file\n" },
	{ "values that are no map", { { "values.yaml", "- a\n" }, { "environments/prod.yaml", "a-b: 1\n" } },
		"environments/prod.yaml:1:1: a-b: 'a-b' is not a name (letters, digits and '_')\n"
		"values.yaml:1:1: is a list, should be a map\n" },
	{ "required variable missing", { { "values.yaml", "yc_endpoint: e\nycp_profile:\n" }, { "environments/prod.yaml", "" } },
		"clusters/c.yaml:2:1: cluster 'c': variables: 'ycp_profile' is required and missing in environment 'lab'; set it in "
		"clusters/c.yaml, environments/lab.yaml, recipes/r/values.yaml or values.yaml\n"
		"clusters/c.yaml:2:1: cluster 'c': variables: 'ycp_profile' is required and missing in environment 'prod'; set it in "
		"clusters/c.yaml, environments/prod.yaml, recipes/r/values.yaml or values.yaml\n" },
	{ "required variable that is external", { { "values.yaml", "yc_endpoint: e\n" },
		{ "clusters/c.yaml", "recipe: r\nexternal_variables: [ycp_profile]\n" } }, "" },
	{ "unknown recipe", { { "clusters/c.yaml", "name: C\nrecipe: rr\n" } },
		"clusters/c.yaml:2:9: cluster 'c': recipe: there is no recipe 'rr' (did you mean 'r'?)\n" },
	{ "unknown recipe, nothing near", { { "clusters/c.yaml", "recipe: other\n" } },
		"clusters/c.yaml:1:9: cluster 'c': recipe: there is no recipe 'other'; it would be in recipes/other/recipe.yaml\n" },
	{ "unknown environment", { { "clusters/c.yaml", "recipe: r\nenvironments: [prodd, lab]\n" } },
		"clusters/c.yaml:2:16: cluster 'c': environments[0]: 'prodd' is not in the manifest, which has prod, lab (did you mean "
		"'prod'?)\n" },
	{ "a slug in two files", { { "clusters/c/cluster.yaml", "recipe: r\n" } },
		"clusters/c/cluster.yaml:1:1: cluster 'c': slug: is described in clusters/c.yaml too; keep one of them\n" },
	{ "names that are no slugs", { { "probers/My_Prober/prober.yaml", PROBER }, { "clusters/C.yaml", "recipe: r\n" } },
		"clusters/C.yaml:1:1: cluster 'C': slug: the file's name is no slug (a-z, 0-9 and '-', at most 63); rename it\n"
		"probers/My_Prober/prober.yaml:1:1: prober 'My_Prober': slug: the folder's name is no slug (a-z, 0-9 and '-', at most 63); rename it\n" },
	{ "hidden names and others are left alone", { { "probers/.x/y", "" }, { "clusters/README.md", "" }, { "probers/README", "" } }, "" },
	{ "files that are not read", { { "clusters/d.yml", "recipe: r\n" }, { "probers/q.yaml", PROBER } },
		"clusters/d.yml:1:1: cluster 'd': slug: this file is not read; rename it to d.yaml\n"
		"probers/q.yaml:1:1: prober 'q': slug: a prober is a folder; move this file to probers/q/prober.yaml\n" },
	{ "folder without its YAML file", { { "probers/q/prober.yml", PROBER }, { "recipes/s/main.tf", "" } },
		"probers/q/prober.yaml:1:1: prober 'q': is not there; rename 'prober.yml' to 'prober.yaml'\n"
		"recipes/s/recipe.yaml:1:1: recipe 's': is not there; create it, or remove the folder\n" },
	{ "empty and wrong files", { { "probers/p/prober.yaml", "# nothing\n" }, { "clusters/c.yaml", "- a\n" } },
		"clusters/c.yaml:1:1: cluster 'c': is a list, should be a map\n"
		"probers/p/prober.yaml:1:1: prober 'p': is empty; describe the prober in it\n" },
	{ "fields", { { "probers/p/prober.yaml", "comand: [x]\ninterval: 5x\ntimeout: 90\noutput: nagio\n" PLACED } },
		"probers/p/prober.yaml:1:1: prober 'p': command: one of 'command', 'probe' is missing\n"
		"probers/p/prober.yaml:1:1: prober 'p': comand: unknown key (did you mean 'command'?)\n"
		"probers/p/prober.yaml:2:11: prober 'p': interval: '5x' is not a duration (like 30s, 5m)\n"
		"probers/p/prober.yaml:3:10: prober 'p': timeout: '90' needs a unit (like 90s, 90m)\n"
		"probers/p/prober.yaml:4:9: prober 'p': output: 'nagio' is not one of exit, nagios, prometheus, json (did you mean "
		"'nagios'?)\n" },
	{ "YAML and the rest of the tree", { { "clusters/c.yaml", "recipe: [r\n" }, { "probers/p/prober.yaml", PROBER "name: Q\n" } },
		"clusters/c.yaml:2:1: cluster 'c': the list lacks a ',' or its closing ']' (what is open here began at line 1)\n"
		"probers/p/prober.yaml:4:1: prober 'p': name: duplicate key, there already in line 1; remove one of them\n" },
	{ "no placements", { { "probers/p/prober.yaml", "command: [x]\n" } },
		"probers/p/prober.yaml:1:1: warning: prober 'p': placements: there are none, so it runs nowhere\n" },
	{ "program not executable", { { "probers/p/run.sh", "", 0644 } },
		"probers/p/prober.yaml:2:11: prober 'p': command: './run.sh' is not executable; run: chmod +x run.sh\n" },
	{ "program not there",
		{ { "probers/p/prober.yaml", "command: [./rum.sh]\nheal: {command: [./other]}\n" PLACED } },
		"probers/p/prober.yaml:1:11: prober 'p': command: './rum.sh' is not among the files (did you mean './run.sh'?)\n"
		"probers/p/prober.yaml:2:18: prober 'p': heal.command: './other' is not among the files beside the YAML file\n" },
	{ "globs", { { "recipes/r/recipe.yaml", "files:\n  - '*.tf'\n  - '*.tpl'\n  - sub\n  - ../x\n" }, { "recipes/r/sub/a/b", "" } },
		"recipes/r/recipe.yaml:3:5: recipe 'r': files[1]: '*.tpl' matches no file\n"
		"recipes/r/recipe.yaml:4:5: recipe 'r': files[2]: 'sub' matches no file (it is a folder: add '/**' for everything in it)\n"
		"recipes/r/recipe.yaml:5:5: recipe 'r': files[3]: '../x' leads out of the folder; an object's files lie beside its YAML "
		"file\n" },
	{ "initial_values not executable", { { "recipes/r/initial_values", "" } },
		"recipes/r/initial_values:1:1: recipe 'r': initial_values: is not executable; run: chmod +x initial_values\n" },
	{ "secrets where they are readable",
		{ { "recipes/r/values.yaml", "size: 1\nkey: {a: [!env X]}\n" }, { "clusters/c.yaml", "recipe: r\nname: !env X\n" },
			{ "probers/p/prober.yaml", "command: [!env X]\n" PLACED } },
		"clusters/c.yaml:2:7: cluster 'c': name: '!env' can stand in variables only\n"
		"probers/p/prober.yaml:1:11: prober 'p': '!env' can stand in a cluster's variables and in values files only\n"
		"recipes/r/values.yaml:2:11: recipe 'r': key: '!env' is a secret, and recipes can be read by everyone; put it into "
		"values.yaml, an environment's file or the cluster\n" },
	{ "external and own", { { "clusters/c.yaml", "recipe: r\nvariables: {a: 1}\nexternal_variables: [a]\n" } },
		"clusters/c.yaml:2:13: cluster 'c': variables: 'a' is also one of external_variables, which someone else writes\n" },
	{ "names that probers use",
		{ { "probers/p/prober.yaml",
			"command: [x, '${siz}', '${size}', '${m}', '${nodes}', '${a b}', '$${x}', '${host}-${cluster}', '${k}']\n"
			"matrix: {k: [1], n: '${nodes}', s: '${size}', u: '${node}'}\n" PLACED } },
		"probers/p/prober.yaml:1:14: prober 'p': command[1]: '${siz}' is neither in the matrix nor a variable of cluster 'c' in "
		"environment 'prod' (did you mean '${size}'?)\n"
		"probers/p/prober.yaml:1:35: prober 'p': command[3]: 'm' of cluster 'c' in environment 'prod' is not text, a number, true "
		"or false\n"
		"probers/p/prober.yaml:1:43: prober 'p': command[4]: 'nodes' of cluster 'c' in environment 'prod' is not text, a number, "
		"true or false\n"
		"probers/p/prober.yaml:1:55: prober 'p': command[5]: '${a b}' is not a name (letters, digits and '_'; '$${' is a literal "
		"'${')\n"
		"probers/p/prober.yaml:2:36: prober 'p': matrix.s: 'size' of cluster 'c' in environment 'prod' is not a list of text, numbers, true or false\n"
		"probers/p/prober.yaml:2:50: prober 'p': matrix.u: '${node}' is no variable of cluster 'c' in environment 'prod' (did you "
		"mean '${nodes}'?)\n" },
	{ "a list with more than scalars",
		{ { "clusters/c.yaml", "recipe: r\nvariables: {hosts: [a, [b]], none: [~], fine: [1, x]}\n" },
			{ "probers/p/prober.yaml",
				"command: [x]\nmatrix: {h: '${hosts}', n: '${none}', f: '${fine}'}\n" PLACED } },
		"probers/p/prober.yaml:2:13: prober 'p': matrix.h: 'hosts' of cluster 'c' in environment 'prod' is not a list of text, "
		"numbers, true or false\n"
		"probers/p/prober.yaml:2:28: prober 'p': matrix.n: 'none' of cluster 'c' in environment 'prod' is not a list of text, "
		"numbers, true or false\n" },
	{ "a name of one cluster only",
		{ { "clusters/d.yaml", "recipe: r\nenvironments: [lab]\n" }, { "clusters/c.yaml", "recipe: r\nvariables: {here: 1}\n" },
			{ "probers/p/prober.yaml", "command: [x, '${here}']\nplacements: [{}]\n" } },
		"probers/p/prober.yaml:1:14: prober 'p': command[1]: '${here}' is neither in the matrix nor a variable of cluster 'd' in "
		"environment 'lab' ('$${' is a literal '${')\n" },
	{ "a sensitive name",
		{ { "clusters/c.yaml", "recipe: r\nvariables: {key: !env X}\nsensitive_variables: [drawn]\n" },
			{ "probers/p/prober.yaml", "command: [x, '${key}']\nenv: {K: '${drawn}'}\n" PLACED } },
		"probers/p/prober.yaml:1:14: prober 'p': command[1]: 'key' of cluster 'c' is sensitive, and a prober's config can be read "
		"by everyone\n"
		"probers/p/prober.yaml:2:10: prober 'p': env.K: 'drawn' of cluster 'c' is sensitive, and a prober's config can be read by "
		"everyone\n" },
	{ "names that cannot be known",
		{ { "recipes/r/initial_values", "", 0755 }, { "probers/p/prober.yaml", "command: [x, '${drawn}']\n" PLACED } }, "" },
	{ "names where it does not run", { { "probers/p/prober.yaml", "command: [x, '${any}']\nplacements: [{clusters: [no-such]}]\n" } }, "" },
	{ "a matrix of a placement",
		{ { "probers/p/prober.yaml",
			"command: [x, '${a}', '${b}']\nmatrix: {a: [1], b: [2]}\nplacements: [{clusters: [c]}, {hosts: [h], matrix: {b: [3]}}]\n" } },
		"probers/p/prober.yaml:1:14: prober 'p': command[1]: '${a}' is in the prober's matrix, but not in that of a placement on "
		"cluster 'c', which takes its place\n" },
};

static void test_mistakes(void **state)
{
	int n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		const struct mistake *mistake = &mistakes[i];
		const char *text;

		tree_make_over(base, ARRAY_SIZE(base), mistake->files, ARRAY_SIZE(mistake->files));
		config_free(load(&(struct config_options){ .all_environments = true }, &text));
		if (streq(text, mistake->problems))
			continue;
		print_error("%s: gives\n%s not\n%s\n", mistake->what, text, mistake->problems);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static int release(void **state)
{
	(void)state;
	tree_remove();
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_same_as_api),
		cmocka_unit_test(test_environments),
		cmocka_unit_test(test_cluster_of_other_environment),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
