/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many programs go on at a time. Hundreds of short ones that were started at once only fight for the processors:
 * all of them end late, where a few at a time would each end soon. A program that sleeps costs nothing, and there may
 * be thousands. So a thread has a few places for young ones. A place is free again when its program has ended, or when
 * it is seen sleeping after it has had the time that a short one needs; one that wants the processor keeps it.
 */
#include "runner.h"

#include <fcntl.h>
#include <unistd.h>

enum { FIRST_LOOK_US = 8000 };

/* True when the process waits for something; false when it runs, wants to run, or cannot be asked. */
static bool sleeps(pid_t pid)
{
	char path[32], stat[128];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	stat[MAX(n, 0)] = '\0';
	const char *end = strrchr(stat, ')'); /* of the name, which may hold anything */
	return end && end[1] == ' ' && (end[2] == 'S' || end[2] == 'T');
}

static void leave(struct run_thread *thread, size_t i)
{
	thread->young[i]->young = false;
	thread->young[i] = thread->young[--thread->n_young];
}

bool pace_allows(struct run_thread *thread)
{
	int64_t now = loop_now_us(thread->loop);

	if (thread->n_young < PACE_YOUNG)
		return true;
	for (size_t i = thread->n_young; i-- > 0;) {
		struct run_state *run = thread->young[i];

		if (now < run->look_us)
			continue;
		if (sleeps(run->pid))
			leave(thread, i);
		else
			run->look_us = now + (now - run->started_us);
	}
	return thread->n_young < PACE_YOUNG;
}

void pace_wait(struct run_thread *thread)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < thread->n_young; i++)
		due = MIN(due, thread->young[i]->look_us);
	loop_timer_set(thread->loop, &thread->pace_timer, due);
}

void pace_began(struct run_state *run)
{
	run->look_us = run->started_us + FIRST_LOOK_US;
	run->young = true;
	run->thread->young[run->thread->n_young++] = run;
}

void pace_ended(struct run_state *run)
{
	struct run_thread *thread = run->thread;

	for (size_t i = 0; run->young && i < thread->n_young; i++) {
		if (thread->young[i] == run)
			leave(thread, i);
	}
}
