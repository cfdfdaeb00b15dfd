/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of what runs have printed: bounded, found again after a crash, damaged files, a full disk. */
#include <sys/stat.h>

#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "../../lib/agent/logs.h"

static char folder[200];

static int new_folder(void **state)
{
	static int n;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/logs-%d", scratch, n++);
	return 0;
}

static struct log_store *must_open(int64_t max_bytes)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct log_store *store = log_store_open(folder, max_bytes, &err);

	if (!store)
		fail_msg("%s", err.msg);
	return store;
}

static struct log_record record_of(const char *id, int number, const char *output, size_t len)
{
	static char run_id[32];

	snprintf(run_id, sizeof(run_id), "run-%d", number);
	return (struct log_record){ .id = id,
		.run_id = run_id,
		.message = "message",
		.status = VERDICT_FAILURE,
		.reason = REASON_EXIT,
		.exit_code = number,
		.started_ms = 1700000000000 + number,
		.duration_us = 1000 + number,
		.output = { output, "oops" },
		.output_len = { len, 4 } };
}

static void must_put(struct log_store *store, const char *id, int number, const char *output)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct log_record record = record_of(id, number, output, strlen(output));

	if (log_store_put(store, &record, &err) < 0)
		fail_msg("%s", err.msg);
}

/* The exit code of a run, -1 when it is not there. */
static int code_of(struct log_store *store, const char *id, size_t back)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct log_record record;
	int r = log_store_get(&record, store, id, back, &err);

	if (r < 0)
		fail_msg("%s", err.msg);
	if (r == 0)
		return -1;
	assert_string_equal(record.id, id);
	int code = record.exit_code;
	strbuf_release(&record.text);
	return code;
}

static off_t folder_size(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	off_t size = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct stat st;

		assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
		if (S_ISREG(st.st_mode))
			size += st.st_size;
	}
	closedir(dir);
	return size;
}

static void test_put_get(void **state)
{
	static const char bytes[] = "a\0b\xff\n";
	struct mrp_err err = MRP_ERR_INIT;
	struct log_store *store = must_open(1 << 20);
	struct log_record record = record_of("dns[a=1]", 7, bytes, 5), got;

	(void)state;
	record.truncated[1] = true;
	record.signal_number = 9;
	assert_int_equal(log_store_put(store, &record, &err), 0);
	must_put(store, "dns[a=2]", 8, "");
	assert_int_equal(log_store_get(&got, store, "dns[a=1]", 0, &err), 1);
	assert_string_equal(got.run_id, "run-7");
	assert_string_equal(got.message, "message");
	assert_int_equal(got.status, VERDICT_FAILURE);
	assert_int_equal(got.reason, REASON_EXIT);
	assert_int_equal(got.signal_number, 9);
	assert_int_equal(got.started_ms, 1700000000007);
	assert_int_equal(got.duration_us, 1007);
	assert_int_equal(got.output_len[0], 5);
	assert_memory_equal(got.output[0], bytes, 5);
	assert_int_equal(got.output_len[1], 4);
	assert_memory_equal(got.output[1], "oops", 4);
	assert_false(got.truncated[0]);
	assert_true(got.truncated[1]);
	strbuf_release(&got.text);
	assert_int_equal(code_of(store, "dns[a=1]", 1), -1);
	assert_int_equal(code_of(store, "dns[a=2]", 0), 8);
	assert_int_equal(code_of(store, "never", 0), -1);
	log_store_close(store);
}

static void test_order(void **state)
{
	struct log_store *store = must_open(1 << 20);

	(void)state;
	for (int i = 0; i < 100; i++)
		must_put(store, i % 2 ? "odd" : "even", i, "text");
	for (int back = 0; back < 50; back++) {
		assert_int_equal(code_of(store, "odd", (size_t)back), 99 - 2 * back);
		assert_int_equal(code_of(store, "even", (size_t)back), 98 - 2 * back);
	}
	assert_int_equal(code_of(store, "odd", 50), -1);
	log_store_close(store);
}

