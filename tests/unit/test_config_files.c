/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of files by hash: what is refused, what is found damaged, what a crash or a full disk leaves. */
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../../lib/agent/config_files.h"
#include "../../lib/base/file.h"
#include "../../lib/base/hash.h"

static int new_folder(void **state)
{
	static int number;

	*state = xasprintf("%s/%d", scratch, ++number);
	return mkdir(*state, 0755);
}

static int drop_folder(void **state)
{
	free(*state);
	return 0;
}

/* --- configs made by hand: the parser would refuse bad ones before ---------------------------------------------------
 */

struct made {
	struct agent_config config;
	struct arena arena;
};

static const char *const argv_true[] = { "./run", NULL };

static void made_release(struct made *made)
{
	for (size_t i = 0; i < made->config.entries.n; i++)
		free(made->config.entries.v[i]);
	entry_vec_clear(&made->config.entries);
	arena_release(&made->arena);
}

static const char *hash_of(struct arena *arena, const char *text)
{
	char *hex = arena_alloc(arena, SHA256_HEX + 1);

	sha256_hex_of(hex, text, strlen(text));
	return hex;
}

static struct value *file_value(struct arena *arena, const char *sha256, const char *mode)
{
	struct value *file = value_object(arena);

	value_append(arena, file, "sha256", value_string(arena, sha256));
	value_append(arena, file, "mode", value_string(arena, mode));
	return file;
}

static struct entry *add_entry(struct made *made, const char *prober, uint64_t hash)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));

	entry->id = entry->prober = prober;
	entry->argv = argv_true;
	entry->files_hash = hash;
	entry->files = value_object(&made->arena);
	entry_vec_push(&made->config.entries, entry);
	return entry;
}

static void add_file(struct made *made, const struct entry *entry, const char *path, const char *text, const char *mode)
{
	value_append(&made->arena, (struct value *)(uintptr_t)entry->files, path,
		file_value(&made->arena, hash_of(&made->arena, text), mode));
}

/* Prober "p" with the content `text` in "run" and in "data/copy". */
static void make_one(struct made *made, uint64_t hash, const char *text)
{
	struct entry *entry = add_entry(made, "p", hash);

	add_file(made, entry, "run", text, "0755");
	add_file(made, entry, "data/copy", text, "0644");
	add_file(made, entry, "data/deep/other", "other", "0644");
}

/* --- */

static struct config_files *open_files(const char *folder)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct config_files *files = config_files_open(folder, &err);

	if (!files)
		fail_msg("%s", err.msg);
	return files;
}

/* The contents are "other" and `text`. -1 as soon as something fails. */
static int bring(struct config_files *files, const struct agent_config *config, const char *text, size_t *fetched,
	struct mrp_err *err)
{
	struct missing_vec missing = VEC_INIT;
	int result = config_files_missing(files, &missing, config, false, err);

	if (fetched)
		*fetched = missing.n;
	for (size_t i = 0; i < missing.n && result == 0; i++) {
		char hex[SHA256_HEX + 1];

		sha256_hex_of(hex, text, strlen(text));
		const char *content = streq(hex, missing.v[i].sha256) ? text : "other";
		result = config_files_put(files, &missing.v[i], content, strlen(content), err);
	}
	if (result == 0)
		result = config_files_make(files, err);
	missing_vec_clear(&missing);
	return result;
}

static size_t must_bring(struct config_files *files, const struct agent_config *config, const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	size_t fetched;

	if (bring(files, config, text, &fetched, &err) < 0)
		fail_msg("%s", err.msg);
	return fetched;
}

static void collect(struct config_files *files, struct made *a, struct made *b)
{
	struct config_vec used = VEC_INIT;

	if (a)
		config_vec_push(&used, &a->config);
	if (b)
		config_vec_push(&used, &b->config);
	config_files_collect(files, &used);
	config_vec_clear(&used);
}

