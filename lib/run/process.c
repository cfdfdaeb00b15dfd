/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <fcntl.h>
#include <unistd.h>

enum { ENVIRON_BYTES = 131072 };

static ssize_t read_proc(int proc_fd, pid_t pid, const char *file, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/%s", pid, file);
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, out, size - 1);
	close(fd);
	out[MAX(n, 0)] = '\0';
	return n;
}

/* /proc/PID/stat: the state is field 3, starttime is 22. */
bool process_read(struct process *process, int proc_fd, pid_t pid)
{
	char text[1024];

	if (read_proc(proc_fd, pid, "stat", text, sizeof(text)) <= 0)
		return false;
	const char *end = strrchr(text, ')');
	if (!end ||
		sscanf(end + 1, " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			&process->state, &process->parent, &process->group, &process->ticks) != 4)
		return false;
	process->pid = pid;
	return true;
}

char *process_mark(int proc_fd, pid_t pid)
{
	char *text = xmalloc(ENVIRON_BYTES), *mark = NULL;
	ssize_t n = read_proc(proc_fd, pid, "environ", text, ENVIRON_BYTES);
	const char *value;

	for (char *at = text; n > 0 && at < text + n && !mark; at += strlen(at) + 1) {
		if (skip_prefix(at, "MRPROBER_RUN_ID=", &value))
			mark = xstrdup(value);
	}
	free(text);
	return mark ? mark : xstrdup("");
}
