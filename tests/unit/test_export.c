/* SPDX-License-Identifier: Apache-2.0 */
/* Exported trees: loaded again they give the same digests; what is hostile or cannot be said is refused, with nothing left. */
#include "unit.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/base/file.h"
#include "../../lib/client/export.h"
#include "../../lib/config/config.h"
#include "../../lib/value/json.h"

static struct arena arena = ARENA_INIT;
static char scratch[] = "/tmp/test_export.XXXXXX";
static struct strvec contents = STRVEC_INIT; /* of blobs */

static struct value *parse(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, text, strlen(text), "test", &err);

	if (!v)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

/* The hash of a blob with this content, which export can then ask for. */
static const char *blob(const char *content)
{
	char hex[SHA256_HEX + 1];

	strvec_push(&contents, content);
	sha256_hex_of(hex, content, strlen(content));
	return arena_strdup(&arena, hex);
}

/* What the API would say of the objects: their normal form. */
static void add_object(struct export_input *input, enum kind kind, const struct value *body)
{
	struct problems problems = PROBLEMS_INIT;
	const char *slug = value_get_string(body, "slug");
	struct value *object = object_from_api(&arena, kind, body, slug, &problems);

	if (problems.errors) {
		struct strbuf out = STRBUF_INIT;

		problem_format(&out, &problems.list.v[0]);
		fail_msg("%s '%s': %s", kinds[kind].name, slug, out.buf);
	}
	value_set(&arena, object, "managed", value_bool(&arena, true));
	value_push(&arena, (struct value *)input->objects[kind], object);
}

static struct export_input new_input(void)
{
	struct export_input input = { .environment = "prod", .api_url = "http://127.0.0.1:8080" };

	for (int kind = 0; kind < KIND_COUNT; kind++)
		input.objects[kind] = value_array(&arena);
	return input;
}

static const char *notes_of(const struct export_plan *plan)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < plan->notes.list.n; i++) {
		strbuf_addstr(&out, i ? "\n" : "");
		problem_format(&out, &plan->notes.list.v[i]);
	}
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

static int write_plan(const struct export_plan *plan, const char *folder, struct mrp_err *err)
{
	struct export_tree *tree = export_begin(plan, folder, err);
	struct strvec wanted = STRVEC_INIT;
	int code = tree ? 0 : -1;

	export_blobs(&wanted, plan);
	for (size_t i = 0; i < wanted.n && code == 0; i++) {
		const char *content = NULL;

		for (size_t k = 0; k < contents.n && !content; k++) {
			char hex[SHA256_HEX + 1];

			sha256_hex_of(hex, contents.v[k], strlen(contents.v[k]));
			if (streq(hex, wanted.v[i]))
				content = contents.v[k];
		}
		assert_non_null(content);
		code = export_add_blob(tree, wanted.v[i], content, strlen(content), err);
	}
	if (code == 0)
		code = export_finish(tree, err);
	export_end(tree);
	strvec_clear(&wanted);
	return code;
}

static struct config *load(const char *folder, const char *environment)
{
	struct config_options options = { .path = folder, .environment = environment, .read_secrets = true };
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct config *config;

	if (config_load(&config, &options, &problems, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < problems.list.n; i++) {
		struct strbuf out = STRBUF_INIT;

		problem_format(&out, &problems.list.v[i]);
		if (!problems.list.v[i].warning)
			fail_msg("%s", out.buf);
		strbuf_release(&out);
	}
	problems_clear(&problems);
	return config;
}

/* The tree at `folder` says exactly the objects of `input`. */
static void assert_same(const struct config *config, const struct export_input *input)
{
	size_t n, expected = 0;

	config_objects(config, &n);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		value_for_each(object, input->objects[kind]) {
			const char *slug = value_get_string(object, "slug");
			const struct config_object *loaded = config_find(config, kind, slug);
			struct strbuf before = STRBUF_INIT;

			expected++;
			if (!loaded)
				fail_msg("%s '%s' is missing", kinds[kind].name, slug);
			json_canonical(&before, object_manageable(&arena, kind, object));
			assert_string_equal(loaded->text, before.buf);
			strbuf_release(&before);
		}
	}
	assert_int_equal(n, expected);
}