static void expect_text(const char *folder, const char *path, const char *text, unsigned mode)
{
	cleanup(strbuf_release) struct strbuf content = STRBUF_INIT;
	cleanup(freep) char *full = path_join(folder, path);
	struct mrp_err err = MRP_ERR_INIT;
	struct stat st;

	if (read_file(&content, full, 1 << 20, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(content.buf, text);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static bool is_there(const char *folder, const char *path)
{
	cleanup(freep) char *full = path_join(folder, path);

	return access(full, F_OK) == 0;
}

static void write_text(const char *folder, const char *path, const char *text)
{
	cleanup(freep) char *full = path_join(folder, path);
	cleanup(fd_closep) int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct mrp_err err = MRP_ERR_INIT;

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text), &err), 0);
}

#define SET1 "files/p-0000000000000001"
#define SET2 "files/p-0000000000000002"

static void test_bad_files(void **state)
{
	static const struct {
		const char *prober, *path, *sha256, *mode, *message;
	} cases[] = {
		{ "p", "../run", NULL, "0755", "prober 'p': file '../run': is no path" },
		{ "p", "/etc/passwd", NULL, "0644", "is no path" },
		{ "p", "a/../../b", NULL, "0644", "is no path" },
		{ "p", "a//b", NULL, "0644", "is no path" },
		{ "p", "a/", NULL, "0644", "is no path" },
		{ "p", "", NULL, "0644", "is no path" },
		{ "p", ".", NULL, "0644", "is no path" },
		{ "p", "run", "abc", "0755", "has no valid sha256" },
		{ "p", "run", "../../../../../../../../../../../../../../../../../../../../etc/passwd", "0755",
			"has no valid sha256" },
		{ "p", "run", NULL, "4755", "mode is neither" },
		{ "p", "run", NULL, "", "mode is neither" },
		{ "../p", "run", NULL, "0755", "is not a slug" },
		{ ".new", "run", NULL, "0755", "is not a slug" },
	};
	const char *folder = *state;
	struct config_files *files = open_files(folder);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct made made = { 0 };
		struct mrp_err err = MRP_ERR_INIT;
		struct missing_vec missing = VEC_INIT;
		struct entry *entry = add_entry(&made, cases[i].prober, 1);
		const char *sha256 = cases[i].sha256 ? cases[i].sha256 : hash_of(&made.arena, "x");

		value_append(&made.arena, (struct value *)(uintptr_t)entry->files, cases[i].path,
			file_value(&made.arena, sha256, cases[i].mode));
		if (config_files_missing(files, &missing, &made.config, false, &err) == 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(err.code, MRP_EINVALID);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("case %zu: %s", i, err.msg);
		assert_int_equal(missing.n, 0);
		mrp_err_clear(&err);
		made_release(&made);
	}
	config_files_close(files);
}

static void test_sets(void **state)
{
	const char *folder = *state;
	struct config_files *files = open_files(folder);
	struct made one = { 0 }, two = { 0 };
	mode_t mask = umask(077);

	make_one(&one, 1, "one");
	make_one(&two, 2, "two");
	assert_int_equal(must_bring(files, &one.config, "one"), 2);
	expect_text(folder, SET1 "/run", "one", 0755);
	expect_text(folder, SET1 "/data/copy", "one", 0644);
	expect_text(folder, SET1 "/data/deep/other", "other", 0644);
	umask(mask);
	/* what is there is not fetched again */
	assert_int_equal(must_bring(files, &two.config, "two"), 1);
	collect(files, &one, &two);
	assert_true(is_there(folder, SET1 "/run") && is_there(folder, SET2 "/run"));
	collect(files, &two, NULL);
	assert_false(is_there(folder, SET1));
	expect_text(folder, SET2 "/run", "two", 0755);
	assert_int_equal(must_bring(files, &one.config, "one"), 1);
	collect(files, &one, NULL);
	assert_false(is_there(folder, SET2));
	config_files_close(files);
	made_release(&one);
	made_release(&two);
}

