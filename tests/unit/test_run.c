/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/run/run.h with programs that behave badly (tests/tools/hostile.c): each has the right end, and leaves neither a
 * process nor a descriptor. Where a test needs root, or a cgroup that is ours, it says that it was skipped.
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../lib/base/file.h"
#include "../../lib/ev/loop.h"
#include "../../lib/run/run.h"

#define HOSTILE MRP_TOOLS_DIR "/hostile"

enum { MIB = 1 << 20, LONG_MS = 60000, PATIENCE_US = 30000000 };

static struct mrp_err err;
static struct runner *runner;
static int descriptors_before;

/* --- running one and waiting for it --- */

struct one {
	struct run_job job;
	const char *argv[8];
	int started, outputs;
	bool done;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const char *const plain_env[] = { "PATH=/usr/bin:/bin", "MRPROBER_RUN_ID=test", NULL };

static void on_done(struct run_job *job)
{
	struct one *one = (struct one *)job;

	pthread_mutex_lock(&lock);
	one->done = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void on_started(struct run_job *job)
{
	struct one *one = (struct one *)job;

	pthread_mutex_lock(&lock);
	one->started++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_until_done(struct one *one)
{
	pthread_mutex_lock(&lock);
	while (!one->done)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* `command` is cut at blanks. */
static void prepare(struct one *one, char *command)
{
	size_t n = 0;

	*one = (struct one){ .job.done = on_done, .job.started = on_started };
	for (char *word = command; *word; n++) {
		size_t len = strcspn(word, " ");

		one->argv[n] = word;
		word += len;
		if (*word)
			*word++ = '\0';
	}
	one->job.spec = (struct run_spec){ .name = "test",
		.argv = one->argv,
		.env = plain_env,
		.folder = scratch,
		.timeout_ms = LONG_MS,
		.grace_ms = 1000,
		.max_output_bytes = 65536 };
}

static void run(struct one *one)
{
	runner_submit(runner, &one->job);
	wait_until_done(one);
}

static void release(struct one *one)
{
	run_result_release(&one->job.result);
}

static int new_runner(void)
{
	runner = runner_new(&(struct runner_options){ .threads = 2 }, &err);
	return runner ? 0 : -1;
}

/* --- what may be left behind --- */

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Everything that runs here was started by this test, so nothing may be a child of it. */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static void wait_until_clean(void)
{
	int64_t end = monotonic_us() + PATIENCE_US;

	while ((has_children() || count_descriptors() > descriptors_before) && monotonic_us() < end)
		usleep(1000);
	assert_false(has_children());
	assert_in_range(count_descriptors(), 0, descriptors_before);
}

/* The processes that noted their numbers in the file are gone. */
static void expect_gone(const char *path, int at_least)
{
	FILE *file = fopen(path, "r");
	int n = 0, pid;

	assert_non_null(file);
	while (fscanf(file, "%d", &pid) == 1) {
		n++;
		assert_int_equal(kill(pid, 0), -1);
		assert_int_equal(errno, ESRCH);
	}
	fclose(file);
	assert_true(n >= at_least);
	remove(path);
}

/* --- ends --- */

static const struct {
	const char *command;
	enum run_end end;
	int number; /* exit code, signal or errno */
	const char *what;
	int64_t timeout_ms;
	int leaves; /* processes that it notes in ./noted */
} ends[] = {
	{ "no-such-program", RUN_SPAWN, ENOENT, "program" },
	{ "./no-such-program", RUN_SPAWN, ENOENT, "exec" },
	{ "./folder", RUN_SPAWN, EACCES, "exec" },
	{ "./not-executable", RUN_SPAWN, EACCES, "exec" },
	{ "./no-interpreter", RUN_SPAWN, ENOENT, "interpreter" },
	{ "./no-format", RUN_SPAWN, ENOEXEC, "exec" },
	{ "./script", RUN_EXITED, 5 },
	{ "true", RUN_EXITED, 0 },
	{ "false", RUN_EXITED, 1 },
	{ HOSTILE " exit 126", RUN_EXITED, 126 },
	{ HOSTILE " exit 127", RUN_EXITED, 127 },
	{ HOSTILE " exit 255", RUN_EXITED, 255 },
	{ HOSTILE " signal 15", RUN_SIGNALED, SIGTERM },
	{ HOSTILE " signal 9", RUN_SIGNALED, SIGKILL },
	{ HOSTILE " signal 64", RUN_SIGNALED, 64 },
	{ HOSTILE " abort", RUN_SIGNALED, SIGABRT },
	{ HOSTILE " detach ./noted", RUN_EXITED, 0, NULL, 0, 1 },
	{ HOSTILE " detach-unmarked ./noted", RUN_EXITED, 0, NULL, 0, 1 },
	{ HOSTILE " hold-pipe ./noted", RUN_EXITED, 0, NULL, 0, 1 },
	{ HOSTILE " leave-in-group ./noted", RUN_EXITED, 3, NULL, 0, 1 },
	{ HOSTILE " detach-and-sleep ./noted", RUN_TIMEOUT, SIGTERM, NULL, 300, 1 },
	{ HOSTILE " leave-in-ours ./noted", RUN_EXITED, 0, NULL, 0, 1 },
	{ HOSTILE " change-group ./noted", RUN_TIMEOUT, SIGTERM, NULL, 300, 1 },
	{ HOSTILE " ignore-term ./noted", RUN_TIMEOUT, SIGKILL, NULL, 300, 2 },
	{ HOSTILE " close-and-sleep ./noted", RUN_TIMEOUT, SIGTERM, NULL, 300, 1 },
	{ HOSTILE " catch-term", RUN_TIMEOUT, 7, NULL, 300 },
	{ HOSTILE " stop-self ./noted", RUN_TIMEOUT, 7, NULL, 300, 1 },
	{ HOSTILE " flood", RUN_TIMEOUT, SIGTERM, NULL, 300 },
};

static void write_script(const char *name, const char *text, mode_t mode)
{
	cleanup(freep) char *path = path_join(scratch, name);

	assert_int_equal(replace_file(path, text, strlen(text), mode, &err), 0);
}

static int number_of(const struct run_result *result)
{
	if (result->end == RUN_SPAWN)
		return result->error_number;
	return result->signal_number ? result->signal_number : result->exit_code;
}

static void check_end(size_t i)
{
	char command[256];
	cleanup(freep) char *noted = path_join(scratch, "noted");
	struct one one;
	const struct run_result *result = &one.job.result;

	snprintf(command, sizeof(command), "%s", ends[i].command);
	prepare(&one, command);
	if (ends[i].timeout_ms) {
		one.job.spec.timeout_ms = ends[i].timeout_ms;
		one.job.spec.grace_ms = 200;
	}
	run(&one);
	if (result->end != ends[i].end || number_of(result) != ends[i].number ||
		!streq(result->what ? result->what : "", ends[i].what ? ends[i].what : ""))
		fail_msg("%s: end %d, number %d, what '%s'", ends[i].command, result->end, number_of(result),
			result->what ? result->what : "");
	assert_int_equal(one.started, 1);
	assert_true(result->ended_us >= result->started_us);
	if (ends[i].timeout_ms)
		assert_true(result->ended_us - result->started_us >= ends[i].timeout_ms * 1000);
	release(&one);
	wait_until_clean();
	if (ends[i].leaves)
		expect_gone(noted, ends[i].leaves);
}

static void test_ends(void **state)
{
	cleanup(freep) char *folder = path_join(scratch, "folder");

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	write_script("not-executable", "#!/bin/sh\n", 0644);
	write_script("no-interpreter", "#!/no/such/interpreter\n", 0755);
	write_script("no-format", "what is this\n", 0755);
	write_script("script", "#!/bin/sh\nexit 5\n", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		check_end(i);
}

/* terraform and its like: INT, and after its grace again, then KILL; and writing to a closed pipe ends nothing. */
static void test_asked_twice(void **state)
{
	static const struct {
		int tries, exit_code;
		bool killed;
	} rows[] = { { 0, 0, true }, { 1, 0, true }, { 2, 7, false }, { 3, 7, false } };

	(void)state;
	write_script(
		"twice", "#!/bin/sh\ntrap 'n=${n}x; [ $n != xx ] || exit 7' INT\nwhile :; do sleep 0.02; done\n", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char command[] = "./twice";
		struct one one;

		prepare(&one, command);
		one.job.spec.end_signal = SIGINT;
		one.job.spec.end_tries = rows[i].tries;
		one.job.spec.timeout_ms = 200;
		one.job.spec.grace_ms = 300;
		run(&one);
		assert_int_equal(one.job.result.end, RUN_TIMEOUT);
		assert_int_equal(one.job.result.exit_code, rows[i].exit_code);
		assert_int_equal(one.job.result.killed, rows[i].killed);
		release(&one);
	}
}

/* A program that outlives us reads its own pipes, so that they do not break. */
static void test_pipes_outlive_us(void **state)
{
	for (int outlives = 0; outlives < 2; outlives++) {
		char command[] = "find /proc/self/fd -lname pipe:*";
		const struct strbuf *out;
		struct one one;
		int pipes = 0;

		(void)state;
		prepare(&one, command);
		one.job.spec.outlives = outlives;
		run(&one);
		assert_int_equal(one.job.result.end, RUN_EXITED);
		out = &one.job.result.output[RUN_STDOUT];
		for (size_t i = 0; i < out->len; i++)
			pipes += out->buf[i] == '\n';
		assert_int_equal(pipes, outlives ? 4 : 2);
		release(&one);
	}
}

static void test_bad_folder_and_name(void **state)
{
	char command[] = "true", nothing[] = "";
	struct one one;

	(void)state;
	prepare(&one, command);
	one.job.spec.folder = "/no/such/folder";
	run(&one);
	assert_int_equal(one.job.result.end, RUN_SPAWN);
	assert_string_equal(one.job.result.what, "folder");
	assert_int_equal(one.job.result.error_number, ENOENT);
	prepare(&one, nothing);
	one.argv[0] = "";
	run(&one);
	assert_int_equal(one.job.result.end, RUN_SPAWN);
	assert_string_equal(one.job.result.what, "program");
	wait_until_clean();
}

/* Somebody has it open for writing: waited for a moment, then said as such. */
static void test_busy_program(void **state)
{
	char copy[] = "cp " HOSTILE " busy", command[] = "./busy exit 4", again[] = "./busy exit 4";
	cleanup(freep) char *path = path_join(scratch, "busy");
	struct one one;

	(void)state;
	prepare(&one, copy);
	run(&one);
	assert_int_equal(one.job.result.exit_code, 0);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	prepare(&one, command);
	run(&one);
	assert_int_equal(one.job.result.end, RUN_SPAWN);
	assert_string_equal(one.job.result.what, "exec");
	assert_int_equal(one.job.result.error_number, ETXTBSY);
	close(fd);
	prepare(&one, again);
	run(&one);
	assert_int_equal(one.job.result.exit_code, 4);
	wait_until_clean();
}

/* --- PATH --- */

static const struct {
	const char *path, *program;
	int exit_code; /* -1: not found */
} paths[] = {
	{ "PATH=", "found", 5 }, /* an empty entry is the folder */
	{ "PATH=/bin:", "found", 5 },
	{ "PATH=sub", "inner", 6 }, /* relative to the folder */
	{ "PATH=/nowhere:./sub:/bin", "inner", 6 },
	{ "PATH=/bin", "found", -1 },
	{ "PATH=/bin", "sub/inner", 6 },
	{ "PATH=.:/bin", "sub", -1 }, /* a folder is no program */
	{ "NOPATH=1", "true", 0 },
};

static void test_path(void **state)
{
	cleanup(freep) char *sub = path_join(scratch, "sub");

	(void)state;
	assert_int_equal(mkdir(sub, 0755), 0);
	write_script("found", "#!/bin/sh\nexit 5\n", 0755);
	write_script("sub/inner", "#!/bin/sh\nexit 6\n", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *env[] = { paths[i].path, NULL };
		char nothing[] = "";
		struct one one;

		prepare(&one, nothing);
		one.argv[0] = paths[i].program;
		one.job.spec.env = env;
		run(&one);
		bool found = one.job.result.end == RUN_EXITED;
		if (found != (paths[i].exit_code >= 0) || (found && one.job.result.exit_code != paths[i].exit_code))
			fail_msg("row %zu: end %d, exit code %d", i, one.job.result.end, one.job.result.exit_code);
		release(&one);
	}
}

/* --- output --- */

static const struct {
	const char *command;
	size_t max_bytes;
	bool is_limit;
	enum run_end end;
	size_t kept;
	bool truncated;
} outputs[] = {
	{ HOSTILE " print 0", 10, false, RUN_EXITED, 0, false },
	{ HOSTILE " print 9", 10, true, RUN_EXITED, 9, false },
	{ HOSTILE " print 10", 10, true, RUN_EXITED, 10, false },
	{ HOSTILE " print 11", 10, false, RUN_EXITED, 10, true },
	{ HOSTILE " print 11", 10, true, RUN_LIMIT, 10, true },
	{ HOSTILE " print 1000000", 2000000, true, RUN_EXITED, 1000000, false },
	{ HOSTILE " print 1000000", 1000, false, RUN_EXITED, 1000, true },
	{ HOSTILE " print 1", 0, false, RUN_EXITED, 0, true },
};

static void test_output(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		char command[256];
		struct one one;
		const struct run_result *result = &one.job.result;

		snprintf(command, sizeof(command), "%s", outputs[i].command);
		prepare(&one, command);
		one.job.spec.max_output_bytes = outputs[i].max_bytes;
		one.job.spec.output_is_limit = outputs[i].is_limit;
		run(&one);
		for (int s = 0; s < 2; s++) {
			const struct strbuf *out = &result->output[s];

			/* where it is ended, the other stream may not have got so far */
			bool whole = outputs[i].end == RUN_EXITED || result->truncated[s];
			if (result->end != outputs[i].end || (whole && out->len != outputs[i].kept) ||
				(whole && result->truncated[s] != outputs[i].truncated))
				fail_msg("row %zu: end %d, stream %d: %zu bytes", i, result->end, s, out->len);
			for (size_t k = 0; k < out->len; k++)
				assert_int_equal(out->buf[k], s == RUN_STDOUT ? 'o' : 'e');
		}
		assert_int_equal(result->truncated[0] || result->truncated[1], outputs[i].truncated);
		if (result->end == RUN_LIMIT)
			assert_string_equal(result->what, "output");
		release(&one);
	}
	wait_until_clean();
}

static void on_output(struct run_job *job, enum run_stream stream, const char *data, size_t len)
{
	struct one *one = (struct one *)job;

	assert_int_equal(stream, RUN_STDOUT);
	assert_true(len && data);
	one->outputs += (int)len;
}

/* Any bytes arrive as they are, NUL among them, and are told as they come. */
static void test_bytes(void **state)
{
	static const char expected[] = "\xff\xfe\0\x80 \xc0\xaf\n\0\x1b[31m";
	char command[] = HOSTILE " bytes";
	struct one one;

	(void)state;
	prepare(&one, command);
	one.job.output = on_output;
	run(&one);
	assert_int_equal(one.job.result.output[RUN_STDOUT].len, sizeof(expected) - 1);
	assert_memory_equal(one.job.result.output[RUN_STDOUT].buf, expected, sizeof(expected) - 1);
	assert_int_equal(one.outputs, sizeof(expected) - 1);
	release(&one);
}

/* A flood is ended where output is a limit, and what is kept is no more than that. */
static void test_flood_is_limit(void **state)
{
	char command[] = HOSTILE " flood";
	struct one one;

	(void)state;
	prepare(&one, command);
	one.job.spec.output_is_limit = true;
	run(&one);
	assert_int_equal(one.job.result.end, RUN_LIMIT);
	assert_string_equal(one.job.result.what, "output");
	assert_int_equal(one.job.result.output[RUN_STDOUT].len, 65536);
	release(&one);
	wait_until_clean();
}

/* --- what a program is started with --- */

static void expect_printed(struct one *one, const char *text)
{
	run(one);
	assert_int_equal(one->job.result.end, RUN_EXITED);
	assert_int_equal(one->job.result.exit_code, 0);
	assert_string_equal(one->job.result.output[RUN_STDOUT].buf, text);
	assert_string_equal(one->job.result.output[RUN_STDERR].buf, "");
	release(one);
}

static void ignore(int sig)
{
	(void)sig;
}

/* Whatever this process has open, blocked, handled or ignored. */
static void test_clean_start(void **state)
{
	char command[] = HOSTILE " inspect";
	struct one one;
	int leak = open("/dev/null", O_RDONLY); /* not close-on-exec, as other libraries do it */

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, ignore);
	signal(SIGRTMIN + 5, ignore);
	prepare(&one, command);
	expect_printed(&one, "");
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGRTMIN + 5, SIG_DFL);
	close(leak);
}

static void test_environment(void **state)
{
	static const char *const env[] = { "A=1", "B=", NULL };
	static const char *const none[] = { NULL };
	char command[] = HOSTILE " env", again[] = HOSTILE " env";
	struct one one;

	(void)state;
	assert_int_equal(setenv("SECRET_OF_OURS", "x", 1), 0);
	prepare(&one, command);
	one.job.spec.env = env;
	expect_printed(&one, "A=1\nB=\n");
	prepare(&one, again);
	one.job.spec.env = none;
	expect_printed(&one, "");
}

/* The program where users can reach it who may not look into the folder that all this was built in. Yours to free. */
static char *hostile_for_others(const char *mode)
{
	char copy[] = "cp " HOSTILE " hostile";
	struct one one;

	prepare(&one, copy);
	run(&one);
	assert_int_equal(one.job.result.exit_code, 0);
	release(&one);
	return xasprintf("%s/hostile %s", scratch, mode);
}

static void test_user(void **state)
{
	static const gid_t groups[] = { 4242, 4243 };
	static const struct run_user user = { 65534, 65533, groups, 2 }, alone = { 65534, 65533, NULL, 0 };
	struct one one;

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root may change the user */
	cleanup(freep) char *command = hostile_for_others("whoami"), *again = xstrdup(command);
	prepare(&one, command);
	one.job.spec.user = &user;
	one.job.spec.folder = "/";
	expect_printed(&one, "65534 65533 4242 4243 /\n");
	prepare(&one, again);
	one.job.spec.user = &alone;
	one.job.spec.folder = "/";
	expect_printed(&one, "65534 65533 /\n");
	assert_int_equal(geteuid(), 0);
	wait_until_clean();
}

static void test_user_refused(void **state)
{
	static const struct run_user user = { 0, 0, NULL, 0 };
	char command[] = "true";
	struct one one;

	(void)state;
	if (geteuid() == 0)
		skip(); /* root may become anybody */
	prepare(&one, command);
	one.job.spec.user = &user;
	run(&one);
	assert_int_equal(one.job.result.end, RUN_SPAWN);
	assert_string_equal(one.job.result.what, "user");
	assert_int_equal(one.job.result.error_number, EPERM);
}

/* --- limits without a cgroup --- */

static void test_memory_limit(void **state)
{
	char command[] = HOSTILE " eat 1000", fits[] = HOSTILE " eat 10";
	struct one one;

	(void)state;
	prepare(&one, command);
	one.job.spec.limits.memory_bytes = 100 * MIB;
	run(&one);
	assert_int_equal(one.job.result.end, RUN_EXITED);
	assert_int_equal(one.job.result.exit_code, 12);
	assert_true(one.job.result.max_rss_kib < 100 * 1024);
	prepare(&one, fits);
	one.job.spec.limits.memory_bytes = 100 * MIB;
	run(&one);
	assert_int_equal(one.job.result.exit_code, 0);
	assert_true(one.job.result.max_rss_kib > 10 * 1024);
	wait_until_clean();
}

static void test_fork_bomb(void **state)
{
	static const struct run_user user = { 64321, 64321, NULL, 0 };
	struct one one;

	(void)state;
	if (geteuid() != 0)
		skip(); /* the kernel counts all processes of a user, so it takes a user of its own */
	cleanup(freep) char *command = hostile_for_others("bomb");
	prepare(&one, command);
	one.job.spec.user = &user;
	one.job.spec.folder = "/";
	one.job.spec.limits.processes = 10;
	run(&one);
	assert_int_equal(one.job.result.end, RUN_EXITED);
	assert_int_equal(one.job.result.exit_code, 11);
	wait_until_clean();
}

/* Neither a descriptor nor a process to be had: said as such, and all is well afterwards. */
static void test_no_descriptors(void **state)
{
	char command[] = "true", again[] = "true";
	struct one one;
	struct rlimit before, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	prepare(&one, command);
	run(&one);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(one.job.result.end, RUN_SPAWN);
	assert_string_equal(one.job.result.what, "descriptors");
	assert_int_equal(one.job.result.error_number, EMFILE);
	prepare(&one, again);
	run(&one);
	assert_int_equal(one.job.result.end, RUN_EXITED);
	wait_until_clean();
}

/* --- time and many at once --- */

/* While others flood, ignore signals and leave processes behind, a sleep of 0.2 s ends before they do. */
static void test_others_go_on(void **state)
{
	char bad[][256] = { HOSTILE " flood", HOSTILE " flood", HOSTILE " ignore-term ./noted",
		HOSTILE " stop-self ./noted", HOSTILE " detach-and-sleep ./noted" };
	cleanup(freep) char *noted = path_join(scratch, "noted");
	struct one others[ARRAY_SIZE(bad)], sleeper;
	char command[] = "sleep 0.2";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		prepare(&others[i], bad[i]);
		others[i].job.spec.timeout_ms = 1500;
		others[i].job.spec.grace_ms = 200;
		runner_submit(runner, &others[i].job);
	}
	prepare(&sleeper, command);
	run(&sleeper);
	assert_int_equal(sleeper.job.result.exit_code, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		wait_until_done(&others[i]);
		assert_int_equal(others[i].job.result.end, RUN_TIMEOUT);
		assert_true(others[i].job.result.ended_us > sleeper.job.result.ended_us);
		release(&others[i]);
	}
	wait_until_clean();
	expect_gone(noted, 4);
}

/* A process that left its run's session is not touched when another run ends, and goes when its own does. */
static void test_orphan_of_another(void **state)
{
	static const char *const env[] = { "MRPROBER_RUN_ID=other", "PATH=/usr/bin:/bin", NULL };
	cleanup(freep) char *noted = path_join(scratch, "noted");
	char keeper[] = HOSTILE " detach-and-sleep ./noted";
	struct one one;
	struct stat st;

	(void)state;
	prepare(&one, keeper);
	one.job.spec.env = env;
	runner_submit(runner, &one.job);
	while (stat(noted, &st) < 0 || st.st_size == 0)
		usleep(1000);
	for (int i = 0; i < 50; i++) {
		char command[] = "true";
		struct one other;

		prepare(&other, command);
		run(&other);
	}
	FILE *file = fopen(noted, "r");
	int pid = 0;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_int_equal(kill(pid, 0), 0);
	runner_cancel(runner, &one.job);
	wait_until_done(&one);
	assert_int_equal(one.job.result.end, RUN_CANCELED);
	wait_until_clean();
	expect_gone(noted, 1);
}

/* Sleepers do not wait for each other. */
static void test_many_sleepers(void **state)
{
	enum { N = 200 };
	struct one *all = xcalloc(N, sizeof(*all));
	char commands[N][16];
	int64_t last_start = 0, first_end = INT64_MAX;

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(commands[i], sizeof(commands[i]), "sleep 60");
		prepare(&all[i], commands[i]);
		runner_submit(runner, &all[i].job);
	}
	pthread_mutex_lock(&lock);
	for (int i = 0; i < N; i++) {
		while (!all[i].started)
			pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < N; i++)
		runner_cancel(runner, &all[i].job);
	for (int i = 0; i < N; i++) {
		wait_until_done(&all[i]);
		assert_int_equal(all[i].job.result.end, RUN_CANCELED);
		last_start = MAX(last_start, all[i].job.result.started_us);
		first_end = MIN(first_end, all[i].job.result.ended_us);
	}
	assert_true(last_start < first_end);
	free(all);
	wait_until_clean();
}

