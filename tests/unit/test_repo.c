/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configs from git: what a commit's files say is what a checkout of it says; who touched what; what differs. Repositories
 * are made by the git program, in all the shapes that people have.
 */
#include "trees.h"

#include <pthread.h>

#include "../../lib/config/config.h"
#include "../../lib/config/repo.h"

#define PROBER "name: P\ncommand: [./run.sh]\nplacements: [{clusters: [c]}]\n"
#define LFS "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 5\n"

static const struct tree_file base[] = {
	{ "mrprober.yaml", "mrprober: 1\nenvironments:\n  prod: {}\n" },
	{ "values.yaml", "ycp_profile: none\nyc_endpoint: e:443\n" },
	{ "recipes/r/recipe.yaml", "name: R\n" },
	{ "recipes/r/main.tf", "# nothing\n" },
	{ "clusters/c.yaml", "recipe: r\nvariables: {size: 5}\n" },
	{ "clusters/d/cluster.yaml", "recipe: r\nvariables: {size: 6}\n" },
	{ "probers/p/prober.yaml", PROBER },
	{ "probers/p/run.sh", "#!/bin/sh\n", 0755 },
	{ "probers/p-2/prober.yaml", PROBER },
	{ "probers/p-2/run.sh", "#!/bin/sh\necho\n", 0755 },
};

static struct arena arena = ARENA_INIT;
static const struct repo_ops *ops;

/* A shell's commands, with git's answers not depending on who runs this. */
static void sh(const char *commands)
{
	cleanup(freep) char *all = xasprintf("set -e\nexec >/dev/null\n"
					     "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null\n"
					     "export GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=ann@example.net\n"
					     "export GIT_COMMITTER_NAME=Com GIT_COMMITTER_EMAIL=com@example.net\n"
					     "commit() { git add -A && GIT_AUTHOR_DATE=\"$1Z\" GIT_COMMITTER_DATE=\"$1Z\" "
					     "git commit -q --allow-empty -m \"$1\"; }\n%s",
		commands);

	if (system(all) != 0)
		fail_msg("failed: %s", commands);
}

/* The base tree in a repository, committed as branch main. */
static void start(void)
{
	tree_make(base, ARRAY_SIZE(base));
	sh("git init -q -b main . && commit 2026-01-01T00:00:00");
}

/* Load; NULL and the error, or the first problem, in *text. */
static struct config *load(const char *path, const char *revision, const char **text)
{
	struct config_options options = { .path = path, .revision = revision, .read_secrets = true, .threads = 4 };
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf out = STRBUF_INIT;
	struct config *config = NULL;

	if (config_load(&config, &options, &problems, &err) < 0)
		strbuf_addstr(&out, err.msg);
	else if (problems.list.n)
		problems_format_first(&out, &problems);
	*text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	mrp_err_clear(&err);
	problems_clear(&problems);
	return config;
}

static struct config *load_clean(const char *path, const char *revision)
{
	const char *text;
	struct config *config = load(path, revision, &text);

	if (!config || *text)
		fail_msg("%s of %s: %s", revision ? revision : "files", path ? path : ".", text);
	return config;
}

static const struct config_object *object_of(struct config *config, enum kind kind, const char *slug)
{
	const struct config_object *object = config_find(config, kind, slug);

	if (!object)
		fail_msg("no %s '%s'", kinds[kind].name, slug);
	return object;
}

static void expect_same(const char *path, const char *revision)
{
	struct config *files = load_clean(NULL, NULL), *commit = load_clean(path, revision);
	uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
	size_t n, m;

	config_objects(files, &n);
	config_objects(commit, &m);
	assert_int_equal(n, m);
	config_root_digest(a, files);
	config_root_digest(b, commit);
	assert_memory_equal(a, b, sizeof(a));
	config_free(files);
	config_free(commit);
}

