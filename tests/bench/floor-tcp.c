/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a TCP check can cost: socket, connect, epoll, close, one after another.
 *
 *   floor-tcp N PORT    N connections to 127.0.0.1:PORT
 *
 * Prints "connections=N cpu_us=CPU-PER-CONNECTION".
 */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void connect_once(int epoll, const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	struct epoll_event event = { .events = EPOLLOUT };
	socklen_t len = sizeof(error);

	if (fd < 0 || (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS) ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 || epoll_wait(epoll, &event, 1, 10000) != 1 ||
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
		die("cannot connect: %s", strerror(error ? error : errno));
	epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct rusage usage;

	if (argc != 3)
		die("usage: floor-tcp N PORT");
	long n = parse_long("N", argv[1], 1, 100000000);
	to.sin_port = htons((uint16_t)parse_long("PORT", argv[2], 1, 65535));
	for (long i = 0; i < n; i++)
		connect_once(epoll, &to);
	getrusage(RUSAGE_SELF, &usage);
	printf("connections=%ld cpu_us=%.2f\n", n,
		((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) /
			(double)n);
	return 0;
}
