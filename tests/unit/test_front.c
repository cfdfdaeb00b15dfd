/* SPDX-License-Identifier: Apache-2.0 */
/* The server's door: listening sockets, who is let in, how long each phase may take, without an HTTP server. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../lib/api/front.h"
#include "scratch.h"

/* Takes every connection, and puts it into a phase. */
struct owner {
	struct front *front;
	atomic_int fd;
	enum conn_phase phase;
	size_t bytes;
};

static int take(void *ctx, const struct conn *conn, const struct sockaddr *address, socklen_t len)
{
	struct owner *owner = ctx;
	struct conn *own = front_conn(owner->front, conn->fd);

	(void)address, (void)len;
	assert_non_null(own);
	assert_true(own->peer.unix_socket);
	front_phase(owner->front, own, owner->phase, owner->bytes);
	atomic_store(&owner->fd, conn->fd);
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* What arrives until the end, or "open" when there is none within `ms`. */
static void read_all(char *out, size_t size, int fd, int ms)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (poll(&polled, 1, ms) == 1) {
		ssize_t n = read(fd, out + len, size - 1 - len);

		if (n <= 0) {
			out[len] = '\0';
			return;
		}
		len += (size_t)n;
	}
	snprintf(out, size, "open");
}

static void test_phases(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum conn_phase phase;
		size_t bytes;
		const char *answer; /* how it begins; "": closed without one */
		enum server_limit limit;
	} rows[] = {
		{ "headers", PHASE_HEADERS, 0, "HTTP/1.1 408 Request Timeout\r\n", LIMIT_SLOW_HEADERS },
		{ "body", PHASE_BODY, 0, "HTTP/1.1 408 Request Timeout\r\n", LIMIT_SLOW_BODY },
		{ "body, a steady one", PHASE_BODY, 10000, "open", LIMIT_COUNT },
		{ "work", PHASE_WORK, 0, "open", LIMIT_COUNT },
		{ "answer", PHASE_SEND, 0, "", LIMIT_SLOW_READER },
		{ "answer, a large one", PHASE_SEND, 10000, "open", LIMIT_COUNT },
		{ "idle", PHASE_IDLE, 0, "", LIMIT_COUNT },
	};
	cleanup(freep) char *path = xasprintf("%s/s", scratch), *text = xasprintf("unix:%s", path);
	const struct server_settings settings = { .connections = 10, .connections_per_address = 10,
		.header_timeout_ms = 200, .request_timeout_ms = 200, .idle_timeout_ms = 300, .min_rate = 1000,
		.min_read_rate = 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct server_stats stats = { 0 };
		struct mrp_err err = MRP_ERR_INIT;
		struct listener listener;
		struct owner owner = { .fd = -1, .phase = rows[i].phase, .bytes = rows[i].bytes };
		const struct front_ops ops = { take, &owner };
		char answer[1024];

		assert_int_equal(listener_open(&listener, text, 0, &err), 0);
		assert_int_equal(front_start(&owner.front, &listener, 1, &settings, &stats, &ops, &err), 0);
		int fd = connect_to(path);
		read_all(answer, sizeof(answer), fd, 1200);
		if (rows[i].answer[0] ? strncmp(answer, rows[i].answer, strlen(rows[i].answer)) != 0 : answer[0] != '\0')
			fail_msg("%s: '%s', expected '%s'", rows[i].name, answer, rows[i].answer);
		for (int k = 0; k < LIMIT_COUNT; k++) {
			if (atomic_load(&stats.limits_hit[k]) != (k == (int)rows[i].limit))
				fail_msg("%s: %ld hits of %s", rows[i].name, atomic_load(&stats.limits_hit[k]),
					server_limits[k].name);
		}
		struct conn *conn = front_conn(owner.front, atomic_load(&owner.fd));
		assert_non_null(conn);
		assert_int_equal(front_ended(owner.front, conn), !streq(answer, "open"));
		assert_int_equal(atomic_load(&stats.connections), 1);
		front_gone(owner.front, conn);
		assert_int_equal(atomic_load(&stats.connections), 0);
		close(atomic_load(&owner.fd));
		close(fd);
		front_quiesce(owner.front);
		front_free(owner.front);
		listener_close(&listener);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static void test_unix_socket(void **state)
{
	(void)state;
	cleanup(freep) char *path = xasprintf("%s/s", scratch), *text = xasprintf("unix:%s", path);
	cleanup(freep) char *other = xasprintf("%s/file", scratch), *other_text = xasprintf("unix:%s", other);
	cleanup(freep) char *moved = xasprintf("%s/moved", scratch);
	struct mrp_err err = MRP_ERR_INIT;
	struct listener first, second;
	struct stat st;

	assert_int_equal(listener_open(&first, text, 0, &err), 0);
	assert_string_equal(first.url, text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	/* somebody listens there */
	assert_int_equal(listener_open(&second, text, 0, &err), -1);
	assert_int_equal(err.code, MRP_EFAILED);
	/* nobody does: a socket whose program was killed */
	close(first.fd);
	first.fd = -1;
	assert_int_equal(listener_open(&second, text, 0, &err), 0);
	/* the old owner leaves the new one's socket alone */
	assert_int_equal(rename(path, moved), 0);
	listener_close(&second);
	assert_int_equal(access(moved, F_OK), 0);
	first.inode = 0;
	listener_close(&first);
	/* what is no socket is left alone */
	FILE *file = fopen(other, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(listener_open(&second, other_text, 0, &err), -1);
	assert_int_equal(err.code, MRP_EFAILED);
	assert_int_equal(access(other, F_OK), 0);
	mrp_err_clear(&err);
}

static void test_bad_addresses(void **state)
{
	static const char too_long[] = "unix:/tmp/a-path-that-is-longer-than-any-socket-may-be/"
				       "0123456789012345678901234567890123456789012345678901234567890123456789";
	static const char *const rows[] = { "", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
		"127.0.0.1:-1", "::1:80", "0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "unix:",
		too_long };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mrp_err err = MRP_ERR_INIT;
		struct listener listener;

		if (listener_open(&listener, rows[i], 0, &err) == 0)
			fail_msg("'%s' was taken", rows[i]);
		if (err.code != MRP_EUSAGE && err.code != MRP_EREFUSED)
			fail_msg("'%s': %s", rows[i], err.msg);
		mrp_err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_bad_addresses),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
