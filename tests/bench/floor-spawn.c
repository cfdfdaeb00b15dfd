/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-spawn [-n RUNS] [-t THREADS] [-k PROGRAMS] COMMAND [ARG...]
 *
 * The least that running programs can cost: each thread keeps PROGRAMS of them going by vfork, with a pipe for what
 * they print and a pidfd for their exit, both in one epoll set. There are no time limits, users, groups or limits,
 * nothing is looked for afterwards, and only stdout is read.
 *
 * Exits are counted, and one that is not 0 is an error.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct child {
	pid_t pid;
	int exit_fd, out_fd; /* -1: seen */
};

struct worker {
	pthread_t thread;
	long runs, programs;
	struct child *children;
	int epoll_fd;
};

static char **command;
static int null_fd;

static void watch(const struct worker *worker, int fd, struct child *child)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = child };

	if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("cannot watch a descriptor: %s", strerror(errno));
}

static void forget(const struct worker *worker, int *fd)
{
	epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
	close(*fd);
	*fd = -1;
}

static pid_t spawn(int out_fd)
{
	pid_t pid = vfork();

	if (pid == 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(out_fd, STDOUT_FILENO);
		execve(command[0], command, environ);
		_exit(127);
	}
	return pid;
}

static void start(const struct worker *worker, struct child *child)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		die("cannot make a pipe: %s", strerror(errno));
	child->pid = spawn(ends[1]);
	close(ends[1]);
	if (child->pid < 0)
		die("cannot start '%s': %s", command[0], strerror(errno));
	child->out_fd = ends[0];
	child->exit_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->exit_fd < 0)
		die("cannot open a pidfd: %s", strerror(errno));
	watch(worker, child->out_fd, child);
	watch(worker, child->exit_fd, child);
}

/* True when the child has ended and all that it printed is read. */
static bool go_on(const struct worker *worker, struct child *child)
{
	char buffer[4096];
	ssize_t n = 1;
	int status;

	while (child->out_fd >= 0 && n > 0)
		n = read(child->out_fd, buffer, sizeof(buffer));
	if (n == 0)
		forget(worker, &child->out_fd);
	if (child->exit_fd >= 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
		if (status != 0)
			die("'%s' failed, so there is nothing to measure", command[0]);
		forget(worker, &child->exit_fd);
	}
	return child->out_fd < 0 && child->exit_fd < 0;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct epoll_event events[64];
	long started = 0, ended = 0;

	while (started < worker->programs && started < worker->runs)
		start(worker, &worker->children[started++]);
	while (ended < worker->runs) {
		int n = epoll_wait(worker->epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct child *child = events[i].data.ptr;

			/* the second event of one that has ended by its first: nothing is left to see */
			if (child->pid == 0 || !go_on(worker, child))
				continue;
			child->pid = 0;
			ended++;
		}
		for (long i = 0; i < worker->programs && started < worker->runs; i++) {
			if (worker->children[i].pid == 0) {
				start(worker, &worker->children[i]);
				started++;
			}
		}
	}
	return NULL;
}

static double cpu_us(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	long runs = 2000, threads = 2, programs = 8;
	int opt;

	while ((opt = getopt(argc, argv, "+n:t:k:")) != -1) {
		switch (opt) {
		case 'n':
			runs = parse_long("-n", optarg, 1, 10000000);
			break;
		case 't':
			threads = parse_long("-t", optarg, 1, 64);
			break;
		case 'k':
			programs = parse_long("-k", optarg, 1, 1000);
			break;
		default:
			die_usage("usage: floor-spawn [-n RUNS] [-t THREADS] [-k PROGRAMS] COMMAND [ARG...]");
		}
	}
	command = argv + optind;
	if (!command[0])
		die_usage("no command");
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct worker *workers = xcalloc((size_t)threads, sizeof(*workers));
	double begin = now_seconds(), cpu = cpu_us(RUSAGE_SELF);
	for (long i = 0; i < threads; i++) {
		workers[i].runs = runs / threads + (i < runs % threads);
		workers[i].programs = programs;
		workers[i].children = xcalloc((size_t)programs, sizeof(struct child));
		workers[i].epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("cannot start a thread");
	}
	for (long i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	double seconds = now_seconds() - begin;
	printf("runs=%ld seconds=%.3f per_second=%.0f own_cpu_us=%.1f child_cpu_us=%.1f rss_kib=%ld\n", runs, seconds,
		(double)runs / seconds, (cpu_us(RUSAGE_SELF) - cpu) / (double)runs,
		cpu_us(RUSAGE_CHILDREN) / (double)runs, peak_rss_kib());
	return 0;
}
