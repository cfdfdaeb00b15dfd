/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what a load saw: every change that another load would see shows in it, and nothing else does. */
#include "trees.h"

#include "../../lib/config/seen.h"
#include "../../lib/config/source.h"

static const struct tree_file base[] = {
	{ "mrprober.yaml", "mrprober: 1\n" },
	{ "shared/lib.sh", "lib\n" },
	{ "probers/p/prober.yaml", "command: [./run.sh]\n" },
	{ "probers/p/run.sh", "#!/bin/sh\n", 0755 },
	{ "probers/p/other", "not read\n" },
};

static struct arena arena = ARENA_INIT;

static int setup(void **state)
{
	(void)state;
	tree_make(base, ARRAY_SIZE(base));
	assert_int_equal(symlink("../../shared/lib.sh", "probers/p/lib.sh"), 0);
	assert_int_equal(symlink("../../shared/none", "probers/p/dangling"), 0);
	return 0;
}

/* What a load would look at. `late_s` after the tree was made: no test waits. */
static struct config_source *look(struct seen **seen, int late_s)
{
	static const char *const folders[] = { "", "probers", "probers/p" },
				 *const files[] = { "mrprober.yaml", "values.yaml", "probers/p/prober.yaml",
					 "probers/p/run.sh", "probers/p/lib.sh" };
	struct mrp_err err = MRP_ERR_INIT;
	struct config_source *source = config_source_worktree(".", &err);
	struct timespec now;

	assert_non_null(source);
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += late_s;
	*seen = config_source_watch(source, now);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		struct source_entry_vec entries = VEC_INIT;

		assert_int_equal(source->ops->list(source, &entries, &arena, folders[i], &err), 0);
		source_entry_vec_clear(&entries);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct strbuf text = STRBUF_INIT;
		int result = source->ops->read(source, &text, NULL, files[i], 1 << 20, &err);

		assert_int_equal(result, streq(files[i], "values.yaml") ? -1 : 0);
		mrp_err_clear(&err);
		strbuf_release(&text);
	}
	return source;
}

static bool still_so(const struct strbuf *record)
{
	int root = open(".", O_PATH);
	bool so = seen_still_so(root, record->buf, record->len);

	close(root);
	return so;
}

