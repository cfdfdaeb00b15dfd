/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd does with NOTIFY_SOCKET, for tests: notified SOCKET prints each message on a line of its own, with
 * spaces in place of the newlines within it. Ends by a signal, or after ten minutes.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LIFETIME_S = 600 };

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char message[8192];
	ssize_t len;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: notified SOCKET\n", stderr);
		return 64;
	}
	memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("notified");
		return 1;
	}
	alarm(LIFETIME_S);
	while ((len = recv(fd, message, sizeof(message) - 1, 0)) >= 0) {
		message[len] = '\0';
		for (char *newline = message; (newline = strchr(newline, '\n'));)
			*newline = ' ';
		puts(message);
		fflush(stdout);
	}
	perror("notified");
	return 1;
}
