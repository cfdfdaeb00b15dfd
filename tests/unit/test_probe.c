/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of probes: results, ends, many at once, nothing left behind. What each type says about its target is
 * tested by tests/probe, with servers; here the targets are sockets of this program.
 */
#include "../../lib/probe/probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "../../lib/base/parse.h"
#include "../../lib/cli/probe_options.h"
#include "../../lib/ev/loop.h"
#include "../../lib/probe/body.h"
#include "../../lib/probe/disk_pool.h"
#include "../../lib/probe/plugin.h"
#include "../../lib/value/json.h"
#include "scratch.h"

static struct probe_engine *engine;

struct run {
	struct probe_job job;
	sem_t *done;
	struct arena probe;
};

static void on_done(struct probe_job *job)
{
	sem_post(((struct run *)job)->done);
}

static void submit(struct run *run, sem_t *done, int64_t timeout_ms, const char *fmt, ...) PRINTF(4, 5);
static void submit(struct run *run, sem_t *done, int64_t timeout_ms, const char *fmt, ...)
{
	struct mrp_err err = MRP_ERR_INIT;
	va_list ap;

	va_start(ap, fmt);
	cleanup(freep) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	bool warning_fails = run->job.warning_fails;
	*run = (struct run){ .done = done };
	run->job = (struct probe_job){ .timeout_ms = timeout_ms,
		.done = on_done,
		.warning_fails = warning_fails,
		.probe = json_parse(&run->probe, text, strlen(text), "probe", &err) };
	assert_non_null(run->job.probe);
	probe_submit(engine, &run->job);
}

static void wait_for(sem_t *done, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		while (sem_wait(done) < 0)
			continue;
	}
}

static void release(struct run *run)
{
	arena_release(&run->job.arena);
	arena_release(&run->probe);
}

static void expect_result(struct run *run, enum verdict_status status, enum verdict_reason reason, const char *part)
{
	const struct verdict *verdict = &run->job.verdict;

	print_message("%s/%s: %s\n", verdict_status_names[verdict->status], verdict_reason_names[verdict->reason],
		verdict->message);
	assert_int_equal(verdict->status, status);
	assert_int_equal(verdict->reason, reason);
	assert_non_null(strstr(verdict->message, part));
	assert_true(run->job.ended_us >= run->job.started_us);
	release(run);
}

/* A port of 127.0.0.1 that accepts in the kernel and says nothing. */
static int listener(int *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 4096), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* --- one by one --------------------------------------------------------------------------------------------------- */

static void test_results(void **state)
{
	struct run run = { 0 };
	sem_t done;
	int port, fd = listener(&port);

	(void)state;
	sem_init(&done, 0, 0);
	submit(&run, &done, 5000, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d}}", port);
	wait_for(&done, 1);
	assert_int_equal(run.job.nagios_code, NAGIOS_OK);
	assert_true(run.job.verdict.n_values >= 1);
	assert_string_equal(run.job.verdict.values[0].metric, "time");
	expect_result(&run, VERDICT_SUCCESS, REASON_OK, "connected to 127.0.0.1");
	submit(&run, &done, 50, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d, \"expect\": \"x\"}}", port);
	wait_for(&done, 1);
	assert_int_equal(run.job.nagios_code, NAGIOS_CRITICAL);
	expect_result(&run, VERDICT_FAILURE, REASON_TIMEOUT, "no answer within 50ms");
	close(fd);
	submit(&run, &done, 5000, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d}}", port);
	wait_for(&done, 1);
	assert_int_equal(run.job.nagios_code, NAGIOS_CRITICAL);
	expect_result(&run, VERDICT_FAILURE, REASON_EXIT, "Connection refused");
	submit(&run, &done, 5000, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": 1, \"ip_version\": \"6\"}}");
	wait_for(&done, 1);
	assert_int_equal(run.job.nagios_code, NAGIOS_UNKNOWN);
	assert_int_equal(run.job.verdict.n_values, 0);
	expect_result(&run, VERDICT_ERROR, REASON_CONFIG, "no address of IPv6");
	submit(&run, &done, 5000, "{\"ftp\": {}}");
	wait_for(&done, 1);
	expect_result(&run, VERDICT_ERROR, REASON_CONFIG, "there is no probe 'ftp'");
	sem_destroy(&done);
}

