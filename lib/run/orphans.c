/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program may leave behind what is in no group of ours any more: a child that has made a group or session of its own,
 * and whose parent has ended. As we are a child subreaper, it becomes our child then. Which of our children are such
 * orphans is a question for /proc: those that we did not start and that are not in the group of a run that is going on.
 *
 * One that says by MRPROBER_RUN_ID in its environment that it belongs to a run which is going on is left alone until
 * that has ended. One that says nothing is left alone while a run is going on that is older than it: it could be that
 * run's.
 *
 * Looking through /proc takes about 5 us a process. Where the kernel lists children (CONFIG_PROC_CHILDREN; orphans are
 * always given to the main thread) that is only done when there are any. Elsewhere it is done after each run, but so
 * seldom that it takes one part in a hundred of a processor, and once a second at least while runs end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../base/file.h"
#include "process.h"
#include "runner.h"

enum {
	COST_FACTOR = 100,
	SELDOMEST_US = 1000000,
	FIRST_WAIT_US = 2000, /* for what was killed, to be reaped; then twice as long each time */
	MOMENT_US = 100,
	LAST_LOOKS = 500, /* before the runner is gone */
};

VEC_DEFINE(process_vec, struct process)

/* --- reading /proc --- */

/* Monotonic; not before the process was started, and at most a tick after it. Ticks go on while the machine is
 * suspended, which has to be taken off. */
static int64_t started_us(const struct process *process)
{
	int64_t tick_us = 1000000 / sysconf(_SC_CLK_TCK);
	struct timespec boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	int64_t suspended_us = (int64_t)boot.tv_sec * 1000000 + boot.tv_nsec / 1000 - monotonic_us();
	return ((int64_t)process->ticks + 1) * tick_us - suspended_us;
}

static void list_children(struct process_vec *children, int proc_fd)
{
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	pid_t self = getpid();
	struct process process;

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (process_read(&process, proc_fd, (pid_t)strtol(entry->d_name, NULL, 10)) && process.parent == self)
			process_vec_push(children, process);
	}
	closedir(dir);
}

/* --- whose is it? --- */

enum owner { OWNER_NONE, OWNER_RUN, OWNER_LEADER };

static const struct run_state *live_run(const struct runner *runner, pid_t pid)
{
	const struct run_state *run = runner->live[(unsigned)pid % LIVE_BUCKETS];

	while (run && run->pid != pid)
		run = run->next;
	return run;
}

/* The leader of a run, also of one that has ended, as it is not ours to reap; or in the group of a run that is going
 * on. */
static enum owner owner_by_number(struct runner *runner, const struct process *process)
{
	enum owner owner = OWNER_NONE;

	pthread_mutex_lock(&runner->lock);
	const struct run_state *run = live_run(runner, process->group);
	if (live_run(runner, process->pid))
		owner = OWNER_LEADER;
	else if (run && !run->exited)
		owner = OWNER_RUN;
	pthread_mutex_unlock(&runner->lock);
	return owner;
}

static bool could_be_of_a_run(struct runner *runner, const struct process *process, const char *mark)
{
	bool could = false;

	pthread_mutex_lock(&runner->lock);
	for (size_t i = 0; i < LIVE_BUCKETS && !could; i++) {
		for (struct run_state *run = runner->live[i]; run && !could; run = run->next) {
			if (run->exited)
				continue;
			could = *mark ? run->mark && streq(run->mark, mark) : run->started_us <= started_us(process);
		}
	}
	pthread_mutex_unlock(&runner->lock);
	return could;
}

/* A leader that was started a moment ago may not be in the table yet: wait for those who are about to put one in. They
 * are not longer about it than exec takes. */
static void wait_for_spawns(struct runner *runner)
{
	for (int i = 0; i < runner->n_threads; i++) {
		struct run_thread *thread = &runner->threads[i];
		unsigned seen = atomic_load(&thread->spawning);

		while (seen % 2 && atomic_load(&thread->spawning) == seen)
			usleep(MOMENT_US);
	}
}

/* --- looking --- */

/* Since /proc was read, runs have ended and others were started. True when the process is still what it was, and no
 * leader of a run. */