static void assert_round_trip(const struct export_input *input, const char *name)
{
	struct export_plan plan = EXPORT_PLAN_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	char *folder = path_join(scratch, name);

	export_plan_make(&plan, input);
	assert_string_equal(notes_of(&plan), "");
	if (write_plan(&plan, folder, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < plan.secrets.n; i++) {
		assert_non_null(plan.secrets.v[i].text);
		setenv(plan.secrets.v[i].env, plan.secrets.v[i].text, 1);
	}
	struct config *config = load(folder, NULL);
	assert_string_equal(config_environment(config), input->environment);
	assert_string_equal(config_api_url(config), input->api_url);
	assert_same(config, input);
	config_free(config);
	free(folder);
	export_plan_release(&plan);
}

#define NASTY                                                                                                          \
	"{\"t\": [\"no\", \"1.0\", \"0x10\", \" lead\", \"trail \", \"\", \"null\", \"a: b\", \"#c\", \"- d\", \"\xd0\xb4\\u00a0\", "                \
	"\"\\u0001\\u2028\", \"it's \\\"q\\\"\", \"l1\\nl2\\n\", \"\\n\\n\", \" x\\ny\", \"%d\", \"!env X\", \"2026-11-21\"], "       \
	"\"n\": [0, -1, 9223372036854775807, -9223372036854775808, 1.8446744073709552e19, 1e300, 0.1, 10.0], "          \
	"\"e\": [{}, [], [[]], {\"a\": {}}, null, true, false], \"no\": {\"1\": null, \"<<\": 2, \"\": 3, \"a b\": 4}}"

static struct export_input nasty_input(void)
{
	struct export_input input = new_input();
	char *text;

	text = xasprintf("{\"slug\": \"base\", \"name\": \"yes\", \"description\": \"line one\\n  line: two\\n\", "
			 "\"labels\": {\"a.b/c\": \"1\", \"no\": \"on\"}, "
			 "\"files\": {\"main.tf\": {\"sha256\": \"%s\", \"mode\": \"0644\"}, "
			 "\"hooks/before-plan/10 x\": {\"sha256\": \"%s\", \"mode\": \"0755\"}, "
			 "\".hidden\": {\"sha256\": \"%s\", \"mode\": \"0644\"}}, "
			 "\"values\": {\"v\": %s, \"keep\": {\"a\": 1}}, \"initial_values\": \"%s\", "
			 "\"required_variables\": [\"ycp_profile\", \"mine\"]}",
		blob("resource {}\n"), blob("#!/bin/sh\n"), blob(""), NASTY, blob("#!/bin/sh\necho '{}'\n"));
	add_object(&input, KIND_RECIPE, parse(text));
	free(text);
	add_object(&input, KIND_RECIPE, parse("{\"slug\": \"bare\", \"required_variables\": [\"ycp_profile\"]}"));
	text = xasprintf("{\"slug\": \"0net\", \"recipe\": \"base\", \"external_variables\": [\"nodes\"], "
			 "\"sensitive_variables\": [\"listed\"], \"deploy\": {\"max_destroy\": 0, \"interval\": \"90s\"}, \"variables\": {"
			 "\"ycp_profile\": {\"value\": \"on\", \"owner\": \"synchronize\"}, "
			 "\"mine\": {\"value\": %s, \"owner\": \"synchronize\"}, "
			 "\"v\": {\"value\": %s, \"owner\": \"synchronize\"}, "
			 "\"keep\": {\"value\": {\"a\": 2, \"b\": null}, \"owner\": \"synchronize\"}, "
			 "\"pw\": {\"value\": \"s3cr'et \\\"\\n\", \"owner\": \"synchronize\", \"sensitive\": true}, "
			 "\"PW\": {\"value\": {\"user\": \"u\", \"deep\": [\"p\"]}, \"owner\": \"synchronize\", \"sensitive\": true}, "
			 "\"listed\": {\"value\": \"q\", \"owner\": \"synchronize\", \"sensitive\": true}, "
			 "\"nodes\": {\"value\": [\"n1\"], \"owner\": \"meeseeks\"}, "
			 "\"cookie\": {\"value\": \"c\", \"owner\": \"initial\", \"sensitive\": true}, "
			 "\"hand\": {\"value\": 1, \"owner\": \"manual\"}}}",
		NASTY, NASTY);
	add_object(&input, KIND_CLUSTER, parse(text));
	free(text);
	text = xasprintf("{\"slug\": \"dns\", \"command\": [\"./run.sh\", \"53\", \"\", \"$${x}\", \"a\\nb\", \"--flag=*\"], "
			 "\"files\": {\"run.sh\": {\"sha256\": \"%s\", \"mode\": \"0755\"}}, \"env\": {}, \"interval\": \"1d\", "
			 "\"limits\": {\"memory\": \"64MiB\", \"cpu\": 0.5}, \"matrix\": {\"r\": [\"10.0.0.2\", 1, true], \"s\": \"${mine}\"}, "
			 "\"placements\": [{\"clusters\": [\"*\"]}, {\"enabled\": false, \"hosts\": [\"[a-c]?\"]}], "
			 "\"alerts\": [{\"name\": \"A\", \"summary\": \"{{ $labels.host }}: 100%%\"}]}",
		blob("#!/bin/sh\nexit 0\n"));
	struct value *prober = parse(text);
	free(text);
	value_set(&arena, value_get(prober, "matrix"), "s", NULL); /* a map cannot be a matrix */
	add_object(&input, KIND_PROBER, prober);
	add_object(&input, KIND_PROBER,
		parse("{\"slug\": \"web\", \"probe\": {\"http\": {\"url\": \"https://example.net/?a=1#x\"}}, \"placements\": []}"));
	return input;
}

static void test_nasty(void **state)
{
	struct export_input input = nasty_input();
	char *path = path_join(scratch, "nasty/recipes/base/hooks/before-plan/10 x");
	struct stat st;

	(void)state;
	assert_round_trip(&input, "nasty");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0111, 0111);
	free(path);
	/* no sensitive value is anywhere in the tree */
	struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	path = path_join(scratch, "nasty/clusters/0net/cluster.yaml");
	assert_int_equal(read_file(&text, path, 1 << 20, &err), 0);
	assert_null(strstr(text.buf, "s3cr"));
	assert_non_null(strstr(text.buf, "pw: !env CLUSTER_0NET_PW\n"));
	assert_non_null(strstr(text.buf, "user: !env CLUSTER_0NET_PW_USER\n"));
	assert_null(strstr(text.buf, "cookie"));
	strbuf_release(&text);
	free(path);
}