static void test_shapes(void **state)
{
	static const struct { const char *make, *path, *revision; } rows[] = {
		{ "", NULL, "main" },
		{ "", "probers", "HEAD:" },
		{ "git tag -a -m x v1", ".", "v1" },
		{ "git gc -q && git pack-refs --all && rm -rf .git/refs/heads/*", ".", "main" },
		{ "git checkout -q --detach", ".", "HEAD" },
		{ "git clone -q --bare . ../bare$$.git && mv ../bare$$.git .git/bare", ".git/bare", "main" },
		{ "git clone -q --bare . .git/bare && git -C .git/bare worktree add -q ../wt main", ".git/wt", "main" },
		{ "git clone -q --depth 1 \"file://$PWD\" .git/shallow", ".git/shallow", "main" },
		{ "git clone -q --shared . .git/alternate", ".git/alternate", "main" },
		{ "git branch -q feature/x && git config extensions.worktreeConfig true", ".", "feature/x" },
		{ "mkdir .git/top && git init -q -b main .git/top && mkdir .git/top/a && cp -R [a-z]* .git/top/a && cd .git/top && "
		  "commit 2026-01-01T00:00:00",
			".git/top", "main:a" },
		{ "", ".", "@{0}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		start();
		sh(rows[i].make);
		expect_same(rows[i].path, rows[i].revision);
	}
}

static void test_symlinks_and_modes(void **state)
{
	(void)state;
	start();
	sh("mkdir lib probers/p/sub && echo shared >lib/common.sh && chmod +x lib/common.sh\n"
	   "ln -s ../../lib/common.sh probers/p/common.sh && ln -s ../../../lib probers/p/sub/lib\n"
	   "ln -s p probers/q && ln -s c.yaml clusters/e.yaml && commit 2026-01-02T00:00:00");
	expect_same(".", "main");
	struct config *config = load_clean(".", "main");
	assert_non_null(strstr(object_of(config, KIND_PROBER, "p")->text, "\"sub/lib/common.sh\":{\"mode\":\"0755\""));
	assert_true(object_of(config, KIND_PROBER, "p")->linked);
	assert_true(object_of(config, KIND_PROBER, "q")->linked);
	assert_true(object_of(config, KIND_CLUSTER, "e")->linked);
	assert_false(object_of(config, KIND_PROBER, "p-2")->linked);
	config_free(config);
}

static void test_refused(void **state)
{
	static const struct { const char *make, *path, *revision, *text; } rows[] = {
		{ "", ".", "mian", "--revision: 'mian' is no commit, branch or tag here (did you mean 'main'?)" },
		{ "", ".", "zzzzzzzzzz", "--revision: 'zzzzzzzzzz' is no commit, branch or tag here" },
		{ "", ".", "", "--revision: '' is no commit, branch or tag here" },
		{ "", ".", "main^9", "--revision: 'main^9' is no commit, branch or tag here" },
		{ "git tag blob \"$(git rev-parse main:values.yaml)\"", ".", "blob", "--revision: 'blob' is a blob, not a commit" },
		{ "", ".", "main:probers", "'main:probers' is no config tree: it has no mrprober.yaml" },
		{ "", "probers", "main", "'main:probers' is no config tree: it has no mrprober.yaml (REV:FOLDER names another folder)" },
		{ "", ".", "main://probers/.//", "'main:probers' is no config tree: it has no mrprober.yaml" },
		{ "", "probers", "main:./", "'main:probers' is no config tree: it has no mrprober.yaml" },
		{ "git init -q deps && (cd deps && git commit -q --allow-empty -m x) && git add -A 2>/dev/null && commit "
		  "2026-01-02T00:00:00",
			".", "main:deps/x",
			"'main:deps/x' is no config tree: 'deps' is a submodule; its files are in another repository" },
		{ "rm -rf .git", ".", "main", "--revision: '.' is in no git repository" },
		{ "", "nothing/here", "main", "--revision: 'nothing/here': No such file or directory" },
		{ "rm -rf .git && git init -q --object-format=sha256 -b main . && commit 2026-01-02T00:00:00", ".", "main",
			"the git repository names its objects by SHA-256, which libgit2 cannot read; the files of a checkout can be used, "
			"without --revision" },
		{ "rm -rf .git && git init -q -b main .", ".", "HEAD", "--revision: the branch that HEAD names has no commit yet" },
		{ "git clone -q --depth 1 \"file://$PWD\" .git/shallow", ".git/shallow", "1234567",
			"--revision: '1234567' is no commit, branch or tag here; this is a shallow clone, which may lack it: git fetch "
			"--unshallow" },
		{ "git init -q sub && (cd sub && git commit -q --allow-empty -m x) && mv sub probers/sub && git add -A 2>/dev/null && commit "
		  "2026-01-02T00:00:00",
			".", "main", "main:probers/sub:1:1: prober 'sub': is a submodule; its files are in another repository" },
		{ "ln -s /etc/passwd probers/p/x && commit 2026-01-02T00:00:00", ".", "main",
			"main:probers/p/x:1:1: prober 'p': files: is a symlink that leads out of the tree; link to a file inside it, or copy it" },
		{ "ln -s ../../../x probers/p/x && commit 2026-01-02T00:00:00", ".", "main",
			"main:probers/p/x:1:1: prober 'p': files: is a symlink that leads out of the tree; link to a file inside it, or copy it" },
		{ "ln -s none probers/p/x && commit 2026-01-02T00:00:00", ".", "main",
			"main:probers/p/x:1:1: prober 'p': files: is a symlink to nothing" },
		{ "ln -s x probers/p/x && commit 2026-01-02T00:00:00", ".", "main",
			"main:probers/p/x:1:1: prober 'p': files: is a symlink that leads to itself" },
		{ "printf '" LFS "' >probers/p/x && commit 2026-01-02T00:00:00", ".", "main",
			"main:probers/p/x:1:1: prober 'p': files: is kept by Git LFS, outside the repository; read it from a checkout, without --revision" },
		{ "head -c 5000000 /dev/zero >values.yaml && commit 2026-01-02T00:00:00", ".", "main",
			"main:values.yaml:1:1: is larger than 4 MiB" },
		{ "head -c 5000000 /dev/zero >values.yaml && commit 2026-01-02T00:00:00 && git gc -q", ".", "main",
			"main:values.yaml:1:1: is larger than 4 MiB" },
		/* in the pack it is a delta of the larger one before it */
		{ "awk 'BEGIN { for (i = 0; i < 180000; i++) print \"# \" rand() rand() rand() }' >values.yaml && "
		  "commit 2026-01-02T00:00:00 && sed -i '120000,$d' values.yaml && echo text >>values.yaml && "
		  "commit 2026-01-03T00:00:00 && git repack -qadf",
			".", "main", "main:values.yaml:120000:1: is text, should be a map" },
		{ "chmod -x probers/p/run.sh && commit 2026-01-02T00:00:00", ".", "main",
			"main:probers/p/prober.yaml:2:11: prober 'p': command: './run.sh' is not executable; run: chmod +x run.sh" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		start();
		sh(rows[i].make);
		config_free(load(rows[i].path, rows[i].revision, &text));
		if (!streq(text, rows[i].text))
			fail_msg("row %zu, %s: '%s', not '%s'", i, rows[i].revision, text, rows[i].text);
	}
}

static void test_another_users(void **state)
{
	const char *text;

	(void)state;
	if (geteuid() != 0)
		skip();
	start();
	sh("chown -R 4242 .");
	config_free(load(".", "main", &text));
	if (!strstr(text, "belongs to another user"))
		fail_msg("%s", text);
	char *hint = xasprintf("safe.directory '%s'", tree_folder);
	assert_non_null(strstr(text, hint));
	free(hint);
	/* without --revision the files are read as ever; only who changed them cannot be told */
	struct config *config = load_clean(NULL, NULL);
	struct mrp_err err = MRP_ERR_INIT;
	const struct config_object *object = object_of(config, KIND_PROBER, "p");
	assert_int_equal(config_find_touches(config, &object, 1, &err), -1);
	assert_int_equal(err.code, MRP_EPERM);
	mrp_err_clear(&err);
	config_free(config);
}

static void test_a_missing_object(void **state)
{
	const char *text;

	(void)state;
	start();
	sh("f=.git/objects/$(git rev-parse main:probers/p/run.sh | sed 's|^..|&/|') && rm -f $f");
	config_free(load(".", "main", &text));
	assert_non_null(strstr(text, "main:probers/p/run.sh:1:1: prober 'p': files: cannot be read: its object is not here (a partial clone?)"));
}

/* The subject of the commit that touched an object last (subjects are dates), "-" for none, or what the revision says. */
static const char *touch_text(const struct config_object *object)
{
	const struct config_touch *touch = object->touch;

	if (!touch)
		return "-";
	if (ends_with(touch->revision, "-dirty"))
		return "dirty";
	assert_int_equal(strlen(touch->revision), REPO_ID_HEX);
	return touch->committed_at ? touch->committed_at : "unknown";
}

static void test_touches(void **state)
{
	static const struct { const char *make, *revision, *p, *p2, *c, *r; } rows[] = {
		{ "", NULL, "2026-01-01", "2026-01-01", "2026-01-01", "2026-01-01" },
		{ "echo >>probers/p/run.sh; commit 2026-01-02T00:00:00", "main", "2026-01-02", "2026-01-01", "2026-01-01", "2026-01-01" },
		{ "echo >>probers/p/run.sh", NULL, "dirty", "2026-01-01", "2026-01-01", "2026-01-01" },
		{ "echo >>probers/p/run.sh", "main", "2026-01-01", "2026-01-01", "2026-01-01", "2026-01-01" },
		{ "echo >>probers/p/run.sh; git add -A", NULL, "dirty", "2026-01-01", "2026-01-01", "2026-01-01" },
		{ "echo >probers/p/new", NULL, "dirty", "2026-01-01", "2026-01-01", "2026-01-01" },
		{ "echo 'new' >.gitignore; commit 2026-01-02T00:00:00; echo >probers/p/new", NULL, "dirty", "2026-01-01", "2026-01-01",
			"2026-01-01" },
		{ "echo a: 1 >>values.yaml; commit 2026-01-03T00:00:00", NULL, "2026-01-01", "2026-01-01", "2026-01-03", "2026-01-01" },
		{ "echo a: 1 >recipes/r/values.yaml; commit 2026-01-03T00:00:00", NULL, "2026-01-01", "2026-01-01", "2026-01-03",
			"2026-01-03" },
		/* a change and its revert by a merged branch: the mainline, which is the same, is followed */
		{ "git checkout -q -b side; echo >>probers/p/run.sh; commit 2026-01-02T00:00:00; git revert --no-edit HEAD >/dev/null; "
		  "git checkout -q main; echo >>probers/p-2/run.sh; commit 2026-01-03T00:00:00; git merge -q --no-edit side",
			"main", "2026-01-01", "2026-01-03", "2026-01-01", "2026-01-01" },
		/* a branch's change that comes by a merge is the branch's */
		{ "git checkout -q -b side; echo >>probers/p/run.sh; commit 2026-01-02T00:00:00; git checkout -q main; "
		  "echo >>probers/p-2/run.sh; commit 2026-01-03T00:00:00; git merge -q --no-edit side",
			"main", "2026-01-02", "2026-01-03", "2026-01-01", "2026-01-01" },
		/* clocks that go backwards */
		{ "echo >>probers/p/run.sh; commit 2025-01-02T00:00:00; echo >>probers/p-2/run.sh; commit 2024-01-02T00:00:00", "main",
			"2025-01-02", "2024-01-02", "2026-01-01", "2026-01-01" },
		/* where a shallow clone ends, nobody knows */
		{ "echo >>probers/p/run.sh; commit 2026-01-02T00:00:00; git clone -q --depth 2 \"file://$PWD\" .git/s; mv .git/s/.git .g; "
		  "rm -rf .git; mv .g .git",
			"main", "2026-01-02", "unknown", "unknown", "unknown" },
		{ "rm -rf .git", NULL, "-", "-", "-", "-" },
		{ "rm -rf .git; git init -q .", NULL, "-", "-", "-", "-" },
		{ "chmod -x recipes/r/main.tf; touch -d 2001-01-01 probers/p/*", NULL, "2026-01-01", "2026-01-01", "2026-01-01",
			"2026-01-01" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mrp_err err = MRP_ERR_INIT;

		start();
		sh(rows[i].make);
		struct config *config = load_clean(NULL, rows[i].revision);
		const struct config_object *objects[] = { object_of(config, KIND_PROBER, "p"), object_of(config, KIND_PROBER, "p-2"),
			object_of(config, KIND_CLUSTER, "c"), object_of(config, KIND_RECIPE, "r") };
		const char *const want[] = { rows[i].p, rows[i].p2, rows[i].c, rows[i].r };
		for (int again = 0; again < 2; again++) {
			if (config_find_touches(config, objects, 4, &err) < 0)
				fail_msg("row %zu: %s", i, err.msg);
		}
		for (size_t k = 0; k < 4; k++) {
			const char *got = touch_text(objects[k]);

			if (strncmp(got, want[k], strlen(want[k])) != 0)
				fail_msg("row %zu: %s '%s': %s, not %s", i, kinds[objects[k]->kind].name, objects[k]->slug, got, want[k]);
			if (objects[k]->touch && objects[k]->touch->author)
				assert_string_equal(objects[k]->touch->author, "Ann <ann@example.net>");
		}
		config_free(config);
	}
}

/* Histories at random, with merges and clocks that lie: the answers are those of git log. */
static void test_touches_as_git_log(void **state)
{
	enum { SEEDS = 20, FILES = 6 };

	(void)state;
	for (int seed = 1; seed <= SEEDS; seed++) {
		struct repo_path paths[] = { { "d/f0" }, { "d/f1" }, { "d/f2" }, { "f3" }, { "f4" }, { "none" } };
		cleanup(strbuf_release) struct strbuf want = STRBUF_INIT, got = STRBUF_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		char id[REPO_ID_HEX + 1];

		tree_make(base, 1);
		cleanup(freep) char *make = xasprintf(
			"git init -q -b main . && awk 'BEGIN {\n"
			"srand(%d)\n"
			"for (i = 1; i <= 60; i++) {\n"
			"printf \"commit refs/heads/main\\nmark :%%d\\nauthor A <a@x> 1 +0000\\ncommitter C <c@x> %%d +0000\\ndata 0\\n\", "
			"i, 1700000000 + int(rand() * 9999)\n"
			"if (i > 1) { p = i - 1 - int(rand() * 5); if (p < 1) p = 1; print \"from :\" p\n"
			"q = i - 1 - int(rand() * 5); if (q >= 1 && q != p && rand() < 0.4) print \"merge :\" q }\n"
			"f = int(rand() * 5); print \"M 644 inline \" (f < 3 ? \"d/\" : \"\") \"f\" f \"\\ndata 2\\n\" int(rand() * 3) }\n"
			"}' >stream && git fast-import --quiet --force <stream && for f in d/f0 d/f1 d/f2 f3 f4 none; do "
			"echo \"$(git log -1 --format=%%H main -- $f)\"; done >want",
			seed);
		sh(make);
		struct repo *repo = ops->open(".", &err);
		assert_non_null(repo);
		assert_int_equal(ops->resolve(repo, id, "main", &err), 0);
		assert_int_equal(ops->history(repo, &arena, id, paths, FILES, &err), 0);
		for (int i = 0; i < FILES; i++)
			strbuf_addf(&got, "%s\n", paths[i].revision);
		assert_int_equal(read_file(&want, "want", 4096, &err), 0);
		/* a file that is gone at the end is absent here, while git log tells who removed it: none is ever removed */
		if (!streq(got.buf, want.buf))
			fail_msg("seed %d:\n%s\nnot\n%s", seed, got.buf, want.buf);
		ops->close(repo);
	}
}

static void test_changes(void **state)
{
	/* objects that count, and those that had files at the revision and are not described any more */
	static const struct { const char *make, *revision, *objects, *had; } rows[] = {
		{ "", NULL, "", "" },
		{ "commit 2026-01-02T00:00:00", "main", "", "" },
		{ "echo >>probers/p/run.sh", NULL, "prober/p", "" },
		{ "echo >>probers/p/run.sh", "main", "", "" },
		{ "echo >>probers/p/run.sh; commit 2026-01-02T00:00:00", "main", "prober/p", "" },
		{ "echo a: 1 >>values.yaml", NULL, "cluster/c cluster/d", "" },
		{ "echo a: 1 >recipes/r/values.yaml", NULL, "recipe/r cluster/c cluster/d", "" },
		{ "mkdir environments; echo a: 1 >environments/prod.yaml; commit 2026-01-02T00:00:00", "main", "cluster/c cluster/d", "" },
		{ "echo >>mrprober.yaml", NULL, "recipe/r cluster/c cluster/d", "" },
		{ "rm -r probers/p", NULL, "", "prober/p" },
		{ "git rm -rq probers/p; commit 2026-01-02T00:00:00", "main", "", "prober/p" },
		{ "git mv probers/p probers/moved; commit 2026-01-02T00:00:00", "main", "prober/moved", "prober/p" },
		{ "rm clusters/c.yaml; rm -r clusters/d", NULL, "", "cluster/c cluster/d" },
		/* in no environment that is synchronized: files of it were there before, or are new */
		{ "sed -i 's/prod: {}/prod: {}\\n  lab: {}/' mrprober.yaml; commit 2026-01-02T00:00:00; git tag -f start; "
		  "echo 'environments: [lab]' >>clusters/c.yaml; sed 's/prod/lab/' clusters/c.yaml >clusters/new.yaml",
			NULL, "", "cluster/c" },
		{ "chmod -x recipes/r/main.tf; chmod +x recipes/r/recipe.yaml", NULL, "recipe/r", "" },
		{ "ln -s ../p-2/run.sh probers/p/x; commit 2026-01-02T00:00:00; git tag -f start", "main", "prober/p", "" },
		{ "echo '  k: !env HOME' >x; printf 'recipe: r\\nvariables:\\n  size: 5\\n  k: !env HOME\\n' >clusters/c.yaml; "
		  "rm x; commit 2026-01-02T00:00:00; git tag -f start",
			"main", "cluster/c", "" },
	};
	static const char *const names[] = { "recipe/r", "cluster/c", "cluster/d", "cluster/new", "prober/moved", "prober/p",
		"prober/p-2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(strbuf_release) struct strbuf objects = STRBUF_INIT, had = STRBUF_INIT;
		struct config_options options = { .revision = rows[i].revision, .environment = "prod", .read_secrets = true,
			.note_links = true };
		struct problems problems = PROBLEMS_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		struct config_changes *changes;
		struct config *config;

		start();
		sh("git tag start");
		sh(rows[i].make);
		if (config_load(&config, &options, &problems, &err) < 0 || config_changes_since(&changes, config, "start", &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			const char *slug = strchr(names[k], '/') + 1;
			cleanup(freep) char *kind = xstrndup(names[k], (size_t)(slug - names[k] - 1));
			enum kind number = (enum kind)kind_from_name(kind);
			const struct config_object *object = config_find(config, number, slug);

			if (object && config_changes_object(changes, object))
				strbuf_addf(&objects, "%s%s", objects.len ? " " : "", names[k]);
			if (!object && config_changes_had(changes, number, slug))
				strbuf_addf(&had, "%s%s", had.len ? " " : "", names[k]);
		}
		if (!streq(objects.buf, rows[i].objects) || !streq(had.buf, rows[i].had))
			fail_msg("row %zu: '%s' and '%s'", i, objects.buf, had.buf);
		config_changes_free(changes);
		config_free(config);
		problems_clear(&problems);
	}
}

struct reading {
	struct config_source *source;
	size_t files;
	bool failed;
};

static void *read_all(void *arg)
{
	struct reading *reading = arg;
	struct source_entry_vec entries = VEC_INIT;
	struct arena names = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (reading->source->ops->list(reading->source, &entries, &names, "probers", &err) < 0)
		reading->failed = true;
	for (size_t i = 0; i < entries.n; i++) {
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
		const char *path = arena_printf(&names, "probers/%s/prober.yaml", entries.v[i].name);
		bool executable = true;

		if (reading->source->ops->read(reading->source, &text, &executable, path, 1 << 20, &err) < 0 || executable ||
			!strstr(text.buf, entries.v[i].name))
			reading->failed = true;
		reading->files++;
	}
	mrp_err_clear(&err);
	source_entry_vec_clear(&entries);
	arena_release(&names);
	return NULL;
}

static void test_many_files_and_threads(void **state)
{
	enum { FILES = 10000, THREADS = 4 };
	struct mrp_err err = MRP_ERR_INIT;
	char id[REPO_ID_HEX + 1];
	pthread_t threads[THREADS];
	struct reading readings[THREADS];

	(void)state;
	tree_make(base, 1);
	/* straight into a pack: no file of them is ever written */
	sh("git init -q --bare -b main big.git && awk 'BEGIN {\n"
	   "print \"commit refs/heads/main\\ncommitter C <c@example.net> 1700000000 +0000\\ndata 0\"\n"
	   "for (i = 0; i < 10000; i++) { s = \"name: p\" i \"\\n\"; print \"M 644 inline probers/p\" i \"/prober.yaml\\ndata \" "
	   "length(s) \"\\n\" s } }' | git -C big.git fast-import --quiet && git -C big.git repack -qad");
	struct repo *repo = ops->open("big.git", &err);
	assert_non_null(repo);
	assert_int_equal(ops->resolve(repo, id, "main", &err), 0);
	struct config_source *source = ops->source(repo, id, "", &err);
	ops->close(repo); /* the source keeps nothing of it */
	assert_non_null(source);
	for (int i = 0; i < THREADS; i++) {
		readings[i] = (struct reading){ .source = source };
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_false(readings[i].failed);
		assert_int_equal(readings[i].files, FILES);
	}
	source->ops->free(source);
}

static void test_names(void **state)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	start();
	sh("git branch feature/x; git tag v1; git notes add -m x; git stash -q || :");
	struct repo *repo = ops->open("probers/p", &err);
	assert_non_null(repo);
	assert_string_equal(ops->folder(repo), "probers/p");
	assert_int_equal(ops->names(repo, &names, &err), 0);
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[0], "feature/x");
	assert_string_equal(names.v[1], "main");
	assert_string_equal(names.v[2], "v1");
	ops->close(repo);
}

static int tear_down(void **state)
{
	(void)state;
	tree_remove();
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_symlinks_and_modes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_another_users),
		cmocka_unit_test(test_a_missing_object),
		cmocka_unit_test(test_touches),
		cmocka_unit_test(test_touches_as_git_log),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_many_files_and_threads),
		cmocka_unit_test(test_names),
	};
	struct mrp_err err = MRP_ERR_INIT;

	if (system("git --version >/dev/null 2>&1") != 0)
		return 77;
	setenv("HOME", "/nonexistent", 1); /* nobody's safe.directory */
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	ops = repo_ops(&err);
	if (!ops) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
