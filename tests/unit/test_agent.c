/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent in this process, with a real config and real programs: what the service manager hears, what other threads
 * may ask, and how it ends. A thread plays the operator while this one is the scheduler.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "scratch.h"

#include "../../lib/agent/agent.h"
#include "../../lib/base/file.h"
#include "../../lib/base/log.h"

enum { WAIT_MS = 30000 };

static int manager_fd = -1;
static char *config_path, *state_dir;

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (scratch_make(state) < 0 || chmod(scratch, 0755) < 0)
		return -1;
	config_path = xasprintf("%s/config.json", scratch);
	state_dir = xasprintf("%s/state", scratch);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", scratch);
	manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	log_set_level(LOG_ERROR);
	return bind(manager_fd, (struct sockaddr *)&address, sizeof(address));
}

static int tear_down(void **state)
{
	free(config_path);
	free(state_dir);
	close(manager_fd);
	return scratch_remove(state);
}

static void write_config(const char *probers)
{
	cleanup(freep) char *text = xasprintf(
		"{\"cluster\":\"net\",\"host\":\"h1\",\"environment\":null,\"config_revision\":\"r\",\"probers\":[%s]}",
		probers);
	struct mrp_err err = MRP_ERR_INIT;

	if (replace_file(config_path, text, strlen(text), 0644, &err) < 0)
		fail_msg("%s", err.msg);
}

#define ENTRY(id, command, more)                                                                                      \
	"{\"id\":\"" id "\",\"prober\":\"" id "\",\"command\":" command ",\"interval\":\"100ms\",\"timeout\":\"1h\"," \
	"\"grace\":\"0s\",\"overlap\":\"skip\",\"output\":\"exit\",\"warning_is\":\"failure\","                       \
	"\"keep_logs\":\"none\"" more "}"

/* Messages until one begins so; those before it are dropped. */
static bool heard(const char *want)
{
	char text[1024];

	for (;;) {
		const struct timeval timeout = { .tv_sec = WAIT_MS / 1000 };
		setsockopt(manager_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
		ssize_t n = recv(manager_fd, text, sizeof(text) - 1, 0);

		if (n < 0)
			return false;
		text[n] = '\0';
		if (strncmp(text, want, strlen(want)) == 0)
			return true;
	}
}

struct operator
{
	struct agent *agent;
	bool (*play)(struct agent * agent);
	bool well;
};

static void *operator_thread(void *arg)
{
	struct operator* operator= arg;

	operator->well = operator->play(operator->agent);
	kill(getpid(), SIGTERM);
	return NULL;
}

/* Run the agent while `play` goes on; its end stops the agent. */
static void run(bool (*play)(struct agent *agent))
{
	const struct agent_options options = { .cluster = "net",
		.host = "h1",
		.state_dir = state_dir,
		.config = config_path,
		.config_interval_ms = 3600000,
		.listen = "127.0.0.1:0",
		.max_runs = 10,
		.log_bytes = 1 << 20 };
	struct mrp_err err = MRP_ERR_INIT;
	struct operator operator= { agent_new(&options, &err), play, false };
	pthread_t thread;

	if (!operator.agent)
		fail_msg("%s", err.msg);
	assert_int_equal(pthread_create(&thread, NULL, operator_thread, &operator), 0);
	int r = agent_run(operator.agent, &err);
	pthread_join(thread, NULL);
	if (r < 0)
		fail_msg("%s", err.msg);
	/* nobody is answered any more, and nobody waits for ever */
	assert_int_equal(agent_call(operator.agent, NULL, NULL, &err), -1);
	assert_int_equal(err.code, MRP_EBUSY);
	agent_free(operator.agent);
	mrp_err_clear(&err);
	assert_true(operator.well);
	assert_true(heard("STOPPING=1"));
}

static bool play_manager(struct agent *agent)
{
	(void)agent;
	if (!heard("READY=1\nSTATUS=2 probers") || !heard("WATCHDOG=1") || !heard("WATCHDOG=1"))
		return false;
	write_config(ENTRY("a", "[\"true\"]", ""));
	kill(getpid(), SIGHUP);
	return heard("RELOADING=1\nMONOTONIC_USEC=") && heard("READY=1\nSTATUS=1 probers") && heard("WATCHDOG=1");
}

static void test_manager(void **state)
{
	(void)state;
	write_config(ENTRY("a", "[\"true\"]", "") "," ENTRY("b", "[\"sleep\",\"600\"]", ""));
	/* only where somebody listens all the time: ten messages that wait are all that the socket takes */
	setenv("WATCHDOG_USEC", "20000", 1);
	run(play_manager);
	unsetenv("WATCHDOG_USEC");
}

/* It is ready, too, when there is no config: it works as well as it can. */
static bool play_without_config(struct agent *agent)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (!heard("READY=1\nSTATUS=0 probers, 0 running, 0 failing; "))
		return false;
	bool refused = agent_reload(agent, &err) < 0 && err.code == MRP_EFAILED && strstr(err.msg, "JSON");
	if (!refused)
		print_error("%s\n", err.msg);
	mrp_err_clear(&err);
	write_config(ENTRY("a", "[\"true\"]", ""));
	return refused && agent_reload(agent, &err) == 0;
}

