/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that behaves badly, for tests of what runs programs: hostile MODE [ARGUMENT]. Modes that leave a process
 * behind write its number to the file ARGUMENT, so that a test can see what became of it.
 *
 * Built without sanitizers: they want more addresses than a limit of memory leaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20, BOMB_SECONDS = 20 };

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void note_self(const char *path)
{
	char text[32];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (fd < 0 || write(fd, text, (size_t)len) != len)
		_exit(9);
	close(fd);
}

static void close_stdio(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
}

/* Start a child that writes its number to `path` and sleeps; returns when it has done so. */
static void leave(const char *path, bool session, bool keeps_pipes)
{
	int ready[2];
	char c;

	if (pipe(ready) < 0)
		_exit(9);
	if (fork() == 0) {
		if (session)
			setsid();
		if (session && fork() != 0)
			_exit(0);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		note_self(path);
		if (!keeps_pipes)
			close_stdio();
		close(ready[0]);
		close(ready[1]);
		sleep_for_ever();
	}
	close(ready[1]);
	while (read(ready[0], &c, 1) > 0)
		;
}

static int mode_detach(const char *path)
{
	leave(path, true, false);
	return 0;
}

/* As detach, but it does not say whose it was. */
static int mode_detach_unmarked(const char *path)
{
	clearenv();
	if (getenv("MRPROBER_RUN_ID"))
		return 9;
	execl("/proc/self/exe", "hostile", "detach", path, NULL);
	return 9;
}

static int mode_detach_and_sleep(const char *path)
{
	leave(path, true, false);
	sleep_for_ever();
	return 0;
}

/* Into the group of who runs it, if that is possible. */
static int mode_change_group(const char *path)
{
	if (setpgid(0, getpgid(getppid())) < 0)
		return 9;
	leave(path, false, true);
	sleep_for_ever();
	return 0;
}

/* As that, but it ends, and leaves a child in our group. */
static int mode_leave_in_ours(const char *path)
{
	if (setpgid(0, getpgid(getppid())) < 0)
		return 9;
	leave(path, false, false);
	return 0;
}

static int mode_hold_pipe(const char *path)
{
	leave(path, true, true);
	return 0;
}

static int mode_leave_in_group(const char *path)
{
	leave(path, false, true);
	return 3;
}

static int mode_ignore_term(const char *path)
{
	signal(SIGTERM, SIG_IGN);
	note_self(path);
	leave(path, false, true);
	sleep_for_ever();
	return 0;
}

static void on_term(int sig)
{
	(void)sig;
	_exit(7);
}

static int mode_catch_term(const char *path)
{
	(void)path;
	signal(SIGTERM, on_term);
	sleep_for_ever();
	return 0;
}

static int mode_stop_self(const char *path)
{
	signal(SIGTERM, on_term);
	note_self(path);
	raise(SIGSTOP);
	sleep_for_ever();
	return 0;
}

static int mode_flood(const char *path)
{
	static char block[65536];

	(void)path;
	memset(block, 'x', sizeof(block));
	for (;;) {
		if (write(STDOUT_FILENO, block, sizeof(block)) < 0)
			return 1;
	}
}

/* Exactly that many bytes on each stream, then the end. */
static int mode_print(const char *bytes)
{
	long n = strtol(bytes, NULL, 10);

	for (long i = 0; i < n; i++) {
		fputc('o', stdout);
		fputc('e', stderr);
	}
	return 0;
}

static int mode_bytes(const char *path)
{
	static const char text[] = "\xff\xfe\0\x80 \xc0\xaf\n\0\x1b[31m";

	(void)path;
	return write(STDOUT_FILENO, text, sizeof(text) - 1) < 0;
}

static int mode_close_and_sleep(const char *path)
{
	close_stdio();
	note_self(path);
	sleep_for_ever();
	return 0;
}

/* Until fork fails, for which it gives the errno, or somebody ends it. Ends by itself should nobody do so. */
static int mode_bomb(const char *path)
{
	(void)path;
	alarm(BOMB_SECONDS);
	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			return errno == EAGAIN ? 11 : 12;
		if (pid == 0) {
			alarm(BOMB_SECONDS);
			sleep_for_ever();
		}
	}
}

static int mode_eat(const char *mib)
{
	for (long i = 0; i < strtol(mib, NULL, 10); i++) {
		char *p = malloc(MIB);

		if (!p)
			return 12;
		memset(p, 1, MIB);
	}
	return 0;
}

static int mode_abort(const char *path)
{
	(void)path;
	abort();
}

static int mode_signal(const char *number)
{
	raise((int)strtol(number, NULL, 10));
	sleep_for_ever();
	return 0;
}

static int mode_exit(const char *code)
{
	return (int)strtol(code, NULL, 10);
}

/* What it was started with: a line for each thing that should not be so, nothing when all is as promised. */
static int mode_inspect(const char *path)
{
	struct rlimit core;
	sigset_t mask;
	struct stat st;
	int death = 0;

	(void)path;
	for (int fd = 3; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d is open\n", fd);
	}
	if (fstat(0, &st) < 0 || !S_ISCHR(st.st_mode) || read(0, &st, 1) != 0)
		puts("stdin is not /dev/null");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < 65; sig++) {
		struct sigaction act;

		if (sigismember(&mask, sig) == 1)
			printf("signal %d is blocked\n", sig);
		if (sigaction(sig, NULL, &act) == 0 && act.sa_handler != SIG_DFL)
			printf("signal %d is not at its default\n", sig);
	}
	if (getpgrp() != getpid())
		puts("no group of its own");
	if (prctl(PR_GET_PDEATHSIG, &death) < 0 || death != SIGKILL)
		puts("does not die with its parent");
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0)
		puts("may dump core");
	return 0;
}

static int mode_whoami(const char *path)
{
	gid_t groups[16];
	int n = getgroups(16, groups);
	char folder[4096];

	(void)path;
	printf("%d %d", (int)getuid(), (int)getgid());
	for (int i = 0; i < n; i++)
		printf(" %d", (int)groups[i]);
	printf(" %s\n", getcwd(folder, sizeof(folder)));
	return 0;
}

static int mode_env(const char *path)
{
	extern char **environ;

	(void)path;
	for (char **one = environ; *one; one++)
		puts(*one);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} modes[] = {
	{ "detach", mode_detach },
	{ "detach-unmarked", mode_detach_unmarked },
	{ "detach-and-sleep", mode_detach_and_sleep },
	{ "change-group", mode_change_group },
	{ "leave-in-ours", mode_leave_in_ours },
	{ "hold-pipe", mode_hold_pipe },
	{ "leave-in-group", mode_leave_in_group },
	{ "ignore-term", mode_ignore_term },
	{ "catch-term", mode_catch_term },
	{ "stop-self", mode_stop_self },
	{ "flood", mode_flood },
	{ "print", mode_print },
	{ "bytes", mode_bytes },
	{ "close-and-sleep", mode_close_and_sleep },
	{ "bomb", mode_bomb },
	{ "eat", mode_eat },
	{ "abort", mode_abort },
	{ "signal", mode_signal },
	{ "exit", mode_exit },
	{ "inspect", mode_inspect },
	{ "whoami", mode_whoami },
	{ "env", mode_env },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 2 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argc > 2 ? argv[2] : "");
	}
	fprintf(stderr, "usage: hostile MODE [ARGUMENT]\n");
	return 64;
}
