/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "parse.h"

enum { SEND_TIMEOUT_US = 100000 };

void notify_manager(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const struct timeval timeout = { .tv_usec = SEND_TIMEOUT_US };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(address.sun_path))
		return;
	cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
		sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("cannot tell the service manager '%s': %s", message, strerror(errno));
}

void notify_reloading(void)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify_manager(text);
}

static bool meant_for_us(const char *pid)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t number;

	if (!pid)
		return true;
	bool ours = parse_int(&number, pid, 0, INT32_MAX, &err) == 0 && number == getpid();
	mrp_err_clear(&err);
	return ours;
}

int64_t notify_watchdog_us(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	struct mrp_err err = MRP_ERR_INIT;
	int64_t us = 0;

	if (!text || !meant_for_us(getenv("WATCHDOG_PID")))
		return 0;
	if (parse_int(&us, text, 1, INT64_MAX, &err) < 0)
		us = 0;
	mrp_err_clear(&err);
	return us;
}

void notify_alive(void)
{
	static _Atomic int64_t next_us;
	int64_t within_us = notify_watchdog_us();
	struct timespec now;

	if (!within_us)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (now_us < atomic_load(&next_us))
		return;
	atomic_store(&next_us, now_us + within_us / 4);
	notify_manager("WATCHDOG=1");
}