/* Canceled at every age: queued, just being started, running, ending by itself, twice. */
static void test_cancel(void **state)
{
	enum { N = 300 };
	struct one *all = xcalloc(N, sizeof(*all));
	char commands[N][16];

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(commands[i], sizeof(commands[i]), i % 3 ? "sleep 60" : "true");
		prepare(&all[i], commands[i]);
		runner_submit(runner, &all[i].job);
		if (i >= 20) {
			runner_cancel(runner, &all[i - 20].job);
			runner_cancel(runner, &all[i - i % 20].job);
		}
	}
	for (int i = 0; i < N; i++)
		runner_cancel(runner, &all[i].job);
	for (int i = 0; i < N; i++) {
		wait_until_done(&all[i]);
		enum run_end end = all[i].job.result.end;
		assert_true(end == RUN_CANCELED || (end == RUN_EXITED && i % 3 == 0));
		release(&all[i]);
	}
	free(all);
	wait_until_clean();
}

/* --- endurance: memory and descriptors stay as they are --- */

/* Memory that was freed is used again, also under the sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=1";
}

struct endless {
	struct one one;
	char command[256];
};

static int64_t left_to_run;

static void on_done_again(struct run_job *job)
{
	struct endless *endless = (struct endless *)job;

	run_result_release(&job->result);
	pthread_mutex_lock(&lock);
	bool again = left_to_run > 0;
	left_to_run -= again;
	endless->one.done = !again;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (again)
		runner_submit(runner, job);
}

static int64_t resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void run_many(int64_t n)
{
	static const char *const commands[] = { HOSTILE " exit 0", HOSTILE " print 5000", HOSTILE " exit 3",
		HOSTILE " leave-in-group /dev/null", HOSTILE " detach /dev/null", "no-such-program",
		"./no-such-program" };
	struct endless all[14];

	left_to_run = n;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		snprintf(all[i].command, sizeof(all[i].command), "%s", commands[i % ARRAY_SIZE(commands)]);
		prepare(&all[i].one, all[i].command);
		all[i].one.job.done = on_done_again;
		runner_submit(runner, &all[i].one.job);
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		wait_until_done(&all[i].one);
	wait_until_clean();
}

static void test_endurance(void **state)
{
	const char *runs = getenv("MRPROBER_TEST_RUNS");

	(void)state;
	run_many(500);
	int64_t before = resident_kib();
	run_many(runs ? strtoll(runs, NULL, 10) : 2000);
	int64_t grown = resident_kib() - before;
	if (grown > 4 * 1024)
		fail_msg("%lld KiB more than before", (long long)grown);
}

/* --- cgroups --- */

