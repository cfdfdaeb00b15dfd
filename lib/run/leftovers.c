/* SPDX-License-Identifier: Apache-2.0 */
#include "leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/file.h"
#include "process.h"

enum { LOOKS_MAX = 50, MOMENT_US = 2000 };

/* Its number may become somebody else's between looking and killing; a descriptor stays with the process. */
static bool kill_if_marked(int proc_fd, pid_t pid, const char *prefix)
{
	cleanup(fd_closep) int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return false;
	cleanup(freep) char *mark = process_mark(proc_fd, pid);
	return skip_prefix(mark, prefix, NULL) && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

static size_t look(const char *prefix)
{
	DIR *dir = opendir("/proc");
	size_t killed = 0;

	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			killed += kill_if_marked(dirfd(dir), pid, prefix);
	}
	closedir(dir);
	return killed;
}

size_t leftovers_kill(const char *prefix)
{
	size_t killed = 0, now;

	for (int i = 0; i < LOOKS_MAX && (now = look(prefix)); i++) {
		killed += now;
		usleep(MOMENT_US); /* they have no environment any more when they are dead, reaped or not */
	}
	return killed;
}
