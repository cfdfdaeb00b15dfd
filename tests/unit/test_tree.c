/* SPDX-License-Identifier: Apache-2.0 */
/* Config trees as the file system has them: links, devices, folders above, files that change; threads; explanations. */
#include "trees.h"

#include "../../lib/config/config.h"
#include "../../lib/config/explain.h"
#include "../../lib/value/json.h"

static const struct tree_file base[] = {
	{ "mrprober.yaml", "mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n" },
	{ "values.yaml", "m: {a: 1, b: 1}\nkey: !env BASE_KEY\ngone: 1\n" },
	{ "environments/prod.yaml", "m: {b: 2}\n" },
	{ "recipes/r/recipe.yaml", "name: R\n" },
	{ "recipes/r/values.yaml", "m: {a: 2, c: 3}\nl: [1]\n" },
	{ "clusters/c.yaml", "recipe: r\nvariables:\n  m: {a: 5}\n  l: [1, 2]\n  key: shown nowhere\nexternal_variables: [gone]\n" },
	{ "probers/p/prober.yaml", "command: [./run.sh]\nplacements: [{}]\n" },
	{ "probers/p/run.sh", "#!/bin/sh\n", 0755 },
};

static struct arena arena = ARENA_INIT;

static int setup(void **state)
{
	(void)state;
	tree_make(base, ARRAY_SIZE(base));
	return 0;
}

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

static struct config *load(const char *path, int threads, const char **text)
{
	struct config_options options = { .path = path, .environment = "prod", .threads = threads };
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct config *config = NULL;

	if (config_load(&config, &options, &problems, &err) < 0) {
		*text = arena_strdup(&arena, err.msg);
		mrp_err_clear(&err);
		return NULL;
	}
	*text = problems_text(&problems);
	return config;
}

static void expect_problems(const char *want)
{
	const char *text;

	config_free(load(NULL, 1, &text));
	assert_string_equal(text, want);
}

static void test_links(void **state)
{
	(void)state;
	/* inside the tree: as if the file were there */
	tree_write("shared/lib.sh", "lib\n", 0644);
	assert_int_equal(symlink("../../shared/lib.sh", "probers/p/lib.sh"), 0);
	assert_int_equal(symlink("p", "probers/q"), 0);
	const char *text;
	struct config *config = load(NULL, 1, &text);
	assert_string_equal(text, "");
	assert_non_null(strstr(config_find(config, KIND_PROBER, "q")->text, "\"lib.sh\""));
	config_free(config);
	/* and not */
	assert_int_equal(symlink("/etc/hostname", "probers/p/absolute"), 0);
	assert_int_equal(symlink("../../../x", "probers/p/above"), 0);
	assert_int_equal(symlink("nothing", "probers/p/dangling"), 0);
	assert_int_equal(symlink("self", "probers/p/self"), 0);
	assert_int_equal(unlink("probers/q"), 0);
	expect_problems("probers/p/above:1:1: prober 'p': files: is a symlink that leads out of the tree; link to a file inside it, or copy it\n"
			"probers/p/absolute:1:1: prober 'p': files: is a symlink that leads out of the tree; link to a file inside it, or copy it\n"
			"probers/p/dangling:1:1: prober 'p': files: is a symlink to nothing\n"
			"probers/p/self:1:1: prober 'p': files: is a symlink that leads to itself\n");
	/* unless no glob chooses them */
	tree_write("probers/p/prober.yaml", "command: [./run.sh]\nplacements: [{}]\nfiles: ['*.sh']\n", 0);
	expect_problems("");
	/* the YAML file itself */
	assert_int_equal(unlink("clusters/c.yaml"), 0);
	assert_int_equal(symlink("/etc/hostname", "clusters/c.yaml"), 0);
	expect_problems("clusters/c.yaml:1:1: cluster 'c': is a symlink that leads out of the tree; link to a file inside it, or copy it\n");
}