static char *own_cgroup(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		cleanup(freep) char *procs = path_join(roots[i], "cgroup.procs");
		char *path = xasprintf("%s/mrprober-test-%d", roots[i], getpid());

		if (access(procs, W_OK) == 0 && mkdir(path, 0755) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* With a runner of its own; one a process at a time. */
static void test_cgroup(void **state)
{
	char *path = own_cgroup();
	struct runner *plain = runner;

	(void)state;
	if (!path) {
		print_message("no cgroup v2 folder can be made here\n");
		skip();
	}
	runner_free(plain);
	int before = descriptors_before;
	runner = runner_new(&(struct runner_options){ .threads = 2, .cgroup = path }, &err);
	if (!runner)
		fail_msg("%s", err.msg);
	/* the next runs' folders stay open: one has been made, and there can be one more */
	descriptors_before = count_descriptors() + 3;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		check_end(i);
	runner_free(runner);
	assert_int_equal(rmdir(path), 0);
	free(path);
	descriptors_before = before;
	assert_int_equal(new_runner(), 0);
}

static bool has_controller(const char *folder, const char *name)
{
	cleanup(freep) char *path = path_join(folder, "cgroup.controllers");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	mrp_err_clear(&err);
	return read_file(&text, path, 4096, &err) == 0 && strstr(text.buf, name);
}

static void test_cgroup_limits(void **state)
{
	static const struct {
		const char *command, *what;
		struct run_limits limits;
	} rows[] = {
		{ HOSTILE " eat 1000", "memory", { .memory_bytes = 64 * MIB } },
		{ HOSTILE " bomb", "processes", { .processes = 10 } },
	};
	char *path = own_cgroup();

	(void)state;
	if (!path || !has_controller(path, "memory") || !has_controller(path, "pids")) {
		print_message("no cgroup with the controllers memory and pids can be made here\n");
		if (path)
			rmdir(path);
		free(path);
		skip();
	}
	runner_free(runner);
	runner = runner_new(&(struct runner_options){ .threads = 2, .cgroup = path }, &err);
	assert_non_null(runner);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char command[256];
		struct one one;

		snprintf(command, sizeof(command), "%s", rows[i].command);
		prepare(&one, command);
		one.job.spec.limits = rows[i].limits;
		run(&one);
		assert_int_equal(one.job.result.end, RUN_LIMIT);
		assert_string_equal(one.job.result.what, rows[i].what);
	}
	runner_free(runner);
	assert_int_equal(rmdir(path), 0);
	free(path);
	assert_int_equal(new_runner(), 0);
}

static void test_bad_cgroup(void **state)
{
	struct mrp_err bad = MRP_ERR_INIT;

	(void)state;
	assert_null(runner_new(&(struct runner_options){ .cgroup = "/no/such/cgroup" }, &bad));
	assert_non_null(strstr(bad.msg, "/no/such/cgroup"));
	mrp_err_clear(&bad);
	assert_null(runner_new(&(struct runner_options){ .cgroup = scratch }, &bad));
	assert_non_null(bad.msg);
	mrp_err_clear(&bad);
	wait_until_clean();
}

/* The end of a process that runs a program, however it comes, is the end of the program. */
static void test_dies_with_us(void **state)
{
	cleanup(freep) char *noted = path_join(scratch, "noted");
	char command[] = HOSTILE " close-and-sleep ./noted";
	struct one one;
	struct stat st;
	int status, pid;

	(void)state;
	runner_free(runner); /* it would take the child for what a program has left behind */
	pid_t child = fork();
	if (child == 0) {
		prepare(&one, command);
		if (new_runner() == 0)
			runner_submit(runner, &one.job);
		for (;;)
			pause();
	}
	while (stat(noted, &st) < 0 || st.st_size == 0)
		usleep(1000);
	FILE *file = fopen(noted, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(waitpid(pid, &status, 0), pid); /* it was left to us */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	remove(noted);
	assert_int_equal(new_runner(), 0);
}

/* valgrind does not know it, for one */
static bool has_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int setup(void **state)
{
	if (scratch_make(state) < 0 || chmod(scratch, 0777) < 0)
		return -1;
	if (new_runner() < 0)
		return -1;
	descriptors_before = count_descriptors();
	return 0;
}

static int teardown(void **state)
{
	runner_free(runner);
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_asked_twice),
		cmocka_unit_test(test_pipes_outlive_us),
		cmocka_unit_test(test_bad_folder_and_name),
		cmocka_unit_test(test_busy_program),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_flood_is_limit),
		cmocka_unit_test(test_clean_start),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_user_refused),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_fork_bomb),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_others_go_on),
		cmocka_unit_test(test_orphan_of_another),
		cmocka_unit_test(test_many_sleepers),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_endurance),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_cgroup_limits),
		cmocka_unit_test(test_bad_cgroup),
		cmocka_unit_test(test_dies_with_us),
	};

	if (!has_pidfd()) {
		fputs("pidfd_open() does not work here\n", stderr);
		return 1;
	}

	return cmocka_run_group_tests(tests, setup, teardown);
}
