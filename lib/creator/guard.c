/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/file.h"
#include "evidence.h"

/* Of the children here, never of this process. */
static _Noreturn void leave(int code)
{
	for (;;)
		syscall(SYS_exit_group, code);
}

/* A byte is a farewell; the end without one is a death. */
static _Noreturn void watch(int fd, const char *token)
{
	ssize_t n;
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "mrprober-guard");
	if (dup2(fd, STDIN_FILENO) < 0 || chdir("/") < 0)
		leave(1);
	close_range(STDIN_FILENO + 1, ~0U, 0);
	while ((n = read(STDIN_FILENO, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n == 0)
		evidence_interrupt(token);
	leave(0);
}

int guard_start(const char *token, struct mrp_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mrp_err_errno(err, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		/* nobody's child, and of no terminal */
		setsid();
		close(ends[1]);
		if (fork() == 0)
			watch(ends[0], token);
		leave(0);
	}
	int why = errno;
	close(ends[0]);
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return ends[1];
	}
	close(ends[1]);
	errno = why;
	return mrp_err_errno(err, "cannot start a process");
}

void guard_end(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "", 1) < 0)
		errno = 0; /* it is gone: what is going on will be found by its evidence */
	close(fd);
}