/* The examples, as an API that was synchronized from them would say them. */
static void test_examples(void **state)
{
	static const char *const environments[] = { "prod", "preprod" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(environments); i++) {
		struct config *config = load(MRP_SOURCE_DIR "/examples/network", environments[i]);
		struct export_input input = new_input();
		struct strbuf content = STRBUF_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		size_t n;
		const struct config_object *objects = config_objects(config, &n);

		assert_true(n > 10);
		input.environment = environments[i];
		for (size_t k = 0; k < n; k++) {
			struct value *body = parse(objects[k].text), *files = value_get(body, "files");
			const char *initial = value_get_string(body, "initial_values");

			add_object(&input, objects[k].kind, body);
			for (uint32_t f = 0; files && f < files->n; f++) {
				strbuf_reset(&content);
				assert_int_equal(config_read_file(&content, config, &objects[k], files->members[f].key,
							 value_get_string(files->members[f].value, "sha256"), &err),
					0);
				strvec_push(&contents, content.buf);
			}
			strbuf_reset(&content);
			if (initial) {
				assert_int_equal(
					config_read_file(&content, config, &objects[k], "initial_values", initial, &err), 0);
				strvec_push(&contents, content.buf);
			}
		}
		assert_round_trip(&input, environments[i]);
		strbuf_release(&content);
		config_free(config);
	}
}