/* A file and a folder of one name cannot both be; the message says where. */
static void test_impossible(void **state)
{
	const char *folder = *state;
	struct config_files *files = open_files(folder);
	struct mrp_err err = MRP_ERR_INIT;
	struct made made = { 0 };
	struct entry *entry = add_entry(&made, "p", 1);

	add_file(&made, entry, "a", "other", "0644");
	add_file(&made, entry, "a/b", "other", "0644");
	assert_int_equal(bring(files, &made.config, "x", NULL, &err), -1);
	assert_non_null(strstr(err.msg, "prober 'p': file 'a/b'"));
	assert_false(is_there(folder, SET1));
	assert_false(is_there(folder, "files/.new-p-0000000000000001"));
	mrp_err_clear(&err);
	config_files_close(files);
	made_release(&made);
}

static void test_damage(void **state)
{
	static const struct {
		const char *path, *text; /* NULL: removed */
		size_t fetched;
	} cases[] = {
		{ SET1 "/run", "evil", 0 }, /* it is there with the other mode */
		{ SET1 "/data/copy", NULL, 0 },
		{ SET1 "/data/deep/other", "", 1 },
	};
	const char *folder = *state;
	struct made made = { 0 };

	make_one(&made, 1, "one");
	struct config_files *files = open_files(folder);
	must_bring(files, &made.config, "one");
	config_files_close(files);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* as a new process sees it; the same inode is the content in blobs/ */
		files = open_files(folder);
		cleanup(freep) char *full = path_join(folder, cases[i].path);

		if (cases[i].text)
			write_text(folder, cases[i].path, cases[i].text);
		else
			assert_int_equal(unlink(full), 0);
		size_t fetched = must_bring(files, &made.config, "one");
		if (fetched != cases[i].fetched)
			fail_msg("case %zu: %zu contents fetched", i, fetched);
		expect_text(folder, SET1 "/run", "one", 0755);
		expect_text(folder, SET1 "/data/copy", "one", 0644);
		expect_text(folder, SET1 "/data/deep/other", "other", 0644);
		config_files_close(files);
	}
	made_release(&made);
}

/* Modes that nobody gave. */
static void test_modes(void **state)
{
	const char *folder = *state;
	struct config_files *files = open_files(folder);
	cleanup(freep) char *run = path_join(folder, SET1 "/run");
	struct made made = { 0 };

	make_one(&made, 1, "one");
	must_bring(files, &made.config, "one");
	assert_int_equal(chmod(run, 04777), 0);
	assert_int_equal(must_bring(files, &made.config, "one"), 0);
	expect_text(folder, SET1 "/run", "one", 0755);
	config_files_close(files);
	made_release(&made);
}

static void test_wrong_content(void **state)
{
	struct config_files *files = open_files(*state);
	struct mrp_err err = MRP_ERR_INIT;
	struct missing_vec missing = VEC_INIT;
	struct made made = { 0 };

	make_one(&made, 1, "one");
	assert_int_equal(config_files_missing(files, &missing, &made.config, false, &err), 0);
	assert_int_equal(missing.n, 2);
	for (size_t i = 0; i < missing.n; i++) {
		assert_int_equal(config_files_put(files, &missing.v[i], "wrong", 5, &err), -1);
		assert_int_equal(err.code, MRP_EHTTP);
		mrp_err_clear(&err);
	}
	/* and what is missing all the same is no folder */
	assert_int_equal(config_files_make(files, &err), -1);
	assert_false(is_there(*state, SET1));
	mrp_err_clear(&err);
	missing_vec_clear(&missing);
	config_files_close(files);
	made_release(&made);
}