/* One question of DNS, answered after 20 ms with 192.0.2.1. */
static void *late_resolver(void *ctx)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t message[1024];
	ssize_t n = recvfrom(*(int *)ctx, message, 512, 0, (struct sockaddr *)&from, &len);

	poll(NULL, 0, 20);
	if (n > 12) {
		n -= 11; /* without EDNS */
		message[2] |= 0x80;
		message[7] = 1;
		message[11] = 0;
		memcpy(message + n, "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\300\0\2\1", 16);
		sendto(*(int *)ctx, message, (size_t)n + 16, 0, (struct sockaddr *)&from, len);
	}
	return NULL;
}

static void test_warning_is(void **state)
{
	struct run run = { 0 };
	sem_t done;

	(void)state;
	sem_init(&done, 0, 0);
	for (int fails = 0; fails <= 1; fails++) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t len = sizeof(in);
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		pthread_t thread;

		assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
		assert_int_equal(pthread_create(&thread, NULL, late_resolver, &fd), 0);
		run.job.warning_fails = fails;
		submit(&run, &done, 60000,
			"{\"dns\": {\"name\": \"x\", \"server\": \"127.0.0.1:%d\", \"max_time\": \"1ms\"}}",
			ntohs(in.sin_port));
		wait_for(&done, 1);
		pthread_join(thread, NULL);
		close(fd);
		assert_int_equal(run.job.nagios_code, NAGIOS_WARNING);
		expect_result(&run, fails ? VERDICT_FAILURE : VERDICT_SUCCESS, REASON_WARNING, "x is 192.0.2.1 in 0.");
	}
	sem_destroy(&done);
}

static void test_cancel(void **state)
{
	struct run runs[3] = { 0 };
	sem_t done;
	int port, fd = listener(&port);

	(void)state;
	sem_init(&done, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		submit(&runs[i], &done, 60000, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d, \"expect\": \"x\"}}",
			port);
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		probe_cancel(engine, &runs[i].job);
	probe_cancel(engine, &runs[0].job); /* as if it had ended at the same moment */
	wait_for(&done, ARRAY_SIZE(runs));
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		expect_result(&runs[i], VERDICT_ERROR, REASON_SIGNAL, "canceled");
	close(fd);
	sem_destroy(&done);
}

/* --- many --------------------------------------------------------------------------------------------------------- */

enum { MANY = 800, TARGETS = 3000 };

/* All wait at the same time, then all end by their time; no descriptor stays. */
static void test_many_in_flight(void **state)
{
	struct run *runs = xcalloc(MANY, sizeof(*runs));
	sem_t done;
	int port, fd = listener(&port), before;

	(void)state;
	sem_init(&done, 0, 0);
	submit(&runs[0], &done, 5000, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d}}", port);
	wait_for(&done, 1);
	release(&runs[0]);
	before = open_descriptors();
	for (size_t i = 0; i < MANY; i++)
		submit(&runs[i], &done, 1000, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d, \"expect\": \"x\"}}",
			port);
	wait_for(&done, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(runs[i].job.verdict.reason, REASON_TIMEOUT);
		release(&runs[i]);
	}
	assert_int_equal(open_descriptors(), before);
	close(fd);
	sem_destroy(&done);
	free(runs);
}

/* A job that keeps the engine's thread until the time of another one is over, and then some. */
struct sleeper {
	struct probe_job job;
	sem_t *done;
	const struct run *other;
	int answer_to; /* the other one's connection */
	bool in_time;
};

static void sleep_over(struct probe_job *job)
{
	struct sleeper *sleeper = (struct sleeper *)job;
	const struct probe_job *other = &sleeper->other->job;
	int64_t until_us = other->started_us + other->timeout_ms * 1000 + 50000;

	sleeper->in_time = !other->ended_us && monotonic_us() < until_us - 100000;
	if (sleeper->in_time && send(sleeper->answer_to, "x", 1, MSG_NOSIGNAL) != 1)
		sleeper->in_time = false;
	while (sleeper->in_time && monotonic_us() < until_us)
		poll(NULL, 0, 10);
	sem_post(sleeper->done);
}

/* The process was stopped, or got no processor: an answer that came in time counts. */
static void test_slept_over_an_answer(void **state)
{
	struct sleeper sleeper = { .job = { .timeout_ms = 60000, .done = sleep_over }, .in_time = false };
	struct run run = { 0 };
	sem_t done;
	int port, fd = listener(&port);

	(void)state;
	sem_init(&done, 0, 0);
	for (int tries = 0; !sleeper.in_time && tries < 100; tries++) { /* until the machine lets us be in time */
		struct run other = { 0 };

		release(&run);
		submit(&run, &done, 400, "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d, \"expect\": \"x\"}}", port);
		sleeper.answer_to = accept(fd, NULL, NULL);
		sleeper.other = &run;
		sleeper.done = &done;
		sleeper.job.probe = value_object(&other.probe); /* of no type: it is done at once */
		sleeper.job.arena = (struct arena)ARENA_INIT;
		probe_submit(engine, &sleeper.job);
		wait_for(&done, 2);
		arena_release(&sleeper.job.arena);
		release(&other);
		close(sleeper.answer_to);
	}
	assert_true(sleeper.in_time);
	expect_result(&run, VERDICT_SUCCESS, REASON_OK, "the expected answer");
	close(fd);
	sem_destroy(&done);
}