static void test_without_config(void **state)
{
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *stored = xasprintf("%s/agent/net/config.json", state_dir);

	(void)state;
	unlink(stored);
	assert_int_equal(replace_file(config_path, "no\n", 3, 0644, &err), 0);
	run(play_without_config);
}

struct seen {
	bool known;
	enum verdict_status status;
	int64_t paused_until_us;
	char run_id[32];
	int64_t until_us;
};

static void look(void *ctx, const struct agent_inside *inside)
{
	struct seen *seen = ctx;
	const struct prober_state *prober = schedule_find(inside->schedule, "a");

	seen->known = prober && prober->last.known;
	if (!seen->known)
		return;
	seen->status = prober->last.status;
	seen->paused_until_us = prober->paused_until_us;
	agent_run_id(seen->run_id, inside);
}

static void pause_all(void *ctx, const struct agent_inside *inside)
{
	struct seen *seen = ctx;

	schedule_pause(inside->schedule, schedule_find(inside->schedule, "a"), seen->until_us, inside->now_us);
}

struct extra {
	struct extra_run run;
	struct strbuf output;
	bool ok;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
};

static void extra_output(struct extra_run *run, enum run_stream stream, const char *data, size_t len)
{
	(void)stream;
	strbuf_add(&((struct extra *)(void *)run)->output, data, len);
}

static void extra_done(struct extra_run *run, const struct log_record *record)
{
	struct extra *extra = (struct extra *)(void *)run;

	pthread_mutex_lock(&extra->lock);
	extra->ok = record->status == VERDICT_SUCCESS && streq(record->run_id, "once-1") && record->output_len[0] == 6;
	extra->done = true;
	pthread_cond_signal(&extra->ended);
	pthread_mutex_unlock(&extra->lock);
}

static void run_extra(void *ctx, const struct agent_inside *inside)
{
	struct extra *extra = ctx;

	executor_run_extra(inside->executor, &extra->run, schedule_find(inside->schedule, "a"), "once-1");
}

/* A run beside the schedule is as any other, and is not recorded. */
static bool play_extra(struct agent *agent)
{
	struct extra extra = { { extra_output, extra_done }, STRBUF_INIT, false, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_COND_INITIALIZER, false };
	struct mrp_err err = MRP_ERR_INIT;

	if (agent_call(agent, run_extra, &extra, &err) < 0)
		return false;
	pthread_mutex_lock(&extra.lock);
	while (!extra.done)
		pthread_cond_wait(&extra.ended, &extra.lock);
	pthread_mutex_unlock(&extra.lock);
	bool well = extra.ok && streq(extra.output.buf, "once-1");
	strbuf_release(&extra.output);
	return well;
}

static bool play_calls(struct agent *agent)
{
	struct seen seen = { .known = false };
	struct mrp_err err = MRP_ERR_INIT;

	if (!heard("READY=1"))
		return false;
	while (!seen.known) {
		if (agent_call(agent, look, &seen, &err) < 0)
			return false;
		usleep(5000);
	}
	seen.until_us = PAUSED_FOREVER;
	if (seen.status != VERDICT_SUCCESS || seen.paused_until_us || !strchr(seen.run_id, '-') ||
		agent_call(agent, pause_all, &seen, &err) < 0 || agent_call(agent, look, &seen, &err) < 0)
		return false;
	return seen.paused_until_us == PAUSED_FOREVER && play_extra(agent);
}

static void test_calls(void **state)
{
	(void)state;
	write_config(ENTRY("a", "[\"sh\",\"-c\",\"printf $MRPROBER_RUN_ID\"]", ",\"labels\":{\"team\":\"net\"}"));
	run(play_calls);
}

/* What cannot begin leaves nothing behind. */
static void test_cannot_start(void **state)
{
	static const struct {
		const char *cluster, *listen, *default_user, *cgroup;
		enum mrp_errcode code;
	} rows[] = {
		{ "a b", NULL, NULL, NULL, MRP_EUSAGE },
		{ "net", "nonsense", NULL, NULL, MRP_EUSAGE },
		{ "net", NULL, "no-such-user", NULL, MRP_EINVALID },
		{ "net", NULL, NULL, "/nonexistent", MRP_EINVALID },
	};

	(void)state;
	write_config(ENTRY("a", "[\"true\"]", ""));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct agent_options options = { .cluster = rows[i].cluster,
			.host = "h1",
			.state_dir = state_dir,
			.config = config_path,
			.listen = rows[i].listen,
			.max_runs = 10,
			.log_bytes = 1 << 20,
			.cgroup = rows[i].cgroup,
			.accounts = { .default_user = rows[i].default_user } };
		struct mrp_err err = MRP_ERR_INIT;

		assert_null(agent_new(&options, &err));
		if (err.code != rows[i].code)
			fail_msg("row %zu: %s", i, err.msg);
		mrp_err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_manager),
		cmocka_unit_test(test_without_config),
		cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