static void test_endless_links(void **state)
{
	const char *text;

	(void)state;
	assert_int_equal(symlink(".", "probers/p/again"), 0);
	assert_int_equal(symlink(".", "probers/p/more"), 0);
	config_free(load(NULL, 1, &text));
	assert_non_null(strstr(text, "does a symlink lead to a folder above?"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_no_files(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("probers/p/pipe", 0644), 0);
	assert_int_equal(mkfifo("clusters/d.yaml", 0644), 0);
	assert_int_equal(mkdir("recipes/r/initial_values", 0755), 0);
	assert_int_equal(mkfifo("recipes/r/dev.tf", 0644), 0);
	expect_problems("clusters/d.yaml:1:1: cluster 'd': is neither a file nor a folder (but a device, pipe or socket)\n"
			"probers/p/pipe:1:1: prober 'p': files: is neither a file nor a folder (but a device, pipe or socket)\n"
			"recipes/r/dev.tf:1:1: recipe 'r': files: is neither a file nor a folder (but a device, pipe or socket)\n"
			"recipes/r/initial_values:1:1: recipe 'r': files: is a folder\n");
}

static void test_unreadable(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip(); /* root may read everything */
	assert_int_equal(chmod("probers/p/run.sh", 0300), 0);
	expect_problems("probers/p/run.sh:1:1: prober 'p': files: cannot be read: Permission denied\n");
}

static void test_too_large(void **state)
{
	(void)state;
	assert_int_equal(truncate("probers/p/run.sh", (64 << 20) + 1), 0);
	assert_int_equal(truncate("clusters/c.yaml", (4 << 20) + 1), 0);
	expect_problems("clusters/c.yaml:1:1: cluster 'c': is larger than 4 MiB\n"
			"probers/p/run.sh:1:1: prober 'p': files: is larger than 64 MiB\n");
}

static void test_left_out(void **state)
{
	const char *text;

	(void)state;
	tree_write("recipes/r/.terraform/x", "", 0);
	tree_write("recipes/r/modules/a/.git/x", "", 0);
	tree_write("recipes/r/modules/a/values.yaml", "", 0);
	tree_write("recipes/r/.terraform.lock.hcl", "", 0);
	cleanup(config_freep) struct config *config = load(NULL, 1, &text);
	assert_string_equal(text, "");
	const char *recipe = config_find(config, KIND_RECIPE, "r")->text;
	assert_null(strstr(recipe, "/x"));
	assert_non_null(strstr(recipe, "\"modules/a/values.yaml\""));
	assert_non_null(strstr(recipe, "\".terraform.lock.hcl\""));
	assert_null(strstr(recipe, "\"recipe.yaml\""));
}

/* The manifest is found from below, and messages name files as they are reached from there. */
static void test_from_below(void **state)
{
	const char *text;

	(void)state;
	tree_write("probers/p/prober.yaml", "command: [./run.sh]\ninterval: 5\nplacements: [{}]\n", 0);
	assert_int_equal(chdir("probers/p"), 0);
	cleanup(config_freep) struct config *config = load(NULL, 1, &text);
	assert_string_equal(config_root(config), "../..");
	assert_string_equal(text, "../../probers/p/prober.yaml:2:11: prober 'p': interval: '5' needs a unit (like 5s, 5m)\n");
	assert_null(load("..", 1, &text));
	assert_string_equal(text, "'..' is no config tree: it has no mrprober.yaml");
	assert_int_equal(chdir("/"), 0);
	assert_null(load(NULL, 1, &text));
	assert_string_equal(text, "no config tree here: neither this folder nor one above has a mrprober.yaml");
	assert_int_equal(chdir(tree_folder), 0);
}

static void test_read_file(void **state)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const char *text;
	char hex[SHA256_HEX + 1];

	(void)state;
	cleanup(config_freep) struct config *config = load(tree_folder, 1, &text);
	const struct config_object *p = config_find(config, KIND_PROBER, "p");
	sha256_hex_of(hex, "#!/bin/sh\n", 10);
	assert_int_equal(config_read_file(&out, config, p, "run.sh", hex, &err), 0);
	assert_string_equal(out.buf, "#!/bin/sh\n");
	tree_write("probers/p/run.sh", "#!/bin/sh\necho\n", 0755);
	assert_int_equal(config_read_file(&out, config, p, "run.sh", hex, &err), -1);
	assert_int_equal(err.code, MRP_EINVALID);
	assert_string_equal(err.msg,
		arena_printf(&arena, "'%s/probers/p/run.sh' has changed since the configs were read; run again", tree_folder));
	assert_int_equal(config_read_file(&out, config, p, "../../values.yaml", hex, &err), -1);
	assert_int_equal(unlink("probers/p/run.sh"), 0);
	assert_int_equal(config_read_file(&out, config, p, "run.sh", hex, &err), -1);
	assert_int_equal(err.code, MRP_ENOTFOUND);
	mrp_err_clear(&err);
}

static void test_list_slugs(void **state)
{
	struct strvec slugs = STRVEC_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	tree_write("clusters/b/cluster.yaml", "broken", 0);
	tree_write("clusters/c-2.yaml", "", 0);
	tree_write("clusters/c/cluster.yaml", "", 0);
	assert_int_equal(config_list_slugs(&slugs, ".", KIND_CLUSTER, &err), 0);
	assert_int_equal(slugs.n, 3);
	assert_string_equal(slugs.v[0], "b");
	assert_string_equal(slugs.v[1], "c");
	assert_string_equal(slugs.v[2], "c-2");
	strvec_clear(&slugs);
	assert_int_equal(config_list_slugs(&slugs, "no/such", KIND_CLUSTER, &err), -1);
	mrp_err_clear(&err);
	strvec_clear(&slugs);
}

/* However many threads there are: the same objects, the same problems, the same order. */
static void test_threads(void **state)
{
	uint8_t digests[2][SHA256_BYTES];
	const char *texts[2];

	(void)state;
	for (int i = 0; i < 300; i++) {
		const char *path = arena_printf(&arena, "probers/p%03d/prober.yaml", i);

		tree_write(path, i % 7 ? "command: [x]\nplacements: [{}]\n" : "command: [x]\ninterval: 5x\nnaem: y\n", 0);
	}
	for (int i = 0; i < 2; i++) {
		struct config *config = load(NULL, i ? 4 : 1, &texts[i]);
		size_t n;

		config_root_digest(digests[i], config);
		const struct config_object *objects = config_objects(config, &n);
		assert_int_equal(n, 2 + 1 + 300 - 43);
		for (size_t k = 1; k < n; k++)
			assert_true(objects[k - 1].kind < objects[k].kind || strcmp(objects[k - 1].slug, objects[k].slug) < 0);
		config_free(config);
	}
	assert_memory_equal(digests[0], digests[1], SHA256_BYTES);
	assert_string_equal(texts[0], texts[1]);
	assert_non_null(strstr(texts[0], "probers/p294/prober.yaml:3:1: prober 'p294': naem: unknown key (did you mean 'name'?)\n"));
}

static const char *explain(enum kind kind, const char *slug, struct value **v)
{
	struct config_options options = { .environment = "prod" };
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf out = STRBUF_INIT;

	if (config_explain(v, &arena, &options, kind, slug, &problems, &err) < 0)
		strbuf_addf(&out, "%d: %s", err.code, err.msg);
	else
		config_explain_format(&out, *v);
	strbuf_addstr(&out, problems_text(&problems));
	mrp_err_clear(&err);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

static void test_explain(void **state)
{
	struct value *v;

	(void)state;
	assert_string_equal(explain(KIND_CLUSTER, "c", &v),
		"cluster 'c' in environment 'prod'\n"
		"name                \"c\"                               default\n"
		"recipe              \"r\"                               clusters/c.yaml:1\n"
		"external_variables  [\"gone\"]                          clusters/c.yaml:6\n"
		"variables.m.a       5                                 clusters/c.yaml:3\n"
		"                    hides 2                           recipes/r/values.yaml:1\n"
		"                    hides 1                           values.yaml:1\n"
		"variables.m.b       2                                 environments/prod.yaml:1\n"
		"                    hides 1                           values.yaml:1\n"
		"variables.m.c       3                                 recipes/r/values.yaml:1\n"
		"variables.key       \"***\"                             clusters/c.yaml:5\n"
		"                    hides \"***\"                       values.yaml:2\n"
		"variables.l         [1,2]                             clusters/c.yaml:4\n"
		"                    hides [1]                         recipes/r/values.yaml:2\n");
	assert_int_equal(value_get(v, "format_version")->i, 1);
	assert_string_equal(value_get_string(v, "environment"), "prod");
	struct value *last = value_get(v, "values")->items[value_get(v, "values")->n - 1];
	assert_int_equal(value_get(value_get(last, "origin"), "column")->i, 6);
	assert_string_equal(explain(KIND_RECIPE, "r", &v),
		"recipe 'r'\n"
		"name                \"R\"                               recipes/r/recipe.yaml:1\n"
		"required_variables  []                                mrprober.yaml:3\n"
		"values.m.a          2                                 recipes/r/values.yaml:1\n"
		"values.m.c          3                                 recipes/r/values.yaml:1\n"
		"values.l            [1]                               recipes/r/values.yaml:2\n");
	assert_string_equal(explain(KIND_PROBER, "pp", &v), "6: no config describes prober 'pp' (did you mean 'p'?)");
	tree_write("probers/p/prober.yaml", "command: [./run.sh\n", 0);
	assert_non_null(strstr(explain(KIND_PROBER, "p", &v), "probers/p/prober.yaml:2:1: prober 'p': the list lacks"));
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
		cmocka_unit_test_setup(test_links, setup),
		cmocka_unit_test_setup(test_endless_links, setup),
		cmocka_unit_test_setup(test_no_files, setup),
		cmocka_unit_test_setup(test_unreadable, setup),
		cmocka_unit_test_setup(test_too_large, setup),
		cmocka_unit_test_setup(test_left_out, setup),
		cmocka_unit_test_setup(test_from_below, setup),
		cmocka_unit_test_setup(test_read_file, setup),
		cmocka_unit_test_setup(test_list_slugs, setup),
		cmocka_unit_test_setup(test_threads, setup),
		cmocka_unit_test_setup(test_explain, setup),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