static void test_refused(void **state)
{
	static const struct { enum kind kind; const char *object, *notes; } cases[] = {
		{ KIND_PROBER, "{\"slug\": \"../x\", \"command\": [\"x\"]}",
			"prober '../x': slug: is none, so it cannot name a folder" },
		{ KIND_PROBER, "{\"command\": [\"x\"]}", "prober '': slug: is none, so it cannot name a folder" },
		{ KIND_PROBER, "{\"slug\": \"p\", \"command\": [\"x\"], \"files\": {\"../../x\": F}}",
			"prober 'p': files: '../../x' is not a relative path without '..'" },
		{ KIND_PROBER, "{\"slug\": \"p\", \"command\": [\"x\"], \"files\": {\"/etc/x\": F}}",
			"prober 'p': files: '/etc/x' is not a relative path without '..'" },
		{ KIND_PROBER, "{\"slug\": \"p\", \"command\": [\"x\"], \"files\": {\"x\": {\"sha256\": \"../y\", \"mode\": \"0644\"}}}",
			"prober 'p': files.x.sha256: '../y' is not a SHA-256 in lower-case hex" },
		{ KIND_PROBER, "{\"slug\": \"p\", \"command\": [\"x\"], \"files\": {\"x\": 1}}",
			"prober 'p': files.x: is a whole number, should be a map" },
		{ KIND_PROBER, "{\"slug\": \"p\", \"command\": [\"x\"], \"shiny\": 1}",
			"prober 'p': shiny: unknown key" },
		{ KIND_PROBER, "{\"slug\": \"p\", \"command\": [\"x\"], \"files\": {\"prober.yaml\": F}}",
			"prober 'p': files: 'prober.yaml' has a meaning of its own in a config tree, so it cannot be a file of the prober" },
		{ KIND_RECIPE, "{\"slug\": \"r\", \"files\": {\"values.yaml\": F}}",
			"recipe 'r': files: 'values.yaml' has a meaning of its own in a config tree, so it cannot be a file of the recipe" },
		{ KIND_RECIPE, "{\"slug\": \"r\", \"files\": {\"a/.git/config\": F}}",
			"recipe 'r': files: 'a/.git/config' has a meaning of its own in a config tree, so it cannot be a file of the recipe" },
		{ KIND_RECIPE, "{\"slug\": \"r\", \"required_variables\": \"x\"}",
			"recipe 'r': required_variables: is text, should be a list" },
		{ KIND_CLUSTER, "{\"slug\": \"c\", \"recipe\": \"gone\"}",
			"warning: cluster 'c': recipe: 'gone' is not among the recipes that are exported" },
	};
	const char *hash = blob("x");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct export_input input = new_input();
		struct export_plan plan = EXPORT_PLAN_INIT;
		struct strbuf text = STRBUF_INIT;

		for (const char *p = cases[i].object; *p; p++) {
			if (*p == 'F')
				strbuf_addf(&text, "{\"sha256\": \"%s\", \"mode\": \"0644\"}", hash);
			else
				strbuf_addch(&text, *p);
		}
		value_push(&arena, (struct value *)input.objects[cases[i].kind], parse(text.buf));
		export_plan_make(&plan, &input);
		assert_string_equal(notes_of(&plan), cases[i].notes);
		for (size_t k = 0; k < plan.files.n; k++)
			assert_true(valid_relative_path(plan.files.v[k].path, strlen(plan.files.v[k].path)));
		strbuf_release(&text);
		export_plan_release(&plan);
	}
}

