/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager hears, and which watchdog is meant for us. */
#include <sys/socket.h>
#include <sys/un.h>

#include "scratch.h"

#include "../../lib/base/log.h"
#include "../../lib/base/notify.h"

static void test_watchdog(void **state)
{
	static char own[16];
	static const struct {
		const char *usec, *pid;
		int64_t want;
	} rows[] = {
		{ "", NULL, 0 },
		{ "x", NULL, 0 },
		{ "0", NULL, 0 },
		{ "-5", NULL, 0 },
		{ "30000000s", NULL, 0 },
		{ "99999999999999999999", NULL, 0 },
		{ "30000000", "1", 0 },
		{ "30000000", "", 0 },
		{ NULL, own, 0 },
		{ "30000000", own, 30000000 },
		{ "30000000", NULL, 30000000 },
	};

	(void)state;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (rows[i].usec)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		if (notify_watchdog_us() != rows[i].want)
			fail_msg("'%s' for '%s': %lld", rows[i].usec, rows[i].pid, (long long)notify_watchdog_us());
	}
}

/* A manager's socket; an abstract one when the name starts with '@'. */
static int manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, len);
	if (*name == '@')
		address.sun_path[0] = '\0';
	assert_true(fd >= 0);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_heard(int fd, const char *want)
{
	char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	if (strncmp(text, want, strlen(want)) != 0)
		fail_msg("'%s', not '%s'", text, want);
}

static void test_messages(void **state)
{
	cleanup(freep) char *path = xasprintf("%s/notify", scratch);
	cleanup(freep) char *abstract = xasprintf("@%s/notify", scratch);
	const char *const names[] = { path, abstract };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = manager(names[i]);

		notify_manager("READY=1");
		expect_heard(fd, "READY=1");
		notify_reloading();
		expect_heard(fd, "RELOADING=1\nMONOTONIC_USEC=");
		close(fd);
	}
}

/* Neither a manager that is gone nor a name that is too long may harm. */
static void test_nobody(void **state)
{
	char name[200];

	(void)state;
	log_set_level(LOG_ERROR);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	notify_manager("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