/* Each kind in the middle of its conversation: some end by their time, some are canceled, and nothing stays. */
static void test_all_types_let_go(void **state)
{
	enum { EACH = 60 };
	static const char *const probes[] = {
		"{\"http\": {\"url\": \"http://127.0.0.1:%d/\", \"max_time\": \"%ds\"}}",
		"{\"http\": {\"url\": \"https://127.0.0.1:%d/\", \"insecure\": true, \"max_time\": \"%ds\"}}",
		"{\"tls\": {\"host\": \"127.0.0.1\", \"port\": %d, \"insecure\": true, \"server_name\": \"n%d.test\"}}",
		"{\"dns\": {\"server\": \"127.0.0.1:%d\", \"name\": \"n%d.test\", \"tcp\": true}}",
		"{\"icmp\": {\"host\": \"127.0.0.1\", \"count\": %d, \"interval\": \"10s\", \"size\": \"%dB\"}}",
	};
	struct run *runs = xcalloc(ARRAY_SIZE(probes) * EACH, sizeof(*runs));
	sem_t done;
	int port, fd = listener(&port), before = 0;

	(void)state;
	sem_init(&done, 0, 0);
	for (int round = 0; round < 2; round++) { /* the first one makes what stays for the engine's life */
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
			for (int k = 0; k < EACH; k++, n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				submit(&runs[n], &done, k % 2 ? 600 : 600000, probes[i], i == 4 ? 1000 : port, 10 + k);
#pragma GCC diagnostic pop
			}
		}
		for (size_t i = 0; i < n; i += 2)
			probe_cancel(engine, &runs[i].job);
		wait_for(&done, n);
		for (size_t i = 0; i < n; i++) {
			enum verdict_reason reason = runs[i].job.verdict.reason;

			if (reason != REASON_SPAWN || !strstr(runs[i].job.verdict.message, "no right to send ICMP"))
				assert_int_equal(reason, i % 2 ? REASON_TIMEOUT : REASON_SIGNAL);
			release(&runs[i]);
		}
		if (!round)
			before = open_descriptors();
	}
	assert_int_equal(open_descriptors(), before);
	close(fd);
	sem_destroy(&done);
	free(runs);
}

static void test_out_of_descriptors(void **state)
{
	static const char *const probes[] = {
		"{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": %d}}",
		"{\"tcp\": {\"host\": \"nowhere.invalid\", \"port\": %d}}",
		"{\"http\": {\"url\": \"http://127.0.0.1:%d/\"}}",
		"{\"tls\": {\"host\": \"127.0.0.1\", \"port\": %d, \"insecure\": true}}",
		"{\"dns\": {\"name\": \"x\", \"server\": \"127.0.0.1:%d\"}}",
		"{\"disk\": {\"path\": \"/tmp\", \"size\": \"%dB\"}}",
	};
	struct run run = { 0 };
	struct rlimit limit, few;
	sem_t done;
	int port, fd = listener(&port);

	(void)state;
	sem_init(&done, 0, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < ARRAY_SIZE(probes) * 2; i++) {
		bool none = i >= ARRAY_SIZE(probes); /* at first they load what they need */
		int lowest = dup(fd);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		close(lowest);
		few = (struct rlimit){ none ? (rlim_t)lowest : limit.rlim_cur, limit.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		submit(&run, &done, 1000, probes[i % ARRAY_SIZE(probes)], port);
		wait_for(&done, 1);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
#pragma GCC diagnostic pop
		if (none)
			expect_result(&run, VERDICT_ERROR, REASON_LIMIT, "Too many open files");
		else
			release(&run);
	}
	close(fd);
	sem_destroy(&done);
}