/* What a tree cannot say without synchronizing something else is a warning. */
static void test_warnings(void **state)
{
	struct export_input input = new_input();
	struct export_plan plan = EXPORT_PLAN_INIT;

	(void)state;
	value_push(&arena, (struct value *)input.objects[KIND_RECIPE],
		parse("{\"slug\": \"r\", \"values\": {\"m\": {\"x\": 1}, \"gone\": 1, \"made\": 2, \"ext\": 3}}"));
	value_push(&arena, (struct value *)input.objects[KIND_CLUSTER],
		parse("{\"slug\": \"c\", \"managed\": true, \"recipe\": \"r\", \"external_variables\": [\"ext\"], \"variables\": {"
		      "\"m\": {\"value\": {\"y\": 1}, \"owner\": \"synchronize\"}, "
		      "\"made\": {\"value\": 1, \"owner\": \"manual\"}, "
		      "\"pin\": {\"value\": 1234, \"owner\": \"synchronize\", \"sensitive\": true}}}"));
	export_plan_make(&plan, &input);
	assert_string_equal(notes_of(&plan),
		"warning: cluster 'c': variables: 'm' lacks keys that the recipe's values have, so synchronizing adds them\n"
		"warning: cluster 'c': variables: 'made' is written by 'manual' and a value of the recipe too, so synchronizing "
		"shows it\n"
		"warning: cluster 'c': variables: 'pin' is sensitive and not only text, which the environment cannot hold\n"
		"warning: cluster 'c': variables: 'gone' is a value of the recipe that the cluster does not have, so synchronizing "
		"adds it");
	export_plan_release(&plan);
}

static int count_entries(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = -2;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_folders(void **state)
{
	struct export_input input = nasty_input();
	struct export_plan plan = EXPORT_PLAN_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	char *folder = path_join(scratch, "folders"), *full = path_join(folder, "full"), *empty = path_join(folder, "empty"),
	     *file = path_join(full, "file"), *slashes = path_join(folder, "new//");

	(void)state;
	export_plan_make(&plan, &input);
	assert_int_equal(make_folders(full, 0777, &err), 0);
	assert_int_equal(make_folders(empty, 0777, &err), 0);
	assert_int_equal(replace_file(file, "x", 1, 0666, &err), 0);

	assert_int_equal(write_plan(&plan, full, &err), -1);
	assert_int_equal(err.code, MRP_EEXISTS);
	assert_int_equal(count_entries(full), 1);
	assert_int_equal(write_plan(&plan, file, &err), -1);
	mrp_err_clear(&err);
	assert_int_equal(write_plan(&plan, "/nonexistent/a", &err), -1);
	mrp_err_clear(&err);

	assert_int_equal(write_plan(&plan, empty, &err), 0);
	assert_int_equal(count_entries(empty), 4);
	assert_int_equal(write_plan(&plan, slashes, &err), 0);
	assert_int_equal(count_entries(folder), 3);
	assert_int_equal(count_entries(slashes), 4);
	export_plan_release(&plan);
	free(folder), free(full), free(empty), free(file), free(slashes);
}

/* A content that is not what its name says, and a file where a folder has to be: nothing is left. */
static void test_failures(void **state)
{
	struct export_input input = new_input();
	struct export_plan plan = EXPORT_PLAN_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	char *folder = path_join(scratch, "failures"), *target = path_join(folder, "t");
	const char *hash = blob("x");

	(void)state;
	assert_int_equal(make_folders(folder, 0777, &err), 0);
	value_push(&arena, (struct value *)input.objects[KIND_PROBER],
		parse(arena_printf(&arena, "{\"slug\": \"p\", \"command\": [\"x\"], \"files\": {"
					   "\"a\": {\"sha256\": \"%s\", \"mode\": \"0644\"}, \"a/b\": {\"sha256\": \"%s\", \"mode\": \"0755\"}}}",
			hash, hash)));
	export_plan_make(&plan, &input);
	assert_string_equal(notes_of(&plan), "");

	struct export_tree *tree = export_begin(&plan, target, &err);
	assert_non_null(tree);
	assert_int_equal(export_add_blob(tree, hash, "y", 1, &err), -1);
	assert_int_equal(err.code, MRP_EINVALID);
	export_end(tree);
	assert_int_equal(count_entries(folder), 0);

	assert_int_equal(write_plan(&plan, target, &err), -1);
	assert_non_null(strstr(err.msg, "probers/p/a/b"));
	mrp_err_clear(&err);
	assert_int_equal(count_entries(folder), 0);
	export_plan_release(&plan);
	free(folder), free(target);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	strvec_clear(&contents);
	arena_release(&arena);
	return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nasty),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