/* In its place, as editors and programs do that do not rename. */
static void overwrite(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Time stamps move in steps: wait for the next one, so that a change has another. */
static void next_step(void)
{
	int fd = open("shared/clock", O_WRONLY | O_CREAT, 0644);
	struct stat last, now;

	assert_int_equal(fstat(fd, &last), 0);
	do {
		assert_int_equal(futimens(fd, NULL), 0);
		assert_int_equal(fstat(fd, &now), 0);
	} while (now.st_ctim.tv_sec == last.st_ctim.tv_sec && now.st_ctim.tv_nsec == last.st_ctim.tv_nsec);
	close(fd);
}

static void nothing(void)
{
	struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	assert_int_equal(read_file(&text, "probers/p/run.sh", 1000, &err), 0);
	strbuf_release(&text);
}

static void unread_file(void)
{
	overwrite("probers/p/other", "changed, but nobody read it\n");
}

static void below_unlisted(void)
{
	tree_write("shared/more", "x\n", 0644);
}

static void content(void)
{
	overwrite("probers/p/run.sh", "#!/bin/ls\n"); /* as long as before */
}

/* As rsync and tar do. */
static void content_and_time(void)
{
	struct stat st;

	assert_int_equal(stat("probers/p/run.sh", &st), 0);
	content();
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	assert_int_equal(utimensat(AT_FDCWD, "probers/p/run.sh", times, 0), 0);
}

static void content_of_link(void)
{
	overwrite("shared/lib.sh", "LIB\n");
}

static void mode(void)
{
	assert_int_equal(chmod("probers/p/run.sh", 0644), 0);
}

static void new_file(void)
{
	tree_write("probers/p/.new", "untracked, or ignored by git\n", 0644);
}

static void new_folder(void)
{
	assert_int_equal(mkdir("probers/q", 0755), 0);
}

static void missing_comes(void)
{
	tree_write("values.yaml", "a: 1\n", 0644);
}

static void dangling_leads(void)
{
	tree_write("shared/none", "x\n", 0644);
}

static void other_link(void)
{
	assert_int_equal(unlink("probers/p/lib.sh"), 0);
	assert_int_equal(symlink("other", "probers/p/lib.sh"), 0);
}

static void gone(void)
{
	assert_int_equal(unlink("probers/p/prober.yaml"), 0);
}

static void renamed(void)
{
	assert_int_equal(rename("probers/p/other", "probers/p/another"), 0);
}

static void exchanged(void)
{
	assert_int_equal(rename("probers", "old"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(base); i++)
		if (base[i].path[0] == 'p')
			tree_write(base[i].path, base[i].text, base[i].mode);
}

static void test_changes(void **state)
{
	static const struct {
		const char *what;
		void (*change)(void);
		bool so;
	} cases[] = {
		{ "nothing", nothing, true },
		{ "a file that was not read", unread_file, true },
		{ "a file where nobody looked", below_unlisted, true },
		{ "content", content, false },
		{ "content, time set back", content_and_time, false },
		{ "content behind a link", content_of_link, false },
		{ "mode", mode, false },
		{ "a new file", new_file, false },
		{ "a new folder", new_folder, false },
		{ "what was missing", missing_comes, false },
		{ "what a dangling link names", dangling_leads, false },
		{ "a link", other_link, false },
		{ "a file is gone", gone, false },
		{ "a name", renamed, false },
		{ "a folder in another's place", exchanged, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct strbuf record = STRBUF_INIT;
		struct seen *seen;

		setup(state);
		struct config_source *source = look(&seen, 10);
		assert_true(seen_can_tell(seen));
		seen_write(&record, seen);
		source->ops->free(source);
		assert_true(still_so(&record));
		next_step();
		cases[i].change();
		if (still_so(&record) != cases[i].so)
			fail_msg("%s", cases[i].what);
		strbuf_release(&record);
	}
}

/* What has just changed may change again within one step of the clock. */
static void test_just_changed(void **state)
{
	struct seen *seen;

	(void)state;
	for (int late_s = 0; late_s < 2; late_s++) {
		struct config_source *source = look(&seen, late_s);

		assert_false(seen_can_tell(seen));
		source->ops->free(source);
	}
}

/* Nothing is claimed where stat(2) does not tell the whole: a link out of the tree, another file system. */
static void test_outside(void **state)
{
	struct seen *seen;

	(void)state;
	assert_int_equal(symlink("/etc/hostname", "probers/p/absolute"), 0);
	struct config_source *source = look(&seen, 10);
	assert_false(seen_can_tell(seen));
	source->ops->free(source);
	int proc = open("/proc/self", O_PATH);
	seen = seen_new(proc, (struct timespec){ 0 });
	assert_false(seen_can_tell(seen));
	seen_free(seen);
	close(proc);
}

/* Of a record that is cut short or spoiled no byte beside it is read, and hardly any holds. */
static void test_damaged(void **state)
{
	struct strbuf record = STRBUF_INIT;
	struct seen *seen;

	(void)state;
	struct config_source *source = look(&seen, 10);
	seen_write(&record, seen);
	source->ops->free(source);
	size_t whole = record.len, so = 0;
	for (size_t len = 0; len < whole; len++) {
		char *copy = xmalloc(len + !len); /* exactly so long: a byte too far is found */
		memcpy(copy, record.buf, len);
		int root = open(".", O_PATH);

		so += seen_still_so(root, copy, len); /* of fewer files, when it ends with one */
		close(root);
		free(copy);
	}
	assert_in_range(so, 0, ARRAY_SIZE(base) + 10);
	so = 0;
	for (size_t i = 0; i < whole; i++) {
		record.buf[i] ^= 0x55;
		so += still_so(&record); /* of another missing file */
		record.buf[i] ^= 0x55;
	}
	assert_in_range(so, 0, whole / 4);
	assert_true(still_so(&record));
	strbuf_release(&record);
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
		cmocka_unit_test_setup(test_changes, setup),
		cmocka_unit_test_setup(test_just_changed, setup),
		cmocka_unit_test_setup(test_outside, setup),
		cmocka_unit_test_setup(test_damaged, setup),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