static void test_many_pings(void **state)
{
	struct run *runs = xcalloc(TARGETS, sizeof(*runs));
	sem_t done;
	size_t good = 0;

	(void)state;
	sem_init(&done, 0, 0);
	submit(&runs[0], &done, 5000, "{\"icmp\": {\"host\": \"127.0.0.1\", \"count\": 1}}");
	wait_for(&done, 1);
	if (strstr(runs[0].job.verdict.message, "no right to send")) {
		release(&runs[0]);
		free(runs);
		skip();
	}
	release(&runs[0]);
	int before = open_descriptors();
	for (size_t i = 0; i < TARGETS; i++)
		submit(&runs[i], &done, 60000,
			"{\"icmp\": {\"host\": \"127.0.%zu.%zu\", \"count\": 4, \"interval\": \"20ms\"}}", i / 250,
			i % 250 + 1);
	assert_int_equal(open_descriptors(), before); /* one socket for all of them */
	wait_for(&done, TARGETS);
	for (size_t i = 0; i < TARGETS; i++) {
		good += runs[i].job.verdict.status == VERDICT_SUCCESS;
		if (runs[i].job.verdict.status != VERDICT_SUCCESS)
			print_message("%s\n", runs[i].job.verdict.message);
		release(&runs[i]);
	}
	assert_int_equal(good, TARGETS);
	sem_destroy(&done);
	free(runs);
}

/* --- a disk that hangs -------------------------------------------------------------------------------------------- */

static int mute_fd = -1;
static char mute_folder[sizeof(scratch) + 8];

/* A file system whose server never says a word: whoever opens something there waits until the server is gone. False:
 * not possible here. */