/* What a process leaves that ends at any point: the next one removes it, or finds it wanting. */
static void test_leftovers(void **state)
{
	const char *folder = *state;
	struct made made = { 0 };
	struct config_files *files = open_files(folder);

	make_one(&made, 1, "one");
	must_bring(files, &made.config, "one");
	config_files_close(files);
	cleanup(freep) char *deep = path_join(folder, "files/.new-x-1/a/b"), *old = path_join(folder, "files/.old-p-1"),
			    *half = path_join(folder, SET2);
	struct mrp_err err = MRP_ERR_INIT;
	assert_int_equal(make_folders(deep, 0755, &err), 0);
	assert_int_equal(mkdir(old, 0755), 0);
	assert_int_equal(mkdir(half, 0755), 0);
	write_text(folder, "files/.new-x-1/a/b/c", "x");
	write_text(folder, SET2 "/run", "tw");
	files = open_files(folder);
	assert_false(is_there(folder, "files/.new-x-1"));
	assert_false(is_there(folder, "files/.old-p-1"));
	assert_int_equal(must_bring(files, &made.config, "one"), 0);
	struct made two = { 0 };
	make_one(&two, 2, "two");
	must_bring(files, &two.config, "two");
	expect_text(folder, SET2 "/run", "two", 0755);
	config_files_close(files);
	made_release(&made);
	made_release(&two);
}

/* A symlink in the place of a folder leads nowhere. */
static void test_symlink(void **state)
{
	const char *folder = *state;
	struct config_files *files = open_files(folder);
	cleanup(freep) char *elsewhere = path_join(folder, "elsewhere"), *place = path_join(folder, SET1);
	struct made made = { 0 };

	assert_int_equal(mkdir(elsewhere, 0755), 0);
	write_text(folder, "elsewhere/keep", "kept");
	assert_int_equal(symlink(elsewhere, place), 0);
	make_one(&made, 1, "one");
	must_bring(files, &made.config, "one");
	expect_text(folder, SET1 "/run", "one", 0755);
	expect_text(folder, "elsewhere/keep", "kept", 0644);
	assert_false(is_there(folder, "elsewhere/run"));
	config_files_close(files);
	made_release(&made);
}

/* A limit on the size of files stands for a full disk: the write fails in the middle. */
static void test_cannot_write(void **state)
{
	const char *folder = *state;
	struct config_files *files = open_files(folder);
	struct rlimit before, limit;
	struct mrp_err err = MRP_ERR_INIT;
	struct made one = { 0 }, large = { 0 };
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	make_one(&one, 1, "one");
	make_one(&large, 2, text);
	must_bring(files, &one.config, "one");
	collect(files, &one, NULL);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 1000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int result = bring(files, &large.config, text, NULL, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(result, -1);
	assert_non_null(strstr(err.msg, "File too large"));
	mrp_err_clear(&err);
	expect_text(folder, SET1 "/run", "one", 0755);
	assert_false(is_there(folder, SET2));
	must_bring(files, &large.config, text);
	expect_text(folder, SET2 "/run", text, 0755);
	config_files_close(files);
	made_release(&one);
	made_release(&large);
}

/* Only what somebody runs needs a folder. */
static void test_no_folder(void **state)
{
	const char *folder = *state;
	struct config_files *files = open_files(folder);
	struct made made = { 0 };

	make_one(&made, 1, "one");
	((struct entry *)(uintptr_t)made.config.entries.v[0])->error = "cannot be run";
	assert_int_equal(must_bring(files, &made.config, "one"), 0);
	assert_false(is_there(folder, SET1));
	add_entry(&made, "p", 2)->files = NULL;
	assert_int_equal(must_bring(files, &made.config, "one"), 0);
	assert_true(is_there(folder, SET2));
	config_files_close(files);
	made_release(&made);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, new_folder, drop_folder)
	const struct CMUnitTest tests[] = {
		CASE(test_bad_files),
		CASE(test_sets),
		CASE(test_impossible),
		CASE(test_damage),
		CASE(test_modes),
		CASE(test_wrong_content),
		CASE(test_leftovers),
		CASE(test_symlink),
		CASE(test_cannot_write),
		CASE(test_no_folder),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
