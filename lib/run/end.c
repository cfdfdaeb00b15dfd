/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUNNING -> (TERMINATING -> KILLED) -> exit seen -> DRAINING -> REAPING -> done(). An ordinary run goes through the
 * last three at once: its pipes are at their end when it has exited, and nobody else is in its group.
 *
 * The leader stays a zombie until its group is dead and its pipes are empty; so its number, by which the group is
 * signalled, is nobody else's.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "runner.h"

enum {
	FIRST_WAIT_US = 1000, /* for what was killed to be gone; then twice as long each time */
	LOOK_AFTER_US = 3000,
	WATCH_AFTER_US = 10000, /* most have ended then; until then a pipe holds 64 KiB */
	DRAIN_US = 1000000,     /* then pipes are closed, whoever holds them */
	REAP_US = 1000000,      /* then what is left, in a disk's wait as a rule, is left to orphans.c */
};

static void wait_for(struct run_state *run, int64_t us)
{
	loop_timer_set(run->thread->loop, &run->timer, monotonic_us() + us);
}

/* True until the time for it is over. */
static bool wait_again(struct run_state *run)
{
	if (monotonic_us() >= run->give_up_us)
		return false;
	wait_for(run, run->wait_us);
	run->wait_us *= 2;
	return true;
}

static void begin_phase(struct run_state *run, enum run_phase phase, int64_t longest_us)
{
	run->phase = phase;
	run->wait_us = FIRST_WAIT_US;
	run->give_up_us = monotonic_us() + longest_us;
}

/* The leader may have gone over to another group; it would hear of it twice otherwise, and some take that as a hint. */
static void signal_group(const struct run_state *run, int sig)
{
	kill(-run->pid, sig);
	if (!run->exited && getpgid(run->pid) != run->pid)
		kill(run->pid, sig);
}

/* --- waiting for its end --- */

void run_watch_pidfd(struct run_state *run)
{
	const struct run_job *job = run->job;
	int64_t us = job->spec.timeout_ms * 1000;

	/* who wants it as it arrives cannot wait */
	run->long_enough = run->long_enough || job->output || us <= WATCH_AFTER_US;
	if (run->long_enough)
		output_watch(run);
	else
		us = WATCH_AFTER_US;
	if (run->phase == PHASE_RUNNING)
		loop_timer_set(run->thread->loop, &run->timer, run->started_us + us);
}

static void running_timer(struct run_state *run)
{
	if (run->long_enough) {
		run_terminate(run, RUN_TIMEOUT, NULL);
		return;
	}
	run->long_enough = true;
	run_watch_pidfd(run);
}

/* --- ending it --- */

static void ask_to_end(struct run_state *run)
{
	const struct run_spec *spec = &run->job->spec;

	run->asked++;
	signal_group(run, spec->end_signal ? spec->end_signal : SIGTERM);
	signal_group(run, SIGCONT); /* or one that has stopped would never hear of it */
	wait_for(run, spec->grace_ms * 1000);
}

void run_terminate(struct run_state *run, enum run_end why, const char *what)
{
	if (!run->decided) {
		run->decided = true;
		run->job->result.end = why;
		run->job->result.what = what;
	}
	if (run->phase != PHASE_RUNNING || run->exited)
		return;
	run->phase = PHASE_TERMINATING;
	ask_to_end(run);
	output_watch(run);
}

static void kill_all(struct run_state *run)
{
	run->phase = PHASE_KILLED;
	run->job->result.killed = true;
	signal_group(run, SIGKILL);
	if (run->cgroup)
		cgroup_kill(run->cgroup);
}

/* --- done --- */

static void forget(struct run_state *run)
{
	struct run_thread *thread = run->thread;
	struct runner *runner = thread->runner;
	bool message_is_coming;

	pthread_mutex_lock(&runner->lock);
	if (run->pid > 0)
		runner_remove_live(run);
	thread->live--;
	run->job->state = NULL;
	run->finished = true;
	message_is_coming = run->cancel_posted;
	pthread_mutex_unlock(&runner->lock);
	if (!message_is_coming)
		free(run);
}

void run_finish(struct run_state *run)
{
	struct run_thread *thread = run->thread;
	struct run_job *job = run->job;

	loop_timer_clear(thread->loop, &run->timer);
	pace_ended(run);
	if (run->cgroup)
		cgroup_give_back(thread->runner->cgroups, run->cgroup);
	forget(run);
	job->done(job);
	runner_take_again(thread);
}