static bool is_no_leader(struct runner *runner, int proc_fd, struct process *process)
{
	struct process now;

	if (owner_by_number(runner, process) == OWNER_LEADER || !process_read(&now, proc_fd, process->pid) ||
		now.parent != process->parent || now.ticks != process->ticks)
		return false;
	*process = now;
	wait_for_spawns(runner);
	return owner_by_number(runner, process) != OWNER_LEADER;
}

/* The number of orphans that are there still, killed a moment ago or not. Only here orphans are reaped, and only one
 * thread at a time is here, so the number of a child of ours stays its own. */
static size_t look_at(struct runner *runner, int proc_fd, struct process *process)
{
	if (!is_no_leader(runner, proc_fd, process) || started_us(process) < runner->orphans.since_us)
		return 0;
	if (process->state == 'Z') {
		waitpid(process->pid, NULL, WNOHANG);
		return 0;
	}
	if (owner_by_number(runner, process) == OWNER_RUN)
		return 0;
	char *mark = process_mark(proc_fd, process->pid);
	bool spare = could_be_of_a_run(runner, process, mark);
	free(mark);
	return !spare && kill(process->pid, SIGKILL) == 0;
}

/* orphans->lock is held. */
static size_t look(struct runner *runner)
{
	cleanup(process_vec_clear) struct process_vec children = VEC_INIT;
	cleanup(fd_closep) int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t begin = monotonic_us();
	size_t left = 0;

	list_children(&children, proc_fd);
	for (size_t i = 0; i < children.n; i++)
		left += look_at(runner, proc_fd, &children.v[i]);
	int64_t now = monotonic_us();
	atomic_store(&runner->orphans.allowed_us, now + MIN((now - begin) * COST_FACTOR, SELDOMEST_US));
	return left;
}

static bool has_children(const struct orphans *orphans)
{
	char c;

	return orphans->children_fd < 0 || pread(orphans->children_fd, &c, 1, 0) != 0;
}

/* Later, at `due_us`, unless it is to be done sooner anyway. */
static void look_later(struct run_thread *thread, int64_t due_us)
{
	if (!thread->orphans_timer.place || thread->orphans_timer.due_us > due_us)
		loop_timer_set(thread->loop, &thread->orphans_timer, due_us);
}

static void look_now(struct run_thread *thread)
{
	struct runner *runner = thread->runner;

	if (pthread_mutex_trylock(&runner->orphans.lock)) {
		look_later(thread, monotonic_us() + FIRST_WAIT_US); /* the other thread may be past ours already */
		return;
	}
	size_t left = look(runner);
	pthread_mutex_unlock(&runner->orphans.lock);
	if (!left) {
		thread->orphans_wait_us = 0;
		return;
	}
	thread->orphans_wait_us = MIN(MAX(thread->orphans_wait_us * 2, FIRST_WAIT_US), SELDOMEST_US);
	look_later(thread, monotonic_us() + thread->orphans_wait_us);
}

void orphans_look(struct run_thread *thread, bool certain)
{
	struct orphans *orphans = &thread->runner->orphans;

	if (!certain && !has_children(orphans))
		return;
	int64_t allowed_us = atomic_load(&orphans->allowed_us);
	if (certain || monotonic_us() >= allowed_us)
		look_now(thread);
	else
		look_later(thread, allowed_us);
}

void orphans_timer(void *ctx)
{
	struct run_thread *thread = ctx;

	if (has_children(&thread->runner->orphans))
		look_now(thread);
}

void orphans_open(struct orphans *orphans)
{
	char path[64];

	orphans->since_us = monotonic_us();
	pthread_mutex_init(&orphans->lock, NULL);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	orphans->children_fd = open(path, O_RDONLY | O_CLOEXEC);
}

/* No run is going on: all that is left goes, down to the last generation. */
void orphans_close(struct runner *runner)
{
	for (int i = 0; i < LAST_LOOKS && has_children(&runner->orphans) && look(runner); i++)
		usleep(2000);
	fd_closep(&runner->orphans.children_fd);
	pthread_mutex_destroy(&runner->orphans.lock);
}