static void test_bounded(void **state)
{
	enum { MAX_BYTES = 1 << 20, LEN = 10000 };
	cleanup(freep) char *text = xmalloc(LEN + 1);
	int kept = 0;

	(void)state;
	memset(text, 'x', LEN);
	text[LEN] = '\0';
	struct log_store *store = must_open(MAX_BYTES);
	must_put(store, "rare", 1, "seen once");
	for (int i = 0; i < 500; i++) {
		must_put(store, "chatty", i, text);
		assert_true(folder_size() <= MAX_BYTES + LEN);
	}
	while (code_of(store, "chatty", (size_t)kept) == 499 - kept)
		kept++;
	assert_true(kept > 70);
	assert_int_equal(code_of(store, "chatty", (size_t)kept), -1);
	assert_int_equal(code_of(store, "rare", 0), -1);
	/* and the next agent finds the same */
	log_store_close(store);
	store = must_open(MAX_BYTES);
	assert_int_equal(code_of(store, "chatty", 0), 499);
	assert_int_equal(code_of(store, "chatty", (size_t)kept - 1), 500 - kept);
	log_store_close(store);
}

static void test_one_large(void **state)
{
	enum { LEN = 3 << 20 };
	cleanup(freep) char *text = xcalloc(1, LEN);
	struct mrp_err err = MRP_ERR_INIT;
	struct log_store *store = must_open(1 << 20);
	struct log_record record = record_of("large", 1, text, LEN), got;

	(void)state;
	must_put(store, "small", 2, "text");
	assert_int_equal(log_store_put(store, &record, &err), 0);
	assert_int_equal(log_store_get(&got, store, "large", 0, &err), 1);
	assert_true(got.truncated[0]);
	assert_true(got.output_len[0] > 1000 && got.output_len[0] < LEN / 8);
	strbuf_release(&got.text);
	assert_int_equal(code_of(store, "small", 0), 2);
	log_store_close(store);
}

static void change_file(off_t from_end, const char *bytes, size_t len)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/00000001.log", folder);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	off_t end = lseek(fd, 0, SEEK_END);
	if (bytes)
		assert_int_equal(pwrite(fd, bytes, len, end - from_end), len);
	else
		assert_int_equal(ftruncate(fd, end - from_end), 0);
	close(fd);
}

static void test_damaged(void **state)
{
	static const struct {
		off_t from_end;
		const char *bytes;
	} cases[] = {
		{ 1, NULL },                                    /* cut short by a crash */
		{ 2, "X" },                                     /* another byte in the output */
		{ 60, NULL },                                   /* cut within the head */
		{ 80, "XYZ" },                                  /* another head */
		{ 0, "\x6d\x70\x72\x4c\xff\xff\xff\xff more" }, /* the beginning of one that would be huge */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		new_folder(NULL);
		struct log_store *store = must_open(1 << 20);
		must_put(store, "a", 1, "one");
		must_put(store, "a", 2, "two");
		must_put(store, "a", 3, "three");
		log_store_close(store);
		change_file(cases[i].from_end, cases[i].bytes, cases[i].bytes ? strlen(cases[i].bytes) : 0);
		store = must_open(1 << 20);
		bool whole = cases[i].from_end == 0;
		if (code_of(store, "a", 0) != (whole ? 3 : 2))
			fail_msg("case %zu: %d", i, code_of(store, "a", 0));
		/* what is written now follows the last good one */
		must_put(store, "a", 4, "four");
		assert_int_equal(code_of(store, "a", 0), 4);
		assert_int_equal(code_of(store, "a", 1), whole ? 3 : 2);
		log_store_close(store);
		store = must_open(1 << 20);
		assert_int_equal(code_of(store, "a", 0), 4);
		log_store_close(store);
	}
}