static int64_t microseconds(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void note_end(struct run_state *run, int status, const struct rusage *usage)
{
	struct run_result *result = &run->job->result;
	enum run_end end = RUN_EXITED;

	result->user_us = microseconds(usage->ru_utime);
	result->system_us = microseconds(usage->ru_stime);
	result->max_rss_kib = usage->ru_maxrss;
	if (WIFSIGNALED(status)) {
		end = RUN_SIGNALED;
		result->signal_number = WTERMSIG(status);
	} else {
		result->exit_code = WEXITSTATUS(status);
	}
	if (run->decided)
		return;
	if (run->cgroup && status)
		result->what = cgroup_limit_hit(run->cgroup, result->signal_number == SIGKILL);
	result->end = result->what ? RUN_LIMIT : end;
}

/* False while others of its group are dying. While one of them is a child of ours, the number of the group is not used
 * again, so it does not matter that the leader is reaped before. */
static bool reap_group(struct run_state *run)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (!run->reaped && wait4(run->pid, &status, WNOHANG, &usage) == run->pid) {
		run->reaped = true;
		note_end(run, status, &usage);
	}
	do {
		pid = waitpid(-run->pid, NULL, WNOHANG);
	} while (pid > 0);
	return pid < 0;
}

static void reap(struct run_state *run)
{
	bool gone = reap_group(run) && (!run->cgroup || !cgroup_kill(run->cgroup));

	if (!gone && wait_again(run))
		return;
	if (!run->reaped && !run->decided) { /* other code of this process has taken the exit from us */
		run->job->result.end = RUN_SPAWN;
		run->job->result.what = "wait";
		run->job->result.error_number = ECHILD;
	}
	run_finish(run);
}

static void begin_reaping(struct run_state *run)
{
	output_close(run);
	begin_phase(run, PHASE_REAPING, REAP_US);
	reap(run);
}

/* --- events --- */

static void go_on_draining(struct run_state *run)
{
	if (!output_open(run)) {
		begin_reaping(run);
		return;
	}
	/* Somebody who is not of the group has the pipe. For a moment that may be a child of another thread, on its way
	 * to exec; then it is what this program left behind. */
	if (run->wait_us > LOOK_AFTER_US)
		orphans_look(run->thread, true);
	if (!wait_again(run))
		begin_reaping(run);
}

void run_exited(void *ctx, uint32_t events)
{
	struct run_state *run = ctx;
	struct run_thread *thread = run->thread;

	(void)events;
	run->job->result.ended_us = monotonic_us();
	loop_io_remove(thread->loop, &run->exit_io);
	close(run->exit_io.fd);
	pthread_mutex_lock(&thread->runner->lock);
	run->exited = true; /* what it has left is nobody's from now on */
	pthread_mutex_unlock(&thread->runner->lock);
	signal_group(run, SIGKILL);
	bool left = run->cgroup && cgroup_kill(run->cgroup);
	output_drain(run);
	orphans_look(thread, left);
	if (!output_open(run)) {
		begin_reaping(run);
		return;
	}
	begin_phase(run, PHASE_DRAINING, DRAIN_US);
	output_watch(run);
	wait_again(run);
}

void run_timer(void *ctx)
{
	struct run_state *run = ctx;

	switch (run->phase) {
	case PHASE_RUNNING:
		running_timer(run);
		break;
	case PHASE_TERMINATING:
		if (run->asked < run->job->spec.end_tries)
			ask_to_end(run);
		else
			kill_all(run);
		break;
	case PHASE_KILLED:
		break;
	case PHASE_DRAINING:
		go_on_draining(run);
		break;
	case PHASE_REAPING:
		reap(run);
		break;
	}
}

void run_cancel(struct loop_message *message)
{
	struct run_state *run = (struct run_state *)((char *)message - offsetof(struct run_state, cancel));

	if (run->finished) {
		free(run);
		return;
	}
	pthread_mutex_lock(&run->thread->runner->lock);
	run->cancel_posted = false;
	pthread_mutex_unlock(&run->thread->runner->lock);
	if (run->pid > 0) {
		run_terminate(run, RUN_CANCELED, NULL);
		return;
	}
	run->decided = true;
	run->job->result.end = RUN_CANCELED;
	run->job->result.started_us = run->job->result.ended_us = monotonic_us();
	run_finish(run);
}