static bool mount_mute(void)
{
	cleanup(freep) char *options = NULL;

	snprintf(mute_folder, sizeof(mute_folder), "%s/mute", scratch);
	assert_int_equal(mkdir(mute_folder, 0700), 0);
	mute_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	options = xasprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", mute_fd);
	return mute_fd >= 0 && mount("mute", mute_folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

/* The disk comes back, as one that says no. */
static void end_mute(void)
{
	if (mute_fd >= 0)
		close(mute_fd);
	mute_fd = -1;
}

/* Also of a test that has failed: nobody is to wait for the disk then, when this program cleans up. */
static int unmount_mute(void **state)
{
	(void)state;
	end_mute();
	umount2(mute_folder, MNT_DETACH); /* those that were left behind may be in there still */
	return 0;
}

static void test_hanging_disk(void **state)
{
	struct run runs[DISK_THREADS + 2] = { 0 };
	sem_t done;

	(void)state;
	if (!mount_mute())
		skip();
	sem_init(&done, 0, 0);
	/* long enough for a thread to be there and at the disk, however busy the machine is */
	submit(&runs[0], &done, 2000, "{\"disk\": {\"path\": \"%s\"}}", mute_folder);
	wait_for(&done, 1);
	expect_result(&runs[0], VERDICT_FAILURE, REASON_TIMEOUT, "no answer within 2s");
	submit(&runs[0], &done, 50000, "{\"disk\": {\"path\": \"%s\"}}", mute_folder);
	wait_for(&done, 1);
	expect_result(&runs[0], VERDICT_FAILURE, REASON_EXIT, "has not answered the check before this one");
	/* other names of it take the other threads */
	for (size_t i = 1; i < DISK_THREADS; i++)
		submit(&runs[i], &done, 2000, "{\"disk\": {\"path\": \"%s%.*s\"}}", mute_folder, (int)i, "//////////");
	wait_for(&done, DISK_THREADS - 1);
	for (size_t i = 1; i < DISK_THREADS; i++)
		expect_result(&runs[i], VERDICT_FAILURE, REASON_TIMEOUT, "no answer within 2s");
	submit(&runs[0], &done, 50, "{\"disk\": {\"path\": \"%s\"}}", scratch);
	wait_for(&done, 1);
	expect_result(&runs[0], VERDICT_ERROR, REASON_LIMIT, "threads wait for other disks");
	end_mute();
	submit(&runs[0], &done, 60000, "{\"disk\": {\"path\": \"%s\"}}", scratch);
	wait_for(&done, 1);
	expect_result(&runs[0], VERDICT_SUCCESS, REASON_OK, "wrote, synced and read");
	sem_destroy(&done);
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static void test_regex(void **state)
{
	static const struct {
		const char *regex, *body;
		int result; /* -1: refused */
	} cases[] = {
		{ "(", "x", -1 },
		{ ")(", "x", -1 },
		{ "(a)\\1", "aa", -1 },
		{ "a{40000}", "a", -1 },
		{ "(a{101}){100}", "a", -1 },
		{ "(a{100}){100}", "a", 0 },
		{ "\\{9{2}", "x{99", 1 },
		{ "^b", "ab", 0 },
		{ "^a", "ab", 1 },
		{ "a$", "ab", 0 },
		{ "b$", "ab", 1 },
		{ "a.b", "a\nb", 1 },
		{ "x|y", "ay", 1 },
		{ "^x|y$", "ay", 1 },
		{ "", "", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		bool matches = false;

		print_message("'%s'\n", cases[i].regex);
		int r = body_matches(&matches, cases[i].body, strlen(cases[i].body), cases[i].regex, &err);
		assert_int_equal(r < 0 ? -1 : matches, cases[i].result);
		mrp_err_clear(&err);
	}
	bool matches;
	struct mrp_err err = MRP_ERR_INIT;
	assert_int_equal(body_matches(&matches, "a\0b", 3, "a.b", &err), 0);
	assert_true(matches);
}

static void test_plugin_line(void **state)
{
	static const struct label phase = { "phase", "connect" };
	const struct verdict_value values[] = {
		{ .metric = "rta", .unit = "ms", .value = 0.25 },
		{ .metric = "pl", .unit = "%", .value = 100 / 3.0 },
		{ .metric = "phase", .unit = "s", .labels = &phase, .n_labels = 1, .value = 0.5 },
	};
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const char *text = "{\"icmp\": {\"max_loss\": \"12.5%\", \"max_rtt\": \"2s\"}}";
	struct probe_job job = { .probe = json_parse(&arena, text, strlen(text), "probe", &err),
		.verdict = { .message = "a|b", .values = values, .n_values = ARRAY_SIZE(values) },
		.nagios_code = NAGIOS_WARNING,
		.details = "one\ntwo|2\n" };

	(void)state;
	plugin_format(&out, &job, true);
	assert_string_equal(out.buf,
		"ICMP WARNING - a/b | rta=0.250ms;;2000;0 pl=33.3%;;12.5;0;100 time_connect=0.500000s;;;0\n"
		"one\ntwo/2\n");
}

/* The options of configs and of the command line are the same. */
static void test_options_agree(void **state)
{
	static const struct {
		const char *type;
		const struct mrp_opt *opts;
	} tables[] = {
		{ "http", probe_http_opts },
		{ "tcp", probe_tcp_opts },
		{ "dns", probe_dns_opts },
		{ "icmp", probe_icmp_opts },
		{ "tls", probe_tls_opts },
		{ "disk", probe_disk_opts },
	};
	size_t types = 0;

	(void)state;
	for (const struct field *field = probe_fields; field->name; field++)
		types++;
	assert_int_equal(types, ARRAY_SIZE(tables));
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct field *fields = field_find(probe_fields, tables[i].type, FF_BOTH)->sub;
		size_t n_fields = 0, n_opts = 0;

		for (const struct field *field = fields; field->name; field++, n_fields++) {
			const struct mrp_opt *opt = probe_opt_of(tables[i].opts, field);

			print_message("%s.%s\n", tables[i].type, field->name);
			assert_non_null(opt);
			assert_int_equal(opt->type == OPT_TYPE_BOOL, field->type == F_BOOL);
			assert_int_equal(opt->type == OPT_TYPE_LIST, field->type == F_LIST || field->type == F_MAP);
			assert_int_equal(opt->type == OPT_TYPE_INT, field->type == F_INT);
			assert_int_equal(opt->type == OPT_TYPE_ENUM, field->type == F_ENUM);
			if (field->type == F_INT) {
				assert_int_equal(opt->min, field->min);
				assert_int_equal(opt->max, field->max);
			}
			for (size_t w = 0; field->type == F_ENUM && field->words[w]; w++)
				assert_int_equal(mrp_word_index(opt->arg, field->words[w]), w);
		}
		for (const struct mrp_opt *opt = tables[i].opts; opt->type; opt++)
			n_opts++;
		assert_int_equal(n_opts, n_fields + 1); /* --timeout */
	}
}

static int make_engine(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;

	engine = probe_engine_new(&err);
	return engine ? scratch_make(state) : -1;
}

static int free_engine(void **state)
{
	probe_engine_free(engine);
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_warning_is),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many_in_flight),
		cmocka_unit_test(test_slept_over_an_answer),
		cmocka_unit_test(test_all_types_let_go),
		cmocka_unit_test(test_out_of_descriptors),
		cmocka_unit_test(test_many_pings),
		cmocka_unit_test_teardown(test_hanging_disk, unmount_mute),
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_plugin_line),
		cmocka_unit_test(test_options_agree),
	};

	return cmocka_run_group_tests(tests, make_engine, free_engine);
}