static void test_no_room(void **state)
{
	struct rlimit before, small;
	struct mrp_err err = MRP_ERR_INIT;
	struct log_store *store = must_open(1 << 20);
	struct log_record record = record_of("a", 2, "text", 4);

	(void)state;
	must_put(store, "a", 1, "text");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 150;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = log_store_put(store, &record, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -1);
	assert_non_null(strstr(err.msg, "cannot write to"));
	mrp_err_clear(&err);
	assert_int_equal(code_of(store, "a", 0), 1);
	must_put(store, "a", 3, "text");
	assert_int_equal(code_of(store, "a", 0), 3);
	assert_int_equal(code_of(store, "a", 1), 1);
	log_store_close(store);
}

static void test_no_folder(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_null(log_store_open("/proc/none/logs", 1 << 20, &err));
	assert_non_null(strstr(err.msg, "/proc/none"));
	mrp_err_clear(&err);
}

static void *put_many(void *arg)
{
	static const char output[] = "some text that a prober has printed";

	for (int i = 0; i < 1000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "p%d", i % 10);
		struct log_record record = record_of(id, 5, output, strlen(output));
		record.run_id = "run";
		logs_put(arg, &record);
	}
	return NULL;
}

static struct metrics *some_metrics(void)
{
	return metrics_new(&(struct metrics_options){ .cluster = "net", .host = "h1", .version = "1" });
}

static void assert_dropped(struct metrics *metrics, int n)
{
	cleanup(strbuf_release) struct strbuf page = STRBUF_INIT;
	cleanup(freep) char *line =
		xasprintf("\nmrprober_agent_logs_dropped_total{cluster=\"net\",host=\"h1\"} %d\n", n);

	metrics_format(&page, metrics, EXPOSITION_PROMETHEUS);
	assert_non_null(strstr(page.buf, line));
}

static void test_queue(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct metrics *metrics = some_metrics();
	struct logs *logs = logs_start(must_open(1 << 20), NULL, metrics, &err);
	pthread_t threads[3];
	struct log_record record;
	uint64_t seen = 0;

	(void)state;
	assert_non_null(logs);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, logs), 0);
	for (int i = 0; i < 200; i++) {
		int r = logs_get(&record, logs, "p3", (size_t)i % 5, &err);
		assert_true(r >= 0);
		if (r)
			strbuf_release(&record.text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(logs_get(&record, logs, "p9", 299, &err), 1);
	strbuf_release(&record.text);
	assert_int_equal(logs_get(&record, logs, "p9", 300, &err), 0);
	assert_true(logs_wait(logs, &seen, 1000));
	assert_int_equal(seen, 3000);
	assert_false(logs_wait(logs, &seen, 1));
	logs_stop(logs);
	assert_dropped(metrics, 0);
	metrics_free(metrics);
}

/* What is not kept is counted; an output of any size goes when nothing else waits. */
static void test_dropped(void **state)
{
	static char much[9 << 20];
	struct mrp_err err = MRP_ERR_INIT;
	struct metrics *metrics = some_metrics();
	struct logs *logs = logs_start(must_open(1 << 20), NULL, metrics, &err);
	struct rlimit before, small;
	struct log_record record = record_of("a", 1, much, sizeof(much));

	(void)state;
	assert_non_null(logs);
	logs_put(logs, &record);
	assert_int_equal(logs_get(&record, logs, "a", 0, &err), 1);
	strbuf_release(&record.text);
	assert_dropped(metrics, 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 150;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	record = record_of("b", 1, "text", 4);
	logs_put(logs, &record);
	logs_put(logs, &record);
	assert_int_equal(logs_get(&record, logs, "b", 0, &err), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	logs_stop(logs);
	assert_dropped(metrics, 2);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_put_get, new_folder),
		cmocka_unit_test_setup(test_order, new_folder),
		cmocka_unit_test_setup(test_bounded, new_folder),
		cmocka_unit_test_setup(test_one_large, new_folder),
		cmocka_unit_test_setup(test_damaged, new_folder),
		cmocka_unit_test_setup(test_no_room, new_folder),
		cmocka_unit_test_setup(test_no_folder, new_folder),
		cmocka_unit_test_setup(test_queue, new_folder),
		cmocka_unit_test_setup(test_dropped, new_folder),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
